"""A valve's life as two edges would report it: enough for every part of the trace page.

Line 1 turns and grinds a spool while the bar changes (`one of these`), line 2 assembles, the leak
test fails, a seal lot is replaced, the second test passes. Line 2 says that it has more to send.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from sqlalchemy import Engine

from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.contracts import events as ev
from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.codec import GENESIS_HASH, SCHEMA, chain_hash, encode_event
from lineside.contracts.envelope import Batch, Group, Hello, pack
from lineside.contracts.events import MachineState, Source, TimeSource
from lineside.contracts.units import Act, Certainty, JobShare, Outcome, Quantity, Thing, ThingKind

VALVE = Thing(kind=ThingKind.UNIT, item="VA-10", id="VA-00000311")
SPOOL = Thing(kind=ThingKind.UNIT, item="SP-18", id="SP18-00004127")
TWIN = Thing(kind=ThingKind.UNIT, item="VA-10", id="SP18-00004127")  # the same number, another item
BARS = tuple(
    Thing(kind=ThingKind.LOT, item="BAR-20", id=number, issuer="MILL-A")
    for number in ("BAR-3391", "BAR-3392")
)
SEALS = tuple(
    Thing(kind=ThingKind.LOT, item="SE-4", id=number, issuer="SUP-3")
    for number in ("SE-7741", "SE-7755")
)
MINUTE = 60 * US_PER_SECOND
EPOCHS = {"line-1": "7f3a91c2", "line-2": "b1d2e3f4"}
STILL_TO_COME = 14


def pieces(value: str, outcome: Outcome = Outcome.GOOD, unit: str = "pcs") -> Quantity:
    """A quantity."""
    return Quantity(value=Decimal(value), unit=unit, outcome=outcome)


class Edge:
    """Collects the events of one edge and sends them as it would."""

    def __init__(self, edge: str, start: Microseconds) -> None:
        self.edge, self.start = edge, start
        self.events: list[ev.Event] = []

    def at(self, minutes: float, kind: type[ev.Event], **fields: object) -> None:
        """Something happened so many minutes after the start."""
        moment = self.start + int(minutes * MINUTE)
        base: dict[str, object] = {"source": Source.SCAN, "time_source": TimeSource.EDGE}
        self.events.append(
            kind(**{"occurred_at": moment, "recorded_at": moment, **base, **fields})  # type: ignore[arg-type]
        )

    def send(self, inbound: Inbound, clock: Clock) -> None:
        """One group, then a hello that claims more than was sent for line 2."""
        data = [encode_event(event) for event in sorted(self.events, key=lambda e: e.recorded_at)]
        digest = chain_hash(GENESIS_HASH, data).hex()
        epoch = EPOCHS[self.edge]
        group = Group(
            first_seq=1,
            schema=SCHEMA,
            previous=GENESIS_HASH.hex(),
            hash=digest,
            events=tuple(msgspec.Raw(one) for one in data),
        )
        batch = Batch(edge=self.edge, lane="facts", epoch=epoch, groups=(group,))
        more = STILL_TO_COME if self.edge == "line-2" else 0
        hello = Hello(
            edge=self.edge,
            epoch=epoch,
            head_seq=len(data) + more,
            head_hash="" if more else digest,
            oldest_seq=1,
            cursor=0,
            desired_hash="",
            boot="boot",
            sent_at=clock.now(),
        )
        inbound.receive([(topics.up(self.edge, "hello"), pack(hello))])
        inbound.receive([(topics.up(self.edge, "facts"), pack(batch))])


def tell(engine: Engine, clock: Clock, *, start: Microseconds) -> None:
    """Send both lines' story; the readers take it up by themselves."""
    inbound = Inbound(PostgresEventStore(engine, now=clock.now()), clock=clock, without_backup=True)
    for edge in (_line_1(start), _line_2(start)):
        edge.send(inbound, clock)


def _states(edge: Edge, station: str, changes: Sequence[tuple[float, MachineState]]) -> None:
    for minutes, state in changes:
        edge.at(
            minutes,
            ev.StateChanged,
            station=station,
            state=state,
            source=Source.SIGNAL,
            time_source=TimeSource.DEVICE,
        )


