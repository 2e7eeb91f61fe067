"""How each edge and each version stands: derived from what was sent and what the edge told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from lineside.central.mes.edge_configuration import queries
from lineside.central.mes.edge_configuration.queries import Told, VersionRow
from lineside.contracts.clock import Microseconds

State = Literal["draft", "sent", "trial", "running", "refused", "reverted", "replaced"]


@dataclass(frozen=True, slots=True)
class Running:
    """What an edge runs by its own word.

    Attributes:
        origin: `file` when it runs its own, `central` otherwise.
        version: Central's number of it, 0 where central has none.
        since: When the edge said so, microseconds UTC by its clock.
    """

    origin: str
    version: int
    content_hash: str
    since: Microseconds


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version stands.

    Attributes:
        state: `draft`: never sent; `sent`: the edge has not answered; `trial`: it has it and tries;
            `running`; `refused`: it could not use it and changed nothing; `reverted`: it ran it and
            went back by itself; `replaced`: another one was sent or runs.
        stage: Of a refusal or reverting: `check`, `apply`, `trial`.
        reason: The edge's words.
        since: Of the state, microseconds UTC.
        devices, stations: What was touched.
    """

    state: State
    since: Microseconds
    stage: str = ""
    reason: str = ""
    devices: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()


def running_of(connection: Connection, told: Told | None) -> Running | None:
    """What an edge runs; None while it has told nothing."""
    if told is None:
        return None
    if told.what == "reverted":
        version = queries.version_of_hash(connection, told.edge, told.back_to)
        return Running("central" if version else "file", version, told.back_to, told.at)
    origin = told.origin or "file"
    version = 0 if origin == "file" else told.version
    return Running(origin, version, told.content_hash, told.at)


def standing_of(
    row: VersionRow, outcome: Told | None, newest_sent: int, running: Running | None
) -> Standing:
    """How a version stands."""
    if row.sent_at is None:
        return Standing("draft", row.created_at)
    if outcome is not None and outcome.what != "taken":
        return _ended(row, outcome, running)
    if row.version < newest_sent:
        return Standing("replaced", row.sent_at)
    if outcome is not None:
        return Standing("trial", outcome.at)
    return Standing("sent", row.sent_at)


def _ended(row: VersionRow, outcome: Told, running: Running | None) -> Standing:
    state: State
    if outcome.what == "applied":
        runs = running is not None and running.version == row.version
        state = "running" if runs else "replaced"
    else:
        changed_nothing = outcome.what == "refused" or outcome.stage == "check"
        state = "refused" if changed_nothing else "reverted"
    return Standing(
        state,
        outcome.at,
        stage=outcome.stage or ("check" if state == "refused" else ""),
        reason=outcome.reason,
        devices=tuple(outcome.devices),
        stations=tuple(outcome.stations),
    )
