"""One execution: what a parser may do with an input, and what it may not."""

from __future__ import annotations

import time

from lineside.contracts.errors import LinesideError

from .targets import NEVER_RAISES, OUTPUT_BYTES_MAX, SECONDS_MAX, TARGETS


class FuzzFinding(AssertionError):  # noqa: N818 - it is no error of this program
    """A parser did what none may do.

    Attributes:
        target: Which parser.
        data: With which input.
    """

    def __init__(self, target: str, data: bytes, why: str) -> None:
        super().__init__(f"{target}: {why}: {data[:200]!r}")
        self.target, self.data = target, data


def judge(target: str, data: bytes) -> bool:
    """Run a parser once.

    Returns:
        Whether it took the input.

    Raises:
        FuzzFinding: It raised what it does not document, hung, or gave far too much.
    """
    began = time.process_time()
    taken = True
    try:
        result = TARGETS[target](data)
    except LinesideError as refusal:
        taken = False
        result = str(refusal)  # the text is made when somebody reads it
        if target in NEVER_RAISES:
            raise FuzzFinding(target, data, f"raised {refusal!r}") from refusal
    except Exception as fault:
        raise FuzzFinding(target, data, f"raised {type(fault).__name__}: {fault}") from fault
    took = time.process_time() - began
    if took > SECONDS_MAX:
        raise FuzzFinding(target, data, f"took {took:.1f} s")
    if isinstance(result, str | bytes) and len(result) > OUTPUT_BYTES_MAX:
        raise FuzzFinding(target, data, f"gave {len(result):,} bytes")
    return taken
