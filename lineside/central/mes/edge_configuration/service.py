"""Rules of configurations: what is stored, what is sent, how often."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineside.central.errors import NotFoundError
from lineside.central.ingest.edges import EdgeState, list_edges
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.edge_configuration import checking, queries
from lineside.central.mes.edge_configuration.checking import Problem
from lineside.central.mes.edge_configuration.entities import (
    ConfigurationSending,
    ConfigurationVersion,
)
from lineside.central.mes.edge_configuration.errors import (
    ConfigurationSecretError,
    ConfigurationTooLargeError,
    ConfigurationUnsoundError,
    EdgeRevokedError,
)
from lineside.central.mes.edge_configuration.queries import VersionRow
from lineside.central.mes.edge_configuration.standing import (
    Running,
    Standing,
    running_of,
    standing_of,
)
from lineside.central.mes.master_data.service import get_edge, station_edges
from lineside.central.mes.notices import DocumentWanted
from lineside.central.mes.orders.notices import RevisionsAsked
from lineside.contracts.commands import EdgeConfiguration

KIND, IDENTITY = "configuration", "edge"
TEXT_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A version and how it stands."""

    row: VersionRow
    standing: Standing


@dataclass(frozen=True, slots=True)
class EdgeStanding:
    """An edge: what it runs, the version that was sent last, the number of its newest version."""

    edge: EdgeState
    running: Running | None
    wanted: Seen | None
    newest: int


def problems_of(work: UnitOfWork, edge: str, text: str) -> list[Problem]:
    """What is wrong or doubtful in a text, as far as central can tell.

    Raises:
        NotFoundError: No such edge.
        ConfigurationTooLargeError: It is longer than an edge takes.
    """
    get_edge(work, edge)
    _check_size(text)
    return checking.check(text, edge=edge, station_edges=station_edges(work))


def save(
    work: UnitOfWork, edge: str, text: str, *, note: str, by: str, source: str = ""
) -> VersionRow:
    """Store a text as the next version; a draft that is newest and the same stays as it is.

    A draft may have problems, so that work on it can go on elsewhere; it is not sent with errors.

    Raises:
        NotFoundError: No such edge.
        ConfigurationTooLargeError: It is longer than an edge takes.
        ConfigurationSecretError: A secret stands in it.
    """
    get_edge(work, edge)
    _check_size(text)
    if (secret := checking.first_secret(text)) is not None:
        line, key = secret
        raise ConfigurationSecretError(line=line, key=key)
    queries.lock(work.connection, edge)
    newest = queries.newest_of(work.connection, edge)
    content_hash = hashlib.sha256(text.encode()).hexdigest()
    if newest.version > newest.sent:
        row = version_row(work, edge, newest.version)
        if (row.content_hash, row.note) == (content_hash, note):
            return row
    work.session.add(
        ConfigurationVersion(
            edge=edge,
            version=newest.version + 1,
            content_hash=content_hash,
            text=text,
            note=note,
            source=source,
            author=by,
            created_at=work.now(),
        )
    )
    work.session.flush()
    return version_row(work, edge, newest.version + 1)


def send(
    work: UnitOfWork, edge: str, version: int, *, by: str, trial_s: int, expected: int | None
) -> VersionRow:
    """Let an edge have a version; one that was sent before becomes a new version of that content.

    The one that is on its way already is not sent twice.

    Args:
        work: The transaction.
        edge: Which edge.
        version: Which of its versions.
        by: Who sends it.
        trial_s: How long the edge tries it, seconds.
        expected: Newest sent version as the caller saw it; None: whatever it is.

    Raises:
        NotFoundError: No such edge or version.
        RevisionStaleError: Somebody else has sent one meanwhile.
        EdgeRevokedError: The edge may not come any more.
        ConfigurationUnsoundError: The version has errors.
    """
    if get_edge(work, edge).revoked_at is not None:
        raise EdgeRevokedError(edge)
    queries.lock(work.connection, edge)
    newest = queries.newest_of(work.connection, edge)
    check_revision(newest.sent, expected)
    found = text_of(work, edge, version)
    _refuse_unsound(version, problems_of(work, edge, found.text))
    row = version_row(work, edge, version)
    if row.sent_at is not None:
        if version == newest.sent and seen(work, edge, [row])[0].standing.state in {
            "sent",
            "trial",
            "running",
        }:
            return row
        row = save(work, edge, found.text, note=found.note, by=by, source=f"{edge} {version}")
    body = EdgeConfiguration(
        version=row.version, content_hash=row.content_hash, text=found.text, trial_s=trial_s
    )
    work.publish(DocumentWanted(edge=edge, kind=KIND, id=IDENTITY, body=body))
    work.session.add(
        ConfigurationSending(
            edge=edge,
            version=row.version,
            revision=_revision(work, edge),
            trial_s=trial_s,
            sent_by=by,
            sent_at=work.now(),
        )
    )
    work.session.flush()
    return version_row(work, edge, row.version)


