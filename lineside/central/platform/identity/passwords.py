"""Argon2id, with a bound on how many are computed at once."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lineside.central.platform.identity.errors import WeakPasswordError

PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 500
HASHES_AT_ONCE = 2  # 64 MiB and a core each: a burst of sign-ins must not stop the ingest

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)
_dummy_lock = threading.Lock()
_dummy: list[str] = []


def hash_password(name: str, password: str) -> str:
    """The stored form of a password.

    Raises:
        WeakPasswordError: Shorter than `PASSWORD_CHARACTERS_MIN`, or the name itself.
    """
    too_long = len(password) > PASSWORD_CHARACTERS_MAX
    if len(password) < PASSWORD_CHARACTERS_MIN or too_long or password.lower() == name.lower():
        raise WeakPasswordError(PASSWORD_CHARACTERS_MIN)
    with _slots:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long for a name that does not exist."""
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return False
    with _slots:
        try:
            return _hasher.verify(stored or _a_hash(), password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def _a_hash() -> str:
    with _dummy_lock:
        if not _dummy:
            _dummy.append(_hasher.hash("nobody has this password"))
        return _dummy[0]
