"""The wall display of a line against a real edge agent."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from .browsing import findings, opened_page, wait_until_kept
from .edge_stand import EdgeProgram

CUT = """() => {
  const found = [];
  for (const element of document.querySelectorAll('.board *')) {
    const style = getComputedStyle(element);
    const own = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!own) continue;
    const least = (25.5 * Math.min(innerHeight, 1080)) / 1080;
    const size = parseFloat(style.fontSize);
    if (size < least) found.push(['small', size, element.textContent.slice(0, 40)]);
    const words = 'h1, .figure dd, .figure dt, .station__state, .station__count, .stops b, .away';
    const box = element.closest(words);
    if (box && box.scrollWidth > box.clientWidth + 1) found.push(['cut', box.textContent]);
  }
  const { scrollWidth, scrollHeight } = document.documentElement;
  if (scrollHeight > innerHeight + 1 || scrollWidth > innerWidth + 1) found.push(['page scrolls']);
  return found;
}"""


@contextmanager
def board(
    browser: Browser,
    edge: EdgeProgram,
    *,
    lang: str = "en",
    line: str = "",
    width: int = 1920,
    height: int = 1080,
) -> Generator[Page]:
    """The board, loaded."""
    with opened_page(browser, edge.address, width=width, height=height) as page:
        page.goto(f"{edge.address}/board/?lang={lang}{line}")
        yield page


def act(edge: EdgeProgram, station: str, **body: object) -> None:
    """What a person does at a terminal."""
    answer = httpx.post(
        f"{edge.address}/api/acts", json={"id": str(uuid4()), "station": station, **body}
    ).json()
    assert answer["answer"] == "accepted", answer


def work(edge: EdgeProgram) -> None:
    """A piece is turned, the oven has reported twelve and scrapped one, the bench stands."""
    for station, order in (("TURN", "WO-417"), ("BENCH", "WO-500"), ("OVEN", "WO-300")):
        act(edge, station, kind="scan", raw="B-1042")
        operation = {"WO-417": "10", "WO-500": "50", "WO-300": "30"}[order]
        act(edge, station, kind="start_order", order=order, operation=operation)
    for raw in ("LOT-BAR-1", "SP18-0001", "CMD-FINISH"):
        act(edge, "TURN", kind="scan", raw=raw)
    act(edge, "OVEN", kind="declare", quantity="12", quantity_kind="produced")
    act(edge, "OVEN", kind="defect", code="DIM", quantity="1")
    act(edge, "BENCH", kind="set_state", state="RUN")
    act(edge, "BENCH", kind="set_state", state="STOP")
    act(edge, "TURN", kind="call", topic="maintenance")


def test_the_wall_shows_where_the_line_stands(browser, edge):
    """Output of the last station, scrap of all, states with words, a call."""
    work(edge)
    with board(browser, edge) as page:
        expect(page.locator("h1")).to_contain_text("Line 1")
        figures = page.locator(".figure")
        expect(figures.filter(has_text="Good")).to_contain_text("11")
        expect(figures.filter(has_text="Good")).to_contain_text("Oven")
        expect(figures.filter(has_text="Scrap")).to_contain_text("1")
        expect(figures.filter(has_text="Made / planned")).to_contain_text("/ 100")
        expect(page.locator(".station")).to_have_count(3)
        expect(page.locator(".station", has_text="Turning")).to_contain_text("WO-417")
        bench = page.locator(".station", has_text="Assembly bench")
        expect(bench.locator(".station__state")).to_contain_text("Stopped")
        expect(page.locator(".calls--open")).to_contain_text("Maintenance")
        expect(page.locator(".figure--main")).to_contain_text("unknown")


def test_the_wall_follows_by_itself(browser, edge):
    """Within ten seconds and a little."""
    with board(browser, edge) as page:
        turning = page.locator(".station", has_text="Turning")
        expect(turning).to_contain_text("No order")
        act(edge, "TURN", kind="scan", raw="B-1042")
        act(edge, "TURN", kind="start_order", order="WO-417", operation="10")
        expect(turning).to_contain_text("WO-417", timeout=15_000)


def test_a_reason_that_somebody_gave_stands_on_the_wall(browser, edge):
    """Until then it says that nobody knows why."""
    work(edge)
    with board(browser, edge) as page:
        stops = page.locator(".stops")
        expect(stops).to_contain_text("reason unknown", timeout=30_000)
        page.wait_for_timeout(1_500)  # the stop must be long enough to be asked about
        act(edge, "BENCH", kind="scan", raw="CMD-REASON-MAT")
        expect(stops).to_contain_text("No material", timeout=30_000)
        bench = page.locator(".station", has_text="Assembly bench")
        expect(bench.locator(".station__why")).to_have_text("No material")


def test_an_edge_that_does_not_answer_is_said_at_once_and_the_wall_comes_back(browser, edge):
    """What was known stays, with its age; opened anew, the kept page says it too."""
    with board(browser, edge) as page:
        expect(page.locator(".station")).to_have_count(3)
        wait_until_kept(page)
        edge.end()
        expect(page.locator(".away")).to_contain_text("No answer since", timeout=45_000)
        expect(page.locator(".station")).to_have_count(3)
        page.reload()
        expect(page.locator(".message")).to_contain_text("does not answer", timeout=30_000)
        edge.start()
        expect(page.locator(".station")).to_have_count(3, timeout=30_000)
        expect(page.locator(".away")).to_have_count(0)


def test_a_line_of_elsewhere_is_named(browser, edge):
    """Never an empty wall."""
    with board(browser, edge, line="&line=Line%209") as page:
        expect(page.locator(".message")).to_contain_text("There is no such line here")
        expect(page.locator(".message")).to_contain_text("Line 1")
        page.get_by_role("link").click()
        expect(page.locator(".station")).to_have_count(3)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160), (1366, 768)])
def test_everything_is_read_from_far(browser, edge, lang, width, height):
    """Text of 26 px on a wall, contrast 7:1, nothing cut; a desk's screen may scroll."""
    work(edge)
    with board(browser, edge, lang=lang, width=width, height=height) as page:
        expect(page.locator(".station")).to_have_count(3)
        page.evaluate("document.fonts.ready")
        assert page.evaluate(CUT) == []
        assert findings(page, contrast_7=True) == []


def test_the_short_address_leads_to_the_wall(edge):
    """As people type it; other lines are not found, with a hint."""
    answer = httpx.get(f"{edge.address}/board")
    assert re.search("/board/$", answer.headers["location"])
    refused = httpx.get(f"{edge.address}/api/board", params={"line": "x"})
    assert refused.status_code == 404
    assert refused.json()["hint"] == "This edge serves Line 1."
