"""What happens to a plant: each fault by name, how often, and what the world does about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.commands import WorkOrder, decode_document
from lineside.edge_agent.journal.groups import Pending

from .disk import SimulatedJournal
from .edge import SimulatedEdge
from .ledger import Ledger
from .wire import Weather

if TYPE_CHECKING:
    from .world import Line, World

SECOND = US_PER_SECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
STATEMENTS_MAX = 60
YEAR_1970 = 0
YEAR_2000 = 946_684_800 * SECOND
QUIET_STEPS_MAX = 160

Strike = Callable[["World", "Line", random.Random], None]


# --- the network


def partition(world: World, line: Line, chance: random.Random) -> None:
    """The cable is pulled for minutes, the session ends on both sides."""
    line.link_down_until = world.truth.us + round(chance.uniform(1, 45) * MINUTE)


def half_open(world: World, line: Line, chance: random.Random) -> None:
    """Nothing comes through, and neither side knows."""
    if line.wire.up:
        line.wire.silent = True
    line.link_down_until = world.truth.us + round(chance.uniform(1, 10) * MINUTE)


def flap(world: World, line: Line, chance: random.Random) -> None:
    """A break of seconds; what is under way is lost."""
    line.wire.rising.clear()
    line.wire.falling.clear()
    line.link_down_until = world.truth.us + round(chance.uniform(1, 30) * SECOND)


def weather(world: World, line: Line, chance: random.Random) -> None:
    """From now on messages are lost, doubled, late, garbled, out of order, or far too large."""
    line.wire.weather = Weather(
        lose=chance.choice((0, 0.02, 0.2)),
        double=chance.choice((0, 0.05, 0.3)),
        delay=chance.choice((0, 0.05, 0.3)),
        garble=chance.choice((0, 0.01, 0.1)),
        huge=chance.choice((0, 0, 0.01)),
        swap=chance.choice((0, 0.1, 0.5)),
    )


def long_partition(world: World, line: Line, chance: random.Random) -> None:
    """One to 35 days without central, in which the line goes on working."""
    days = chance.choice((1, 2, 3, 7, 14, 35))
    world.report.faults["partition_days"] += days
    line.link_down_until = world.truth.us + days * DAY
    steps = min(QUIET_STEPS_MAX, days * 8)
    for _ in range(steps):
        world.round(days * 86_400 / steps, rate=0.004)


# --- the edge's computer


def kill_in_statement(world: World, line: Line, chance: random.Random) -> None:
    """SIGKILL before or after one of the next statements of the journal."""
    line.edge.disk.kill_in = int(chance.random() ** 2 * STATEMENTS_MAX)
    line.edge.disk.kill_after = chance.random() < 0.5


def kill(world: World, line: Line, chance: random.Random) -> None:
    """SIGKILL between two steps."""
    if line.edge.agent is not None:
        world.died(line)


def power_off(world: World, line: Line, chance: random.Random) -> None:
    """The cabinet is dark for minutes or hours; the machine may go on."""
    kill(world, line, chance)
    line.power_off_until = world.truth.us + round(chance.choice((2, 10, 120)) * MINUTE)


def disk_full(world: World, line: Line, chance: random.Random) -> None:
    """No room for some minutes."""
    line.disk_full_until = world.truth.us + round(chance.uniform(1, 30) * MINUTE)


def sync_fails(world: World, line: Line, chance: random.Random) -> None:
    """The next commit reports an I/O error; whether it is on the disk is open."""
    line.edge.disk.sync_fails = True
    line.edge.disk.sync_done = chance.random() < 0.5


def take_image(world: World, line: Line, chance: random.Random) -> None:
    """Somebody makes an image of the disk; harmless so far."""
    if line.edge.agent is None or line.edge.parked:
        return
    to = world.folder / f"image-{line.edge.name}"
    line.image = (to, line.edge.image(to))


def rollback(world: World, line: Line, chance: random.Random) -> None:
    """The disk is replaced by the image of then."""
    if line.image is None or line.edge.agent is None:
        return
    world.died(line)
    path, ledger = line.image
    world.watch.ledgers[line.edge.name].append(line.edge.ledger)
    line.edge.replace_disk(path, ledger.copy())
    world.watch.ledgers[line.edge.name].append(line.edge.ledger)


def journal_destroyed(world: World, line: Line, chance: random.Random) -> None:
    """A new disk, empty; what was not sent is gone."""
    world.died(line)
    line.image = None
    line.edge.replace_disk(None, Ledger())
    world.watch.ledgers[line.edge.name].append(line.edge.ledger)


def clone(world: World, line: Line, chance: random.Random) -> None:
    """The image is started on a second computer while the first one runs."""
    if line.image is None or world.guests or line.edge.agent is None:
        return
    path, ledger = line.image
    twin = SimulatedEdge(
        line.edge.name, world.truth, random.Random(chance.random()),
        world.folder / f"guest-{world.rounds}", line.edge.machine,
    )  # fmt: skip
    twin.replace_disk(path, ledger.copy())
    world.watch.ledgers[twin.name].append(twin.ledger)
    guest = world.join(twin)
    guest.power_off_until = 0
    world.guests.append(guest)
    world.guest_leaves_at = world.truth.us + round(chance.uniform(5, 30) * MINUTE)


# --- clocks


def clock_step(world: World, line: Line, chance: random.Random) -> None:
    """The wall clock steps, back or forward; it is set right some time later."""
    span = chance.choice((1.2, 5, 60, 3_600, 86_400))
    sign = chance.choice((-1, 1))
    line.edge.clock.offset += round(sign * span * SECOND)
    line.clock_right_at = world.truth.us + round(chance.uniform(1, 120) * MINUTE)


def dead_clock(world: World, line: Line, chance: random.Random) -> None:
    """The battery is empty: after a power cut it is 1970 or 2000 until the network time is back."""
    kill(world, line, chance)
    now = chance.choice((YEAR_1970, YEAR_2000))
    line.edge.clock.offset = now - world.truth.us
    line.clock_right_at = world.truth.us + round(chance.uniform(1, 90) * MINUTE)


def suspend(world: World, line: Line, chance: random.Random) -> None:
    """The computer sleeps: its monotonic clock stands, the world goes on."""
    if line.edge.agent is None or line.edge.parked:
        return
    span = round(chance.choice((30, 600, 7_200)) * SECOND)
    line.asleep_until = world.truth.us + span
    line.edge.clock.suspend(span)


# --- the machine


def plc_reset(world: World, line: Line, chance: random.Random) -> None:
    """A counter is set back at the panel."""
    counter = line.edge.machine.counters[chance.choice(("total", "scrap", "g_total"))]
    counter.set(0)
    counter.count(chance.randrange(0, 40))


def plc_near_rollover(world: World, line: Line, chance: random.Random) -> None:
    """A counter is set to where it goes round soon."""
    line.edge.machine.counters["total"].set(65_536 - chance.randrange(1, 60))


def plc_jump(world: World, line: Line, chance: random.Random) -> None:
    """A counter shows one wild value, and then the right one again."""
    counter = line.edge.machine.counters[chance.choice(("total", "g_total"))]
    counter.wrong_once = chance.choice((0, 1, 65_535, 30_000))
    counter.disturbed += 1


def plc_off(world: World, line: Line, chance: random.Random) -> None:
    """The PLC has no power for a while; its counters may come back as zero."""
    line.plc_off_until = world.truth.us + round(chance.uniform(1, 40) * MINUTE)
    if chance.random() < 0.5:
        for counter in line.edge.machine.counters.values():
            counter.set(0)


# --- facts


def poison(world: World, line: Line, chance: random.Random) -> None:
    """A fact that central cannot read: of a newer edge, or with absurd values."""
    edge = line.edge
    if edge.agent is None:
        return
    data = chance.choice(
        (
            b'{"type":"thing_of_tomorrow","station":"TURN","occurred_at":1,"recorded_at":1}',
            b'{"type":"counter_read","station":"TURN"}',
            b'{"type":"state_changed","occurred_at":1e400,"recorded_at":"x","station":7}',
            b'{"type":"state_changed\\u0000","occurred_at":99999999999999999999999}',
            b'[[[[[[{"type":"nested"}]]]]]]',
            b'"only text \\u0000"',
        )
    )
    item = Pending(
        lane="facts", events=[data], baselines={}, act="", answer=None, wait=True, size=len(data)
    )

    def append() -> None:
        edge.running.journal._writer.post(item, patience_s=0)

    world._guard(line, append)


# --- central


def central_killed_before_commit(world: World, line: Line, chance: random.Random) -> None:
    """Central dies with a transaction open."""
    world.central.store.kill = "before"


def central_killed_after_commit(world: World, line: Line, chance: random.Random) -> None:
    """Central dies after the commit and before the acknowledgement."""
    world.central.store.kill = "after"


def central_down(world: World, line: Line, chance: random.Random) -> None:
    """Central is away for a while."""
    if world.central.running:
        world.central.stop()
    world.central.down_rounds = chance.randrange(2, 40)


def backup(world: World, line: Line, chance: random.Random) -> None:
    """A backup that was verified; harmless."""
    if not world.central.is_old_copy:
        world.central.backup()


def central_restored(world: World, line: Line, chance: random.Random) -> None:
    """Central's database is lost and restored from its last backup."""
    if world.central.saved and not world.central.is_old_copy:
        world.central.restore()


