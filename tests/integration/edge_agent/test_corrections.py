"""Taking entries back, changing them, moving spans: figures follow, or the page says why not."""

from __future__ import annotations

import random

import pytest

from lineside.contracts.clock import format_rfc3339


async def counts(line, station: str) -> tuple[str, str]:
    """Scrap of the job, and scrap of the figures, which are computed from the events anew."""
    screen = await line.screen(station)
    return screen["jobs"][0]["scrap"], screen["figures"]["scrap"]


@pytest.fixture
async def oven(line):
    await line.act("sign_on", "OVEN", badge="B-1")
    await line.act("start_order", "OVEN", order="WO-5")
    line.advance(10)
    return line


def defect(quantity: str) -> dict[str, str]:
    return {"kind": "defect", "id": "i", "station": "OVEN", "code": "DIM", "quantity": quantity}


async def test_taking_back_twice_goes_on_to_the_entry_before(oven):
    """The taking back is no entry that is taken back: that booked the scrap again."""
    for quantity in ("2", "3"):
        await oven.act("defect", "OVEN", code="DIM", quantity=quantity)
        oven.advance(5)
    assert await counts(oven, "OVEN") == ("5", "5")
    await oven.act("void", "OVEN", reason="twice")
    assert await counts(oven, "OVEN") == ("2", "2")
    await oven.act("void", "OVEN", reason="twice")
    assert await counts(oven, "OVEN") == ("0", "0")


async def test_a_corrected_defect_that_is_taken_back_counts_nothing(oven):
    """Neither the correction nor what it replaced stands; both stay visible."""
    said = await oven.act("defect", "OVEN", code="DIM", quantity="3")
    fixed = await oven.act(
        "correct", "OVEN", seq=said["seqs"][0], reason="misread", replacement=defect("1")
    )
    assert await counts(oven, "OVEN") == ("1", "1")
    again = await oven.act(
        "correct", "OVEN", seq=fixed["seqs"][0], reason="misread", replacement=defect("2")
    )
    assert await counts(oven, "OVEN") == ("2", "2")
    await oven.act("void", "OVEN", seq=again["seqs"][0], reason="wrong")
    assert await counts(oven, "OVEN") == ("0", "0")
    kinds = [(e["kind"], e["voided"]) for e in (await oven.screen("OVEN"))["entries"][:4]]
    assert kinds == [
        ("event_voided", False),
        ("defect_recorded", True),
        ("defect_recorded", True),
        ("defect_recorded", True),
    ]


STATIONS = {"TURN": "WO-1", "GRIND": "WO-1", "BENCH": "WO-2", "OVEN": "WO-5"}


async def _one_thing(line, chance: random.Random, station: str, number: int) -> None:
    serial = f"{'HV22' if station == 'BENCH' else 'SP18'}-000{chance.randint(1, 2)}"
    scrap = chance.random() < 0.7
    match chance.choice(["start", "finish", "defect", "pieces", "void", "void", "machine", "fix"]):
        case "start":
            await line.act("start_unit", station, serial=serial, override="B-9")
        case "finish":
            result = chance.choice(["rework", "fail", "pass"])
            await line.act("finish_unit", station, result=result)
        case "defect":
            await line.act("defect", station, serial=serial, code="DIM", scrap=scrap)
        case "pieces":
            await line.act("defect", station, quantity="2", code="DIM", scrap=scrap)
        case "void":
            await line.act("void", station, reason="x")
        case "machine":
            await line.signals(
                total=number, sequence=number, good=scrap, g_sequence=number, g_good=scrap
            )
        case _:
            entries = (await line.screen(station))["entries"]
            chosen = next((one for one in entries if one["change"] == "defect"), None)
            if chosen is not None:
                body = {**defect("1"), "station": station}
                await line.act("correct", station, seq=chosen["seq"], replacement=body)


@pytest.mark.parametrize("station", list(STATIONS))
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_taken_back_the_job_counts_what_the_figures_count(line, seed, station):
    """Progress and figures are computed apart; they must not differ after any corrections."""
    chance = random.Random(seed)
    await line.act("sign_on", station, badge="B-1")
    await line.signals(state=6, total=0, scrap=0, sequence=0, g_state=6, g_sequence=0)
    await line.act("start_order", station, order=STATIONS[station])
    await line.act("mount", "TURN", lot="LOT-BAR-1", position="bar")
    await line.act("mount", "BENCH", lot="LOT-SPR-1", position="spring")
    for number in range(1, 16):
        line.advance(10)
        await _one_thing(line, chance, station, number)
        screen = await line.screen(station)
        if not screen["jobs"]:
            break  # the start of the order was taken back
        entries = [(one["kind"], one["voided"]) for one in screen["entries"]]
        assert screen["jobs"][0]["scrap"] == screen["figures"]["scrap"], entries


async def test_taking_a_finished_piece_back_gives_its_material_back(line):
    """What is consumed is the last thing of the act, and is no entry of its own."""
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    await line.must("B-1")
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    await line.must("SP18-0001")
    await line.act("finish_unit", result="pass")
    assert (await line.screen())["mounted"][0]["left"] == "5.8"
    await line.act("void", reason="wrong")
    assert (await line.screen())["mounted"][0]["left"] == "6"
    consumed = line.events("consumed")
    assert len(consumed) == 1
    assert len(line.events("event_voided")) == 2


