"""Figures against an independent scan, written from the OEE sheet alone.

The scan knows nothing of spans, tiles or lookback: it asks for every elementary interval what was
known about its first microsecond, and replays every counter from its first reading. A quantity
complete at t belongs to whatever was true one microsecond before t, which is R14 in whole
microseconds.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any
from unittest import mock

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lineside.contracts import events as ev
from lineside.contracts.calendar import occurrence
from lineside.contracts.commands import PlannedStop, ShiftRule
from lineside.contracts.kpi import (
    Job,
    LiveFigures,
    Settings,
    Window,
    aggregate,
    compute_window,
    from_event,
    live,
)
from lineside.contracts.units import EventRef, Quantity, Thing, ThingKind

S = 1_000_000
TICK = 10 * S
TICKS = 900  # two and a half hours
UNITS = ("U1", "U2")
ORDERS = ("A", "B", "C")
CYCLES = {"A": Decimal(30), "B": Decimal("12.5"), "C": Decimal("0.75")}
COUNTERS = {
    # role, modulus, most a minute, pieces a count, resetting
    "c8": ("produced", 256, Decimal(6), 1, False),
    "c16": ("produced", 65536, Decimal("2.5"), 2, False),
    "shift": ("produced", 1000, Decimal(12), 1, True),
    "bad": ("scrap", 16, Decimal(1), 1, False),
    "again": ("rework", 32, Decimal(1), 1, False),
}
# zone, date, shift: nights of clock changes, a zone without them, one with half an hour
PLACES = [
    ("Asia/Shanghai", (2026, 3, 2), "06:00", "08:00", ()),
    ("Europe/Berlin", (2026, 3, 28), "23:30", "03:10", (("02:15", 20),)),
    ("Europe/Berlin", (2026, 10, 25), "01:10", "02:40", (("02:05", 15), ("01:50", 30))),
    ("Australia/Lord_Howe", (2026, 4, 5), "00:20", "02:00", (("01:40", 10),)),
    ("America/New_York", (2026, 3, 8), "01:30", "03:15", ()),
]


STATES = ("RUN", "RUN", "RUN", "STOP", "STOP", "FAIL", "SETUP", "IDLE", "UNKNOWN")
KINDS = (
    *["state"] * 4, "jam", "jam", *["start"] * 2, "end", *["read"] * 5, "glitch", "reset",
    "quantity", "quantity",    "inspect", "reason", "planned", "move", "void",
)  # fmt: skip
QUANTITIES = ("produced", "produced", "scrap", "rework", "rework_scrap", "rework_good")


def history(dice, size):
    """Facts in order of arrival: (at, known, unit, kind, what, more), times from the start."""
    found = []
    instants = [dice.randint(-60, TICKS) for _ in range(dice.choice((8, 25, 900)))]
    while len(found) < size:
        at = dice.choice(instants) * TICK + dice.choice((0, 0, 0, 0, 1, -1, 500_000))
        known = at + dice.choice((0, 0, 0, 0, 30 * S, 1000 * S, 9000 * S))
        unit = dice.choice(("U1", "U1", "U1", "U2"))
        for after, *said in _said(dice):
            found.append((at + after, known + after, unit, *said))
    if dice.random() < 0.5:
        found.sort(key=lambda fact: fact[1])
    return _climbing(found)


def _said(dice):  # noqa: C901 - one case a kind
    """One fact, or the few of a jam or of a glitch: (microseconds later, kind, what, more)."""
    kind = dice.choice(KINDS)
    match kind:
        case "state":
            yield 0, kind, dice.choice(STATES), dice.choice(("", "", "blocked", "starved", "E7"))
        case "jam":
            long = dice.choice((TICK, 2 * TICK, 12 * TICK, 12 * TICK + 1))
            yield 0, "state", "RUN", ""
            yield TICK, "state", "STOP", "jam"
            yield TICK + long, "state", dice.choice(("RUN", "RUN", "IDLE")), ""
        case "start" | "end":
            yield 0, kind, dice.choice(ORDERS), None
        case "read":
            value = dice.choice((dice.randint(0, 40), dice.randint(0, 300), 0, 255, 65530))
            yield 0, kind, dice.choice(sorted(COUNTERS)), value
        case "glitch":
            name = dice.choice(sorted(COUNTERS))
            shown = dice.randint(1, 15)
            yield 0, "exact", name, shown
            yield TICK, "exact", name, dice.choice((0, 0, 999))
            yield TICK + dice.choice((S, 10 * S, 10 * S + 1)), "exact", name, shown
        case "reset":
            yield 0, kind, dice.choice(sorted(COUNTERS)), dice.randint(0, 9)
        case "quantity":
            amount = dice.choice((Decimal(1), Decimal(3), Decimal("0.25")))
            yield 0, kind, dice.choice(QUANTITIES), (amount, dice.choice(("", "", *ORDERS)))
        case "inspect":
            yield 0, kind, dice.choice(("s1", "s2", "s3")), dice.random() < 0.5
        case "reason":
            yield 0, kind, dice.choice(("R1", "R2")), dice.choice((None, 6, 60, 400))
        case "planned":
            yield 0, kind, None, dice.randint(1, 60)
        case "move":
            orders = (dice.choice(("", *ORDERS)), dice.choice(ORDERS))
            yield 0, kind, orders, dice.randint(1, 300)
        case _:
            yield 0, kind, None, dice.randint(0, 30)


def _climbing(found):
    """Counters mostly climb; values drawn from nothing would be one long chain of anomalies."""
    shown: dict[tuple[str, str], int] = defaultdict(int)
    result = list(found)
    for index, fact in sorted(enumerate(found), key=lambda each: each[1][0]):
        at, known, unit, kind, what, more = fact
        if kind == "read" and more < 200:
            shown[unit, what] = (shown[unit, what] + more % 9) % COUNTERS[what][1]
            result[index] = (at, known, unit, kind, what, shown[unit, what])
        elif kind == "exact":
            result[index] = (at, known, unit, "read", what, more)
    return result


def as_events(found, zero):
    events = []
    for seq, (at, known, unit, kind, what, more) in enumerate(found, start=1):
        base = {"occurred_at": zero + at, "recorded_at": zero + known, "station": unit}
        events.append((seq, _event(kind, what, more, base, seq)))
    return events


def _event(kind, what, more, base, seq):  # noqa: C901 - one case a kind
    match kind:
        case "state":
            return ev.StateChanged(**base, state=ev.MachineState(what), detail=more)
        case "start":
            return ev.OrderStarted(**base, order=what, item=f"P{what}", ideal_cycle_s=CYCLES[what])
        case "end":
            return ev.OrderFinished(**base, order=what)
        case "read" | "reset":
            role, modulus, most, pieces, resetting = COUNTERS[what]
            known: dict[str, Any] = {
                "counter": what,
                "role": ev.CounterRole(role),
                "value": more % modulus,
                "modulus": modulus,
                "max_per_min": most,
                "pieces_per_count": Decimal(pieces),
            }
            if kind == "reset":
                return ev.CounterReset(**base, **known)
            return ev.CounterRead(**base, **known, resetting=resetting)
        case "quantity":
            amount, order = more
            made = Quantity(value=amount)
            return ev.QuantityDeclared(**base, kind=what, quantity=made, order=order)
        case "inspect":
            piece = Thing(kind=ThingKind.UNIT, item="P", id=what)
            return ev.Inspected(**base, thing=piece, passed=more)
        case "reason":
            until = None if more is None else base["occurred_at"] + more * TICK
            return ev.ReasonGiven(**base, code=what, occurred_until=until)
        case "planned":
            until = base["occurred_at"] + more * TICK
            return ev.PlannedDowntimeDeclared(**base, occurred_until=until)
        case "move":
            return ev.BookingMoved(
                **base,
                from_order=what[0],
                to_order=what[1],
                item=f"P{what[1]}",
                ideal_cycle_s=CYCLES[what[1]],
                occurred_until=base["occurred_at"] + more * TICK,
            )
        case _:
            return ev.EventVoided(**base, voids=EventRef(edge="e", epoch="x", seq=min(more, seq)))


class Scan:
    """The sheet, read literally; times as in the history, relative to the shift's start."""

    def __init__(self, found, as_of, threshold, policy):
        known = [
            (at, seq, unit, kind, what, more)
            for seq, (at, knew, unit, kind, what, more) in enumerate(found, start=1)
            if as_of is None or knew <= as_of
        ]
        when_known = {seq: knew for seq, (_, knew, *_) in enumerate(found, start=1)}
        dead = set()
        for _, seq, _, kind, _, more in sorted(
            known, key=lambda fact: (when_known[fact[1]], fact[1]), reverse=True
        ):
            if kind == "void" and seq not in dead:
                dead.add(min(more, seq))
        self.facts = sorted(fact for fact in known if fact[1] not in dead)
        self.threshold, self.policy = threshold, policy
        self.of = cache(self.of)
        self.changes = cache(self.changes)

    def of(self, unit, *kinds):
        return [f for f in self.facts if f[2] == unit and f[3] in kinds]

    def state_at(self, unit, t):
        state = ("UNKNOWN", "")
        for at, _, _, _, what, more in self.of(unit, "state"):
            if at <= t:
                state = (what, more)
        return state

    def order_at(self, unit, t):
        order = ""
        for at, _, _, kind, what, _ in self.of(unit, "start", "end"):
            if at <= t and (kind == "start" or order == what):
                order = what if kind == "start" else ""
        return self.moved(unit, t, order)

    def moved(self, unit, t, order):
        moves = sorted(self.of(unit, "move"), key=lambda fact: fact[1])
        for at, _, _, _, (source, target), more in moves:
            if at <= t < at + more * TICK and source == order:
                order = target
        return order

    def changes(self, unit):
        """(from, state) at each real change of state."""
        found = [(-(10**18), "UNKNOWN")]
        for at in sorted({fact[0] for fact in self.of(unit, "state")}):
            state = self.state_at(unit, at)[0]
            if state != found[-1][1]:
                found.append((at, state))
        return found

    def whole_span(self, unit, t):
        """Start, end, state, state before and after of the span at t."""
        changes = self.changes(unit)
        index = max(i for i, (at, _) in enumerate(changes) if at <= t)
        start, state = changes[index]
        last = index + 1 == len(changes)
        before = changes[index - 1][1] if index else ""
        end, after = (None, "") if last else changes[index + 1]
        return start, end, state, before, after

    def is_micro(self, unit, t):
        start, end, state, before, after = self.whole_span(unit, t)
        around = (before, state, after) == ("RUN", "STOP", "RUN")
        return around and end is not None and end - start < self.threshold

    def is_planned(self, unit, t, breaks, stops):
        declared = [(f[0], f[0] + f[5] * TICK) for f in self.of(unit, "planned")]
        return any(a <= t < b for a, b in [*breaks, *stops.get(unit, []), *declared])

    def reason_at(self, unit, t):
        code = ""
        for at, _, _, _, what, more in sorted(self.of(unit, "reason"), key=lambda f: f[1]):
            until = at + more * TICK if more else self.whole_span(unit, at)[1]
            if at <= t and (until is None or t < until):
                code = what
        return code

    def increments(self, unit):
        """(t, amount, role, counter, anomaly, counts) of every reading, by R15 to R17."""
        for name, (role, modulus, most, pieces, resetting) in COUNTERS.items():
            last = suspect = None  # (t, v); baseline before a reading that counted nothing
            for at, seq, _, kind, _, more in [
                fact for fact in self.of(unit, "read", "reset") if fact[4] == name
            ]:
                value = more % modulus
                if kind == "reset" or last is None:
                    last, suspect = (at, value), None
                    continue

                def bound(since, at=at, most=most):
                    return int(Fraction(most) * (at - since) / (60 * S)) + 1

                anomaly, old = "", last
                if (
                    suspect is not None
                    and at - last[0] <= 10 * S
                    and suspect[1] <= value <= suspect[1] + bound(suspect[0])
                ):
                    counts, anomaly = value - suspect[1], "glitch"
                else:
                    counts = value - last[1]
                    if counts < 0 and resetting:
                        counts, anomaly = value, "reset"
                    elif counts < 0:
                        counts, anomaly = value + modulus - last[1], "rollover"
                        if counts > bound(last[0]):
                            counts, anomaly = value, "reset"
                    if counts > bound(last[0]):
                        counts, anomaly = 0, "implausible"
                gone = counts == 0 and anomaly in ("reset", "implausible")
                suspect, last = (old if gone else None), (at, value)
                yield at, counts * pieces, role, name, anomaly, counts, seq

    def made(self, unit):
        """(t, kind, amount, order) of everything counted or declared."""
        for at, amount, role, *_ in self.increments(unit):
            yield at, role, Fraction(amount), self.order_at(unit, at - 1)
        for at, _, _, _, kind, (amount, named) in self.of(unit, "quantity"):
            order = self.moved(unit, at - 1, named) if named else self.order_at(unit, at - 1)
            yield at, kind, Fraction(amount), order

    def cycle(self, order):
        """PRI; an order that never started and was never moved to is not known here."""
        started = [f for f in self.facts if f[3] == "start" and f[4] == order]
        return Fraction(CYCLES[order]) if started else Fraction(0)

    def pri_at(self, unit, t, order):
        here = order and self.order_at(unit, t - 1) == order
        return Fraction(CYCLES[order]) if here else self.cycle(order)

    def elements(self, unit, start, end, breaks, stops):
        e = dict.fromkeys(NAMES, Fraction(0))
        kinds, reasons = defaultdict(Fraction), defaultdict(Fraction)
        cuts = {start, end} | {at for pair in breaks for at in pair}
        cuts |= {at for pairs in stops.values() for pair in pairs for at in pair}
        for at, _, _, kind, _, more in self.facts:
            cuts |= {at}
            if kind in ("planned", "reason", "move") and more:
                cuts |= {at + more * TICK}
        for a, b in pairwise(sorted(cut for cut in cuts if start <= cut <= end)):
            long = Fraction(b - a, S)
            state, detail = self.state_at(unit, a)
            order = self.order_at(unit, a)
            e["POT_s"] += long
            if self.is_planned(unit, a, breaks, stops):
                e["planned_downtime_s"] += long
                e["run_in_planned_downtime_s"] += long * (state == "RUN" and order != "")
            elif state == "UNKNOWN":
                e["unknown_s"] += long
            elif not order:
                e["ADOT_s"] += long
            elif state in ("RUN", "SETUP"):
                e["APT_s" if state == "RUN" else "AUST_s"] += long
                e["operating_s"] += long
            else:
                micro = self.is_micro(unit, a)
                e["micro_stop_s"] += long * micro
                e["micro_stop_count"] += micro and self.whole_span(unit, a)[0] == a
                if micro and self.policy:
                    e["APT_s"] += long
                    continue
                e["ADET_s"] += long
                kind = {"FAIL": "failure", "IDLE": "idle"}.get(state, "stop")
                if state == "STOP" and detail in ("blocked", "starved"):
                    kind = detail
                kinds["micro_stop" if micro else kind] += long
                reasons[self.reason_at(unit, a)] += long
        self._failures(unit, start, end, e)
        self._quantities(unit, start, end, e)
        return e, kinds, reasons

    def _failures(self, unit, start, end, e):
        changes = self.changes(unit)
        ends: list[Any] = [at for at, _ in changes[1:]]
        for (at, state), after in zip(changes, [*ends, None], strict=True):
            if state == "FAIL":
                e["FE"] += start <= at < end
                if after is not None and start < after <= end:
                    e["repairs"] += 1
                    e["TTR_sum_s"] += Fraction(after - at, S)

    def _quantities(self, unit, start, end, e):
        for at, kind, amount, order in self.made(unit):
            if not start < at <= end:
                continue
            if not order:
                e["unassigned_quantity"] += amount * (kind == "produced")
                continue
            pri = self.pri_at(unit, at, order)
            e["PQ"] += amount * (kind == "produced")
            e["SQ"] += amount * (kind in ("scrap", "rework_scrap"))
            e["RQ"] += amount * ((kind == "rework") - (kind == "rework_scrap"))
            e["rework_recovered"] += amount * (kind == "rework_good")
            good = amount * ((kind == "produced") - (kind in ("scrap", "rework")))
            e["ideal_s"] += pri * amount * (kind == "produced")
            e["ideal_good_s"] += pri * good
        seen = set()
        for at, _, where, kind, serial, passed in self.facts:
            if kind == "inspect" and serial not in seen:
                seen.add(serial)
                inside = where == unit and start < at <= end
                e["IP"] += inside
                e["GP"] += inside and passed


