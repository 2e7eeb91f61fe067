"""One seed for everything that is drawn, also for what production draws by itself."""

from __future__ import annotations

import contextlib
import random
import secrets
from collections.abc import Generator
from unittest import mock


@contextlib.contextmanager
def seeded_secrets(seed: int) -> Generator[None]:
    """Random ids of production (epochs, boots) come out of the seed while this is open."""
    draw = random.Random(f"secrets {seed}")

    def token_hex(size: int | None = None) -> str:
        return draw.randbytes(size or 32).hex()

    with mock.patch.object(secrets, "token_hex", token_hex):
        yield


def fork(chance: random.Random) -> random.Random:
    """A source of its own, so that one part's draws do not move another's."""
    return random.Random(chance.random())
