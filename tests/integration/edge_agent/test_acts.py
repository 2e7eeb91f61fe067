"""What people may do at a terminal, and what they are told when they may not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lineside.contracts.clock import format_rfc3339
from lineside.contracts.commands import Hold
from lineside.contracts.units import Certainty, Thing, ThingKind

SECOND = 1_000_000


@pytest.mark.fault("F-34")
async def test_an_act_sent_twice_is_booked_once_with_the_same_answer(line):
    """The page asks, was it booked, before offering it again."""
    body = {"id": "tap-1", "station": "TURN", "kind": "sign_on", "badge": "B-1"}
    first = (await line.http.post("/api/acts", json=body)).json()
    head = line.agent.journal.head()
    second = (await line.http.post("/api/acts", json=body)).json()

    assert line.agent.journal.head() == head
    assert {**first, "took_ms": 0} == {**second, "took_ms": 0}
    booked = (await line.http.get("/api/acts/tap-1")).json()
    assert booked["booked"]
    assert booked["answer"]["seqs"] == first["seqs"]
    assert not (await line.http.get("/api/acts/tap-2")).json()["booked"]


async def test_the_refusals_of_a_scan_say_what_why_and_what_to_do(line):
    """Wrong product, unknown or held order, another station, bad form: in both languages."""
    await line.must("B-1")
    codes = {}
    for raw in ("SP18-0001", "WO-404", "WO-3", "WO-2", "CAR-1", "CMD-DANCE", "CMD-YES", "B-77"):
        codes[raw] = (await line.scan(raw))["code"]
    await line.must("WO-1")
    for raw in ("]d20109506000134352" + "21HV22-0001", "XY-1", "LOT-SPR-1", "LOT-BAR-3"):
        answer = await line.scan(raw)
        codes[raw] = answer["code"]
        assert answer["answer"] == "refused"
        for words in ("what", "why", "todo"):
            assert answer[words]["zh"]
            assert answer[words]["en"]

    assert codes == {
        "SP18-0001": "unit.no_order",
        "WO-404": "order.unknown",
        "WO-3": "order.held",
        "WO-2": "order.not_here",
        "CAR-1": "carrier.content_empty",
        "CMD-DANCE": "command.unknown",
        "CMD-YES": "question.none",
        "B-77": "person.unknown_badge",
        "]d2010950600013435221HV22-0001": "unit.wrong_product",
        "XY-1": "unit.bad_number",
        "LOT-SPR-1": "material.not_needed",
        "LOT-BAR-3": "material.held",
    }
    assert len(line.events("scan_refused")) == 11  # the carrier was a question


@pytest.mark.fault("F-33")
async def test_bad_input_is_refused_recorded_and_harms_nothing(line):
    """Garbage, half a frame, 5,000 bytes, nothing at all."""
    for raw in (
        "\\x01\\x02 half a label",
        "A" * 5_000,
        "",
        "\\xff\\xfe",
        "\\q",
        "]d2010950600",
        "\u200b",
    ):
        answer = await line.scan(raw)
        assert answer["answer"] == "refused", raw[:20]
        assert answer["what"]["zh"] != answer["code"]
    assert all(len(event.raw) <= 512 for event in line.events("scan_refused"))

    too_much = await line.http.post(
        "/api/acts",
        json={"id": "x", "station": "TURN", "kind": "scan", "raw": "A" * 70_000},
    )
    assert too_much.status_code == 413
    wrong = await line.http.post("/api/acts", json={"id": "x", "station": "TURN", "kind": "dance"})
    assert wrong.status_code == 422
    assert wrong.json()["code"] == "request.invalid"
    nowhere = await line.http.get("/api/stations/NOWHERE")
    assert nowhere.status_code == 404
    assert nowhere.json()["code"] == "edge.unknown_station"


async def test_problems_are_in_the_language_of_the_page(line):
    """As central answers: by `Accept-Language`, what is the case and what to do, with values."""

    async def told(language, path, **act):
        headers = {"Accept-Language": language}
        post = {"content": b"x" * 70_000} if act.get("long") else {"json": act}
        answer = await (
            line.http.post(path, headers=headers, **post)
            if act
            else line.http.get(path, headers=headers)
        )
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == ("zh-CN" if "zh" in language else "en")
        return answer.json()["detail"], answer.json()["hint"]

    assert await told("zh-CN,zh;q=0.9", "/api/stations/NOWHERE") == (
        "本机没有工位 NOWHERE。",
        "本机的工位：TURN、GRIND、BENCH、OVEN。",
    )
    assert (await told("en", "/api/stations/NOWHERE"))[0] == "Station 'NOWHERE' is not served here."
    assert (await told("zh", "/api/nothing"))[0] == "没有这个地址。"
    wrong = {"id": "x", "station": "TURN", "kind": "sign_on", "badge": 7}
    assert "badge" in (await told("zh", "/api/acts", **wrong))[0]
    assert await told("zh", "/api/acts", long=True) == ("请求太大，最多 65,536 字节。", "")


@pytest.mark.fault("F-34")
async def test_a_repeated_scan_is_a_slip_of_the_hand(line):
    """The second one within three seconds changes nothing and says so."""
    await line.must("B-1")
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    await line.must("SP18-0001")
    line.advance(1)
    answer = await line.act("scan", raw="SP18-0001")
    assert answer["code"] == "scan.repeated"
    assert len(line.events("unit_started")) == 1


async def test_scanning_a_running_order_offers_pause_or_finish(line):
    """Labour rule: the same code asks what next."""
    await line.must("B-1")
    await line.must("WO-1")
    question = await line.scan("WO-1")
    assert [one["code"] for one in question["options"]] == ["pause", "finish", "cancel"]
    paused = await line.must("CMD-PAUSE")
    assert paused["code"] == "order.paused"
    screen = await line.screen()
    assert screen["jobs"] == []
    assert [one["order"] for one in screen["orders"] if one["state"] == "paused"] == ["WO-1"]
    held = [one for one in screen["orders"] if one["held"]]
    assert held[0]["order"] == "WO-3"

    await line.must("WO-1")
    await line.scan("WO-1")
    await line.must("CMD-FINISH")
    assert line.events("order_finished")[0].complete
    assert "WO-1" not in [one["order"] for one in (await line.screen())["orders"]]


async def test_another_order_ends_the_one_before_on_an_exclusive_station(line):
    """R9, told as facts."""
    await line.must("WO-1")
    await line.must("WO-7")
    assert [event.order for event in line.events("order_paused")] == ["WO-1"]
    assert [job["order"] for job in (await line.screen())["jobs"]] == ["WO-7"]


async def test_bookings_on_a_parallel_station_overlap_and_are_flagged_never_cut(line):
    """An oven carries several orders; each booking is whole."""
    for order, booking in (("WO-5", "b1"), ("WO-6", "b2")):
        line.advance(60)
        answer = await line.act("start_order", "OVEN", order=order, booking=booking)
        assert answer["answer"] == "accepted"
    jobs = (await line.screen("OVEN"))["jobs"]
    assert [job["order"] for job in jobs] == ["WO-5", "WO-6"]
    line.advance(600)
    done = await line.act(
        "finish_order", "OVEN", booking="b1", order="WO-5", completed="60", scrap="1", suspect="2",
        complete=False,
    )  # fmt: skip
    assert done["answer"] == "accepted"
    line.advance(60)
    await line.act("finish_order", "OVEN", booking="b2", order="WO-6", completed="120")

    finished = line.events("order_finished")
    assert [(e.order, e.flags) for e in finished] == [
        ("WO-5", ("overlap",)),
        ("WO-6", ("over_quantity", "overlap")),
    ]
    assert [str(q.value) for q in finished[0].quantities] == ["60", "1", "2"]
    shares = [event.jobs for event in finished]
    assert [str(job.share) for job in shares[0]] == ["0.500000", "0.500000"]
    waiting = {row["order"]: row["good"] for row in (await line.screen("OVEN"))["orders"]}
    assert waiting == {"WO-5": "60"}


async def test_spans_declared_afterwards_are_flagged_for_people(line):
    """Zero length, doubles and overlaps are booked whole, with marks."""
    begin = line.clock.now()
    line.advance(7200)

    async def span(first: int, last: int, **more):
        return await line.act(
            "span", "OVEN", order="WO-5",
            **{"from": format_rfc3339(begin + first * SECOND),
               "to": format_rfc3339(begin + last * SECOND)}, **more,
        )  # fmt: skip

    await span(0, 600, completed="10")
    await span(0, 600, completed="10")
    await span(300, 900, completed="5")
    await span(1000, 1000)
    assert (await span(600, 0))["code"] == "time.backwards"
    assert (await span(0, 99_999))["code"] == "time.ahead"

    assert [event.flags for event in line.events("span_declared")] == [
        (),
        ("duplicate", "overlap"),
        ("overlap",),
        ("zero_span",),
    ]
    rows = {row["order"]: row["good"] for row in (await line.screen("OVEN"))["orders"]}
    assert rows["WO-5"] == "25"


@pytest.mark.fault("F-66")
async def test_the_last_entry_is_taken_back_and_the_floor_is_as_before(line):
    """Undo: what stood before stands again, and both versions stay visible."""
    await line.must("B-1")
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    await line.must("LOT-BAR-2")
    assert (await line.screen())["mounted"][0]["lot"] == "LOT-BAR-2"

    undone = await line.must("CMD-UNDO")

    assert undone["code"] == "entry.voided"
    screen = await line.screen()
    assert screen["mounted"][0]["lot"] == "LOT-BAR-1"
    assert [entry["voided"] for entry in screen["entries"][:2]] == [False, True]
    assert len(line.events("event_voided")) == 2


async def test_only_own_entries_may_be_taken_back(line):
    """Somebody else's entry needs the shift leader."""
    await line.must("B-1")
    await line.must("WO-1")
    answer = await line.act("void", by=["P-2"])
    assert answer["code"] == "entry.not_yours"
    allowed = await line.act("void", by=["P-2"], override="B-9")
    assert allowed["answer"] == "accepted"


