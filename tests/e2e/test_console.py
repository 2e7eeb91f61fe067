"""Central's console against a real central."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from . import valve_story
from .browsing import findings, opened_page
from .conftest import PASSWORD, USER, CentralStand

KEEP_TOKEN = "(token) => sessionStorage.setItem('lineside.token', token)"


@contextmanager
def console(
    browser: Browser, central: CentralStand, path: str, lang: str = "en"
) -> Generator[Page]:
    """The console, signed in."""
    with opened_page(browser, central.address, width=1440, height=900, locale="en-GB") as page:
        page.goto(f"{central.address}/?lang={lang}")
        page.evaluate(KEEP_TOKEN, central.token)
        page.goto(f"{central.address}/?lang={lang}#{path}")
        page.reload()
        expect(page.locator(".shell")).to_be_visible()
        yield page


def seek(page: Page, number: str) -> None:
    """Type or scan a number into the search."""
    field = page.locator(".shell__search input")
    field.fill(number)
    field.press("Enter")


def test_a_wrong_password_is_refused_and_the_right_one_lets_in(browser, central):
    """The page says what to do, and remembers the sign-in over a reload."""
    with opened_page(browser, central.address) as page:
        page.goto(f"{central.address}/?lang=en")
        page.get_by_label("User").fill(USER)
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator(".ant-alert")).to_contain_text("User or password is wrong")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Orders")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Orders")).to_be_visible()
        page.get_by_role("button", name=USER).click()
        page.get_by_text("Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()


def test_an_order_goes_from_new_to_released_to_held(browser, central):
    """Created, released, held with a reason, resumed with a new priority, cancelled."""
    with console(browser, central, "/orders") as page:
        page.get_by_role("button", name="New order").click()
        page.get_by_label("Order", exact=True).fill("WO/77")
        page.get_by_label("Item").fill("SP-18")
        page.locator(".ant-select-item-option", has_text="SP-18").click()
        page.get_by_label("Quantity").fill("40")
        page.get_by_role("button", name="Create").click()
        row = page.locator("tr", has_text="WO/77")
        expect(row).to_contain_text("created")
        row.get_by_role("button", name="Release").click()
        expect(row).to_contain_text("released")
        row.get_by_role("button", name="Hold").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Hold")).to_be_disabled()
        dialog.get_by_label("Reason").fill("drawing changed")
        dialog.get_by_role("button", name="Hold").click()
        expect(row).to_contain_text("held")
        row.get_by_role("button", name="More for WO/77").click()
        page.get_by_role("menuitem", name="Priority").click()
        page.get_by_role("spinbutton").fill("5")
        page.get_by_role("spinbutton").press("Enter")
        expect(row.locator("td").nth(4)).to_have_text("5")
        row.get_by_role("link", name="WO/77").click()
        expect(page.locator(".ant-descriptions")).to_contain_text("drawing changed")


def test_progress_opens_to_its_sources_and_edges_show_their_revision(browser, central):
    """Eleven spools were ground, one of them failed; line 1 has not answered yet."""
    with console(browser, central, "/orders/WO-1") as page:
        row = page.locator("tr[data-row-key='20']")
        expect(row).to_contain_text("11 / 11")
        row.locator(".ant-table-row-expand-icon").click()
        expect(page.locator("tr.ant-table-expanded-row")).to_contain_text("grinding-20")
        expect(page.locator(".ant-descriptions")).to_contain_text("line-1 r0")


def test_a_number_of_two_things_is_answered_with_the_candidates(browser, central):
    """The spool and a valve have the same number: the person chooses."""
    with console(browser, central, "/trace") as page:
        seek(page, valve_story.SPOOL.id)
        expect(page.locator(".candidate")).to_have_count(2)
        page.locator(".candidate", has_text="SP-18").click()
        expect(page.locator(".trace-head")).to_contain_text("SP-18")


def test_a_life_shows_operations_parents_evidence_and_what_is_still_to_come(browser, central):
    """The leak test failed once; a bar changed while the spool was cut; line 2 has more to send."""
    with console(browser, central, "/trace") as page:
        seek(page, valve_story.VALVE.id)
        arriving = re.compile(r"history of line-2 arriving, #(\d+) of #(\d+)")
        expect(page.locator(".known")).to_contain_text(arriving)
        ((through, head),) = arriving.findall(page.locator(".known").inner_text())
        assert int(head) - int(through) == valve_story.STILL_TO_COME
        life = page.locator(".life__item")
        expect(life.filter(has_text="attempt 2")).to_contain_text("passed")
        failed = life.filter(has_text="leak → rework")
        failed.click()
        details = page.locator(".trace__details")
        expect(details).to_contain_text("0.82 l/min")
        expect(details.locator(".evidence")).to_contain_text("line-2 · b1d2e3f4 · #")
        tree = page.locator(".tree__box")
        for number in (valve_story.SPOOL.id, *(one.id for one in valve_story.SEALS)):
            expect(tree.filter(has_text=number)).to_be_visible()
        expect(tree.filter(has_text="one of these")).to_have_count(2)


def test_the_genealogy_is_walked_back_to_the_bar_and_forward_to_the_valve(browser, central):
    """From the valve to a bar that may be in it, and from the bar to everything made of it."""
    with console(browser, central, "/trace") as page:
        seek(page, valve_story.VALVE.id)
        page.locator(".tree__box", has_text="BAR-3391").click()
        page.get_by_role("link", name="Open BAR-3391").click()
        expect(page.locator(".trace-head h2")).to_have_text("BAR-3391")
        expect(page.locator(".tree__box", has_text=valve_story.SPOOL.id).first).to_be_attached()
        page.get_by_text("List", exact=True).click()
        expect(page.locator(".trace__tree tbody")).to_contain_text("one of these")
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        assert download.value.suggested_filename == "trace-BAR-3391.csv"


def test_an_unknown_number_says_what_to_do(browser, central):
    """Never an empty page."""
    with console(browser, central, "/trace") as page:
        seek(page, "NOBODY-1")
        expect(page.locator(".ant-alert")).to_contain_text("No event names this number")


def test_a_figure_opens_to_its_elements(browser, central):
    """OEE with the unknown share beside it; a row opens to formula, elements and delay."""
    with console(browser, central, "/figures") as page:
        # The story may have begun before the site's midnight.
        page.get_by_text("7 days", exact=True).click()
        row = page.locator("tr[data-row-key='grinding-20']")
        expect(row.locator(".state-tag--unknown")).to_be_visible()
        row.locator(".ant-table-row-expand-icon").click()
        opened = page.locator(".opened")
        expect(opened).to_contain_text("Availability = Production time / Planned busy time")
        expect(opened).to_contain_text("Unexplained")
        expect(page.locator(".page-head")).to_contain_text("line-1 #")
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV", exact=True).click()
        assert download.value.suggested_filename == "kpi.csv"


def test_orders_are_found_by_part_of_a_number_and_saved_as_a_table(browser, central):
    """The filter asks central, so it finds orders of other pages too; so does the table."""
    with console(browser, central, "/orders") as page:
        expect(page.locator("tr", has_text="WO-2").first).to_be_visible()
        page.get_by_label("Filter").fill("wo-1")
        expect(page.locator("tbody tr[data-row-key='WO-1']")).to_be_visible()
        expect(page.locator("tbody tr[data-row-key='WO-2']")).to_have_count(0)
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV", exact=True).click()
        rows = download.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert download.value.suggested_filename == "work-orders.csv"
        assert {row.split(",")[0] for row in rows[1:]} >= {"WO-1"}
        assert not any(row.startswith("WO-2") for row in rows)
        page.get_by_label("Filter").fill("nothing like it")
        expect(page.locator(".ant-empty")).to_contain_text("No order fits")


def test_a_narrow_window_has_all_pages_above_and_covers_nothing(browser, central):
    """Every page is reached, and the filter of the orders stays free."""
    with console(browser, central, "/orders") as page:
        page.set_viewport_size({"width": 600, "height": 900})
        expect(page.locator(".ant-layout-sider")).to_have_count(0)
        page.get_by_role("textbox", name="Filter").click()
        page.locator(".shell__top").get_by_role("menuitem", name="Trace").click()
        expect(page.locator("h1")).to_have_text("Trace")


def test_a_list_shows_what_is_unknown_beside_the_progress(browser, central):
    """The machines of WO-1 were without a signal for some minutes."""
    with console(browser, central, "/orders") as page:
        row = page.locator("tbody tr[data-row-key='WO-1']")
        expect(row.locator(".progress-cell")).to_contain_text(re.compile(r"\d+ / \d+"))
        expect(row.locator(".state-tag--unknown", has_text="unknown")).to_be_visible()


def test_a_refusal_of_central_is_shown_with_its_code_in_the_language_of_the_page(browser, central):
    """What, what to do, and the code to ask about; central is told which language is wanted."""
    wanted: set[str] = set()
    problem = {
        "type": "urn:lineside:problem:mes.some_rule",
        "title": "x",
        "status": 409,
        "detail": "Eine Regel.",
        "code": "mes.some_rule",
        "hint": "Do this now.",
        "instance": "/",
        "errors": [],
    }
    with console(browser, central, "/orders", "zh") as page:

        def refuse(route: Route) -> None:
            wanted.add(route.request.headers["accept-language"])
            route.fulfill(status=409, json=problem, content_type="application/problem+json")

        page.route("**/api/v1/mes/work-orders?**", refuse)
        page.reload()
        alert = page.locator(".ant-alert")
        expect(alert).to_contain_text("Do this now.")
        expect(alert).to_contain_text("代码 mes.some_rule")
        assert wanted == {"zh-CN"}


def test_neighbours_are_seen_and_walked_to(browser, central):
    """The spools that were ground before and after; what they share; from one to the next."""
    with console(browser, central, f"/trace?q={valve_story.SPOOL.id}&item=SP-18") as page:
        near = page.locator(".neighbours")
        own = near.locator(".neighbours__own")
        expect(own).to_contain_text(valve_story.SPOOL.id)
        expect(near.locator("tbody tr[data-row-key]")).to_have_count(9)
        before = near.locator("tr", has_text="SP18-00004126")
        expect(before).to_contain_text("min earlier")
        expect(before.locator(".shares")).to_contain_text("BAR-3391")
        expect(near.locator(".companions")).to_contain_text("one of these")
        near.get_by_role("link", name="SP18-00004126").first.click()
        expect(page.locator(".trace-head h2")).to_have_text("SP18-00004126")
        expect(own).to_contain_text("SP18-00004126")


def test_a_trace_on_paper_has_everything_opened_and_nothing_to_press(browser, central):
    """Both directions as lists, all stations; no search, no buttons."""
    address = f"/trace?q={valve_story.SPOOL.id}&item=SP-18"
    with console(browser, central, address) as page:
        expect(page.locator(".neighbours__own")).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator(".shell__head")).to_be_hidden()
        expect(page.locator(".trace-head__acts")).to_be_hidden()
        expect(page.locator(".neighbours__own")).to_have_count(2)
        expect(page.locator(".trace table").first).to_contain_text("BAR-3391")
        expect(page.locator(".tree")).to_have_count(0)
        page.emulate_media(media="screen")
        expect(page.locator(".tree")).to_be_visible()


def test_the_sheet_of_command_codes_is_made(browser, central):
    """A PDF in a window of its own."""
    with console(browser, central, "/print") as page:
        card = page.locator(".ant-card", has_text="Command codes")
        with page.expect_response("**/prints/commands?code=qr", timeout=60_000) as answer:
            card.get_by_role("button", name="PDF").click()
        assert answer.value.status == 200
        assert answer.value.headers["content-type"] == "application/pdf"


def test_people_get_badges_and_labels_are_printed(browser, central):
    """A new person appears; ZPL for a label printer is saved as a file."""
    with console(browser, central, "/people") as page:
        page.get_by_role("button", name="New person").click()
        page.get_by_label("Name").fill("赵敏")
        page.get_by_label("Badge").fill("B-2001")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("tr", has_text="赵敏")).to_contain_text("B-2001")
        page.get_by_role("menuitem", name="Print").click()
        card = page.locator(".ant-card", has_text="Unit labels")
        card.get_by_label("Item").fill("SP-18")
        page.locator(".ant-select-item-option", has_text="SP-18").click()
        card.get_by_label("Serial numbers").fill("SP18-00004127")
        with page.expect_download() as download:
            card.get_by_role("button", name="ZPL").click()
        assert "SP18-00004127" in download.value.path().read_text(encoding="utf-8")


def test_when_central_does_not_answer_the_page_keeps_what_it_knew(browser, central):
    """A calm line says since when; the rows stay; it goes by itself."""
    with console(browser, central, "/orders") as page:
        expect(page.locator("tr", has_text="WO-1").first).to_be_visible()
        page.route("**/api/**", lambda route: route.abort())
        expect(page.locator(".shell__away")).to_contain_text(
            "has not answered since", timeout=30_000
        )
        expect(page.locator("tr", has_text="WO-1").first).to_be_visible()
        page.unroute("**/api/**")
        expect(page.locator(".shell__away")).to_have_count(0, timeout=30_000)


def test_a_scan_goes_to_the_search_wherever_the_focus_is(browser, central):
    """The first key of a scanner already counts."""
    with console(browser, central, "/orders") as page:
        expect(page.locator("tr", has_text="WO-1").first).to_be_visible()
        page.locator("body").click(position={"x": 700, "y": 880})
        page.keyboard.type(valve_story.VALVE.id)
        page.keyboard.press("Enter")
        expect(page.locator(".trace-head h2")).to_have_text(valve_story.VALVE.id)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_axe_finds_nothing_serious(browser, central, lang):
    """Every page, with something opened on it."""
    with console(browser, central, "/orders", lang) as page:
        expect(page.locator("tr", has_text="WO-1").first).to_be_visible()
        assert findings(page) == []
        for path, ready in (
            ("/orders/WO-1", ".ant-table-row"),
            (f"/trace?q={valve_story.VALVE.id}", ".tree__box"),
            (f"/trace?q={valve_story.SPOOL.id}", ".candidate"),
            ("/figures", ".ant-table-row"),
            ("/people", ".ant-table-row"),
            ("/print", ".ant-card"),
        ):
            page.goto(f"{central.address}/#{path}")
            expect(page.locator(ready).first).to_be_visible()
            assert findings(page) == [], path
