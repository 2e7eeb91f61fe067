"""Machine and process capability: Cm, Cmk, Cp, Cpk of ISO 22400-2, in Decimals of 50 digits.

Square roots are not rational, so these alone are not Fractions; 50 digits make them the same on
every computer after rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from lineside.contracts.kpi.errors import KpiInputError
from lineside.contracts.kpi.ratios import DECIMALS

_EXACT = Context(prec=50)
_LAST_PLACE = Decimal(1).scaleb(-DECIMALS)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What a run of parts says about a machine or a process.

    Attributes:
        mean: Of all samples.
        sigma: Sample standard deviation s, or estimate s-bar / c4(n); None below two parts a group.
        index: Cm or Cp; None for a one-sided tolerance and without spread.
        critical_index: Cmk or Cpk, negative when the mean is outside; one side suffices.
    """

    mean: Decimal
    sigma: Decimal | None
    index: Decimal | None
    critical_index: Decimal | None

    def to_json(self) -> dict[str, float | None]:
        """Values rounded half-even to 9 decimals."""
        return {
            "mean": _rounded(self.mean),
            "sigma": _rounded(self.sigma),
            "index": _rounded(self.index),
            "critical_index": _rounded(self.critical_index),
        }


def machine_capability(
    samples: Sequence[Decimal], *, usl: Decimal | None, lsl: Decimal | None
) -> Capability:
    """Cm and Cmk of one run of parts in order; 50 or more parts are customary.

    Args:
        samples: Measured values, in the unit of the limits.
        usl: Upper specification limit; None where there is none.
        lsl: Lower one.

    Raises:
        KpiInputError: No sample.
    """
    with localcontext(_EXACT):
        return _judge(_mean(samples), _deviation(samples), usl=usl, lsl=lsl)


def process_capability(
    subgroups: Sequence[Sequence[Decimal]], *, usl: Decimal | None, lsl: Decimal | None
) -> Capability:
    """Cp and Cpk of subgroups of equal size taken over time; sigma is estimated as s-bar / c4(n).

    Raises:
        KpiInputError: No subgroup, an empty one, or unequal sizes.
    """
    sizes = {len(group) for group in subgroups}
    if len(sizes) != 1:
        raise KpiInputError(
            "Subgroups must be of equal size, and there must be one.",
            hint="Leave out incomplete subgroups.",
        )
    with localcontext(_EXACT):
        deviations = [_deviation(group) for group in subgroups]
        known = [each for each in deviations if each is not None]
        sigma = _mean(known) / c4(sizes.pop()) if known else None
        mean = _mean([value for group in subgroups for value in group])
        return _judge(mean, sigma, usl=usl, lsl=lsl)


def c4(size: int) -> Decimal:
    """The factor that makes s unbiased; `c4(5)` = 0.939986.

    It is sqrt(2 / (n - 1)) x gamma(n / 2) / gamma((n - 1) / 2).
    The two gammas are factorials and, for the half-integer one, (2m)! / (4^m m!) x sqrt(pi).
    """
    assert size > 1, "a deviation needs two values"
    with localcontext(_EXACT):
        half = size // 2
        if size % 2 == 0:  # gamma(half) / gamma(half - 1/2)
            whole = Decimal(math.factorial(half - 1))
            quotient = whole / (_half_gamma(half - 1) * _PI.sqrt())
        else:  # gamma(half + 1/2) / gamma(half)
            quotient = _half_gamma(half) * _PI.sqrt() / Decimal(math.factorial(half - 1))
        return (Decimal(2) / Decimal(size - 1)).sqrt() * quotient


def _half_gamma(m: int) -> Decimal:
    """gamma(m + 1/2) / sqrt(pi)."""
    return Decimal(math.factorial(2 * m)) / Decimal(4**m * math.factorial(m))


def _mean(values: Sequence[Decimal]) -> Decimal:
    if not values:
        raise KpiInputError("There are no samples.", hint="Give at least one measured value.")
    return sum(values, Decimal(0)) / len(values)


def _deviation(values: Sequence[Decimal]) -> Decimal | None:
    if len(values) < 2:  # noqa: PLR2004 - n - 1 degrees of freedom
        return None
    # n*sum(x^2) - sum(x)^2 is exact, so that equal values have spread 0 and not 1e-26
    count = len(values)
    squares = count * sum((v * v for v in values), Decimal(0)) - sum(values, Decimal(0)) ** 2
    return (squares / (count * (count - 1))).sqrt()


def _judge(
    mean: Decimal, sigma: Decimal | None, *, usl: Decimal | None, lsl: Decimal | None
) -> Capability:
    if not sigma:  # no spread, or too few parts to have one
        return Capability(mean=mean, sigma=sigma, index=None, critical_index=None)
    sides = [
        *([usl - mean] if usl is not None else []),
        *([mean - lsl] if lsl is not None else []),
    ]
    return Capability(
        mean=mean,
        sigma=sigma,
        index=None if usl is None or lsl is None else (usl - lsl) / (6 * sigma),
        critical_index=min(sides) / (3 * sigma) if sides else None,
    )


def _rounded(value: Decimal | None) -> float | None:
    if value is None:
        return None
    return float(value.quantize(_LAST_PLACE, rounding=ROUND_HALF_EVEN, context=_EXACT))
