"""The operators' terminal against a real edge agent."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from .browsing import findings, opened_page, scan, too_small
from .edge_stand import EdgeProgram

SIZES = [(1280, 800), (1024, 768)]


@contextmanager
def terminal(
    browser: Browser,
    edge: EdgeProgram,
    station: str = "TURN",
    lang: str = "en",
    gap_ms: int = 1000,  # a loaded machine types slowly
    width: int = 1280,
    height: int = 800,
) -> Generator[Page]:
    """The page of a station, loaded and connected."""
    with opened_page(browser, edge.address, width=width, height=height) as page:
        page.goto(f"{edge.address}/?station={station}&lang={lang}&gap={gap_ms}")
        expect(page.locator(".commands button").first).to_be_visible()
        yield page


def verdict(page: Page, words: str) -> None:
    """The largest words on the screen say this."""
    expect(page.locator(".verdict__word")).to_contain_text(words)


def begin_work(page: Page) -> None:
    """Badge, order, material."""
    for raw, words in (
        ("B-1042", "Signed on"),
        ("WO-417", "Order started"),
        ("LOT-BAR-1", "Mounted"),
    ):
        scan(page, raw)
        verdict(page, words)


def test_a_shift_begins_and_a_piece_is_made_by_scanner_alone(browser, edge):
    """Badge, order, lot, piece, piece again: the verdict, the order and the entries follow."""
    with terminal(browser, edge) as page:
        begin_work(page)
        scan(page, "SP18-0001")
        verdict(page, "You may process it")
        expect(page.locator(".verdict--accepted")).to_contain_text("SP18-0001")
        expect(page.locator(".units")).to_contain_text("SP18-0001")
        scan(page, "CMD-FINISH")
        verdict(page, "Finished, good")
        expect(page.locator(".job__count strong")).to_have_text("1")
        expect(page.locator(".entry").first).to_contain_text("SP18-0001")


def test_a_refusal_says_what_is_wrong_why_and_what_to_do(browser, edge):
    """Nothing is on the station: the piece is refused with three sentences, never a code alone."""
    with terminal(browser, edge) as page:
        scan(page, "SP18-0001")
        verdict(page, "Do not process")
        refusal = page.locator(".verdict--refused")
        expect(refusal).to_have_attribute("role", "alert")
        expect(refusal.locator(".verdict__what")).to_have_text("No order is on this station.")
        expect(refusal.locator(".verdict__card-text")).to_contain_text("Scan the order first")
        scan(page, "CMD-OK")
        expect(refusal).to_have_count(0)


def test_each_button_and_its_code_open_the_same(browser, edge):
    """Every shown code is one that the agent knows, and scanning it does what touching does."""
    with terminal(browser, edge) as page:
        begin_work(page)
        shown = page.locator(".command__code").all_inner_texts()
        assert set(shown) <= edge.codes()
        assert len(shown) == 7
        for code in ("CMD-DEFECT", "CMD-MOUNT", "CMD-REASON", "CMD-UNDO", "CMD-CALL", "CMD-FINISH"):
            page.locator(".command", has_text=code).click()
            touched = page.locator("dialog[open] h2").inner_text()
            scan(page, "CMD-CANCEL")
            expect(page.locator("dialog[open]")).to_have_count(0)
            scan(page, code)
            expect(page.locator("dialog[open] h2")).to_have_text(touched)
            scan(page, "CMD-CANCEL")
            expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_stop_gets_its_reason(browser, edge):
    """The bench stood for a while; the stop is asked about until somebody explains it."""
    with terminal(browser, edge, station="BENCH") as page:
        for raw, words in (("B-1042", "Signed on"), ("WO-500", "Order started")):
            scan(page, raw)
            verdict(page, words)
        for state in ("CMD-RUN", "CMD-STOP", "CMD-RUN"):
            page.locator(".machine--button").click()
            scan(page, state)
            expect(page.locator("dialog[open]")).to_have_count(0)
            page.wait_for_timeout(1500)  # business time of this plant is real time
        waiting = page.locator(".unexplained")
        expect(waiting).to_contain_text("Stops without a reason: 1")
        scan(page, "CMD-REASON")
        scan(page, "CMD-REASON-TOOL")
        expect(page.locator(".verdict--accepted")).to_be_visible()
        expect(waiting).to_have_count(0)


def test_an_entry_is_taken_back_with_a_reason_and_stays_visible(browser, edge):
    """Both versions stay in the list; the reason stands in the journal."""
    with terminal(browser, edge) as page:
        begin_work(page)
        scan(page, "SP18-0001")
        verdict(page, "You may process it")
        scan(page, "CMD-DEFECT-SCR")
        verdict(page, "Defect booked")
        scan(page, "CMD-UNDO")
        expect(page.locator("dialog[open] .choice--chosen").first).to_contain_text("SCR")
        scan(page, "CMD-WRONG-SCAN")
        scan(page, "CMD-OK")
        verdict(page, "Taken back")
        expect(page.locator(".entry--voided").first).to_contain_text("taken back")


def test_an_entry_that_the_screen_does_not_show_yet_is_waited_for_before_one_is_chosen(
    browser, edge
):
    """The answer is faster than the screen: the entry before it must not be taken back instead."""
    with opened_page(browser, edge.address, width=1280, height=800) as page:
        page.route("**/stream*", lambda route: route.abort())
        page.goto(f"{edge.address}/?station=TURN&lang=en&gap=1000")
        expect(page.locator(".commands button").first).to_be_visible()
        begin_work(page)
        scan(page, "SP18-0001")
        verdict(page, "You may process it")
        scan(page, "CMD-UNDO")
        expect(page.locator("dialog[open]")).to_contain_text("Reading the last entry")
        expect(page.locator("dialog[open] .choice--chosen")).to_have_count(0)
        page.unroute("**/stream*")
        expect(page.locator("dialog[open] .choice--chosen").first).to_contain_text("SP18-0001")


def test_a_label_with_group_separators_arrives_whole(browser, edge):
    """GS comes as Ctrl+] from a scanner that types, and travels escaped."""
    with terminal(browser, edge) as page:
        page.locator(".head__menu").click()
        scan(page, "CMD-TYPE")
        page.locator("dialog[open] input").fill("half typed")
        sent: list[str] = []
        page.on(
            "request",
            lambda one: sent.append(one.post_data or "") if one.url.endswith("/api/acts") else None,
        )
        scan(page, "]d2010950600013435221A7\x1d10LOT\\7")
        expect(page.locator(".verdict--refused")).to_be_visible()
        assert json.loads(sent[0])["raw"] == "]d2010950600013435221A7\\x1d10LOT\\x5c7"


def test_a_person_who_types_is_no_scanner(browser, edge):
    """Slow keys reach the field and post nothing."""
    with terminal(browser, edge, gap_ms=60) as page:
        page.locator(".verdict__type").click()
        field = page.locator("dialog[open] input")
        field.press_sequentially("WO-417", delay=120)
        expect(field).to_have_value("WO-417")
        assert edge.entries() == []
        page.get_by_role("button", name=re.compile("CMD-OK")).click()
        verdict(page, "Order started")


def test_a_scan_of_a_scanner_that_the_agent_reads_shows_by_itself(browser, make_edge):
    """Nobody touches the page: the verdict comes by the stream."""
    edge = make_edge(scan_after_s=3)
    with terminal(browser, edge) as page:
        expect(page.locator(".verdict--refused")).to_contain_text("SP18-0077", timeout=30_000)


def test_when_the_agent_stops_the_page_says_so_and_goes_on_afterwards(browser, edge):
    """A killed agent: since when, how to work on paper; back again, the sign goes by itself."""
    with terminal(browser, edge) as page:
        begin_work(page)
        edge.end()
        sign = page.locator("dialog.away")
        expect(sign).to_contain_text("The line computer does not answer", timeout=30_000)
        expect(sign).to_contain_text(re.compile(r"Since \d\d:\d\d:\d\d"))
        expect(sign.locator("li")).to_have_count(4)
        assert findings(page, contrast_7=True) == []
        edge.start()
        expect(sign).to_have_count(0, timeout=30_000)
        scan(page, "SP18-0001")
        verdict(page, "You may process it")


def _count_scans(edge: EdgeProgram, subject: str) -> int:
    return sum(
        one["subject"] == subject and "started" in str(one["kind"]) for one in edge.entries()
    )


def test_an_answer_that_got_lost_is_asked_for_and_nothing_is_booked_twice(browser, edge):
    """The agent booked it, the answer was lost on the way: the page asks and shows the verdict."""
    with terminal(browser, edge) as page:
        begin_work(page)

        def lose_the_answer(route: Route) -> None:
            route.fetch()
            route.abort()

        page.route("**/api/acts", lose_the_answer, times=1)
        scan(page, "SP18-0001")
        verdict(page, "You may process it")
        expect(page.locator(".unsure")).to_have_count(0)
        assert _count_scans(edge, "SP18-0001") == 1


def test_an_act_that_never_arrived_is_offered_not_sent(browser, edge):
    """The agent says that it has it not; a person decides, and it is sent with its old id."""
    with terminal(browser, edge) as page:
        begin_work(page)
        ids: list[str] = []
        page.on(
            "request",
            lambda one: (
                ids.append(json.loads(one.post_data or "{}")["id"])
                if one.url.endswith("/api/acts")
                else None
            ),
        )
        page.route("**/api/acts", lambda route: route.abort(), times=1)
        scan(page, "SP18-0001")
        offer = page.locator(".unsure__row")
        expect(offer).to_contain_text("was not booked")
        assert _count_scans(edge, "SP18-0001") == 0
        page.reload()
        expect(offer).to_contain_text("was not booked")
        offer.get_by_role("button", name="Book it now").click()
        verdict(page, "You may process it")
        assert len(set(ids)) == 1
        assert _count_scans(edge, "SP18-0001") == 1


def test_people_declare_pieces_where_nothing_counts(browser, edge):
    """An oven: the order is touched, a number is scanned, the order shows it."""
    with terminal(browser, edge, station="OVEN") as page:
        scan(page, "B-1042")
        verdict(page, "Signed on")
        page.locator(".order-row", has_text="WO-300").click()
        page.get_by_role("button", name=re.compile("^Start")).click()
        verdict(page, "Order started")
        page.locator(".job__acts button", has_text="Report quantity").click()
        scan(page, "12")
        scan(page, "CMD-OK")
        expect(page.locator(".job__count strong")).to_have_text("12")


def test_what_was_written_on_paper_is_entered_with_its_true_time(browser, edge):
    """补录: a whole booking of the past, with the days and times of the paper."""
    with terminal(browser, edge, station="OVEN") as page:
        scan(page, "B-1042")
        verdict(page, "Signed on")
        page.locator(".head__menu").click()
        scan(page, "CMD-BACK")
        dialog = page.locator("dialog[open]")
        scan(page, "WO-300")
        for day in dialog.get_by_role("button", name="Day before").all():
            day.click()
        times = dialog.locator(".field__input--time")
        times.nth(0).fill("0612")
        times.nth(1).fill("07:40")
        dialog.get_by_role("textbox", name="Good").fill("9")
        dialog.get_by_role("button", name=re.compile("^Enter")).click()
        expect(page.locator(".verdict--accepted")).to_be_visible()
        assert any(
            "back-entry" in json.dumps(one) or one["kind"] == "span_declared"
            for one in edge.entries("OVEN")
        )


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_everything_can_be_read_and_touched(browser, edge, lang, width, height):
    """Targets of 64 px, text of 18 px, contrast 7:1, nothing cut off."""
    with terminal(browser, edge, lang=lang, width=width, height=height) as page:
        _check(page)
        for raw in ("SP18-0001", "B-1042", "WO-417", "WO-417", "CMD-NO", "LOT-BAR-1", "SP18-0001"):
            scan(page, raw)
            expect(page.locator(".verdict")).to_have_count(1)
            page.wait_for_timeout(250)
            _check(page)
        for code in ("CMD-DEFECT", "CMD-MOUNT", "CMD-REASON", "CMD-UNDO", "CMD-CALL"):
            scan(page, code)
            expect(page.locator("dialog[open]")).to_be_visible()
            _check(page)
            scan(page, "CMD-CANCEL")
            expect(page.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_tablet_held_upright_shows_the_verdict_and_every_command(browser, edge, lang):
    """One column; what is decided comes first, nothing is cut off."""
    with terminal(browser, edge, lang=lang, width=600, height=960) as page:
        _check(page)
        for raw in ("SP18-0001", "B-1042", "WO-417"):
            scan(page, raw)
            expect(page.locator(".verdict")).to_have_count(1)
            page.wait_for_timeout(250)
            expect(page.locator(".verdict")).to_be_in_viewport()
            _check(page)
        box = page.locator(".verdict").bounding_box()
        assert box is not None
        assert box["width"] > 500
        for command in page.locator(".command").all():
            expect(command).to_be_in_viewport(ratio=1)


def _check(page: Page) -> None:
    assert too_small(page) == []
    assert findings(page, contrast_7=True) == []


def test_the_page_speaks_both_languages(browser, edge):
    """One touch changes every word, and the document says so."""
    with terminal(browser, edge, lang="zh") as page:
        expect(page.locator(".verdict")).to_contain_text("请扫工牌")
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.locator(".head__language").click()
        expect(page.locator(".verdict")).to_contain_text("Scan your badge")
        assert page.evaluate("document.documentElement.lang") == "en"


def test_a_page_without_a_station_offers_them(browser, edge):
    """The first time a terminal is set up."""
    with opened_page(browser, edge.address) as page:
        page.goto(f"{edge.address}/?lang=en")
        expect(page.locator(".picker__card")).to_have_count(3)
        assert findings(page, contrast_7=True) == []
        page.locator(".picker__card", has_text="Assembly bench").click()
        expect(page.locator(".head__station")).to_contain_text("Assembly bench")
        assert "station=BENCH" in page.url


def test_what_cannot_be_taken_back_says_what_to_do_instead(browser, edge):
    """A refused scan stands in the list of the dialog, with words instead of a button."""
    with terminal(browser, edge) as page:
        begin_work(page)
        scan(page, "WO-999")
        expect(page.locator(".verdict--refused")).to_be_visible()
        scan(page, "CMD-OK")
        scan(page, "CMD-UNDO")
        dialog = page.locator("dialog[open]")
        dialog.locator(".choice", has_text="WO-999").click()
        expect(dialog).to_contain_text("Do what the refusal said, then do it again.")
        expect(dialog.get_by_role("button", name=re.compile("CMD-OK"))).to_have_count(0)
        _check(page)


def test_a_span_is_moved_only_with_the_badge_of_a_shift_leader(browser, edge):
    """The refusal offers the badge; the page asks the agent whether it may."""
    with terminal(browser, edge) as page:
        begin_work(page)
        page.wait_for_timeout(1100)  # business time of this plant is real time
        page.locator(".head__menu").click()
        scan(page, "CMD-MOVE")
        scan(page, "WO-421")
        scan(page, "CMD-OK")
        refusal = page.locator(".verdict--refused")
        expect(refusal).to_contain_text("A shift leader has to do this")
        refusal.get_by_role("button", name="Release by badge").click()
        scan(page, "B-9")
        verdict(page, "Span moved")


def test_a_wrong_result_of_a_piece_is_changed_in_place(browser, edge):
    """Correct, the entry, another result: both versions stay in the list."""
    with terminal(browser, edge) as page:
        begin_work(page)
        scan(page, "SP18-0001")
        verdict(page, "You may process it")
        scan(page, "CMD-FAIL")
        verdict(page, "Finished as failed")
        scan(page, "CMD-UNDO")
        page.locator("dialog[open]").get_by_role("button", name=re.compile("Change it")).click()
        scan(page, "CMD-REWORK")
        verdict(page, "Corrected")
        expect(page.locator(".entry--voided").first).to_contain_text("fail")


def test_a_count_over_the_shift_is_split_at_the_page(browser, edge):
    """The page offers what the agent tells; here the agent's answer is put in its mouth."""
    offer = {
        "seq": 7, "counter": "total", "role": "produced", "since": "2026-03-02T13:50:00Z",
        "until": "2026-03-02T14:20:00Z", "pieces": "40", "step": "1", "boundary": None,
        "pieces_before": None,
        "boundaries": [
            {"at": "2026-03-02T14:00:00Z", "kind": "shift", "before": "early", "after": "late"}
        ],
    }  # fmt: skip
    sent: list[dict[str, object]] = []

    def with_offer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "spanned": [offer]})

    with opened_page(browser, edge.address) as page:
        page.route(re.compile(r"/api/stations/TURN$"), with_offer)
        page.route(re.compile(r"/api/stations/TURN/stream"), lambda route: route.abort())
        page.on(
            "request",
            lambda one: (
                sent.append(json.loads(one.post_data or "{}"))
                if one.url.endswith("/api/acts")
                else None
            ),
        )
        page.goto(f"{edge.address}/?station=TURN&lang=en&gap=1000")
        page.locator(".unexplained", has_text="Counts over a boundary: 1").click()
        dialog = page.locator("dialog[open]")
        expect(dialog).to_contain_text("early → late")
        scan(page, "15")
        expect(dialog).to_contain_text("After it: 25 pieces")
        _check(page)
        scan(page, "CMD-OK")
        expect(page.locator(".verdict--refused")).to_contain_text("No such count")
        assert {name: sent[-1][name] for name in ("kind", "seq", "before")} == {
            "kind": "split_count", "seq": 7, "before": "15",
        }  # fmt: skip
