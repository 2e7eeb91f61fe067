"""What a cumulative counter's reading adds: rules R15 to R17, the only implementation in the house.

A face value is never output: a counter may roll over, be set at the panel, restart with its PLC, or
show a zero once by mistake. Interpretation uses this as readings arrive; figures use it again over
all readings in time order, so that a late reading corrects its neighbours.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.kpi.errors import KpiInputError

GLITCH_AGE_US = 10 * US_PER_SECOND
_US_PER_MINUTE = 60 * US_PER_SECOND

Suspect = tuple[Microseconds, int]
"""(time, value) of the baseline before a reading that counted nothing (R17)."""


class CounterState(msgspec.Struct, frozen=True, array_like=True):
    """What must be remembered of a counter between two readings; small, so that it can be stored.

    Attributes:
        at, value: The baseline: the last reading or reset.
        before: Set when that reading was a reset or implausible and counted 0: the baseline before
            it.
    """

    at: Microseconds
    value: int
    before: Suspect | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a counter, or with `is_reset` the knowledge that it was set to a value.

    Attributes:
        at: When it showed the value, microseconds UTC; not before the state's.
        value: Face value.
        modulus: It shows value mod modulus (65,536 for 16 bits).
        max_per_min: Largest plausible rate, counts a minute (R16).
        resetting: The machine itself resets it (shift, order): a smaller value counts itself.
        is_reset: R15: sets the baseline and counts nothing.
    """

    at: Microseconds
    value: int
    modulus: int
    max_per_min: Decimal
    resetting: bool = False
    is_reset: bool = False


def apply_reading(state: CounterState | None, reading: Reading) -> tuple[CounterState, int, str]:
    """The counter after one more reading, in time order.

    Args:
        state: After the reading before; None for the first one ever.
        reading: The next one.

    Returns:
        The new state; the increment in counts, never below 0; the anomaly: empty, `rollover`,
        `reset`, `implausible` or `glitch`.

    Raises:
        KpiInputError: A rate or modulus that no counter can have.
    """
    if reading.modulus < 1 or reading.max_per_min < 0:
        raise KpiInputError(
            f"A counter with modulus {reading.modulus} and at most {reading.max_per_min} a minute "
            "cannot be.",
            hint="Correct modulus and max_per_min in the counter's configuration.",
        )
    if state is None or reading.is_reset:
        return CounterState(reading.at, reading.value), 0, ""
    rate_n, rate_d = reading.max_per_min.as_integer_ratio()
    increment, anomaly = increment_of(
        (state.at, state.value),
        state.before,
        (reading.at, reading.value),
        rate=(rate_n, rate_d * _US_PER_MINUTE),
        modulus=reading.modulus,
        resetting=reading.resetting,
    )
    before = (state.at, state.value) if is_suspect(increment, anomaly) else None
    return CounterState(reading.at, reading.value, before), increment, anomaly


def is_suspect(increment: int, anomaly: str) -> bool:
    """Whether a reading may have been a glitch: a reset or implausible one that counted 0."""
    return increment == 0 and anomaly in {"reset", "implausible"}


def increment_of(
    baseline: Suspect,
    before: Suspect | None,
    reading: Suspect,
    *,
    rate: tuple[int, int],
    modulus: int,
    resetting: bool = False,
) -> tuple[int, str]:
    """Increment and anomaly of a reading by R16 and R17, in whole numbers only.

    Args:
        baseline: (t0, v0).
        before: (tp, vp) in force before the baseline, if the baseline is suspect.
        reading: (t, v).
        rate: Largest rate as counts / microseconds, numerator and denominator.
        modulus: 2^bits.
        resetting: A smaller value counts itself.
    """
    at, value = reading
    since, base = baseline
    per, span = rate
    if before is not None and at - since <= GLITCH_AGE_US:
        good_at, good = before
        if good <= value <= good + per * (at - good_at) // span + 1:
            return value - good, "glitch"
    bound = per * (at - since) // span + 1
    anomaly = ""
    if value >= base:
        increment = value - base
    elif resetting:
        increment, anomaly = value, "reset"
    else:
        increment, anomaly = value + modulus - base, "rollover"
        if increment > bound:
            increment, anomaly = value, "reset"
    if increment > bound:
        return 0, "implausible"
    return increment, anomaly
