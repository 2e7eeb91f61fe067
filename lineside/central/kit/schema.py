"""Types of the wire: times as RFC 3339 UTC, quantities as decimal strings."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from lineside.contracts.clock import format_rfc3339, parse_rfc3339

DECIMAL_DIGITS_MAX = 30
# Years 1970 to 9999: what RFC 3339 can say and a bigint of microseconds holds.
INSTANT_MAX = 253_402_300_799_999_999


def _instant(value: Any) -> int:  # noqa: ANN401 - a validator sees anything
    if isinstance(value, bool):
        message = "a time is RFC 3339 text with an offset, e.g. 2026-11-24T08:00:00Z"
        raise ValueError(message)  # noqa: TRY004 - pydantic turns ValueError into a field problem
    if isinstance(value, int):
        return value
    try:
        return parse_rfc3339(str(value))
    except (ValueError, OverflowError) as problem:
        message = "a time is RFC 3339 text with an offset, e.g. 2026-11-24T08:00:00Z"
        raise ValueError(message) from problem


def _in_range(value: int) -> int:
    if not 0 <= value <= INSTANT_MAX:
        message = "a time lies between 1970 and 9999"
        raise ValueError(message)
    return value


Instant = Annotated[
    int,
    BeforeValidator(_instant),
    AfterValidator(_in_range),
    PlainSerializer(format_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Microseconds UTC inside, RFC 3339 outside."""


def _decimal(value: Any) -> Decimal:  # noqa: ANN401 - a validator sees anything
    message = 'a number is a decimal string, e.g. "12.5"'
    # A float is refused: what it stands for is not what was written.
    exact = isinstance(value, Decimal | int | str) and not isinstance(value, bool)
    try:
        number = Decimal(value) if exact else Decimal("NaN")
    except InvalidOperation as problem:
        raise ValueError(message) from problem
    if not number.is_finite() or abs(number.adjusted()) > DECIMAL_DIGITS_MAX:
        raise ValueError(message)
    return number


def decimal_text(value: Decimal) -> str:
    """Plain digits without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


Amount = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    PlainSerializer(decimal_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "decimal", "examples": ["12.5"]}),
]
"""A Decimal; on the wire a string, so that no reader turns it into a float."""

PositiveAmount = Annotated[Amount, Field(gt=0)]


class Out(BaseModel):
    """An answer; every field is always there."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_serialization_defaults_required=True
    )


class In(BaseModel):
    """A request body; unknown fields are refused, or a misspelt one would be lost silently."""

    model_config = ConfigDict(extra="forbid")


Text = Annotated[str, StringConstraints(max_length=1000)]
Number = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(description="Number of a thing, text exactly as scanned or printed"),
]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")
]
