"""SQL of configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from lineside.contracts.clock import Microseconds

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('edge_configuration ' || :edge, 0))")
_TOLD = "edge, what, version, content_hash, origin, back_to, stage, reason, devices, stations, at"
_RUNNING = text(f"""
    SELECT DISTINCT ON (edge) {_TOLD} FROM edge_configuration_told
    WHERE what IN ('applied', 'reverted') AND (:edge = '' OR edge = :edge)
    ORDER BY edge, position DESC
""")  # noqa: S608 - a list of columns of ours
# That the edge has it says less than what became of it.
_OUTCOMES = text(f"""
    SELECT DISTINCT ON (edge, version) {_TOLD} FROM edge_configuration_told
    WHERE (edge, version) IN (
        SELECT * FROM unnest(CAST(:edges AS text[]), CAST(:versions AS bigint[]))
    )
    ORDER BY edge, version, (what = 'taken'), position DESC
""")  # noqa: S608
_ROW = """
    SELECT c.edge, c.version, c.content_hash, c.note, c.source, c.author, c.created_at,
           s.sent_by, s.sent_at, s.trial_s
    FROM edge_configuration c
"""
_WANTED = text(f"""
    {_ROW} JOIN edge_configuration_sending s USING (edge, version)
    WHERE (c.edge, c.version) IN (
        SELECT edge, max(version) FROM edge_configuration_sending GROUP BY edge
    )
""")  # noqa: S608
_VERSIONS = text(f"""
    {_ROW} LEFT JOIN edge_configuration_sending s USING (edge, version)
    WHERE c.edge = :edge AND c.version < :before AND (:version = 0 OR c.version = :version)
    ORDER BY c.version DESC
    LIMIT :limit
""")
_NEWEST = text("""
    SELECT e.edge, e.version AS newest, s.version AS sent
    FROM (SELECT edge, max(version) AS version FROM edge_configuration GROUP BY edge) AS e
    LEFT JOIN (
        SELECT edge, max(version) AS version FROM edge_configuration_sending GROUP BY edge
    ) AS s USING (edge)
    WHERE :edge = '' OR e.edge = :edge
""")
_OF_HASH = text("""
    SELECT max(version) FROM edge_configuration
    JOIN edge_configuration_sending USING (edge, version)
    WHERE edge = :edge AND content_hash = :content_hash
""")
_OF_REVISION = text("""
    SELECT max(version) FROM edge_configuration_sending
    WHERE edge = :edge AND revision = :revision
""")


@dataclass(frozen=True, slots=True)
class Told:
    """What an edge told of a configuration; see `entities.configuration_told`."""

    edge: str
    what: str
    version: int
    content_hash: str
    origin: str
    back_to: str
    stage: str
    reason: str
    devices: list[str]
    stations: list[str]
    at: Microseconds


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with its sending, without its text."""

    edge: str
    version: int
    content_hash: str
    note: str
    source: str
    author: str
    created_at: Microseconds
    sent_by: str | None
    sent_at: Microseconds | None
    trial_s: int | None


@dataclass(frozen=True, slots=True)
class Newest:
    """Numbers of the newest version of an edge, and of the newest that was sent, 0 for none."""

    edge: str
    version: int = 0
    sent: int = 0


def lock(connection: Connection, edge: str) -> None:
    """Let nobody else number or send versions of this edge until the commit."""
    connection.execute(_LOCK, {"edge": edge})


def newest(connection: Connection, edge: str = "") -> dict[str, Newest]:
    """By edge; of all edges, or of one."""
    rows = connection.execute(_NEWEST, {"edge": edge})
    return {row.edge: Newest(row.edge, row.newest, row.sent or 0) for row in rows}


def newest_of(connection: Connection, edge: str) -> Newest:
    """Of one edge."""
    return newest(connection, edge).get(edge, Newest(edge))


def versions(
    connection: Connection, edge: str, *, before: int = 1 << 62, limit: int = 1, version: int = 0
) -> list[VersionRow]:
    """Versions below a number, newest first; or the one that is named."""
    rows = connection.execute(
        _VERSIONS, {"edge": edge, "before": before, "limit": limit, "version": version}
    )
    return [VersionRow(*row) for row in rows]


def running(connection: Connection, edge: str = "") -> dict[str, Told]:
    """The last that each edge told of what it runs, of all edges or of one."""
    return {row.edge: Told(*row) for row in connection.execute(_RUNNING, {"edge": edge})}


def wanted(connection: Connection) -> dict[str, VersionRow]:
    """The version that was sent last, of every edge that was sent one."""
    return {row.edge: VersionRow(*row) for row in connection.execute(_WANTED)}


def outcomes(connection: Connection, rows: Sequence[VersionRow]) -> dict[tuple[str, int], Told]:
    """What became of versions, by edge and version."""
    pairs = {"edges": [row.edge for row in rows], "versions": [row.version for row in rows]}
    return {(row.edge, row.version): Told(*row) for row in connection.execute(_OUTCOMES, pairs)}


def version_of_hash(connection: Connection, edge: str, content_hash: str) -> int:
    """The newest sent version with a content, 0 for none."""
    found = connection.execute(_OF_HASH, {"edge": edge, "content_hash": content_hash}).scalar()
    return found or 0


def version_of_revision(connection: Connection, edge: str, revision: int) -> int:
    """The version that a revision of the document carried, 0 for none."""
    found = connection.execute(_OF_REVISION, {"edge": edge, "revision": revision}).scalar()
    return found or 0