async def test_what_cannot_be_taken_back_says_what_to_do_instead(line):
    """Refused scans, machine facts, corrections and moved spans each say it in both languages."""
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    began = line.clock.now()
    await line.must("B-1")
    await line.scan("WO-404")
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    await line.must("SP18-0001")
    line.advance(5)
    await line.signals(total=1, sequence=1, good=True)
    await line.act("call", topic="material")
    await line.act("void", reason="wrong")
    line.advance(5)
    moved = await line.act(
        "move_span", to_order="WO-7", override="B-9",
        **{"from": format_rfc3339(began), "to": format_rfc3339(line.clock.now())},
    )  # fmt: skip
    assert moved["answer"] == "accepted"

    entries = {one["kind"]: one for one in (await line.screen())["entries"]}
    for kind, words in {
        "scan_refused": "Do what the refusal said",
        "unit_finished": "Record a defect",
        "event_voided": "Enter what is right once more",
        "booking_moved": "move the span back to WO-1",
    }.items():
        entry = entries[kind]
        assert not entry["undoable"], kind
        assert words in entry["why_not"]["en"], entry["why_not"]
        assert entry["why_not"]["zh"]
        if kind != "scan_refused":
            answer = await line.act("void", seq=entry["seq"], override="B-9")
            assert answer["answer"] == "refused", kind
    assert entries["material_mounted"]["why_not"] is not None  # the station has changed since


async def test_entries_name_the_act_that_may_replace_them(line):
    """Each kind of entry opens its own dialog again, where there is one."""
    await line.act("sign_on", "BENCH", badge="B-1")
    await line.act("start_order", "BENCH", order="WO-2")
    started = (await line.screen("BENCH"))["entries"][0]
    assert (started["undoable"], started["change"]) == (True, "start_order")
    await line.act("mount", "BENCH", lot="LOT-SPR-1", position="spring")
    await line.act("start_unit", "BENCH", serial="HV22-0001")
    await line.act("finish_unit", "BENCH", result="fail")
    finished = (await line.screen("BENCH"))["entries"][0]
    assert finished["change"] == "finish_unit"
    answer = await line.act(
        "correct", "BENCH", seq=finished["seq"], reason="pressed the wrong button",
        replacement={"kind": "finish_unit", "id": "i", "station": "BENCH", "result": "rework"},
    )  # fmt: skip
    assert answer["code"] == "entry.corrected"
    job = (await line.screen("BENCH"))["jobs"][0]
    assert (job["scrap"], job["rework"]) == ("0", "1")


async def test_a_call_is_listed_by_its_words_not_by_its_id(line):
    """Raised, acknowledged and closed alike."""
    await line.must("B-1")
    await line.must("CMD-CALL-material")
    (call,) = (await line.screen())["calls"]
    await line.act("call_ack", call=call["call"])
    await line.act("call_resolve", call=call["call"], outcome="LOT-BAR-2")
    shown = [(one["subject"], one["text"]["zh"], one["text"]["en"])
             for one in (await line.screen())["entries"][:3]]  # fmt: skip
    assert shown == [
        ("", "呼叫已关闭 · 物料 LOT-BAR-2", "Call closed · Material LOT-BAR-2"),
        ("", "呼叫已确认 · 物料", "Call acknowledged · Material"),
        ("", "呼叫 · 物料", "Called · Material"),
    ]


async def test_only_a_shift_leader_moves_a_span(line):
    """By badge, or signed on here; quality and whoever only names a leader may not."""
    await line.must("WO-1")
    line.advance(60)
    now = line.clock.now()
    span = {"from": format_rfc3339(now - 30_000_000), "to": format_rfc3339(now)}
    for more in ({}, {"by": ["P-9"]}, {"override": "B-1"}):
        answer = await line.act("move_span", to_order="WO-7", **span, **more)
        assert answer["code"] == "span.leader_needed", more
        assert "班长" in answer["todo"]["zh"]
        assert "badge" in answer["todo"]["en"]
    await line.must("B-9")
    assert (await line.act("move_span", to_order="WO-7", **span))["answer"] == "accepted"


async def test_refusals_say_whether_a_badge_may_allow_them(line, passport):
    """The page asks the agent, it has no list of its own."""
    await line.must("B-1")
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    missing = await line.act("start_unit", "GRIND", serial="SP18-0001")
    assert not missing["overridable"]  # no order is there
    await line.act("start_order", "GRIND", order="WO-1")
    unseen = await line.act("start_unit", "GRIND", serial="SP18-0001")
    assert (unseen["answer"], unseen["overridable"]) == ("refused", True)
    allowed = await line.act("start_unit", "GRIND", serial="SP18-0001", override="B-9")
    assert (allowed["answer"], allowed["overridable"]) == ("accepted", False)
    assert not (await line.scan("CMD-DANCE"))["overridable"]
