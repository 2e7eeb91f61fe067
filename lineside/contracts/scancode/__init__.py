"""What a scan means: GS1 rules, the plant's own codes, and explanations for people.

`parse` reads a raw scan by the contract "lineside-gs1/1"; `understand` says what it stands for at a
terminal; `escape` and `unescape` carry raw bytes through text. Pure: no input, output or clock.
"""

from lineside.contracts.scancode.explanations import Explanation, Words, explain_failure
from lineside.contracts.scancode.gs1 import GS, parse
from lineside.contracts.scancode.meaning import (
    Ambiguous,
    Badge,
    Carrier,
    Command,
    Lot,
    Meaning,
    Order,
    Refused,
    UnderstoodScan,
    Unit,
    Unknown,
    understand,
)
from lineside.contracts.scancode.raw import BadEscapeError, escape, unescape
from lineside.contracts.scancode.results import (
    DigitalLink,
    Element,
    ElementString,
    Failure,
    Gtin,
    NonGs1,
    ScanResult,
    Violation,
    to_json,
)
from lineside.contracts.scancode.rules import (
    DEFAULT_RULES,
    MeaningRules,
    UnsafePatternError,
    compile_pattern,
)

__all__ = [
    "DEFAULT_RULES",
    "GS",
    "Ambiguous",
    "BadEscapeError",
    "Badge",
    "Carrier",
    "Command",
    "DigitalLink",
    "Element",
    "ElementString",
    "Explanation",
    "Failure",
    "Gtin",
    "Lot",
    "Meaning",
    "MeaningRules",
    "NonGs1",
    "Order",
    "Refused",
    "ScanResult",
    "UnderstoodScan",
    "Unit",
    "Unknown",
    "UnsafePatternError",
    "Violation",
    "Words",
    "compile_pattern",
    "escape",
    "explain_failure",
    "parse",
    "to_json",
    "understand",
    "unescape",
]