def old_copy(world: World, line: Line, chance: random.Random) -> None:
    """An old copy of central is started by mistake, and the right one again later."""
    if len(world.central.saved) > 1 and not world.central.is_old_copy:
        world.central.swap_for_old_copy()
        world.old_copy_rounds = chance.randrange(2, 20)


def wish(world: World, line: Line, chance: random.Random) -> None:
    """Somebody at central changes an order; no fault, but what faults meet."""
    wanted = world.central.wanted[line.edge.name]
    identity = f"WO-{chance.randrange(1, 7)}"
    item = wanted.objects.get(("work_order", identity))
    if item is None or item.gone:
        return
    order = decode_document(bytes(item.body))
    assert isinstance(order, WorkOrder)
    import msgspec

    changed = msgspec.structs.replace(order, priority=chance.randrange(1, 999))
    wanted.put("work_order", identity, changed)


HARMLESS = frozenset({"take_image", "backup", "wish"})
RATES: Mapping[Strike, float] = {
    partition: 0.12, half_open: 0.1, flap: 0.2, weather: 0.25, long_partition: 0.004,
    kill_in_statement: 0.35, kill: 0.08, power_off: 0.04, disk_full: 0.08, sync_fails: 0.08,
    take_image: 0.1, rollback: 0.02, journal_destroyed: 0.004, clone: 0.02,
    clock_step: 0.06, dead_clock: 0.03, suspend: 0.05,
    plc_reset: 0.08, plc_near_rollover: 0.05, plc_jump: 0.06, plc_off: 0.06, poison: 0.1,
    central_killed_before_commit: 0.06, central_killed_after_commit: 0.06, central_down: 0.02,
    backup: 0.05, central_restored: 0.01, old_copy: 0.01, wish: 0.2,
}  # fmt: skip
"""Strikes an hour and edge."""


