"""Simulated people: they sign on with badges, scan, look at the verdict, and do what it says."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any, Protocol

from lineside.contracts.clock import Clock, Microseconds, format_rfc3339
from lineside.contracts.errors import LinesideError
from lineside.sim.hold import Hold
from lineside.sim.machine import PieceResult, SimMachine, what_happens
from lineside.sim.scenario import VALVE_GTIN, Station, Worker
from lineside.sim.terminal_client import Terminal
from lineside.sim.truth import TrueLink, TrueStep, Truth

Json = dict[str, Any]
Pieces = asyncio.Queue[str]
QUEUE_PIECES_MAX = 200
PASSPORT_TRIES = 6
PASSPORT_PAUSE_S = 0.5


class Scanner(Protocol):
    """Something that sends bytes as a real scanner does."""

    async def scan(self, code: bytes) -> None:
        """Send one reading with the frame that the scanner is set to."""
        ...


class RefusedError(LinesideError):
    """The terminal refused what the simulated person is sure of; the plant is not set up right."""

    code = "sim.refused"


@dataclass(slots=True)
class Workplace:
    """A station with its person, scanner and terminal."""

    station: Station
    worker: Worker
    scanner: Scanner
    terminal: Terminal
    truth: Truth
    clock: Clock
    machine: SimMachine | None = None
    hold: Hold = field(default_factory=Hold)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    order: str = ""
    made: int = 0
    refused: list[str] = field(default_factory=list[str])

    async def next(self, pieces: Pieces) -> str | None:
        """The next piece to work on, none in hand meanwhile; None when the shift ends."""
        self.hold.end(self.station.id)
        if self.closing.is_set():
            return None
        taking = asyncio.create_task(pieces.get())
        closing = asyncio.create_task(self.closing.wait())
        done, _ = await asyncio.wait([taking, closing], return_when=asyncio.FIRST_COMPLETED)
        taking.cancel()
        closing.cancel()
        if taking not in done:
            return None
        await self.hold.begin(self.station.id)
        return taking.result()

    async def scan(self, data: bytes) -> Json:
        """Scan something and look at the verdict."""
        self.terminal.forget_verdicts()
        await self.scanner.scan(data)
        message = await self.terminal.verdict()
        answer: Json = message["answer"]
        self.truth.scans[answer["answer"]] += 1
        if answer["answer"] == "refused":
            self.refused.append(str(answer["code"]))
        return answer

    async def must(self, data: bytes) -> Json:
        """Scan something that has to be accepted; a question is answered with its first option.

        Raises:
            RefusedError: It was refused.
        """
        answer = await self.scan(data)
        if answer["answer"] == "ask":
            answer = await self.scan(str(answer["options"][0]["command"]).encode())
        if answer["answer"] != "accepted":
            raise RefusedError(
                f"{self.station.id}: {data!r} was answered {answer['code']}: {answer['what']['en']}"
            )
        return answer

    async def begin(self, order: str) -> None:
        """Sign on, take the order, mount the material."""
        await self.must(self.worker.badge.encode())
        await self.take_order(order)
        for position, item, lot, quantity in self.station.mounts:
            answer = await self.terminal.act(
                "mount", lot=lot, item=item, position=position, quantity=quantity
            )
            if answer["answer"] != "accepted":
                raise RefusedError(f"{self.station.id}: {lot} was answered {answer['code']}")

    async def take_order(self, order: str) -> None:
        """Scan an order; it is on the station from then on."""
        asked_at = self.clock.now()
        await self.must(order.encode())
        self.truth.scan_took[self.station.id] += self.clock.now() - asked_at
        self.truth.order_on(self.station.id, order, self.station.operation, self.clock.now())
        self.order = order

    def note(self, serial: str, done: PieceResult) -> None:
        """Write a finished operation into the plant's ledger."""
        self.truth.steps.append(
            TrueStep(
                serial=serial,
                item=self.station.item,
                order=self.order,
                operation=self.station.operation,
                station=self.station.id,
                person=self.worker.person,
                started_at=done.started_at,
                finished_at=done.finished_at,
                result="pass" if done.good else "fail",
                parameters=done.parameters,
                finish_took=done.finish_took,
            )
        )
        self.made += 1

    def link(self, parent: str, child: str, kind: str) -> None:
        """Something went into a piece."""
        self.truth.links.append(
            TrueLink(parent=parent, child=child, kind=kind, at=self.clock.now())
        )


def spool_code(serial: str) -> bytes:
    """A spool carries its bare serial number."""
    return serial.encode()


def valve_code(serial: str) -> bytes:
    """A valve carries a GS1 DataMatrix with GTIN and serial."""
    return f"]d201{VALVE_GTIN}21{serial}".encode()