def copy(
    work: UnitOfWork, edge: str, version: int, to: Sequence[str], *, by: str
) -> list[VersionRow]:
    """Make a version a draft of other edges; what does not fit there stands as its problems.

    Raises:
        NotFoundError: No such edge or version.
    """
    found = text_of(work, edge, version)
    return [
        save(work, other, found.text, note=found.note, by=by, source=f"{edge} {version}")
        for other in sorted(set(to) - {edge})
    ]


def need_edge(work: UnitOfWork, edge: str) -> None:
    """Refuse what is about an edge that nobody knows.

    Raises:
        NotFoundError: No such edge.
    """
    get_edge(work, edge)


def text_of(work: UnitOfWork, edge: str, version: int) -> ConfigurationVersion:
    """A version with its text.

    Raises:
        NotFoundError: No such edge or version.
    """
    get_edge(work, edge)
    found = work.session.get(ConfigurationVersion, (edge, version))
    if found is None:
        raise NotFoundError("configuration", f"{edge} {version}")
    return found


def version_row(work: UnitOfWork, edge: str, version: int) -> VersionRow:
    """A version without its text.

    Raises:
        NotFoundError: No such version.
    """
    rows = queries.versions(work.connection, edge, version=version)
    if not rows:
        raise NotFoundError("configuration", f"{edge} {version}")
    return rows[0]


def seen(work: UnitOfWork, edge: str, rows: Sequence[VersionRow]) -> list[Seen]:
    """How versions of an edge stand."""
    outcomes = queries.outcomes(work.connection, rows)
    newest, running = queries.newest_of(work.connection, edge), running_at(work, edge)
    return [
        Seen(row, standing_of(row, outcomes.get((edge, row.version)), newest.sent, running))
        for row in rows
    ]


def standings(work: UnitOfWork) -> list[EdgeStanding]:
    """Every edge, by id; a fixed number of queries, and one for each edge that went back."""
    newest, told = queries.newest(work.connection), queries.running(work.connection)
    wanted = queries.wanted(work.connection)
    outcomes = queries.outcomes(work.connection, list(wanted.values()))
    found: list[EdgeStanding] = []
    for edge in list_edges(work.connection):
        running, row = running_of(work.connection, told.get(edge.id)), wanted.get(edge.id)
        latest = None
        if row is not None:
            outcome = outcomes.get((edge.id, row.version))
            latest = Seen(row, standing_of(row, outcome, row.version, running))
        number = newest[edge.id].version if edge.id in newest else 0
        found.append(EdgeStanding(edge, running, latest, number))
    return found


def running_at(work: UnitOfWork, edge: str) -> Running | None:
    """What an edge runs by its own word; None while it has told nothing."""
    told = queries.running(work.connection, edge)
    return running_of(work.connection, told.get(edge))


def running_text(work: UnitOfWork, edge: str) -> tuple[int, str]:
    """Version and text that an edge runs; 0 and empty where it runs what central does not have."""
    running = running_at(work, edge)
    if running is None or running.version == 0:
        return 0, ""
    return running.version, text_of(work, edge, running.version).text


def _check_size(text: str) -> None:
    size = len(text.encode())
    if size > TEXT_BYTES_MAX:
        raise ConfigurationTooLargeError(size=size, most=TEXT_BYTES_MAX)


def _refuse_unsound(version: int, problems: list[Problem]) -> None:
    if errors := checking.errors(problems):
        first = errors[0]
        raise ConfigurationUnsoundError(
            version=version,
            line=first.line,
            key=first.key,
            expected=first.expected,
            count=len(errors),
        )


def _revision(work: UnitOfWork, edge: str) -> int:
    wanted: Mapping[tuple[str, str], int] | None = work.ask(
        RevisionsAsked(kind=KIND, ids=(IDENTITY,))
    )
    return (wanted or {}).get((IDENTITY, edge), 0)
