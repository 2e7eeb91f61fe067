"""The machines of one edge, with a truth of their own: what was made is counted here, apart."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import (
    Calendar,
    Document,
    ItemInfo,
    LotPassport,
    OperationStep,
    Person,
    Reasons,
    ShiftRule,
    WorkOrder,
)
from lineside.contracts.samples import Quality, SignalSample
from lineside.contracts.units import Thing, ThingKind

MODULUS = 65_536
SEQUENCES = 65_536
STATES = (6, 6, 6, 6, 2, 9, 4)

EDGE_TOML = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
[[device]]
id = "plc"
driver = "scripted"
writable = ["ack"]
[[station]]
id = "TURN"
name = "Turning"
line = "Line 1"
device = "plc"
counts_from = "counter"
stop_ask_s = 60
[station.state]
signal = "state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "total"
max_per_min = 240
[[station.counter]]
name = "scrap"
signal = "scrap"
role = "scrap"
max_per_min = 240
[[station.trigger]]
name = "piece"
sequence = "sequence"
acknowledge = "ack"
parameters = ["diameter"]
modulus = 65536
[[station.discrete]]
signal = "program"
role = "program"
[[station]]
id = "GRIND"
device = "plc"
counts_from = "counter"
[station.state]
signal = "g_state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "g_total"
max_per_min = 240
"""

COUNTERS = {
    "total": ("TURN", "total"),
    "scrap": ("TURN", "scrap"),
    "g_total": ("GRIND", "total"),
}
"""Signal to station and counter."""


@dataclass(slots=True)
class PlcCounter:
    """A counter of the PLC.

    Attributes:
        made: What was really counted since the beginning of the world.
        face: What it shows.
        disturbed: How often something happened to it that no reader can see through.
        wrong_once: It shows this at the next reading only.
    """

    made: int = 0
    face: int = 0
    disturbed: int = 0
    wrong_once: int | None = None
    recovering: bool = False

    def count(self, pieces: int) -> None:
        """Pieces are made."""
        self.made += pieces
        self.face = (self.face + pieces) % MODULUS

    def set(self, face: int) -> None:
        """It is set to a value: a reset, a restore, a slip at the panel."""
        self.face = face % MODULUS
        self.disturbed += 1

    def shown(self) -> int:
        """What a reading shows."""
        if self.wrong_once is None:
            self.disturbed += self.recovering  # coming back may look like counting, too
            self.recovering = False
            return self.face
        shown, self.wrong_once = self.wrong_once, None
        self.disturbed += 1
        self.recovering = True
        return shown


Truth = tuple[int, int]
"""Really counted so far, and how often the counter was disturbed."""


