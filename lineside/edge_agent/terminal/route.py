"""What a piece must have behind it before an operation, and what if nobody here knows."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.contracts.commands import OperationStep
from lineside.contracts.units import Thing
from lineside.edge_agent.projections.floor import JobOn
from lineside.edge_agent.projections.units import StepDone
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    YES,
    Decision,
    Situation,
    ask,
    option,
    refused,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is known of a piece.

    Attributes:
        refusal: Why it may not be processed, or the question.
        attempt: Which try of this operation begins.
        degraded: What was not known when it was allowed.
        passed: The last operation that it has passed, for the screen.
    """

    refusal: Decision | None = None
    attempt: int = 1
    degraded: str = ""
    passed: str = ""


def before_here(s: Situation, unit: Thing, job: JobOn, step: OperationStep) -> Before:
    """Look at what the piece went through, here and by its passport."""
    steps = s.units.steps(unit.item, unit.id)
    own = [one for one in steps if one.operation == step.operation]
    if (wrong := _done_here(s, unit, own)) is not None:
        return Before(refusal=wrong)
    attempt = 1 + max((one.attempt for one in own), default=0)
    earlier = _earlier(s, job, step)
    if step.starts_unit or not earlier:
        return Before(attempt=attempt)
    passport = s.plant.passport(unit.item, unit.id)
    results = {one.operation: one.result for one in steps}
    passed = {operation for operation, result in results.items() if result == "pass"}
    if passport is not None:
        passed |= set(passport.passed)
    missing = [one for one in earlier if one.operation not in passed]
    last = next((one.operation for one in reversed(earlier) if one.operation in passed), "")
    if not missing:
        return Before(attempt=attempt, passed=last)
    unknown = passport is None and any(one.edge not in {"", s.edge} for one in missing)
    if not unknown:
        if s.overrides():
            return Before(attempt=attempt, passed=last)
        return Before(refusal=_not_passed(unit, missing[-1], steps))
    rule = s.station.missing_passport or step.missing_passport
    verdict = missing_rule(s, rule, serial=unit.id)
    if verdict is not None:
        return Before(refusal=verdict)
    return Before(attempt=attempt, degraded="unit_passport", passed=last)


def missing_rule(s: Situation, rule: str, *, serial: str) -> Decision | None:
    """What the rule says where a passport is missing; None: go on, marked degraded."""
    if rule == "accept" or s.confirm == "accept" or s.overrides():
        return None
    if rule == "refuse":
        return refused("unit.passport_missing", serial=serial)
    use = option("accept", "仍然使用", "Use it all the same", YES)
    return ask("unit.passport_question", [use, CANCEL], serial=serial)


def _earlier(s: Situation, job: JobOn, step: OperationStep) -> list[OperationStep]:
    order = s.plant.order(job.order)
    if order is None:
        return []
    found: list[OperationStep] = []
    for one in order.steps:
        if one.operation == step.operation:
            break
        found.append(one)
    return found


def _done_here(s: Situation, unit: Thing, own: list[StepDone]) -> Decision | None:
    """Not twice: a piece that is through, in work elsewhere, or failed for good."""
    if not own:
        return None
    last = own[-1]
    if last.finished_at is None:
        if last.station == s.station.id:
            return refused("unit.in_work", serial=unit.id)
        return refused("unit.in_work_elsewhere", serial=unit.id, station=last.station)
    fate = s.units.fate(unit.item, unit.id)
    if last.result == "rework" or fate == "rework":
        return None
    if last.result == "pass":
        return refused(
            "unit.done_already", serial=unit.id, operation=last.operation, station=last.station
        )
    return None if s.overrides() else refused("unit.failed_before", serial=unit.id)


def _not_passed(unit: Thing, missing: OperationStep, steps: list[StepDone]) -> Decision:
    where = ", ".join(missing.stations)
    name = missing.name or missing.operation
    name_zh = missing.name_zh or name
    if not steps:
        return refused(
            "unit.never_seen", serial=unit.id, operation=missing.operation, name=name,
            name_zh=name_zh, where=where,
        )  # fmt: skip
    last = steps[-1]
    state = last.result or "in work"
    return refused(
        "unit.earlier_missing", serial=unit.id, operation=missing.operation, name=name,
        name_zh=name_zh, where=where, seen=f"{last.station} / {last.operation}: {state}",
    )  # fmt: skip
