"""REST of configurations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.central.errors import NotFoundError, RevisionStaleError
from lineside.central.kit.http import refusals
from lineside.central.kit.pagination import Page
from lineside.central.kit.revisions import MaybeExpectedRevision
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.edge_configuration import checking, queries, schemas, service
from lineside.central.mes.edge_configuration.difference import difference
from lineside.central.mes.edge_configuration.errors import (
    ConfigurationSecretError,
    ConfigurationTooLargeError,
    ConfigurationUnsoundError,
    EdgeRevokedError,
)
from lineside.central.mes.edge_configuration.queries import VersionRow
from lineside.central.platform.access.principal import Principal, require

router = APIRouter(prefix="/api/v1/mes", tags=["edge configurations"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("configurations.read"))]
Admin = Annotated[Principal, Depends(require("edges.admin"))]
Version = Annotated[int, Path(ge=1, le=1 << 53)]
ONE_EDGE = "/edges/{edge}/configurations"


@router.get("/edge-configurations")
def list_standings(work: Work, _: Reader) -> list[schemas.EdgeStandingOut]:
    """Every edge, what it runs and what it shall run, by id."""
    return [_standing(found) for found in service.standings(work)]


@router.get(ONE_EDGE, responses=refusals(NotFoundError))
def list_versions(
    work: Work,
    _: Reader,
    edge: str,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(pattern=r"^\d{0,15}$")] = "",
) -> Page[schemas.VersionOut]:
    """Versions of an edge, newest first."""
    service.need_edge(work, edge)
    rows = queries.versions(work.connection, edge, before=int(cursor or 1 << 53), limit=limit + 1)
    more = str(rows[limit - 1].version) if len(rows) > limit else None
    return Page(items=_shown(work, edge, rows[:limit]), next_cursor=more)


@router.post(f"{ONE_EDGE}/check", responses=refusals(NotFoundError, ConfigurationTooLargeError))
def check_text(
    _: Admin, edge: str, body: schemas.ConfigurationTextIn, work: Work
) -> schemas.CheckOut:
    """What is wrong or doubtful in a text, and what it would change; nothing is stored."""
    problems = service.problems_of(work, edge, body.text)
    return schemas.CheckOut(
        content_hash=hashlib.sha256(body.text.encode()).hexdigest(),
        sound=not checking.errors(problems),
        problems=_problems(problems),
        difference=_difference(work, edge, body.text, body.against),
    )


@router.post(
    ONE_EDGE,
    status_code=201,
    responses=refusals(NotFoundError, ConfigurationTooLargeError, ConfigurationSecretError),
)
def save_draft(
    principal: Admin, edge: str, body: schemas.DraftIn, work: Work
) -> schemas.VersionTextOut:
    """Store a text as the next version; it is sent by an act of its own."""
    row = service.save(work, edge, body.text, note=body.note, by=principal.name)
    return _with_text(work, row)


@router.get(f"{ONE_EDGE}/{{version}}", responses=refusals(NotFoundError))
def read_version(work: Work, _: Reader, edge: str, version: Version) -> schemas.VersionTextOut:
    """One version with its text, and what is wrong with it now."""
    service.need_edge(work, edge)
    return _with_text(work, service.version_row(work, edge, version))


@router.get(f"{ONE_EDGE}/{{version}}/difference", responses=refusals(NotFoundError))
def read_difference(
    work: Work,
    _: Reader,
    edge: str,
    version: Version,
    against: Annotated[int | None, Query(ge=0, le=1 << 53)] = None,
) -> schemas.DifferenceOut:
    """What a version changes, against another one; none named: against what the edge runs."""
    return _difference(work, edge, service.text_of(work, edge, version).text, against)


@router.post(
    f"{ONE_EDGE}/{{version}}/send",
    responses=refusals(
        NotFoundError, RevisionStaleError, EdgeRevokedError, ConfigurationUnsoundError
    ),
)
def send_version(
    principal: Admin,
    edge: str,
    version: Version,
    work: Work,
    body: schemas.ConfigurationSendIn,
    expected: MaybeExpectedRevision,
) -> schemas.VersionOut:
    """Send a version; one that was sent before becomes a new version with the same content.

    `If-Match` may name the version that was sent last, so that nobody overrides another one's
    sending unseen.
    """
    row = service.send(
        work, edge, version, by=principal.name, trial_s=body.trial_s, expected=expected
    )
    return _shown(work, edge, [row])[0]


@router.post(f"{ONE_EDGE}/{{version}}/copy", status_code=201, responses=refusals(NotFoundError))
def copy_version(
    principal: Admin, edge: str, version: Version, body: schemas.ConfigurationCopyIn, work: Work
) -> list[schemas.VersionTextOut]:
    """Make a version a draft of other edges; what does not fit there stands as its problems."""
    rows = service.copy(work, edge, version, body.edges, by=principal.name)
    return [_with_text(work, row) for row in rows]


def _standing(found: service.EdgeStanding) -> schemas.EdgeStandingOut:
    edge, running = found.edge, found.running
    return schemas.EdgeStandingOut(
        edge=edge.id,
        name=edge.name,
        revoked=edge.revoked_at is not None,
        heard_at=edge.heard_at,
        running=None if running is None else schemas.RunningOut.model_validate(running),
        wanted=None if found.wanted is None else _one(found.wanted),
        newest=found.newest,
    )


def _one(seen: service.Seen) -> schemas.VersionOut:
    return schemas.VersionOut.model_validate(asdict(seen.row) | asdict(seen.standing))


def _shown(work: Work, edge: str, rows: Sequence[VersionRow]) -> list[schemas.VersionOut]:
    return [_one(found) for found in service.seen(work, edge, rows)]


def _with_text(work: Work, row: VersionRow) -> schemas.VersionTextOut:
    text = service.text_of(work, row.edge, row.version).text
    problems = _problems(service.problems_of(work, row.edge, text))
    shown = _shown(work, row.edge, [row])[0].model_dump()
    shown = shown | {"text": text, "problems": problems}
    return schemas.VersionTextOut.model_validate(shown)


def _problems(problems: Sequence[checking.Problem]) -> list[schemas.ProblemOut]:
    return [schemas.ProblemOut.model_validate(one) for one in problems]


def _difference(work: Work, edge: str, text: str, against: int | None) -> schemas.DifferenceOut:
    if against is None:
        against, old = service.running_text(work, edge)
    else:
        old = service.text_of(work, edge, against).text if against else ""
    changes = [schemas.PartChangeOut.model_validate(one) for one in difference(old, text)]
    return schemas.DifferenceOut(against=against, changes=changes)
