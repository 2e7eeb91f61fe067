"""One line from the first scan to the finished piece: journal, projections, HTTP."""

from __future__ import annotations

from typing import Any


async def begin_turning(line: Any) -> None:
    await line.signals(state=4, total=10, scrap=0, sequence=7, ack=7, good=True, diameter=0.0)
    await line.must("B-1")
    await line.must("WO-1")
    await line.must("LOT-BAR-1")


async def piece(line: Any, serial: str, number: int, *, good: bool = True) -> dict[str, Any]:
    answer = await line.must(serial)
    await line.signals(state=6)
    line.advance(30)
    await line.signals(diameter=18.003, good=good, total=10 + number, sequence=7 + number)
    await line.signals(state=4)
    return answer


async def test_a_piece_is_scanned_made_counted_and_acknowledged(line):
    """The whole way of a fact, once."""
    await begin_turning(line)

    answer = await piece(line, "SP18-0001", 1)

    assert answer["code"] == "unit.started"
    assert answer["what"]["zh"] == "可以加工"
    assert line.acknowledged == [8]
    finished = line.events("unit_finished")
    assert [(e.unit.id, e.result, e.parameters) for e in finished] == [
        ("SP18-0001", "pass", {"diameter": "18.003"})
    ]
    assert [(e.into.id, e.material.id) for e in line.events("consumed")] == [
        ("SP18-0001", "LOT-BAR-1")
    ]
    screen = await line.screen()
    (job,) = screen["jobs"]
    assert (job["order"], job["good"], job["planned"], job["units"]) == ("WO-1", "1", "200", [])
    assert screen["machine"]["state"] == "IDLE"
    assert screen["mounted"][0]["left"] == "5.8"
    assert screen["people"][0]["name"] == "王芳"
    assert screen["shift"]["id"] == "early"
    assert screen["figures"]["produced"] == "1"
    assert screen["figures"]["oee"] > 0
    assert screen["entries"][0]["kind"] == "unit_finished"
    assert screen["entries"][0]["subject"] == "SP18-0001"


async def test_a_bad_piece_is_failed_by_the_machine_and_counted_once(line):
    """The scrap counter counts it; the operator's defect only says why."""
    await begin_turning(line)
    await line.must("SP18-0001")
    await line.signals(state=6, good=False, total=11, scrap=1, sequence=8)

    answer = await line.act("defect", code="DIM", serial="SP18-0001", scrap=True)

    assert answer["answer"] == "accepted"
    assert [e.result for e in line.events("unit_finished")] == ["fail"]
    assert line.events("quantity_declared") == []
    assert [e.disposition for e in line.events("unit_disposed")] == ["scrap"]
    (job,) = (await line.screen())["jobs"]
    assert (job["good"], job["scrap"]) == ("0", "1")
    assert (await line.scan("SP18-0001"))["code"] == "unit.scrapped"


async def test_a_piece_goes_on_to_the_next_operation_only_when_it_passed(line):
    """Turned spools may be ground; others are sent back, and a leader can release them."""
    await begin_turning(line)
    await piece(line, "SP18-0001", 1)
    await line.must("B-2", "GRIND")
    await line.must("WO-1", "GRIND")

    refused = await line.scan("SP18-0002", "GRIND")
    assert (refused["answer"], refused["code"]) == ("refused", "unit.never_seen")
    assert "TURN" in refused["todo"]["en"]
    released = await line.must("B-9", "GRIND")
    assert released["code"] == "unit.started"
    assert [e.by for e in line.events("override_approved")] == [("P-9",)]
    await line.signals(g_state=6, g_sequence=0)
    await line.signals(g_sequence=1, g_good=True)
    assert [e.passed for e in line.events("inspected")] == [True]

    await line.must("SP18-0001", "GRIND")
    await line.signals(g_sequence=2, g_good=True)
    again = await line.scan("SP18-0001", "GRIND")
    assert again["code"] == "unit.done_already"
    (job,) = (await line.screen("GRIND"))["jobs"]
    assert job["good"] == "2"


async def test_a_valve_needs_its_spool_and_names_its_materials(line, passport):
    """Body first, then the spool with its passport, then finished by scan."""
    await line.must("B-1", "BENCH")
    await line.must("WO-2", "BENCH")
    assert (await line.scan("SP18-0001", "BENCH"))["code"] == "unit.scan_parent_first"
    assert (await line.scan("HV22-0001", "BENCH"))["code"] == "material.missing"
    await line.must("LOT-SPR-1", "BENCH")
    await line.must("]d201095060001343522" + "1HV22-0001", "BENCH")
    assert (await line.scan("CMD-FINISH", "BENCH"))["code"] == "unit.parts_missing"

    question = await line.scan("SP18-0001", "BENCH")
    assert (question["answer"], question["code"]) == ("ask", "unit.passport_question")
    assert [one["command"] for one in question["options"]] == ["CMD-YES", "CMD-NO"]
    assert (await line.must("CMD-NO", "BENCH"))["code"] == "question.cancelled"
    line.send("unit_passport", "SP-18/SP18-0001", passport("SP18-0001"))
    await line.must("SP18-0001", "BENCH")
    done = await line.must("CMD-FINISH", "BENCH")

    assert done["code"] == "unit.finished_pass"
    assert [(e.component.id, e.into.id) for e in line.events("component_fitted")] == [
        ("SP18-0001", "HV22-0001")
    ]
    (finished,) = line.events("unit_finished")
    assert finished.last_operation
    (job,) = (await line.screen("BENCH"))["jobs"]
    assert job["good"] == "1"
    assert (await line.screen("BENCH"))["machine"]["state"] == "RUN"


async def test_without_a_passport_a_piece_is_used_degraded_after_a_question(line):
    """Accepted, and marked for everybody who looks later."""
    await line.must("B-1", "BENCH")
    await line.must("WO-2", "BENCH")
    await line.must("LOT-SPR-1", "BENCH")
    await line.must("HV22-0001", "BENCH")
    await line.scan("SP18-0003", "BENCH")

    answer = await line.must("CMD-YES", "BENCH")

    assert answer["code"] == "unit.fitted"
    assert answer["degraded"] == "unit_passport"
    (fitted,) = line.events("component_fitted")
    assert fitted.flags == ("degraded",)
    assert line.events("scan_accepted")[-1].verdict.degraded == "unit_passport"
