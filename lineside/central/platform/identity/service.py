"""Rules of signing in. Knows neither HTTP nor pages."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from lineside.central.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.together import Reads, read_together
from lineside.central.kit.unit_of_work import UnitOfWork, unit_of_work
from lineside.central.platform.access.policy import PERMISSIONS, ROLES, Role, permissions_of
from lineside.central.platform.access.principal import Principal
from lineside.central.platform.identity.entities import (
    AccessToken,
    FirstRunCode,
    LoginFailure,
    PersonRecord,
    UserAccount,
)
from lineside.central.platform.identity.errors import (
    AccountRestsError,
    FirstRunRefusedError,
    SignInRefusedError,
)
from lineside.central.platform.identity.passwords import hash_password, verify_password
from lineside.contracts.clock import US_PER_SECOND, Microseconds

FIRST_RUN_VALID = 24 * 3600 * US_PER_SECOND
REST_MAX_S = 3600
FAILURES_KEPT = 24 * 3600 * US_PER_SECOND


@dataclass(frozen=True, slots=True)
class SignInRules:
    """`[access]` of the configuration."""

    token_hours: int = 12
    edge_token_days: int = 90
    failures_max: int = 5
    lock_s: int = 30


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, shown once."""

    token: str
    expires_at: Microseconds
    user: UserAccount


def token_hash(token: str) -> str:
    """What is stored of a token; it is random, so a plain hash suffices."""
    return hashlib.sha256(token.encode()).hexdigest()


_WHO_ASKS = """
    SELECT u.id, u.name, u.person, u.roles, u.grants
    FROM access_token t JOIN user_account u ON u.id = t.user_id
    WHERE t.token_hash = %(token_hash)s AND t.expires_at > %(now)s AND NOT u.disabled
"""


