"""The shop floor at central: what stations do now, and how far their facts have arrived."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from .browsing import findings
from .test_console import console

STATION = {
    "edge": "line-1",
    "station": "turning-10",
    "state": "RUN",
    "detail": "",
    "orders": "WO-417",
    "sent_at": "2026-11-24T08:00:00Z",
    "received_at": "2026-11-24T08:00:00Z",
    "head_seq": 48213,
    "known_seq": 48001,
    "provisional": True,
    "silent": False,
}


def test_a_state_ahead_of_its_facts_is_marked_and_receipts_say_what_arrived(browser, central):
    """The newest word of an edge is shown at once, as provisional."""
    with console(browser, central, "/orders") as page:
        page.route("**/api/v1/mes/live", lambda route: route.fulfill(json=[STATION]))
        page.get_by_role("menuitem", name="Shop floor").click()
        row = page.locator("tr", has_text="turning-10")
        expect(row).to_contain_text("running")
        expect(row).to_contain_text("provisional: facts arriving, #48,001 of #48,213")
        expect(row.get_by_role("link", name="WO-417")).to_be_visible()
        receipt = re.compile(r"Central has everything of line-1 up to #[\d,]+; \d+ pending; 0 ever")
        expect(page.locator(".floor__receipts")).to_contain_text(receipt)
        assert findings(page) == []


def test_the_floor_in_chinese_says_when_nothing_was_heard_and_when_central_is_away(
    browser, central
):
    """Empty and error states are sentences, too."""
    with console(browser, central, "/floor", lang="zh") as page:
        expect(page.get_by_text("还没有工位上报。")).to_be_visible()
        expect(page.locator(".floor__receipts")).to_contain_text("中央已收到 line-2 的全部记录")

        def away(route: Route) -> None:
            route.abort()

        page.route("**/api/v1/mes/live", away)
        page.route("**/api/v1/mes/receipts", away)
        expect(page.locator(".shell__away")).to_be_visible(timeout=30_000)
