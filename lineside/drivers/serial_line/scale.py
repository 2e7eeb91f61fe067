"""Lines of scales to weights. Pure.

Formats: `ST,GS,+  12.345kg` (many makers; also without the second field) and MT-SICS
(`S S  12.345 kg`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from lineside.contracts.errors import InvalidMessageError

_NUMBER = rb"(?P<sign>[+-]?) *(?P<number>\d{1,15}(?:\.\d{0,12})?) *(?P<unit>[A-Za-z%]{0,8}) *"
_ST_GS = re.compile(rb"(?P<state>ST|US)(?:,(?P<kind>GS|NT|TR))?, *" + _NUMBER)
_ST_GS_OVERLOAD = re.compile(rb"OL,.*|OL")
_MT_SICS = re.compile(rb"S (?P<state>[SD]) +" + _NUMBER)
_MT_SICS_TROUBLE = {
    b"S +": "overload",
    b"S -": "underload",
    b"S I": "not ready",
    b"ES": "syntax error",
    b"EL": "wrong request",
    b"ET": "transmission error",
}
FORMATS = ("st_gs", "mt_sics")


class ScaleLineError(InvalidMessageError):
    """A line that is no weight in the configured format."""

    code = "driver.serial_line.scale_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a scale said.

    Attributes:
        text: Decimal text with the scale's own resolution (`12.340`); None without a weight.
        unit: As the scale names it.
        stable: Whether the pan had come to rest.
        net: Whether a tare is taken off; None where the format does not say.
        trouble: Why there is no weight: `overload`, `underload`, `not ready`.
    """

    text: str | None
    unit: str = ""
    stable: bool = False
    net: bool | None = None
    trouble: str = ""


def parse_weight(raw: bytes, form: str) -> Weight:
    """The weight of one line.

    Args:
        raw: The line without its frame.
        form: One of `FORMATS`.

    Raises:
        ScaleLineError: The line is not of that format.
    """
    if form == "st_gs" and _ST_GS_OVERLOAD.fullmatch(raw):
        return Weight(text=None, trouble="overload")
    if form == "mt_sics" and (trouble := _MT_SICS_TROUBLE.get(raw.rstrip(b" "))):
        return Weight(text=None, trouble=trouble)
    match = (_ST_GS if form == "st_gs" else _MT_SICS).fullmatch(raw)
    if match is None:
        raise ScaleLineError(
            f"{raw[:80]!r} is not a weight in format {form}.",
            hint="Compare the scale's output setting with `format`; see `probe serial`.",
        )
    number = Decimal((match["sign"] + match["number"]).decode())
    # Minus zero is what is left of a drift below the resolution.
    return Weight(
        text=f"{number or abs(number):f}",
        unit=match["unit"].decode(),
        stable=match["state"] in (b"ST", b"S"),
        net=match["kind"] == b"NT" if form == "st_gs" and match["kind"] else None,
    )
