"""Capability indices, and the formulas that stand alone."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from lineside.contracts.kpi import (
    KpiInputError,
    formulas,
    machine_capability,
    process_capability,
    ratio_json,
)
from lineside.contracts.kpi.capability import c4
from lineside.contracts.kpi.oee import report_yield, rolled_yield


def decimals(*texts):
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 10, 25, 60])
def test_c4_is_that_of_the_gamma_function(size):
    expected = math.sqrt(2 / (size - 1)) * math.exp(
        math.lgamma(size / 2) - math.lgamma((size - 1) / 2)
    )
    assert float(c4(size)) == pytest.approx(expected, rel=1e-12)


def test_c4_of_five_is_the_printed_one():
    assert round(c4(5), 6) == Decimal("0.939986")


def test_equal_values_have_no_spread_and_no_index():
    found = machine_capability(decimals(*["0.1"] * 7), usl=Decimal(1), lsl=Decimal(0))
    assert found.to_json() == {
        "mean": 0.1,
        "sigma": 0.0,
        "index": None,
        "critical_index": None,
    }


def test_a_one_sided_tolerance_has_a_critical_index_alone():
    found = machine_capability(decimals("1", "2", "3"), usl=None, lsl=Decimal(-1))
    assert found.index is None
    assert found.critical_index == Decimal(1)


def test_a_mean_outside_the_tolerance_is_negative():
    found = machine_capability(decimals("1", "2", "3"), usl=Decimal("0.5"), lsl=Decimal(0))
    assert found.critical_index == Decimal("-0.5")


def test_one_part_has_a_mean_and_no_spread():
    found = machine_capability(decimals("4"), usl=Decimal(5), lsl=Decimal(3))
    assert found.to_json() == {"mean": 4.0, "sigma": None, "index": None, "critical_index": None}


@pytest.mark.parametrize("groups", [[], [[Decimal(1)], [Decimal(1), Decimal(2)]]])
def test_unequal_subgroups_are_refused(groups):
    with pytest.raises(KpiInputError, match="equal size"):
        process_capability(groups, usl=Decimal(1), lsl=None)


def test_no_samples_are_refused():
    with pytest.raises(KpiInputError, match="no samples"):
        machine_capability([], usl=Decimal(1), lsl=None)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (formulas.mttf_s(7200, 3), Fraction(2400)),
        (formulas.actual_to_planned_scrap(3, 4), Fraction(3, 4)),
        (formulas.fall_off_ratio(2, 100), Fraction(1, 50)),
        (formulas.worker_efficiency(6, 8), Fraction(3, 4)),
        (formulas.corrective_maintenance_ratio(1, 3), Fraction(1, 4)),
        (formulas.equipment_load_ratio(80, 100), Fraction(4, 5)),
        (formulas.inventory_turns(1200, 100), Fraction(12)),
        (formulas.finished_goods_ratio(9, 10), Fraction(9, 10)),
        (formulas.integrated_goods_ratio(9, 10), Fraction(9, 10)),
        (formulas.production_loss_ratio(1, 10), Fraction(1, 10)),
        (formulas.storage_and_transport_loss_ratio(1, 10), Fraction(1, 10)),
        (formulas.other_loss_ratio(1, 10), Fraction(1, 10)),
        (formulas.comprehensive_energy_consumption(5, 20), Fraction(1, 4)),
        (formulas.corrective_maintenance_ratio(0, 0), None),
        (report_yield(62_676, 435, 105), Fraction(62_676, 63_216)),
        (rolled_yield([(9, 10), (1, 2)]), Fraction(9, 20)),
        (rolled_yield([(9, 10), (0, 0)]), None),
        (rolled_yield([]), None),
    ],
)
def test_formulas_are_exact_and_null_over_nothing(found, expected):
    assert found == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (Fraction(0), {"fraction": "0/1", "value": 0.0}),
        (Fraction(-6, 4), {"fraction": "-3/2", "value": -1.5}),
        (Fraction(5, 10**10), {"fraction": "1/2000000000", "value": 0.0}),
        (Fraction(15, 10**10), {"fraction": "3/2000000000", "value": 2e-9}),
    ],
)
def test_ratios_are_written_in_lowest_terms_and_rounded_half_even(value, expected):
    assert ratio_json(value) == expected