@pytest.mark.fault("F-66")
async def test_a_corrected_quantity_replaces_the_first_one(line):
    """Figures count the second; the first stays in the journal."""
    await line.act("sign_on", "OVEN", badge="B-1")
    await line.act("start_order", "OVEN", order="WO-5", booking="b1")
    line.advance(60)
    said = await line.act("declare", "OVEN", quantity_kind="produced", quantity="12")
    line.advance(60)
    answer = await line.act(
        "correct", "OVEN", seq=said["seqs"][0], reason="misread",
        replacement={"kind": "declare", "id": "inner", "station": "OVEN",
                     "quantity_kind": "produced", "quantity": "10"},
    )  # fmt: skip

    assert answer["code"] == "entry.corrected"
    corrected, replacement = line.events("event_corrected")[0], line.events("quantity_declared")[1]
    assert corrected.corrects.seq == said["seqs"][0]
    assert corrected.reason == "misread"
    assert replacement.occurred_at == line.events("quantity_declared")[0].occurred_at
    screen = await line.screen("OVEN")
    assert screen["jobs"][0]["good"] == "10"
    assert screen["figures"]["produced"] == "10"


async def test_what_was_written_on_paper_is_entered_with_its_true_time(line):
    """补录: marked as such, and the figures follow."""
    await line.act("start_order", "OVEN", order="WO-5", booking="b1")
    began = line.clock.now()
    line.advance(3600)
    answer = await line.act(
        "back_entry", "OVEN", occurred_at=format_rfc3339(began + 60 * SECOND),
        entry={"kind": "declare", "id": "inner", "station": "OVEN", "quantity_kind": "produced",
               "quantity": "7"},
    )  # fmt: skip
    assert answer["answer"] == "accepted"
    (event,) = line.events("quantity_declared")
    assert event.source == "back-entry"
    assert event.time_source == "person"
    assert event.occurred_at == began + 60 * SECOND
    assert event.flags == ("late",)


