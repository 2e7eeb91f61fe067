"""What became of a configuration: what an agent begins with, the records and the facts about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

from lineside.contracts.clock import Clock, Microseconds
from lineside.contracts.commands import EdgeConfiguration
from lineside.contracts.errors import ConfigurationError
from lineside.contracts.events import ConfigurationApplied, ConfigurationReverted, Event, Source
from lineside.drivers.base import Driver
from lineside.edge_agent.config import shop, standing
from lineside.edge_agent.config.sections import Configuration
from lineside.edge_agent.config.standing import Running, Staged, TakenBack

TRIAL_MIN_S, TRIAL_MAX_S = 1, 3_600
REASON_CHARS_MAX = 500
log = structlog.get_logger("edge.configuration")


def begin_with(
    own: Configuration, marks: Mapping[str, bytes], clock: Clock
) -> tuple[Configuration, dict[str, Driver], str]:
    """What an agent starts with: what proved itself last, or its own file.

    Args:
        own: The edge's own file.
        marks: Of the journal.
        clock: For the drivers.

    Returns:
        The configuration, its drivers, and why what proved itself last cannot be used (empty: it
        can, or there is none): a newer program may be stricter.

    Raises:
        ConfigurationError: The edge's own file is wrong, and it is needed.
    """
    known = standing.running(marks)
    if known is None or not standing.wins(known, own):
        return own, shop.build_drivers(own, clock), ""
    try:
        found = parsed(own, known)
        return found, shop.build_drivers(found, clock), ""
    except ConfigurationError as problem:
        log.exception("configuration_unusable", version=known.version)
        return own, shop.build_drivers(own, clock), str(problem)[:REASON_CHARS_MAX]


def starting(
    own: Configuration,
    config: Configuration,
    marks: Mapping[str, bytes],
    problem: str,
    now: Microseconds,
) -> tuple[list[Event], dict[str, bytes]]:
    """What is recorded about it at a start, and the marks that go with it."""
    known, staged = standing.running(marks), standing.staged(marks)
    events: list[Event] = []
    changes: dict[str, bytes] = {}
    if staged is not None and staged.marks:
        # The trial was cut short: these belong to what runs again.
        restored = msgspec.structs.replace(staged, marks={})
        changes |= {**staged.marks, standing.STAGED: standing.written(restored)}
    if known is not None and problem:
        taken = taken_record(known, "check", problem, now)
        changes[standing.TAKEN_BACK] = standing.written(taken)
        events.append(reverted(taken, config, now))
    if marks.get(standing.HASH) != config.content_hash.encode():
        events.append(applied(config, now))
    if known is None or known.content_hash != config.content_hash or problem:
        aside = known.aside if known is not None else (0, "")
        record = running_record(config, beside=own.content_hash, at=now, aside=aside)
        changes |= {
            standing.HASH: config.content_hash.encode(),
            standing.RUNNING: standing.written(record),
        }
    return events, changes


def parsed(own: Configuration, wanted: Running | Staged) -> Configuration:
    """The whole configuration of this edge with the shop's part of a record.

    Raises:
        ConfigurationError: A key or value is wrong, or the text is not the one that was meant.
    """
    if wanted.origin == "central":
        return shop.from_central(
            own, wanted.text, version=wanted.version, content_hash=wanted.content_hash
        )
    return shop.from_file(own, wanted.text, name=Path(own.file).name)


def as_it_runs(own: Configuration, known: Running) -> Configuration:
    """The configuration of a record, to compare another one with.

    Raises:
        ConfigurationError: It can not be read any more; begin with `wins`.
    """
    return shop.with_text(own, known.text, "what runs")


def wanted_by(document: EdgeConfiguration) -> Staged:
    """What central's document asks for."""
    return Staged(
        content_hash=document.content_hash,
        text=document.text,
        version=document.version,
        trial_s=min(max(document.trial_s, TRIAL_MIN_S), TRIAL_MAX_S),
    )


def same(one: Staged, other: Staged) -> bool:
    """Whether two records ask for the same, so that tries of it add up."""
    return (one.origin, one.version, one.content_hash, one.request) == (
        other.origin,
        other.version,
        other.content_hash,
        other.request,
    )


def hash_of(file: Path, fallback: str) -> str:
    """Content hash of a file as it is now; the fallback where it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return fallback


def running_record(
    config: Configuration,
    *,
    beside: str,
    at: Microseconds,
    aside: tuple[int, str],
    request: str = "",
    exchanged: bool = False,
) -> Running:
    """The record of a configuration that has proved itself."""
    return Running(
        content_hash=config.content_hash,
        text=config.text,
        origin=config.origin,
        version=config.version,
        beside=beside,
        at=at,
        exchanged=exchanged,
        request=request,
        aside=aside,
    )


def taken_record(
    wanted: Running | Staged,
    stage: str,
    reason: str,
    now: Microseconds,
    devices: Sequence[str] = (),
    *,
    before: TakenBack | None = None,
) -> TakenBack:
    """The record of one that was taken back; `before` is the last such record."""
    central = (wanted.version, wanted.content_hash)
    if wanted.origin != "central":
        central = before.central if before is not None else (0, "")
    return TakenBack(
        content_hash=wanted.content_hash,
        origin=wanted.origin,
        version=wanted.version,
        stage=stage,
        reason=reason[:REASON_CHARS_MAX],
        devices=tuple(devices),
        at=now,
        trial_s=wanted.trial_s if isinstance(wanted, Staged) else 0,
        request=wanted.request,
        central=central,
    )


def applied(
    config: Configuration,
    now: Microseconds,
    *,
    devices: tuple[str, ...] = (),
    stations: tuple[str, ...] = (),
) -> ConfigurationApplied:
    """The fact that a configuration runs."""
    return ConfigurationApplied(
        occurred_at=now,
        recorded_at=now,
        source=Source.SYSTEM,
        content_hash=config.content_hash,
        version=config.version,
        origin=config.origin,
        devices=devices,
        stations=stations,
    )


def reverted(taken: TakenBack, config: Configuration, now: Microseconds) -> ConfigurationReverted:
    """The fact that one was taken back."""
    return ConfigurationReverted(
        occurred_at=now,
        recorded_at=now,
        source=Source.SYSTEM,
        content_hash=taken.content_hash[:64],
        version=taken.version,
        origin=taken.origin,
        back_to=config.content_hash,
        stage=taken.stage,
        reason=taken.reason,
        devices=taken.devices,
    )
