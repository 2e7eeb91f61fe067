"""All values of one answer in one go: a struct for the whole block, prepared when it is planned.

Decoding value by value costs more than the whole exchange with the device.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from operator import itemgetter

from lineside.contracts.samples import SignalValue
from lineside.drivers.decoding import BYTES_PER_REGISTER, DecodingError, arrange, wire_form
from lineside.drivers.modbus.config import Point

Values = tuple[list[SignalValue], dict[int, str]]
"""A value for each signal, and why there is none (index -> status) where it is None."""


def block_decoder(points: Sequence[Point], first: int) -> Callable[[bytes], Values]:
    """A function from the data of an answer to the values of the points, in their order.

    Args:
        points: Signals of one table that the answer holds.
        first: Wire address of the answer's first register or bit.
    """
    if points[0].encoding is None:
        bits = [((at := point.first - first) // 8, 1 << at % 8) for point in points]
        return lambda data: ([data[byte] & mask != 0 for byte, mask in bits], {})
    forms: list[str] = []
    places: list[int] = []  # of every byte, in the order of the struct
    refined: list[tuple[int, Callable[..., SignalValue]]] = []
    for index, point in enumerate(points):
        assert point.encoding is not None
        form, refine = wire_form(point.encoding)
        begin, count = (BYTES_PER_REGISTER * n for n in (point.first - first, point.count))
        forms.append(form)
        places += [begin + at for at in arrange(bytes(range(count)), point.encoding.bytes_in_order)]
        if refine is not None:
            refined.append((index, refine))
    unpack = struct.Struct(">" + "".join(forms)).unpack
    # A device whose signals stand side by side, highest byte first, needs no rearranging.
    in_place = places == list(range(len(places)))
    gather: Callable[[bytes], tuple[int, ...]] = itemgetter(*places)
    used = len(places)

    def decode(data: bytes) -> Values:
        values: list[SignalValue] = list(unpack(data[:used] if in_place else bytes(gather(data))))
        problems: dict[int, str] = {}
        for index, refine in refined:
            try:
                values[index] = refine(values[index])
            except DecodingError as problem:
                values[index] = None
                problems[index] = str(problem)
        return values, problems

    return decode
