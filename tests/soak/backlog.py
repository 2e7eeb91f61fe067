"""A journal as a line leaves it that was offline for a long time, made quickly.

Everything goes through the journal's own encoder, chain and tables; only the waiting between the
facts is left out. One piece gives ten facts in four commit groups, as the plant of `lineside-sim
demo` does (2.3 to 2.9 facts a group, 310 to 320 bytes a fact, an operator's act every ten facts).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from lineside.contracts import events as ev
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.units import Act, JobShare, Thing, ThingKind, Used, Verdict
from lineside.edge_agent.journal import maintenance
from lineside.edge_agent.journal.groups import Pending, form_groups, pending
from lineside.edge_agent.journal.packing import pack_oldest
from lineside.edge_agent.journal.store import Journal

EVENTS_PER_S = 20
EVENTS_A_PIECE = 10
STATIONS = 8
PIECES_A_TRANSACTION = 500
PIECE_US = EVENTS_A_PIECE * US_PER_SECOND // EVENTS_PER_S
ANSWER = (
    '{{"id":"{act}","station":"{station}","answer":"accepted","code":"unit.started","what":'
    '{{"zh":"可以加工","en":"You may process it"}},"why":{{"zh":"{serial} · {order} · 工序 20",'
    '"en":"{serial} · order {order} · operation 20"}},"todo":{{"zh":"请开始加工。","en":"Begin."}},'
    '"params":{{"serial":"{serial}","item":"SP-18","order":"{order}","operation":"20","passed":'
    '"10"}},"seqs":[],"options":[],"meaning":"unit","subject":"{serial}","degraded":"",'
    '"overridable":false,"took_ms":0.0}}'
)


def fill(
    journal: Journal,
    count: int,
    *,
    until: Microseconds,
    pack: bool = True,
    said: Callable[[int], None] = lambda _: None,
) -> None:
    """Append facts at 20 a second of their own time, and pack them as the agent does.

    Args:
        journal: Open, and used by nobody else.
        count: How many facts; rounded up to whole pieces.
        until: When the newest of them happened, microseconds UTC.
        pack: False: all of them stay rows.
        said: Told now and then how many there are.
    """
    chance = random.Random(count)
    pieces = -(-count // EVENTS_A_PIECE)
    began = until - pieces * PIECE_US
    for first in range(0, pieces, PIECES_A_TRANSACTION):
        appends = [
            append
            for piece in range(first, min(first + PIECES_A_TRANSACTION, pieces))
            for append in _appends(piece, began + piece * PIECE_US, chance)
        ]
        size = sum(append.size for append, _ in appends)
        journal.run(_writing(appends), size=size).result()
        while pack and pack_oldest(journal):
            pass
        said(journal.head())


def _writing(appends: list[tuple[Pending, Microseconds]]) -> Callable[[Any], None]:
    def work(connection: Any) -> None:
        before = maintenance.state(connection)
        head, head_hash = before.facts_head, before.head_hash
        for append, committed_at in appends:
            (group,) = form_groups([append], head=head, head_hash=head_hash)
            maintenance.insert_events(connection, "facts", group.first_seq, group.events)
            connection.execute(
                "INSERT INTO event_group VALUES (?, ?, ?, ?, ?, ?)", (*group.row, committed_at)
            )
            head, head_hash = group.last_seq, group.hash
        all_of_them = [append for append, _ in appends]
        heads: dict[Any, int] = {
            "facts": before.facts_head,
            "telemetry": before.telemetry_head,
        }
        maintenance.number(connection, all_of_them, all_of_them, heads, {})

    return work


def _appends(
    piece: int, at: Microseconds, chance: random.Random
) -> Iterator[tuple[Pending, Microseconds]]:
    """The four appends of one piece, and when each was committed."""
    number = piece % STATIONS
    station = f"L1-PRESS-{number}"
    order = f"WO-2026-{piece // 20_000:05d}"
    unit = Thing(kind=ThingKind.UNIT, item="SP-18", id=f"SP18-{piece:08d}")
    identity = f"{chance.getrandbits(128):032x}"
    jobs = (JobShare(order=order, operation="20", share=Decimal("1.000000")),)

    def common(late_us: int) -> dict[str, Any]:
        occurred_at = at + late_us + chance.randrange(40_000)
        return {
            "occurred_at": occurred_at,
            "recorded_at": occurred_at + chance.randrange(500, 60_000),
            "station": station,
            "jobs": jobs,
        }

    scan = {"source": ev.Source.SCAN, "by": (f"P-{1_040 + number}",)}
    by_hand: dict[str, Any] = common(0) | scan | {"act": Act(id=identity, size=2)}
    started: list[ev.Event] = [
        ev.ScanAccepted(
            **by_hand,
            verdict=Verdict(allowed=True, code="unit.started"),
            raw=unit.id,
            scanner=f"scanner-{station}",
            meaning="unit",
        ),
        ev.UnitStarted(
            **by_hand, used=Used(routing="R-SP-18/1"), unit=unit, order=order, operation="20"
        ),
    ]
    answer = ANSWER.format(act=identity, station=station, serial=unit.id, order=order).encode()
    yield _pending(started, answer=answer), started[-1].recorded_at

    signal: dict[str, Any] = common(50_000) | {"time_source": ev.TimeSource.DEVICE}
    running: list[ev.Event] = [
        ev.StateChanged(**signal, state=ev.MachineState.IDLE, raw="4"),
        ev.StateChanged(**signal, state=ev.MachineState.RUN, raw="6"),
    ]
    yield _pending(running), running[-1].recorded_at

    signal = common(350_000) | {"time_source": ev.TimeSource.DEVICE}
    made: list[ev.Event] = [
        ev.CounterRead(
            **signal,
            counter="total",
            value=piece // STATIONS % 65_536,
            max_per_min=Decimal(240),
            increment=1,
            item="SP-18",
        ),
        ev.SignalChanged(
            **signal, signal=f"{station}.tool", role="tool", value=str(chance.randrange(1, 9))
        ),
        ev.PieceCompleted(
            **signal,
            trigger="piece",
            sequence=piece // STATIONS % 65_536,
            good=True,
            parameters={"diameter": f"{chance.gauss(18, 0.01):.3f}"},
        ),
        ev.UnitFinished(
            **signal,
            unit=unit,
            order=order,
            operation="20",
            parameters={"diameter": f"{chance.gauss(18, 0.01):.3f}"},
        ),
        ev.Inspected(**signal, thing=unit, passed=True, order=order, operation="20"),
    ]
    yield (
        _pending(made, baselines={f"{station}/total": str(piece // STATIONS).encode()}),
        made[-1].recorded_at,
    )

    signal = common(450_000) | {"time_source": ev.TimeSource.DEVICE}
    stopped = ev.StateChanged(**signal, state=ev.MachineState.IDLE, detail="starved", raw="4")
    yield _pending([stopped]), stopped.recorded_at


def _pending(
    facts: list[ev.Event],
    *,
    baselines: dict[str, bytes] | None = None,
    answer: bytes | None = None,
) -> Pending:
    return pending(facts, baselines=baselines or {}, lane="facts", wait=False, answer=answer)
