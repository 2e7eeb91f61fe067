"""Which plain codes of a plant mean what: patterns that a person configures, safe to run.

Python's regular expressions can take exponential time, so only a flat subset is accepted: single
characters, classes, `(?P<name>...)` and `(?:...)`; repetition only of single characters; no
alternatives (give several patterns instead), no look-around, no back references. Together with the
limits below the work for one scan has a small bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lineside.contracts.errors import LinesideError

PATTERN_LONGEST = 200
"""Characters of one pattern."""

NUMBER_LONGEST = 128
"""Characters of a plain code that can be a number; longer ones match no pattern."""

REPETITIONS_MOST = 3
"""Repetitions of varying length in one pattern."""

OPTIONALS_MOST = 4
"""Optional parts in one pattern."""

_TOKEN = re.compile(
    r"""
    (?P<escape>\\(?:x[0-9A-Fa-f]{2}|[dDwWsS]|[^0-9A-Za-z]))
    |(?P<charset>\[\^?\]?(?:\\.|[^\]\\])*\])
    |(?P<open>\((?:\?P<[A-Za-z_]\w{0,31}>|\?:))
    |(?P<close>\))
    |(?P<fixed>\{[0-9]{1,3}\})
    |(?P<repeat>[*+]|\{[0-9]{0,3},[0-9]{0,3}\})
    |(?P<optional>\?)
    |(?P<atom>[^\\\[\](){}*+?|^$])
    """,
    re.VERBOSE | re.DOTALL,
)
_ATOMS = frozenset({"escape", "charset", "atom"})


class UnsafePatternError(LinesideError):
    """A pattern that is wrong, or could take too long."""

    code = "scan.unsafe_pattern"
    status = 422

    def __init__(self, pattern: str, why: str) -> None:
        super().__init__(
            f"The scan pattern {pattern!r} cannot be used: {why}.",
            hint="Use plain characters, classes, (?P<id>...), one repetition after a character, "
            "and several patterns instead of alternatives.",
        )


class UnknownEncodingError(LinesideError):
    """A character encoding that cannot be used for scans."""

    code = "scan.unknown_encoding"
    status = 422

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"{encoding!r} is no character encoding that scans can have.",
            hint="Use utf-8, ascii, latin-1 or gb18030.",
        )


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of the safe subset, to be used with `fullmatch`.

    Raises:
        UnsafePatternError: Outside the subset, too long, or with too many repetitions.
    """
    if len(pattern) > PATTERN_LONGEST:
        raise UnsafePatternError(pattern, f"it has more than {PATTERN_LONGEST} characters")
    repetitions = optionals = at = 0
    previous = ""
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        kind = str(token.lastgroup) if token is not None else ""
        if token is None:
            raise UnsafePatternError(pattern, f"{pattern[at]!r} at {at + 1} is not allowed there")
        if kind in {"repeat", "fixed"} and previous not in _ATOMS:
            raise UnsafePatternError(pattern, f"{token[0]!r} at {at + 1} repeats no character")
        if kind == "optional" and previous not in _ATOMS | {"close", "repeat"}:
            raise UnsafePatternError(pattern, f"'?' at {at + 1} follows nothing optional")
        repetitions += kind == "repeat"
        optionals += kind == "optional" and previous != "repeat"
        previous, at = kind, token.end()
    if repetitions > REPETITIONS_MOST or optionals > OPTIONALS_MOST:
        most = f"{REPETITIONS_MOST} repetitions and {OPTIONALS_MOST} optional parts"
        raise UnsafePatternError(pattern, f"it has more than {most}")
    try:
        return re.compile(pattern)
    except re.error as problem:
        raise UnsafePatternError(pattern, str(problem)) from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningRules:
    r"""How the plain codes and the readers of a plant are to be understood.

    Each pattern must match the whole code. Its group `id` is the number (without such a group the
    whole code); for orders a group `operation` may follow. The first pattern that matches wins, in
    the order of the fields here.

    Attributes:
        command, badge, order, lot, carrier, unit: Patterns. Without patterns for `unit` every other
            code is a serial number, with them only what matches.
        reserved: Beginnings of codes that are never serial numbers: a damaged or mistyped `WO-`
            label must not become a unit.
        encoding: Of plain codes, a superset of ASCII: `utf-8`, `ascii`, `gb18030`.
        separators: Characters that the reader sends for FNC1.
        separators_verified: It was tested that this reader transmits GS; data without one is then
            never suspected of having lost it.

    Raises:
        UnsafePatternError: A pattern is outside the safe subset.
        UnknownEncodingError: There is no such encoding, or not above ASCII.
    """

    command: tuple[str, ...] = ("CMD-(?P<id>.+)",)
    badge: tuple[str, ...] = ("(?P<id>B-.+)", "(?P<id>BADGE-.+)")
    order: tuple[str, ...] = ("(?P<id>WO-[^/;]+)(?:[/;](?P<operation>[^/;]+))?",)
    lot: tuple[str, ...] = ("(?P<id>LOT-.+)",)
    carrier: tuple[str, ...] = ("(?P<id>CAR-.+)",)
    unit: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ("CMD-", "B-", "BADGE-", "WO-", "LOT-", "CAR-")
    encoding: str = "utf-8"
    separators: frozenset[str] = frozenset({"\x1d"})
    separators_verified: bool = False
    _compiled: tuple[tuple[str, re.Pattern[str]], ...] = field(
        init=False, repr=False, compare=False, default=()
    )

    def __post_init__(self) -> None:
        """Check and compile every pattern once."""
        try:
            readable = b"]A0\x1d".decode(self.encoding) == "]A0\x1d"
        except (LookupError, ValueError):
            readable = False
        if not readable:
            raise UnknownEncodingError(self.encoding)
        compiled = tuple(
            (kind, compile_pattern(pattern))
            for kind, patterns in (
                ("command", self.command),
                ("badge", self.badge),
                ("order", self.order),
                ("lot", self.lot),
                ("carrier", self.carrier),
                ("unit", self.unit),
            )
            for pattern in patterns
        )
        object.__setattr__(self, "_compiled", compiled)

    def match(self, code: str) -> tuple[str, str, str] | None:
        """Kind, number and operation (empty unless an order names one) of a plain code, or None.

        A number never contains a control character, whatever the pattern allows.
        """
        if not 0 < len(code) <= NUMBER_LONGEST:
            return None
        for kind, pattern in self._compiled:
            if found := pattern.fullmatch(code):
                groups = found.groupdict()
                number, operation = groups.get("id") or code, groups.get("operation") or ""
                if min(number + operation) >= " ":
                    return kind, number, operation
        return None


DEFAULT_RULES = MeaningRules()
"""Prefixes `CMD-`, `B-`, `BADGE-`, `WO-`, `LOT-`, `CAR-`; everything else is a serial number."""