def authenticate(work: Reads, authorization: str) -> Principal | None:
    """The principal behind `Bearer <token>`, or None; one query."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    hashed = token_hash(token.strip())
    (rows,) = read_together(
        work.connection, [(_WHO_ASKS, {"token_hash": hashed, "now": work.now()})]
    )
    row = rows[0] if rows else None
    if row is None:
        return None
    return Principal(
        id=row.id,
        name=row.name,
        person=row.person,
        roles=tuple(row.roles),
        permissions=permissions_of(row.roles, row.grants),
        token_hash=hashed,
    )


def sign_in(work: UnitOfWork, rules: SignInRules, *, name: str, password: str) -> IssuedToken:
    """A token for name and password.

    Raises:
        AccountRestsError: Too many wrong passwords for this name.
        SignInRefusedError: Wrong name or password, or a disabled user.
    """
    name = name.strip().lower()
    failure = work.session.get(LoginFailure, name)
    now = work.now()
    if failure is not None and failure.rests_until > now:
        raise AccountRestsError(-(-(failure.rests_until - now) // US_PER_SECOND))
    user = work.session.scalar(select(UserAccount).where(UserAccount.name == name))
    usable = user is not None and not user.disabled
    right = verify_password(user.password_hash if user is not None else None, password)
    if user is None or not usable or not right:
        _count_failure(work, rules, name)
        raise SignInRefusedError
    if failure is not None:
        work.session.delete(failure)
    return issue_token(work, rules, user)


def issue_token(work: UnitOfWork, rules: SignInRules, user: UserAccount) -> IssuedToken:
    """A new token of a user; expired ones of anybody are swept on the way."""
    now = work.now()
    hours = rules.edge_token_days * 24 if user.roles == [Role.EDGE] else rules.token_hours
    token = secrets.token_urlsafe(32)
    expires_at = now + hours * 3600 * US_PER_SECOND
    work.session.execute(delete(AccessToken).where(AccessToken.expires_at < now))
    work.session.add(
        AccessToken(
            token_hash=token_hash(token), user_id=user.id, created_at=now, expires_at=expires_at
        )
    )
    return IssuedToken(token, expires_at, user)


def sign_out(work: UnitOfWork, principal: Principal) -> None:
    """Forget the token that the request came with."""
    work.session.execute(delete(AccessToken).where(AccessToken.token_hash == principal.token_hash))


def _count_failure(work: UnitOfWork, rules: SignInRules, name: str) -> None:
    # A transaction of its own: the refusal rolls the request back, the count must stay.
    with unit_of_work(work.engine, work.clock) as counting:
        now = counting.now()
        counting.session.execute(
            delete(LoginFailure).where(LoginFailure.last_at < now - FAILURES_KEPT)
        )
        failure = counting.session.get(LoginFailure, name, with_for_update=True)
        if failure is None:
            failure = LoginFailure(name=name, failures=0, rests_until=0, last_at=now)
            counting.session.add(failure)
        failure.failures += 1
        failure.last_at = now
        beyond = failure.failures - rules.failures_max
        if beyond >= 0:
            rest_s = min(REST_MAX_S, rules.lock_s * 2 ** min(beyond, 12))
            failure.rests_until = now + rest_s * US_PER_SECOND


def add_user(
    work: UnitOfWork,
    *,
    name: str,
    password: str,
    roles: list[str],
    grants: list[str] | None = None,
    person: str = "",
) -> UserAccount:
    """Create a user.

    Raises:
        ConflictError: The name is taken.
        InvalidInputError: A role or grant that does not exist, or an empty name.
        WeakPasswordError: The password is too short.
    """
    name = name.strip().lower()
    if not name:
        raise InvalidInputError("A user needs a name.", field="body.name", said="identity.no_name")
    _check_roles(roles, grants or [])
    if work.session.scalar(select(UserAccount.id).where(UserAccount.name == name)) is not None:
        raise AlreadyExistsError("User", name, hint="Choose another name.")
    user = UserAccount(
        id=f"u-{secrets.token_hex(8)}",
        name=name,
        password_hash=hash_password(name, password),
        roles=roles,
        grants=grants or [],
        person=person,
        disabled=False,
        created_at=work.now(),
        revision=1,
    )
    work.session.add(user)
    work.session.flush()
    return user


def change_user(
    work: UnitOfWork,
    user_id: str,
    *,
    expected: int | None,
    password: str | None = None,
    roles: list[str] | None = None,
    grants: list[str] | None = None,
    disabled: bool | None = None,
    person: str | None = None,
) -> UserAccount:
    """Change a user; a new password or a disabling ends all his tokens.

    Raises:
        NotFoundError: No such user.
        RevisionStaleError: He was changed meanwhile.
    """
    user = work.session.get(UserAccount, user_id, with_for_update=True)
    if user is None:
        raise NotFoundError("user", user_id)
    check_revision(user.revision, expected)
    _check_roles(roles or [], grants or [])
    if password is not None:
        user.password_hash = hash_password(user.name, password)
    user.roles = user.roles if roles is None else roles
    user.grants = user.grants if grants is None else grants
    user.person = user.person if person is None else person
    user.disabled = user.disabled if disabled is None else disabled
    user.revision += 1
    if password is not None or disabled:
        work.session.execute(delete(AccessToken).where(AccessToken.user_id == user.id))
    return user


def find_user(work: UnitOfWork, name: str) -> UserAccount:
    """The user of a name.

    Raises:
        NotFoundError: No such user.
    """
    user = work.session.scalar(select(UserAccount).where(UserAccount.name == name.strip().lower()))
    if user is None:
        raise NotFoundError("user", name)
    return user


def count_users(work: UnitOfWork) -> int:
    """How many users there are."""
    return work.session.scalar(select(func.count()).select_from(UserAccount)) or 0


def count_tokens(work: UnitOfWork) -> int:
    """How many tokens there are; expired ones stay until somebody signs in again."""
    return work.session.scalar(select(func.count()).select_from(AccessToken)) or 0


def make_first_run_code(work: UnitOfWork) -> str | None:
    """A new one-time code that replaces any older one; None when there are users."""
    if count_users(work):
        return None
    code = "-".join(secrets.token_hex(2) for _ in range(4))
    work.session.execute(delete(FirstRunCode))
    work.session.add(
        FirstRunCode(code_hash=token_hash(code), expires_at=work.now() + FIRST_RUN_VALID)
    )
    return code


def first_run(work: UnitOfWork, *, code: str, name: str, password: str) -> UserAccount:
    """The first administrator, created with the one-time code.

    Raises:
        FirstRunRefusedError: Wrong, used or expired code, or users exist.
    """
    stored = work.session.get(FirstRunCode, token_hash(code.strip().lower()), with_for_update=True)
    if stored is None or stored.expires_at < work.now() or count_users(work):
        raise FirstRunRefusedError
    work.session.delete(stored)
    return add_user(work, name=name, password=password, roles=[Role.ADMINISTRATOR])


def _check_roles(roles: list[str], grants: list[str]) -> None:
    for role in roles:
        if role not in ROLES:
            raise InvalidInputError(
                f"There is no role {role}.",
                field="body.roles",
                hint=f"Roles: {', '.join(sorted(ROLES))}.",
                said="identity.unknown_role",
                values={"role": role},
            )
    for grant in grants:
        if grant not in PERMISSIONS:
            raise InvalidInputError(
                f"There is no permission {grant}.",
                field="body.grants",
                said="identity.unknown_permission",
                values={"permission": grant},
            )


@dataclass(frozen=True, slots=True)
class BadgeHolder:
    """A person as a badge shows her."""

    id: str
    name: str
    badge: str


def badge_holders(work: UnitOfWork, persons: Sequence[str]) -> dict[str, BadgeHolder]:
    """The people among these ids who are known, by id."""
    rows = work.session.scalars(select(PersonRecord).where(PersonRecord.id.in_(persons)))
    return {row.id: BadgeHolder(row.id, row.name, row.badge) for row in rows}
