"""Which requests read all signals of a device, and how a refused one is split."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from lineside.contracts.errors import ConfigurationError
from lineside.drivers.addresses import Span, plan_reads
from lineside.drivers.decoding import BYTES_PER_REGISTER, Table
from lineside.drivers.modbus.answers import Values, block_decoder
from lineside.drivers.modbus.config import ModbusConfig, Point
from lineside.drivers.modbus.frames import Request, read_request


@dataclass(frozen=True, slots=True)
class Item:
    """Signals that are never cut apart: one value, values that share registers, or one group."""

    first: int
    count: int
    points: tuple[Point, ...]


class Block:
    """One request that is read again and again, and how it stands.

    Attributes:
        due_us: Monotonic time of the next read.
        refusals: Consecutive answers "busy" or "not now".
    """

    def __init__(self, unit: int, table: Table, poll_us: int, items: tuple[Item, ...]) -> None:
        self.unit, self.table, self.poll_us, self.items = unit, table, poll_us, items
        self.first = min(item.first for item in items)
        self.count = max(item.first + item.count for item in items) - self.first
        self.points = tuple(point for item in items for point in item.points)
        self.signals = tuple(point.name for point in self.points)
        self.guarded = tuple(point for point in self.points if point.torn_guard)
        self.request: Request = read_request(unit, table, self.first, self.count)
        self.due_us = 0
        self.refusals = 0
        self._decode = block_decoder(self.points, self.first)

    @property
    def names(self) -> str:
        """Its signals, for a message."""
        return ", ".join(self.signals)

    def halves(self) -> tuple[Block, Block] | None:
        """Two requests for the same signals, or None where nothing is left to split."""
        if len(self.items) == 1:
            return None
        middle = len(self.items) // 2
        first, second = (
            Block(self.unit, self.table, self.poll_us, items)
            for items in (self.items[:middle], self.items[middle:])
        )
        first.due_us = second.due_us = self.due_us
        return first, second

    def values(self, pdu: bytes) -> Values:
        """The values of `points` in an answer's PDU, and why some are not there."""
        return self._decode(pdu[2:])

    def raw(self, point: Point, pdu: bytes) -> bytes:
        """The bytes of one signal in an answer's PDU."""
        begin = 2 + BYTES_PER_REGISTER * (point.first - self.first)
        return pdu[begin : begin + BYTES_PER_REGISTER * point.count]


def plan_blocks(config: ModbusConfig, *, file: str) -> list[Block]:
    """The requests that read every readable signal.

    Signals of one unit, table and poll interval share requests as far as gap, limit and forbidden
    registers allow.

    Raises:
        ConfigurationError: A group does not fit into one request.
    """
    readable = [point for point in config.points if point.readable]
    if not readable:
        raise ConfigurationError(
            file=file, key="signals", found="only write", expected="one to read"
        )
    _check_groups(readable, config, file)

    def place(point: Point) -> tuple[int, Table, int]:
        return point.unit, point.table, point.poll_us

    blocks: list[Block] = []
    for (unit, table, poll_us), members in groupby(sorted(readable, key=place), key=place):
        items = _items(list(members))
        spans = plan_reads(
            [(item.first, item.count) for item in items],
            max_gap=config.device.max_gap,
            max_count=config.limit(table),
            forbidden=config.forbidden.get((unit, table), ()),
        )
        blocks += (Block(unit, table, poll_us, inside) for inside in _by_request(items, spans))
    return blocks


def _items(points: list[Point]) -> list[Item]:
    together: dict[object, list[Point]] = {}
    for point in points:
        key = point.group or (point.first, point.count)
        together.setdefault(key, []).append(point)
    items: list[Item] = []
    for members in together.values():
        first = min(point.first for point in members)
        end = max(point.first + point.count for point in members)
        items.append(Item(first, end - first, tuple(sorted(members, key=lambda p: p.first))))
    return sorted(items, key=lambda item: (item.first, item.count))


def _by_request(items: list[Item], spans: list[Span]) -> list[tuple[Item, ...]]:
    """The items of each request; both lists ascend, as the plan was made."""
    requests: list[list[Item]] = [[] for _ in spans]
    at = 0
    for item in items:
        while item.first + item.count > spans[at][0] + spans[at][1]:
            at += 1
        requests[at].append(item)
    return [tuple(members) for members in requests]


def _check_groups(points: list[Point], config: ModbusConfig, file: str) -> None:
    groups: dict[str, list[Point]] = {}
    for point in points:
        if point.group:
            groups.setdefault(point.group, []).append(point)
    for name, members in groups.items():
        places = {(point.unit, point.table, point.poll_us) for point in members}
        first = min(point.first for point in members)
        count = max(point.first + point.count for point in members) - first
        place = members[0].unit, members[0].table
        problem = ""
        if len(places) > 1:
            problem = "signals of one unit, table and poll interval"
        elif count > config.limit(place[1]):
            problem = f"at most {config.limit(place[1])} registers from first to last"
        elif any(
            low < first + count and first < low + size
            for low, size in config.forbidden.get(place, ())
        ):
            problem = "no forbidden register between its signals"
        if problem:
            raise ConfigurationError(file=file, key=f"group {name}", found=name, expected=problem)