def scene_of(seed, size) -> dict[str, Any]:
    dice = random.Random(seed)
    zone, day, start, end, breaks = dice.choice(PLACES)
    rule = ShiftRule(id="s", local_start=start, local_end=end, breaks=breaks)
    numbers = list(range(60))
    dice.shuffle(numbers)
    found = history(dice, size)
    often = [fact[0] // TICK for fact in found] or [0]
    return {
        "found": found,
        "shift": occurrence(rule, date(*day), zone),
        "policy": dice.random() < 0.5,
        "threshold": dice.choice((20 * S, 120 * S, 120 * S + 1)),
        "stops": dice.choice(({}, {"U1": [(600 * S, 900 * S)]}, {"U2": [(0, 100 * S)]})),
        "as_of": dice.choice((None, None, 1800 * S, 3600 * S, 8000 * S)),
        "clips": [dice.choice((dice.choice(often), dice.randint(-5, TICKS))) for _ in range(3)],
        "order": dice.choice((numbers, sorted(numbers), [*numbers[40:], *sorted(numbers[:40])])),
        "late": dice.randint(0, 6),
        "tile": dice.choice((10 * S, 50 * S, 300 * S, 900 * S)),
    }


NAMES = {
    "POT_s": "pot_us", "planned_downtime_s": "planned_downtime_us", "APT_s": "apt_us",
    "AUST_s": "aust_us", "ADET_s": "adet_us", "ADOT_s": "adot_us", "unknown_s": "unknown_us",
    "operating_s": "operating_us", "micro_stop_s": "micro_stop_us", "TTR_sum_s": "ttr_us",
    "run_in_planned_downtime_s": "run_in_planned_downtime_us", "ideal_s": "ideal_s",
    "ideal_good_s": "ideal_good_s", "PQ": "pq", "SQ": "sq", "RQ": "rq", "FE": "fe",
    "rework_recovered": "rework_recovered", "unassigned_quantity": "unassigned",
    "repairs": "repairs", "micro_stop_count": "micro_stop_count", "IP": "ip", "GP": "gp",
}  # fmt: skip


def _exactly(elements, name):
    value = Fraction(getattr(elements, name))
    return value / S if name.endswith("_us") else value


def _settings(scene):
    zero = scene["shift"].start_us
    return Settings(
        micro_stop_threshold_us=scene["threshold"],
        micro_stops_produce=scene["policy"],
        planned_stops=tuple(
            PlannedStop(start=zero + a, end=zero + b, station=unit)
            for unit, pairs in scene["stops"].items()
            for a, b in pairs
        ),
    )


def _facts(scene):
    zero = scene["shift"].start_us
    return [
        fact
        for seq, each in as_events(scene["found"], zero)
        for fact in from_event(each, seq=seq, edge="e")
    ]


def _windows(scene):
    shift = scene["shift"]
    zero = shift.start_us
    cuts = [shift.start_us, *(zero + clip * TICK for clip in scene["clips"]), shift.end_us]
    inside = sorted({min(max(cut, shift.start_us), shift.end_us) for cut in cuts})
    return [Window.of_shift(unit, shift, pair) for unit in UNITS for pair in pairwise(inside)]


def _known(scene):
    return None if scene["as_of"] is None else scene["shift"].start_us + scene["as_of"]


def scenes(examples):
    """Seeds and sizes; a failure names both, and a smaller size is tried first."""

    def decorate(test):
        quick = settings(
            max_examples=examples, deadline=None, phases=(Phase.generate, Phase.shrink)
        )
        return quick(given(seed=st.integers(0, 2**40), size=st.integers(0, 60))(test))

    return decorate


@scenes(100)
def test_elements_equal_those_of_a_scan(seed, size):
    """Every element of every slice of a shift, as known at any moment; the partition is whole."""
    scene = scene_of(seed, size)
    shift, facts = scene["shift"], _facts(scene)
    zero = shift.start_us
    scan = Scan(scene["found"], scene["as_of"], scene["threshold"], scene["policy"])
    breaks = [(a - zero, b - zero) for a, b in shift.breaks]
    for window in _windows(scene):
        result = compute_window(facts, _settings(scene), window, _known(scene))
        expected, kinds, reasons = scan.elements(
            window.unit, window.start - zero, window.end - zero, breaks, scene["stops"]
        )
        e = result.elements
        assert {key: _exactly(e, name) for key, name in NAMES.items()} == expected
        assert e.pot_us == window.end - window.start == e.planned_downtime_us + e.pbt_us
        assert e.pbt_us == e.apt_us + e.aust_us + e.adet_us + e.adot_us + e.unknown_us
        assert {k: Fraction(v, S) for k, v in result.delay.by_kind.items()} == kinds
        told = dict(result.delay.by_reason)
        told[""] = result.delay.unexplained_us
        assert {k: Fraction(v, S) for k, v in told.items() if v} == reasons
        assert sum(result.delay.by_kind.values()) == sum(told.values()) == e.adet_us
        assert [(a.at - zero, a.counter, a.kind, a.delta) for a in result.anomalies] == [
            (at, counter, anomaly, counts)
            for at, _, _, counter, anomaly, counts, _ in sorted(
                scan.increments(window.unit), key=lambda found: (found[0], found[6])
            )
            if anomaly and window.start - zero < at <= window.end - zero
        ]


@scenes(100)
def test_live_figures_equal_those_computed_afresh_whatever_came_late(seed, size):
    """Facts in any order, questions in between: what is remembered is what a fresh fold gives."""
    scene = scene_of(seed, size)
    facts = _facts(scene)
    windows = _windows(scene)
    whole = [Window.of_shift(unit, scene["shift"]) for unit in UNITS]
    arrival = [facts[index] for index in scene["order"] if index < len(facts)]
    arrival += facts[len(scene["order"]) :]
    if scene["late"]:  # in time order, but for a few that come at the end
        late = arrival[-scene["late"] :]
        arrival = sorted(arrival[: -scene["late"]], key=lambda fact: fact.at) + late
    with mock.patch.object(live, "TILE_US", scene["tile"]):
        figures = LiveFigures(_settings(scene))
        for number, fact in enumerate(arrival):
            figures.add(fact)
            if number % 3 == 0 or number >= len(arrival) - scene["late"]:
                for window in whole:
                    assert figures.window(window) == compute_window(
                        arrival[: number + 1], _settings(scene), window
                    )
        for window in [*windows, *whole]:
            for as_of in (None, _known(scene)):
                fresh = compute_window(facts, _settings(scene), window, as_of)
                assert figures.window(window, as_of) == fresh
                assert figures.window(window, as_of).to_json() == fresh.to_json()


@scenes(100)
def test_windows_that_tile_a_shift_add_up(seed, size):
    scene = scene_of(seed, size)
    facts = _facts(scene)
    for unit in UNITS:
        parts = [window for window in _windows(scene) if window.unit == unit]
        pooled = aggregate([compute_window(facts, _settings(scene), part) for part in parts])
        whole = compute_window(facts, _settings(scene), Window.of_shift(unit, scene["shift"]))
        assert pooled == whole
        assert pooled.to_json() == whole.to_json()


@scenes(100)
def test_an_order_has_its_time_of_the_windows_and_its_quantities_of_all_time(seed, size):
    """R22 against the scan: spans, their first start and last end, and quantities anywhere."""
    scene = scene_of(seed, size)
    zero = scene["shift"].start_us
    windows = [(Window.of_shift(unit, scene["shift"]), _known(scene)) for unit in UNITS]
    figures = LiveFigures(_settings(scene), _facts(scene))
    scan = Scan(scene["found"], scene["as_of"], scene["threshold"], scene["policy"])
    for order in ORDERS:
        result = figures.order(Job(order), windows, _known(scene))
        everything = [made for unit in UNITS for made in scan.made(unit)]
        made = [(kind, amount) for _, kind, amount, whose in everything if whose == order]
        assert result.part.pq == sum(amount for kind, amount in made if kind == "produced")
        assert result.part.sq == sum(a for kind, a in made if kind in ("scrap", "rework_scrap"))
        parts = [figures.window(window, as_of).jobs.get(Job(order)) for window, as_of in windows]
        assert result.part.aubt_us == sum(part.aubt_us for part in parts if part)
        if any(fact[3] == "move" for fact in scan.facts):
            continue
        starts, ends = _spans(scan, order)
        expected = None if not starts or None in ends else max(ends) - min(starts)
        assert result.aoet_us == expected, zero


def _spans(scan, order):
    starts, ends = [], []
    for unit in UNITS:
        here = False
        for at, _, _, kind, what, _ in scan.of(unit, "start", "end"):
            if here and (kind == "start" or what == order):
                ends.append(at)
                here = False
            if kind == "start" and what == order:
                starts.append(at)
                here = True
        ends += [None] * here
    return starts, ends
