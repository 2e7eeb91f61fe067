"""A count over a shift or order boundary is offered to a person, who says what lies before it."""

from __future__ import annotations

from datetime import date

import pytest

from lineside.contracts.clock import format_rfc3339, parse_rfc3339
from lineside.contracts.samples import DriverNotice

SHIFT = parse_rfc3339("2026-03-02T14:00:00Z")


async def lose(line) -> None:
    """The PLC does not answer from now on."""
    notice = DriverNotice(kind="lost", detail="cable", read_at=line.clock.now())
    for one in line.agent.lines:
        if "plc" in one.devices:
            await one.take("plc", [notice])


@pytest.fixture
async def spanned(line):
    """40 pieces between 13:50 and 14:20, the early shift ends at 14:00."""
    line.advance((SHIFT - line.clock.now()) / 1_000_000 - 1200)
    await line.act("sign_on", badge="B-1")
    await line.act("start_order", order="WO-1")
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    line.advance(600)
    await line.signals(total=10, scrap=0)
    await lose(line)
    line.advance(1800)
    await line.signals(state=6, total=50)
    return line


async def produced(line, shift: str) -> tuple[str, float]:
    """Pieces of a shift, and the share of it that is spanned, from the events alone."""
    result = line.agent.known.figures.window("TURN", shift, date(2026, 3, 2))
    return str(result.elements.pq), float(result.elements.spanned)


async def test_a_count_over_the_shift_is_offered_and_split(spanned):
    """Figures of both shifts follow; the first reading stays in the journal."""
    line = spanned
    assert line.events("counter_read")[-1].flags == ("over_gap", "spans")
    (offer,) = (await line.screen())["spanned"]
    assert (offer["pieces"], offer["step"], offer["pieces_before"]) == ("40", "1", None)
    (boundary,) = offer["boundaries"]
    assert boundary == {
        "at": "2026-03-02T14:00:00Z", "kind": "shift", "before": "early", "after": "late",
    }  # fmt: skip
    assert await produced(line, "early") == ("10", 0.0)
    assert await produced(line, "late") == ("40", 40.0)

    answer = await line.act(
        "split_count", seq=offer["seq"], boundary=boundary["at"], before="15", reason="tally sheet"
    )

    assert answer["code"] == "count.split", answer
    assert (answer["params"]["before"], answer["params"]["after"]) == ("15", "25")
    assert await produced(line, "early") == ("25", 0.0)
    assert await produced(line, "late") == ("25", 0.0)
    screen = await line.screen()
    assert screen["jobs"][0]["good"] == "50"
    assert screen["figures"]["spanned_share"] == 0.0
    (done,) = screen["spanned"]
    assert (done["pieces_before"], done["boundary"]) == ("15", boundary["at"])
    entry = screen["entries"][0]
    assert (entry["kind"], entry["undoable"]) == ("counter_read", False)
    assert "Split it again" in entry["why_not"]["en"]
    told = line.events("counter_read")[-2:]
    assert [(e.increment, e.reason, e.by) for e in told] == [
        (15, "tally sheet", ("P-1",)), (25, "tally sheet", ("P-1",)),
    ]  # fmt: skip
    assert [e.corrects.seq for e in line.events("event_corrected")] == [offer["seq"]]


async def test_a_split_is_split_again_where_the_number_was_wrong(spanned):
    """The last word counts, in progress as in figures; 0 leaves all where it stood."""
    line = spanned
    (offer,) = (await line.screen())["spanned"]
    place = {"seq": offer["seq"], "boundary": offer["boundaries"][0]["at"]}
    for before, early, late in (("15", "25", "25"), ("18", "28", "22"), ("0", "10", "40")):
        answer = await line.act("split_count", before=before, **place)
        assert answer["code"] == "count.split", answer
        assert (await produced(line, "early"))[0] == early
        assert await produced(line, "late") == (late, 0.0)
        assert (await line.screen())["jobs"][0]["good"] == "50"
    line.advance(60)
    await line.signals(total=53)
    assert (await produced(line, "late"))[0] == "43"


async def test_a_split_that_cannot_be_is_refused_in_words(spanned):
    """No such count, no boundary there, no part of it, nobody there."""
    line = spanned
    (offer,) = (await line.screen())["spanned"]
    at = offer["boundaries"][0]["at"]
    good = {"seq": offer["seq"], "boundary": at, "before": "3"}
    codes = {}
    for change in (
        {"seq": 999},
        {"boundary": "2026-03-02T14:01:00Z"},
        {"before": "41"},
        {"before": "1.5"},
    ):
        answer = await line.act("split_count", **{**good, **change})
        codes[str(change)] = answer["code"]
        assert answer["todo"]["zh"]
    assert list(codes.values()) == [
        "count.unknown", "count.no_boundary", "count.not_a_part", "count.not_a_part",
    ]  # fmt: skip
    await line.act("sign_off")
    assert (await line.act("split_count", **good))["code"] == "count.nobody"
    assert len(line.events("counter_read")) == 4


async def test_a_part_faster_than_the_machine_is_refused(line):
    """Figures would not believe it; better that somebody looks at the number now."""
    line.advance((SHIFT - line.clock.now()) / 1_000_000 - 5)
    await line.act("sign_on", badge="B-1")
    await line.act("start_order", order="WO-1")
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    await lose(line)
    line.advance(600)
    await line.signals(state=6, total=400)
    (offer,) = (await line.screen())["spanned"]
    at = offer["boundaries"][0]["at"]
    answer = await line.act("split_count", seq=offer["seq"], boundary=at, before="300")
    assert answer["code"] == "count.implausible"


async def test_a_count_over_an_order_change_belongs_to_both_orders(line):
    """The parts go to the orders that were there, and not a piece is counted twice."""
    await line.act("sign_on", badge="B-1")
    await line.act("start_order", order="WO-1")
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    line.advance(60)
    await line.signals(total=2, scrap=0)
    await lose(line)
    line.advance(300)
    await line.act("start_order", order="WO-7")
    changed = line.clock.now()
    line.advance(300)
    await line.signals(state=6, total=22)
    (offer,) = (await line.screen())["spanned"]
    assert offer["boundaries"] == [
        {"at": format_rfc3339(changed), "kind": "order", "before": "WO-1", "after": "WO-7"}
    ]
    assert (await line.screen())["jobs"][0]["good"] == "20"

    await line.act(
        "split_count", seq=offer["seq"], boundary=offer["boundaries"][0]["at"], before="8"
    )

    assert (await line.screen())["jobs"][0]["good"] == "12"
    rows = {row["order"]: row["good"] for row in (await line.screen())["orders"]}
    assert rows["WO-1"] == "10"
    assert [[job.order for job in e.jobs] for e in line.events("counter_read")[-2:]] == [
        ["WO-1"],
        ["WO-7"],
    ]
