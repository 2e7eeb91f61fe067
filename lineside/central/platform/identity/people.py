"""People who work at stations: opaque ids outside, names and badges only here."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from lineside.central.errors import AlreadyExistsError, NotFoundError
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.platform.identity.entities import PersonRecord
from lineside.central.platform.identity.errors import BadgeTakenError
from lineside.central.platform.identity.notices import PersonChanged, PersonForgotten


def add_person(
    work: UnitOfWork, *, badge: str, name: str, roles: list[str], person: str = ""
) -> PersonRecord:
    """A new person; the id is made here unless an import brings one.

    Raises:
        BadgeTakenError: The badge belongs to another active person.
        ConflictError: The id exists.
    """
    _check_badge(work, badge, person)
    person = person or f"P-{secrets.token_hex(4).upper()}"
    if work.session.get(PersonRecord, person) is not None:
        raise AlreadyExistsError("Person", person)
    record = PersonRecord(
        id=person,
        badge=badge,
        name=name,
        roles=roles,
        active=True,
        created_at=work.now(),
        revision=1,
        extra={},
    )
    work.session.add(record)
    work.session.flush()
    _tell(work, record)
    return record


def get_person(work: UnitOfWork, person: str) -> PersonRecord:
    """One person.

    Raises:
        NotFoundError: Nobody, or forgotten.
    """
    record = work.session.get(PersonRecord, person)
    if record is None:
        raise NotFoundError("person", person)
    return record


def change_person(
    work: UnitOfWork,
    person: str,
    *,
    expected: int,
    badge: str | None = None,
    name: str | None = None,
    roles: list[str] | None = None,
    active: bool | None = None,
) -> PersonRecord:
    """Change a person.

    Raises:
        NotFoundError: Nobody.
        BadgeTakenError: The new badge belongs to another active person.
        RevisionStaleError: Changed meanwhile.
    """
    record = work.session.get(PersonRecord, person, with_for_update=True)
    if record is None:
        raise NotFoundError("person", person)
    check_revision(record.revision, expected)
    if badge is not None and badge != record.badge:
        _check_badge(work, badge, person)
        record.badge = badge
    record.name = record.name if name is None else name
    record.roles = record.roles if roles is None else roles
    record.active = record.active if active is None else active
    record.revision += 1
    work.session.flush()
    _tell(work, record)
    return record


def forget_person(work: UnitOfWork, person: str) -> None:
    """Delete name and badge here and on the edges; events keep an id that means nobody.

    Raises:
        NotFoundError: Nobody.
    """
    work.session.delete(get_person(work, person))
    work.publish(PersonForgotten(person=person))


def tell_all(work: UnitOfWork) -> None:
    """Tell every active person anew, for an edge that is new."""
    for record in work.session.scalars(
        select(PersonRecord).where(PersonRecord.active).order_by(PersonRecord.id)
    ):
        _tell(work, record)


def _tell(work: UnitOfWork, record: PersonRecord) -> None:
    if record.active:
        work.publish(
            PersonChanged(
                person=record.id, badge=record.badge, name=record.name, roles=tuple(record.roles)
            )
        )
    else:
        work.publish(PersonForgotten(person=record.id))


def _check_badge(work: UnitOfWork, badge: str, person: str) -> None:
    if not badge:
        return
    owner = work.session.scalar(
        select(PersonRecord.id).where(PersonRecord.badge == badge, PersonRecord.active)
    )
    if owner is not None and owner != person:
        raise BadgeTakenError(badge)