async def test_after_a_change_of_lots_the_first_piece_may_hold_either(line):
    """One of these: the certainty is written, the amount is booked once."""
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    for number in (1, 2, 3):
        await line.must(f"SP18-000{number}")
        await line.signals(total=number, sequence=number, good=True)
        if number == 1:
            await line.must("LOT-BAR-2")

    links = [
        (e.into.id, e.material.id, e.certainty, e.quantity.value) for e in line.events("consumed")
    ]
    fifth = Decimal("0.2")
    assert links == [
        ("SP18-0001", "LOT-BAR-1", Certainty.THIS_ONE, fifth),
        ("SP18-0002", "LOT-BAR-1", Certainty.ONE_OF_THESE, Decimal(0)),
        ("SP18-0002", "LOT-BAR-2", Certainty.ONE_OF_THESE, fifth),
        ("SP18-0003", "LOT-BAR-2", Certainty.THIS_ONE, fifth),
    ]


async def test_a_held_piece_is_always_refused(line):
    """Not even a leader can use it."""
    await line.must("WO-1")
    await line.must("LOT-BAR-1")
    thing = Thing(kind=ThingKind.UNIT, item="SP-18", id="SP18-0001")
    line.send("hold", "H-1", Hold(hold="H-1", thing=thing, reason="crack", since=1))
    assert (await line.scan("SP18-0001"))["code"] == "unit.held"
    again = await line.act("scan", raw="SP18-0001", override="B-9")
    assert again["code"] == "unit.held"
    line.send("hold", "H-1", None)
    await line.must("SP18-0001")


@pytest.mark.fault("F-67")
async def test_forgotten_sign_offs_are_closed_at_the_end_of_the_shift(line):
    """Never a 16-hour shift."""
    await line.must("B-1")
    line.advance(9 * 3600)
    await line.agent.desk.close_forgotten()
    (off,) = line.events("signed_off")
    assert off.forgotten
    assert format_rfc3339(off.occurred_at) == "2026-03-02T14:00:00Z"
    assert (await line.screen())["people"] == []


