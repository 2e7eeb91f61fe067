"""The wire between one edge and the broker: it loses, doubles, delays, reorders and garbles."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.envelope import MESSAGE_BYTES_MAX

SECOND = US_PER_SECOND
LATE_MAX = 3 * 86_400 * SECOND
QUEUED_MAX = 400


@dataclass(slots=True)
class Weather:
    """How often something happens to a message, 0 to 1."""

    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    garble: float = 0.0
    huge: float = 0.0
    swap: float = 0.0


@dataclass(slots=True)
class Wire:
    """Messages under way, both directions, by the time at which they arrive.

    Attributes:
        up: The connection stands as both ends believe.
        silent: Half open: it stands, and nothing comes through.
    """

    chance: random.Random
    hits: Counter[str]
    up: bool = False
    silent: bool = False
    weather: Weather = field(default_factory=Weather)
    rising: list[tuple[Microseconds, str, bytes]] = field(
        default_factory=list[tuple[Microseconds, str, bytes]]
    )
    falling: list[tuple[Microseconds, str, bytes]] = field(
        default_factory=list[tuple[Microseconds, str, bytes]]
    )

    def send(self, now: Microseconds, topic: str, payload: bytes, *, rises: bool) -> None:
        """Put a message on its way, or lose it."""
        if not self.up or self.silent:
            self.hits["message_into_dead_wire"] += self.silent
            return
        queue = self.rising if rises else self.falling
        weather, chance = self.weather, self.chance
        if chance.random() < weather.lose:
            self.hits["message_lost"] += 1
            return
        at = now + round(chance.uniform(0.002, 0.2) * SECOND)
        if chance.random() < weather.swap:
            self.hits["message_reordered"] += 1
            at += round(chance.uniform(0.2, 2) * SECOND)
        if chance.random() < weather.delay:
            self.hits["message_delayed"] += 1
            at += round(chance.random() ** 6 * LATE_MAX)
        if chance.random() < weather.double:
            self.hits["message_doubled"] += 1
            queue.append((at + round(chance.random() ** 4 * LATE_MAX), topic, payload))
        if chance.random() < weather.garble:
            self.hits["message_garbled"] += 1
            payload = garbled(payload, chance)
        if chance.random() < weather.huge:
            self.hits["message_huge"] += 1
            payload = huge(chance)
        queue.append((at, topic, payload))
        if len(queue) > QUEUED_MAX:
            queue.pop(0)
            self.hits["message_lost"] += 1

    def take(self, now: Microseconds, *, rises: bool) -> list[tuple[str, bytes]]:
        """What has arrived."""
        queue = self.rising if rises else self.falling
        if not self.up or self.silent:
            return []
        arrived = sorted(
            ((at, number) for number, (at, _, _) in enumerate(queue) if at <= now),
        )
        taken = [queue[number][1:] for _, number in arrived]
        if arrived:
            gone = {number for _, number in arrived}
            queue[:] = [item for number, item in enumerate(queue) if number not in gone]
        return taken

    def cut(self) -> None:
        """The connection breaks; what is late may still come once it stands again."""
        self.up = self.silent = False


def garbled(payload: bytes, chance: random.Random) -> bytes:
    """A payload with a flipped byte, cut short, or with something behind it."""
    data = bytearray(payload)
    match chance.randrange(3):
        case 0 if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1 if data:
            del data[chance.randrange(len(data)) :]
        case _:
            data += chance.randbytes(chance.randrange(1, 20))
    return bytes(data)


def huge(chance: random.Random) -> bytes:
    """More than any message may have, or little that unpacks to far too much."""
    if chance.random() < 0.5:
        return bytes(MESSAGE_BYTES_MAX + 1)
    import zstandard

    return zstandard.ZstdCompressor(level=1).compress(bytes(9 * 1024 * 1024))