async def turn(place: Workplace, serials: Pieces, out: Pieces) -> None:
    """Turn bars into spools; each new spool gets a serial label."""
    lot = place.station.mounts[0][2]
    while serial := await place.next(serials):
        await place.must(spool_code(serial))
        done = await _machine_piece(place, serial)
        place.link(lot, serial, "lot")
        if done.good:
            await out.put(serial)


async def grind(place: Workplace, incoming: Pieces, out: Pieces) -> None:
    """Grind spools; now and then somebody scans the wrong thing first."""
    while serial := await place.next(incoming):
        if place.made == 2:  # noqa: PLR2004 the third piece
            await place.scan(valve_code("HV22-999999"))  # another product's serial
        if place.made == 4:  # noqa: PLR2004 the fifth piece
            await place.scan(b"\x01\x02 half a label")
        await place.must(spool_code(serial))
        done = await _machine_piece(place, serial)
        if done.good:
            await out.put(serial)


async def assemble(place: Workplace, serials: Pieces, spools: Pieces, out: Pieces) -> None:
    """Build a spool into a valve body at the bench."""
    while spool := await place.next(spools):
        valve = serials.get_nowait()
        started_at = place.clock.now()
        await place.must(valve_code(valve))
        await _fit(place, spool)
        await place.clock.sleep(0.5)
        asked_at = place.clock.now()
        await place.must(b"CMD-FINISH")
        finished_at = place.clock.now()
        done = PieceResult(
            started_at=started_at,
            finished_at=finished_at,
            good=True,
            parameters={},
            finish_took=finished_at - asked_at,
        )
        place.note(valve, done)
        place.link(spool, valve, "unit")
        for _, _, lot, _ in place.station.mounts:
            place.link(lot, valve, "lot")
        await out.put(valve)


async def _fit(place: Workplace, spool: str) -> None:
    """Scan the spool; its passport may need a moment, and without central it may not come."""
    for attempt in range(PASSPORT_TRIES):
        answer = await place.scan(spool_code(spool))
        if answer["answer"] == "accepted":
            return
        if answer["answer"] == "ask" and attempt + 1 == PASSPORT_TRIES:
            await place.must(str(answer["options"][0]["command"]).encode())
            return
        if answer["answer"] == "ask":
            await place.scan(str(answer["options"][-1]["command"]).encode())
        await place.clock.sleep(PASSPORT_PAUSE_S)
    raise RefusedError(f"{place.station.id}: spool {spool} is refused: {place.refused[-1:]}")


async def test_or_pack(place: Workplace, incoming: Pieces, out: Pieces | None) -> None:
    """Put valves on a machine: a test stand, the packing machine."""
    while valve := await place.next(incoming):
        await place.must(valve_code(valve))
        if place.made == 3:  # noqa: PLR2004 the fourth piece
            await place.scan(valve_code(valve))  # the same scan twice
        done = await _machine_piece(place, valve)
        if out is None:
            if done.good:
                place.truth.finished.append(valve)
        elif done.good:
            await out.put(valve)


async def _machine_piece(place: Workplace, serial: str) -> PieceResult:
    machine = place.machine
    assert machine is not None
    scrap, trouble = what_happens(machine.pieces)
    done = await machine.run(scrap=scrap, trouble=trouble)
    place.note(serial, done)
    if trouble == "FAIL":
        await _explain(place, done)
    if not done.good:
        await _defect(place, serial)
    return done


async def _defect(place: Workplace, serial: str) -> None:
    answer = await place.terminal.act("defect", code="DIM", serial=serial, scrap=True)
    if answer["answer"] != "accepted":
        raise RefusedError(f"{place.station.id}: defect of {serial}: {answer['code']}")


async def _explain(place: Workplace, done: PieceResult) -> None:
    """Give the reason of the failure that was in the middle of this piece."""
    states = place.truth.states[place.station.id]
    for (start, state), (end, _) in itertools.pairwise(states):
        if state == "FAIL" and start >= done.started_at:
            await _reason(place, start, end, "ELEC")


async def _reason(place: Workplace, start: Microseconds, end: Microseconds, code: str) -> None:
    fields = {"from": format_rfc3339(start), "to": format_rfc3339(end), "code": code}
    answer = await place.terminal.act("reason", **fields)
    if answer["answer"] == "accepted":
        place.truth.reasons[place.station.id].append((start, end, code))


async def until_closed(places: list[Workplace], tasks: list[asyncio.Task[None]]) -> None:
    """End the shift: everybody finishes the piece in hand.

    Raises:
        RefusedError, NoAnswerError, TimeoutError: What the first person in trouble met.
    """
    for place in places:
        place.closing.set()
        place.hold.close()
    await asyncio.gather(*tasks)


def raise_trouble(tasks: list[asyncio.Task[None]]) -> None:
    """Raise what stopped a person, if somebody was stopped."""
    for task in tasks:
        if task.done() and not task.cancelled() and (problem := task.exception()) is not None:
            raise problem
