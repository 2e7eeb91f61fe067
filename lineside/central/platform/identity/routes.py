"""Signing in, users, people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy import select

from lineside.central.errors import (
    ConflictError,
    NotFoundError,
    RevisionMissingError,
    RevisionStaleError,
)
from lineside.central.kit.http import refusals
from lineside.central.kit.pagination import Page, Paging, after_key, cut_page
from lineside.central.kit.revisions import ExpectedRevision, show_revision
from lineside.central.kit.schema import In, Instant, Number, Out, Text
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.platform.access.policy import PERMISSIONS, ROLE_PERMISSIONS
from lineside.central.platform.access.principal import Principal, public, require
from lineside.central.platform.identity import people, service
from lineside.central.platform.identity.entities import PersonRecord, UserAccount
from lineside.central.platform.identity.errors import (
    AccountRestsError,
    BadgeTakenError,
    FirstRunRefusedError,
    SignInRefusedError,
)

auth = APIRouter(prefix="/api/v1/auth", tags=["auth"], route_class=TransactionRoute)
persons = APIRouter(prefix="/api/v1/mes/persons", tags=["people"], route_class=TransactionRoute)

Self = Annotated[Principal, Depends(require("self"))]
UsersAdmin = Annotated[Principal, Depends(require("users.admin"))]
PeopleReader = Annotated[Principal, Depends(require("people.read"))]
PeopleWriter = Annotated[Principal, Depends(require("people.write"))]
UPDATE = (NotFoundError, RevisionMissingError, RevisionStaleError)


class LoginIn(In):
    """Name and password."""

    user: Text
    password: Annotated[str, Field(max_length=1000)]


class FirstRunIn(LoginIn):
    """The one-time code that central printed, and the first administrator."""

    code: Text


class TokenOut(Out):
    """A bearer token; it is shown once."""

    token: str
    token_type: str = "bearer"  # noqa: S105 - the word of RFC 6750
    expires_at: Instant


class MeOut(Out):
    """The user of the token."""

    id: str
    name: str
    person: str
    roles: list[str]
    permissions: list[str]


class UserOut(Out):
    """A user of central."""

    id: str
    name: str
    roles: list[str]
    grants: list[str]
    person: str
    disabled: bool
    created_at: Instant
    revision: int


class UserIn(In):
    """A new user."""

    name: Number
    password: Annotated[str, Field(max_length=500)]
    roles: list[str]
    grants: list[str] = Field(default_factory=list[str])
    person: str = ""


class UserPatch(In):
    """What changes; fields left out stay."""

    password: Annotated[str, Field(max_length=500)] | None = None
    roles: list[str] | None = None
    grants: list[str] | None = None
    disabled: bool | None = None
    person: str | None = None


class RoleOut(Out):
    """A role and what it may do."""

    role: str
    permissions: list[str]


class AccessOut(Out):
    """Roles, and every permission with its meaning."""

    roles: list[RoleOut]
    permissions: dict[str, str]


class PersonOut(Out):
    """Somebody who works here; events hold only `id`."""

    id: str
    badge: str
    name: str
    roles: list[str]
    active: bool
    revision: int


class PersonIn(In):
    """A new person; `id` only when an import brings one."""

    id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.\-]*$")] = ""
    badge: Annotated[str, Field(max_length=100)] = ""
    name: Text
    roles: list[str] = Field(default_factory=lambda: ["operator"])


class PersonPatch(In):
    """What changes; fields left out stay."""

    badge: Annotated[str, Field(max_length=100)] | None = None
    name: Text | None = None
    roles: list[str] | None = None
    active: bool | None = None


@auth.post(
    "/login",
    dependencies=[Depends(public)],
    responses=refusals(SignInRefusedError, AccountRestsError),
)
def login(body: LoginIn, work: Work, request: Request) -> TokenOut:
    """Exchange name and password for a bearer token."""
    rules: service.SignInRules = request.app.state.sign_in_rules
    issued = service.sign_in(work, rules, name=body.user, password=body.password)
    return TokenOut(token=issued.token, expires_at=issued.expires_at)


@auth.post(
    "/first-run",
    dependencies=[Depends(public)],
    status_code=201,
    responses=refusals(FirstRunRefusedError),
)
def first_run(body: FirstRunIn, work: Work, request: Request) -> TokenOut:
    """Create the first administrator with the one-time code, and sign him in."""
    rules: service.SignInRules = request.app.state.sign_in_rules
    user = service.first_run(work, code=body.code, name=body.user, password=body.password)
    issued = service.issue_token(work, rules, user)
    return TokenOut(token=issued.token, expires_at=issued.expires_at)


@auth.post("/logout", status_code=204)
def logout(work: Work, principal: Self) -> None:
    """Forget the token of this request."""
    service.sign_out(work, principal)


@auth.get("/me")
def me(principal: Self) -> MeOut:
    """Who the token belongs to, and what he may do."""
    return MeOut(
        id=principal.id,
        name=principal.name,
        person=principal.person,
        roles=list(principal.roles),
        permissions=sorted(principal.permissions),
    )


@auth.get("/roles")
def roles(_admin: UsersAdmin) -> AccessOut:
    """All roles and permissions."""
    found = [
        RoleOut(role=role, permissions=sorted(granted))
        for role, granted in ROLE_PERMISSIONS.items()
    ]
    return AccessOut(roles=found, permissions=PERMISSIONS)


@auth.get("/users")
def users(work: Work, page: Paging, _admin: UsersAdmin) -> Page[UserOut]:
    """All users, by name."""
    rows = list(work.session.scalars(after_key(select(UserAccount), (UserAccount.name,), page)))  # pyright: ignore[reportArgumentType]
    rows, cursor = cut_page(rows, page, ("name",))
    return Page(items=[UserOut.model_validate(row) for row in rows], next_cursor=cursor)


@auth.post("/users", status_code=201, responses=refusals(ConflictError))
def create_user(body: UserIn, work: Work, response: Response, _admin: UsersAdmin) -> UserOut:
    """Create a user."""
    user = service.add_user(
        work,
        name=body.name,
        password=body.password,
        roles=body.roles,
        grants=body.grants,
        person=body.person,
    )
    show_revision(response, user.revision)
    return UserOut.model_validate(user)


@auth.patch("/users/{user_id}", responses=refusals(*UPDATE))
def change_user(
    _admin: UsersAdmin,
    user_id: str,
    body: UserPatch,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> UserOut:
    """Change a user; a new password or disabling ends his tokens."""
    user = service.change_user(
        work, user_id, expected=expected, **body.model_dump(exclude_unset=True)
    )
    show_revision(response, user.revision)
    return UserOut.model_validate(user)


@persons.get("")
def list_persons(work: Work, page: Paging, _reader: PeopleReader) -> Page[PersonOut]:
    """All people, by id."""
    rows = list(work.session.scalars(after_key(select(PersonRecord), (PersonRecord.id,), page)))  # pyright: ignore[reportArgumentType]
    rows, cursor = cut_page(rows, page, ("id",))
    return Page(items=[PersonOut.model_validate(row) for row in rows], next_cursor=cursor)


@persons.post("", status_code=201, responses=refusals(BadgeTakenError))
def create_person(
    body: PersonIn, work: Work, response: Response, _writer: PeopleWriter
) -> PersonOut:
    """A new person; the edges learn badge and name."""
    record = people.add_person(
        work, badge=body.badge, name=body.name, roles=body.roles, person=body.id
    )
    show_revision(response, record.revision)
    return PersonOut.model_validate(record)


@persons.get("/{person}", responses=refusals(NotFoundError))
def read_person(person: str, work: Work, response: Response, _reader: PeopleReader) -> PersonOut:
    """One person."""
    record = people.get_person(work, person)
    show_revision(response, record.revision)
    return PersonOut.model_validate(record)


@persons.patch("/{person}", responses=refusals(*UPDATE, BadgeTakenError))
def change_person(
    _writer: PeopleWriter,
    person: str,
    body: PersonPatch,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> PersonOut:
    """Change badge, name, roles, or set a person inactive."""
    record = people.change_person(
        work, person, expected=expected, **body.model_dump(exclude_unset=True)
    )
    show_revision(response, record.revision)
    return PersonOut.model_validate(record)


@persons.delete("/{person}", status_code=204, responses=refusals(NotFoundError))
def forget_person(person: str, work: Work, _writer: PeopleWriter) -> None:
    """Forget a person: name and badge are deleted, events keep the opaque id."""
    people.forget_person(work, person)
