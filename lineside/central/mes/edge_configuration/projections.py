"""What edges tell of their configuration, in order; computed again at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as upsert

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.edge_configuration import queries
from lineside.central.mes.edge_configuration.entities import configuration_told
from lineside.central.projections.base import StoredEvent, identity
from lineside.contracts import events as ev

KIND = "configuration"


class ConfigurationsTold:
    """Keeps what became of configurations, and what each edge says to run.

    An edge that starts again says again what it runs; only a change is kept.
    """

    name = "edge_configurations"
    version = 1
    tables: tuple[Table, ...] = (configuration_told,)
    follows: tuple[str, ...] = ()
    event_types: tuple[type[ev.Event], ...] = (
        ev.ConfigurationApplied,
        ev.ConfigurationReverted,
        ev.IntentionApplied,
    )

    def apply(self, work: UnitOfWork, events: Sequence[StoredEvent]) -> None:
        """Take some facts in."""
        for stored in events:
            values = _values(work, stored)
            if values is not None:
                row = identity(stored) | {
                    "position": stored.position,
                    "at": stored.event.occurred_at,
                }
                work.connection.execute(
                    upsert(configuration_told).values(**row, **values).on_conflict_do_nothing()
                )


def _values(work: UnitOfWork, stored: StoredEvent) -> Mapping[str, Any] | None:
    event = stored.event
    match event:
        case ev.ConfigurationApplied():
            before = queries.running(work.connection, stored.edge).get(stored.edge)
            said = ("applied", event.content_hash, event.version, event.origin)
            if before is not None and said == (
                before.what,
                before.content_hash,
                before.version,
                before.origin,
            ):
                return None
            return {
                "what": "applied",
                "content_hash": event.content_hash,
                "version": event.version,
                "origin": event.origin,
                "devices": list(event.devices),
                "stations": list(event.stations),
            }
        case ev.ConfigurationReverted():
            return {
                "what": "reverted",
                "origin": event.origin,
                "content_hash": event.content_hash,
                "version": event.version,
                "back_to": event.back_to,
                "stage": event.stage,
                "reason": event.reason,
                "devices": list(event.devices),
            }
        case ev.IntentionApplied(kind=kind) if kind == KIND:
            return {
                "what": "refused" if event.refused else "taken",
                "version": queries.version_of_revision(
                    work.connection, stored.edge, event.revision
                ),
                "reason": event.refused,
            }
        case _:
            return None
