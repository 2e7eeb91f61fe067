"""KPIs of ISO 22400-2 that need more than the elements of one window; exact, null over nothing.

Times may be in any unit as long as both sides use the same; energy and material in their own units.
"""

from __future__ import annotations

from lineside.contracts.kpi.ratios import Number, Ratio, ratio


def mttf_s(times_to_failure_s: Number, failures: int) -> Ratio:
    """Times from restoration to the next failure over failures, seconds; MTBF if repairable."""
    return ratio(times_to_failure_s, failures)


def actual_to_planned_scrap(scrap: Number, planned_scrap: Number) -> Ratio:
    """SQ / PSQ, should stay below 1."""
    return ratio(scrap, planned_scrap)


def fall_off_ratio(scrap_of_operation: Number, produced_at_first_operation: Number) -> Ratio:
    """SQ of an operation / PQ of the first one, 0..1, for serial lines."""
    return ratio(scrap_of_operation, produced_at_first_operation)


def worker_efficiency(personnel_work_time: Number, personnel_attendance_time: Number) -> Ratio:
    """APWT / APAT, 0..1; work on several units at once is split among them before."""
    return ratio(personnel_work_time, personnel_attendance_time)


def corrective_maintenance_ratio(corrective: Number, preventive: Number) -> Ratio:
    """CMT / (CMT + PMT), 0..1, lower is better."""
    return ratio(corrective, corrective + preventive)


def equipment_load_ratio(produced: Number, production_capacity: Number) -> Ratio:
    """PQ / EPC, 0..1."""
    return ratio(produced, production_capacity)


def inventory_turns(throughput: Number, average_inventory: Number) -> Ratio:
    """Throughput over average inventory in the same unit."""
    return ratio(throughput, average_inventory)


def finished_goods_ratio(good: Number, consumed_material: Number) -> Ratio:
    """GQ / CM, process industry."""
    return ratio(good, consumed_material)


def integrated_goods_ratio(integrated_good: Number, consumed_material: Number) -> Ratio:
    """IGQ / CM, process industry."""
    return ratio(integrated_good, consumed_material)


def production_loss_ratio(production_loss: Number, consumed_material: Number) -> Ratio:
    """PL / CM, process industry."""
    return ratio(production_loss, consumed_material)


def storage_and_transport_loss_ratio(loss: Number, consumed_material: Number) -> Ratio:
    """STL / CM, process industry."""
    return ratio(loss, consumed_material)


def other_loss_ratio(other_loss: Number, consumed_material: Number) -> Ratio:
    """OL / CM, process industry."""
    return ratio(other_loss, consumed_material)


def comprehensive_energy_consumption(energy: Number, produced: Number) -> Ratio:
    """Energy over PQ: energy per item, in the unit of the energy."""
    return ratio(energy, produced)