class Faults:
    """Strikes by their rates; `only` and `scale` make a run narrower or harsher."""

    def __init__(
        self,
        rates: Mapping[Strike, float] = RATES,
        *,
        only: frozenset[str] | None = None,
        without: frozenset[str] = frozenset(),
        scale: float = 1.0,
    ) -> None:
        self._rates = [
            (strike, rate * scale)
            for strike, rate in rates.items()
            if (only is None or strike.__name__ in only) and strike.__name__ not in without
        ]
        self._nested = False

    def strike(self, world: World, seconds: float) -> None:
        """Whatever happens in this round."""
        self._pass_time(world, seconds)
        if self._nested:  # within a quiet stretch no other one begins, and days are not hours
            seconds = min(seconds, 300)
        for line in list(world.lines):
            for strike, rate in self._rates:
                if world.chance.random() >= rate * seconds / 3600:
                    continue
                name = strike.__name__
                if strike is long_partition:
                    if self._nested:
                        continue
                    self._nested = True
                    world.report.faults[name] += 1
                    strike(world, line, world.chance)
                    self._nested = False
                    continue
                if name not in HARMLESS:
                    world.report.faults[name] += 1
                world.trace.update(name.encode())
                strike(world, line, world.chance)

    def _pass_time(self, world: World, seconds: float) -> None:
        world.central.down_rounds -= 1
        if world.central.is_old_copy:
            world.old_copy_rounds -= 1
            if world.old_copy_rounds <= 0:
                world.central.swap_back()
        if world.guests and world.truth.us >= world.guest_leaves_at:
            self._send_guest_away(world)

    def _send_guest_away(self, world: World) -> None:
        """The copy is found and switched off, and the edge is enrolled again."""
        guest = world.guests.pop()
        guest.edge.stop()
        SimulatedJournal.disk_of.pop(str(guest.edge.data), None)
        world.central.store.enrol(guest.edge.name)
        for line in world.lines:
            if line.edge.name == guest.edge.name:
                world.died(line)
                # Whoever enrols it again waits until nothing of the old runs is under way: their
                # hello, late and from a clock that was ahead, would be taken for the newer one.
                line.wire.rising.clear()

    def heal(self, world: World) -> None:
        """Everything that is broken is mended."""
        now = world.truth.us
        world.central.swap_back()
        world.central.store.kill = ""
        world.central.down_rounds = 0
        if world.guests:
            self._send_guest_away(world)
        for line in world.lines:
            line.link_down_until = line.power_off_until = line.plc_off_until = now
            line.disk_full_until = line.asleep_until = now
            line.clock_right_at, line.edge.clock.offset = None, 0
            line.edge.clock.wake()
            line.wire.weather = Weather()
            line.edge.disk.kill_in = None
            line.edge.disk.sync_fails = False
