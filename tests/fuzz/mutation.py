"""A mutation fuzzer of our own, for where no coverage-guided one can be installed.

It keeps inputs that a parser takes or that are new in shape, so that it goes deeper with time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .judge import judge

POOL_MAX = 400
INPUT_BYTES_MAX = 20_000
INTERESTING = (0, 1, 2, 7, 8, 16, 31, 32, 64, 127, 128, 254, 255)
PIECES = (
    b"\x1d", b"]C1", b"]d2", b"01", b"(01)", b"\r\n", b"\x02", b"\x03", b"null", b"true", b"1e999",
    b"-1", b"9" * 25, b'"', b"\\u0000", b"[[", b"{}", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80",
    b"\x7f\xff\xff\xff", b"NaN", b"[[station]]\n", b"=", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80",
)  # fmt: skip


@dataclass(slots=True)
class Score:
    """What a run did."""

    executions: int = 0
    taken: int = 0


def mutated(  # noqa: C901 - one case a kind of change
    data: bytes, pool: Sequence[bytes], chance: random.Random
) -> bytes:
    """One input with one to four changes."""
    found = bytearray(data)
    for _ in range(1 + chance.randrange(4)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(9):
            case 0 if found:
                found[at % len(found)] ^= 1 << chance.randrange(8)
            case 1 if found:
                found[at % len(found)] = chance.choice(INTERESTING)
            case 2:
                found[at:at] = chance.choice(PIECES)
            case 3:
                del found[at : at + 1 + chance.randrange(8)]
            case 4:
                found[at:at] = found[at : at + 1 + chance.randrange(32)]
            case 5:
                other = chance.choice(pool)
                cut = chance.randrange(len(other) + 1)
                found[at:] = other[cut:]
            case 6:
                found[at:at] = chance.randbytes(1 + chance.randrange(8))
            case 7 if found:
                found[at:at] = bytes([found[at % len(found)]]) * chance.choice((4, 64, 2_000))
            case _ if len(found) > 3:
                place = chance.randrange(len(found) - 3)
                found[place : place + 4] = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(
                    4, chance.choice(("little", "big"))
                )
            case _:
                found += b"\0"
    return bytes(found[:INPUT_BYTES_MAX])


def fuzz(target: str, corpus: Sequence[bytes], *, seconds: float, seed: int) -> Score:
    """Try inputs for a while.

    Raises:
        FuzzFinding: One of them shows a fault.
    """
    chance = random.Random(f"{target} {seed}")
    pool = list(corpus) or [b""]
    score = Score()
    for data in corpus:
        score.executions += 1
        score.taken += judge(target, data)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = mutated(chance.choice(pool), pool, chance)
        score.executions += 1
        if judge(target, data):
            score.taken += 1
            if len(pool) < POOL_MAX:
                pool.append(data)
            else:
                pool[chance.randrange(len(corpus), POOL_MAX)] = data
    return score
