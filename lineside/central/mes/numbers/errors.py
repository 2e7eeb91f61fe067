"""Refusals of number series."""

from __future__ import annotations

from lineside.central.errors import ConflictError, InvalidInputError


class BlockExhaustedError(ConflictError):
    """The series has no more numbers of this width."""

    code = "mes.numbers_exhausted"

    def __init__(self, prefix: str, width: int) -> None:
        super().__init__(
            f"Series {prefix or '(no prefix)'} has no more numbers of {width} digits.",
            hint="Begin a series with another prefix or more digits.",
        )


class SeriesOverlapError(ConflictError):
    """Another series could give the same text for the same kind of thing."""

    code = "mes.number_series_overlap"

    def __init__(self, other: str) -> None:
        super().__init__(
            f"Series {other} could give the same numbers.",
            hint="Choose a prefix that no other series of this kind and item begins with.",
        )


class SsccPrefixError(InvalidInputError):
    """An SSCC has 17 digits and a check digit; these do not make one."""

    code = "mes.sscc_prefix"

    def __init__(self, field: str) -> None:
        super().__init__(
            "An SSCC is an extension digit, the company prefix (4 to 12 digits) and a serial "
            "reference: 17 digits together, the check digit comes behind them.",
            field=field,
            hint="Give extension and company_prefix; the width follows from them.",
        )