def _line_1(start: Microseconds) -> Edge:
    edge = Edge("line-1", start)
    order = {"order": "WO-1"}
    for station, operation, cycle in (("turning-10", "10", "48"), ("grinding-20", "20", "96")):
        edge.at(0, ev.SignedOn, station=station, by=("P-1042",))
        edge.at(
            1,
            ev.OrderStarted,
            station=station,
            by=("P-1042",),
            item="SP-18",
            operation=operation,
            ideal_cycle_s=Decimal(cycle),
            planned_quantity=Decimal(200),
            booking=f"b-{operation}",
            **order,
        )
        _states(
            edge,
            station,
            [
                (0, MachineState.SETUP),
                (2, MachineState.RUN),
                (40, MachineState.FAIL),
                (54, MachineState.RUN),
                (100, MachineState.UNKNOWN),
                (104, MachineState.RUN),
            ],
        )
    edge.at(
        2, ev.MaterialMounted, station="turning-10", position="bar", by=("P-1042",),
        material=BARS[0], quantity=pieces("6", unit="m"),
    )  # fmt: skip
    numbers = [f"SP18-{number:08d}" for number in range(4120, 4131)]
    for index, number in enumerate(numbers):
        unit = Thing(kind=ThingKind.UNIT, item="SP-18", id=number)
        begin = 5 + 5 * index
        _piece(edge, "turning-10", "10", unit, begin, begin + 1)
        for bar in BARS if unit == SPOOL else (BARS[0] if index < 7 else BARS[1],):
            certainty = Certainty.ONE_OF_THESE if unit == SPOOL else Certainty.THIS_ONE
            edge.at(
                begin + 1, ev.Consumed, station="turning-10", position="bar", material=bar,
                quantity=pieces("0.12", unit="m"), into=unit, certainty=certainty, operation="10",
                **order,
            )  # fmt: skip
        bad = index == 3
        _piece(
            edge, "grinding-20", "20", unit, begin + 6, begin + 8, result="fail" if bad else "pass"
        )
    _defect(edge, numbers[3])
    return edge


def _piece(
    edge: Edge,
    station: str,
    operation: str,
    unit: Thing,
    begin: float,
    end: float,
    *,
    result: str = "pass",
) -> None:
    common = {
        "station": station,
        "by": ("P-1042",),
        "unit": unit,
        "order": "WO-1",
        "operation": operation,
    }
    jobs = (JobShare(order="WO-1", operation=operation),)
    edge.at(begin, ev.UnitStarted, jobs=jobs, **common)
    parameters = {"program": "O2041 r7", "diameter": "17.998 mm"} if operation == "20" else {}
    edge.at(end, ev.UnitFinished, jobs=jobs, result=result, parameters=parameters, **common)


def _defect(edge: Edge, number: str) -> None:
    unit = Thing(kind=ThingKind.UNIT, item="SP-18", id=number)
    common = {"station": "grinding-20", "by": ("P-1042",), "order": "WO-1", "operation": "20"}
    act = Act(id="act-defect", size=2)
    edge.at(
        29, ev.DefectRecorded, code="diameter", thing=unit, act=act, quantity=pieces("1"), **common
    )
    edge.at(
        29, ev.UnitDisposed, unit=unit, disposition="scrap", defect="diameter", act=act, **common
    )


def _line_2(start: Microseconds) -> Edge:
    edge = Edge("line-2", start)
    common = {"order": "WO-2", "operation": "50", "station": "bench-a", "by": ("P-1107",)}
    for seal in SEALS:
        edge.at(
            60, ev.MaterialMounted, station="bench-a", position="seals", material=seal,
            quantity=pieces("100"), by=("P-1107",),
        )  # fmt: skip
    edge.at(70, ev.UnitStarted, unit=VALVE, **common)
    edge.at(72, ev.ComponentFitted, component=SPOOL, into=VALVE, **common)
    edge.at(73, ev.Consumed, material=SEALS[0], quantity=pieces("2"), into=VALVE, **common)
    edge.at(76, ev.UnitFinished, unit=VALVE, **common)
    test = {"order": "WO-2", "operation": "60", "station": "test-60", "by": ("P-1107",)}
    for attempt, minute, passed, leak in (
        (1, 80, False, "0.82 l/min"),
        (2, 95, True, "0.21 l/min"),
    ):
        edge.at(minute, ev.UnitStarted, unit=VALVE, attempt=attempt, **test)
        edge.at(minute + 2, ev.Inspected, thing=VALVE, passed=passed, **test)
        if not passed:
            edge.at(minute + 2, ev.DefectRecorded, code="leak", thing=VALVE, **test)
        edge.at(
            minute + 3, ev.UnitFinished, unit=VALVE, attempt=attempt, parameters={"leak": leak},
            result="pass" if passed else "fail", last_operation=passed, **test,
        )  # fmt: skip
        if not passed:
            edge.at(
                minute + 3, ev.UnitDisposed, unit=VALVE, disposition="rework", defect="leak", **test
            )
    edge.at(88, ev.ComponentRemoved, component=SEALS[0], out_of=VALVE, **common)
    edge.at(89, ev.Consumed, material=SEALS[1], quantity=pieces("2"), into=VALVE, **common)
    edge.at(10, ev.UnitStarted, unit=TWIN, **common)
    edge.at(12, ev.UnitFinished, unit=TWIN, **common)
    return edge
