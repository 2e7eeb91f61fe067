"""Addresses of registers and bits as people write them, and which requests read many of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from lineside.drivers.decoding import Table


class Addressing(StrEnum):
    """What the numbers of a configuration mean; declared, never guessed."""

    ZERO = "zero"  # as on the wire
    ONE = "one"  # as in manuals that count from 1, table named apart
    MODICON = "modicon"  # 40001 or 400001: the table stands in front


_MODICON = {
    "0": Table.COILS,
    "1": Table.DISCRETE_INPUTS,
    "3": Table.INPUT_REGISTERS,
    "4": Table.HOLDING_REGISTERS,
}
ADDRESS_MAX = 65_535


def wire_address(
    written: int | str, table: Table | None, addressing: Addressing
) -> tuple[Table, int]:
    """Table and address on the wire of an address as written in a configuration.

    Args:
        written: Number, or text of digits; Modicon coils need text (`"00017"`).
        table: The table, where the configuration names it.
        addressing: What the number means.

    Raises:
        ValueError: No such address; the text says what was expected.
    """
    digits = str(written)
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError("a number of decimal digits")
    if addressing is Addressing.MODICON:
        found = _MODICON.get(digits[0])
        if len(digits) not in (5, 6) or found is None:
            raise ValueError("five or six digits that begin with 0, 1, 3 or 4, such as 40001")
        if table is not None and table is not found:
            raise ValueError(f"an address of {table.value}; {digits} lies in {found.value}")
        table, address = found, int(digits[1:]) - 1
    elif table is None:
        raise ValueError("a table beside the address (or addressing = 'modicon')")
    else:
        address = int(digits) - (1 if addressing is Addressing.ONE else 0)
    if not 0 <= address <= ADDRESS_MAX:
        raise ValueError(f"an address that is 0 to {ADDRESS_MAX} on the wire")
    return table, address


Span = tuple[int, int]
"""First address and count."""


def plan_reads(
    items: Iterable[Span],
    *,
    max_gap: int,
    max_count: int,
    forbidden: Sequence[Span] = (),
) -> list[Span]:
    """The requests that read all items, in ascending order, never cutting one.

    Args:
        items: What must be read; overlaps are allowed.
        max_gap: Most unasked registers between two items of one request.
        max_count: Most registers (or bits) of one request.
        forbidden: Never read as part of a gap: write-only and read-to-clear registers.

    Raises:
        ValueError: An item is longer than `max_count`.
    """
    requests: list[Span] = []
    for first, count in sorted(items):
        if count > max_count:
            raise ValueError(f"{count} items from {first} exceed the limit of {max_count}")
        if requests:
            begin, length = requests[-1]
            end = begin + length
            joined = max(end, first + count) - begin
            if (
                first - end <= max_gap
                and joined <= max_count
                and not (
                    first > end and any(low < first and end < low + size for low, size in forbidden)
                )
            ):
                requests[-1] = (begin, joined)
                continue
        requests.append((first, count))
    return requests