@dataclass(slots=True)
class Machine:
    """Turning and grinding machine behind one PLC.

    Attributes:
        presented: Sequence number of the piece that waits for its acknowledgement.
        pieces: Pieces that were ever presented, by sequence number.
        off: The PLC has no power.
    """

    chance: random.Random
    counters: dict[str, PlcCounter] = field(default_factory=dict[str, PlcCounter])
    presented: int = 0
    acknowledged: int = 0
    pieces: Counter[int] = field(default_factory=Counter[int])
    state: int = 4
    grinding: int = 4
    program: str = "O1000"
    off: bool = False
    initial: bool = True
    sequence: int = 0

    def __post_init__(self) -> None:
        """Begin near the end of the numbers, so that they go round soon."""
        chance = self.chance
        for signal in COUNTERS:
            self.counters[signal] = PlcCounter(face=MODULUS - chance.randrange(1, 3000))
        self.presented = self.acknowledged = SEQUENCES - chance.randrange(1, 200)

    def work(self, seconds: float, rate: float) -> None:
        """Time passes at the machine."""
        if self.off:
            return
        chance = self.chance
        if chance.random() < 0.35:
            self.state = chance.choice(STATES)
        if chance.random() < 0.3:
            self.grinding = chance.choice(STATES)
        if chance.random() < 0.05:
            self.program = f"O{chance.randrange(1000, 1010)}"
        made = round(seconds * rate * chance.random())
        self.counters["total"].count(made)
        self.counters["scrap"].count(sum(chance.random() < 0.03 for _ in range(min(made, 20))))
        self.counters["g_total"].count(round(seconds * rate * chance.random()))
        if self.presented == self.acknowledged and chance.random() < 0.9:
            self.presented = (self.presented + 1) % SEQUENCES
            self.pieces[self.presented] += 1

    def readings(self, now: Microseconds) -> tuple[list[SignalSample], dict[str, Truth]]:
        """What a poll shows, and the truth at that moment by signal."""
        truth: dict[str, Truth] = {}
        values: dict[str, int | float | str] = {
            "state": self.state,
            "g_state": self.grinding,
            "program": self.program,
            "diameter": round(18 + self.chance.random() / 100, 4),
            "ack": self.acknowledged,
            "sequence": self.presented,
        }
        for signal, counter in self.counters.items():
            values[signal] = counter.shown()
            truth[signal] = (counter.made, counter.disturbed)
        self.sequence += 1
        samples = [
            SignalSample(
                signal=name,
                value=value,
                quality=Quality.GOOD,
                read_at=now,
                initial=self.initial,
                sequence=self.sequence,
            )
            for name, value in values.items()
        ]
        self.initial = False
        return samples, truth

    def acknowledge(self, number: object) -> None:
        """The edge has committed the piece."""
        if number == self.presented:
            self.acknowledged = self.presented


def documents(edge: str) -> dict[tuple[str, str], Document]:
    """What central wants an edge to have."""
    steps = (
        OperationStep(
            operation="10", name="turning", stations=("TURN",), edge=edge,
            ideal_cycle_s=Decimal(2), starts_unit=True,
        ),
        OperationStep(
            operation="20", name="grinding", stations=("GRIND",), edge=edge,
            ideal_cycle_s=Decimal(3), inspected=True,
        ),
    )  # fmt: skip
    orders = [
        WorkOrder(order=f"WO-{number}", item="SP-18", quantity=Decimal(5000), steps=steps,
                  serial_tracked=number % 2 == 0)
        for number in range(1, 7)
    ]  # fmt: skip
    shifts = (
        ShiftRule(id="early", local_start="06:00", local_end="14:00", breaks=(("09:00", 15),)),
        ShiftRule(id="late", local_start="14:00", local_end="22:00"),
        ShiftRule(id="night", local_start="22:00", local_end="06:00"),
    )
    lot = Thing(kind=ThingKind.LOT, item="BAR", id="LOT-BAR-1")
    return {
        **{("work_order", one.order): one for one in orders},
        **{
            ("person", f"P-{number}"): Person(person=f"P-{number}", badge=f"B-{number}", name="-")
            for number in range(1, 4)
        },
        ("calendar", "site"): Calendar(
            time_zone="Europe/Berlin", shifts=shifts, micro_stop_threshold_s=Decimal(90)
        ),
        ("reasons", "site"): Reasons(
            stops={"MAT": ("缺料", "no material")}, defects={"DIM": ("尺寸超差", "dimension")}
        ),
        ("item", "SP-18"): ItemInfo(item="SP-18", name="Spool", serial_pattern=r"SP18-\d{4}"),
        ("lot_passport", "bar-1"): LotPassport(lot=lot, quantity=Decimal(6), unit="m"),
    }


SCANS = (
    "B-1", "B-2", "B-3", "B-99", "WO-1", "WO-2", "WO-3", "WO-4", "WO-9", "SP18-0001", "SP18-0002",
    "SP18-0003", "LOT-BAR-1", r"\x1d\x00garbage\\", "CMD-FINISH", "]d201095060001343521",
    "0" * 600,
)  # fmt: skip