async def test_a_stop_without_reason_is_asked_for_and_explained_by_scan(line):
    """The oldest unexplained stop takes the reason that is scanned."""
    await line.signals(state=6)
    await line.must("WO-1")
    await line.signals(state=6)
    line.advance(100)
    await line.signals(state=11)
    line.advance(120)
    await line.signals(state=6)
    line.advance(10)
    (stop,) = (await line.screen())["unexplained"]
    assert stop["duration_s"] == 120.0

    question = await line.scan("CMD-REASON")
    assert [one["command"] for one in question["options"]] == [
        "CMD-REASON-JAM",
        "CMD-REASON-MAT",
        "CMD-NO",
    ]
    await line.must("CMD-REASON-JAM")

    assert (await line.screen())["unexplained"] == []
    assert line.events("reason_given")[0].code == "JAM"
    assert (await line.scan("CMD-REASON-JAM"))["code"] in {"reason.no_stop", "scan.repeated"}


async def test_the_wrong_order_is_put_right_by_moving_its_span(line):
    """Counts move with the span; figures of both orders follow."""
    await line.signals(state=6, total=0, scrap=0, sequence=0)
    began = line.clock.now()
    await line.must("WO-1")
    for number in range(1, 4):
        line.advance(10)
        await line.signals(total=number)
    line.advance(1)
    ended = line.clock.now()
    await line.must("WO-7")
    line.advance(10)
    await line.signals(total=5)

    span = {"from": format_rfc3339(began), "to": format_rfc3339(ended), "to_order": "WO-7"}
    alone = await line.act("move_span", **span)
    assert (alone["code"], alone["overridable"]) == ("span.leader_needed", True)
    assert line.events("booking_moved") == []
    answer = await line.act("move_span", reason="wrong order scanned", override="B-9", **span)

    assert answer["answer"] == "accepted", answer
    assert [(e.from_order, e.to_order) for e in line.events("booking_moved")] == [("WO-1", "WO-7")]
    assert (await line.screen())["jobs"][0]["good"] == "5"


async def test_calls_first_pieces_and_planned_stops(line):
    """Small acts, each a fact."""
    await line.must("B-1")
    await line.must("WO-1")
    await line.must("CMD-CALL-material")
    (call,) = (await line.screen())["calls"]
    assert (await line.act("call_ack", call=call["call"]))["answer"] == "accepted"
    assert (await line.act("call_resolve", call=call["call"]))["answer"] == "accepted"
    assert (await line.act("call_resolve", call=call["call"]))["code"] == "call.unknown"

    await line.must("CMD-FIRST")
    own = await line.act("release_first_piece", badge="B-1")
    assert own["code"] == "first_piece.same_person"
    other = await line.act("release_first_piece", badge="B-2")
    assert other["answer"] == "accepted"

    now = line.clock.now()
    planned = await line.act(
        "planned_stop", code="CLEAN",
        **{"from": format_rfc3339(now), "to": format_rfc3339(now + 600 * SECOND)},
    )  # fmt: skip
    assert planned["answer"] == "accepted"


async def test_a_person_does_not_add_to_what_a_machine_counts(line):
    """The other source is a check, never a sum."""
    await line.must("WO-1")
    answer = await line.act("declare", quantity_kind="produced", quantity="5")
    assert answer["code"] == "quantity.counted_already"


async def test_texts_and_stations_are_labelled_in_both_languages(line):
    """What a page needs before its first act."""
    stations = (await line.http.get("/api/stations")).json()
    assert stations["edge"] == "unenrolled"
    assert [one["id"] for one in stations["stations"]] == ["TURN", "GRIND", "BENCH", "OVEN"]
    texts = (await line.http.get("/api/texts")).json()
    assert {"code": "JAM", "label": {"zh": "卡料", "en": "jam"}} in texts["reasons"]
    assert "CMD-PAUSE" in [one["code"] for one in texts["commands"]]
    health = await line.http.get("/healthz")
    assert health.json()["status"] == "ok"
    metrics = (await line.http.get("/metrics")).text
    assert "lineside_edge_recording 1" in metrics


async def test_only_a_simulated_plant_lets_its_time_be_moved(line, line_at, tmp_path):
    """A real plant refuses."""
    refused = await line.http.post("/api/simulation/clock", json={"at": "2026-03-02T07:00:00Z"})
    assert refused.status_code == 409
    async with line_at(tmp_path / "sim", edge="simulation = true") as simulated:
        moved = await simulated.http.post(
            "/api/simulation/clock", json={"at": "2026-03-02T07:00:00Z"}
        )
        assert moved.json()["at"] == "2026-03-02T07:00:00Z"
        await simulated.must("B-1")
        assert all("replayed" in event.flags for event in simulated.events())
