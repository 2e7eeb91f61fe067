"""The configuration of an edge from the console: written, checked, compared, sent, followed."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from .browsing import findings
from .test_console import console

SENT = re.compile(r"Version \d is sent, waiting for the edge")
STANDINGS = "**/api/v1/mes/edge-configurations"
GOOD = """\
[[device]]
id = "plc"
driver = "modbus"
host = "192.0.2.30"

[[station]]
id = "test-60"
device = "plc"
[station.state]
signal = "state"
profile = "packml"
"""


def standing_as(page: Page, **wanted: Any) -> None:
    """Let line-2 stand as it says."""

    def answer(route: Route) -> None:
        edges = route.fetch().json()
        for edge in edges:
            if edge["edge"] == "line-2" and edge["wanted"] is not None:
                edge["wanted"] |= wanted
        route.fulfill(json=edges)

    page.route(STANDINGS, answer)


@pytest.fixture(scope="module")
def sent(central) -> None:
    """Version 1 is sent to line-2, which never answers."""
    headers = {"Authorization": f"Bearer {central.token}"}
    path = "/api/v1/mes/edges/line-2/configurations"
    with httpx.Client(base_url=central.address, headers=headers, timeout=30) as client:
        client.post(path, json={"text": GOOD}).raise_for_status()
        client.post(f"{path}/1/send", json={}).raise_for_status()


def test_a_text_is_checked_at_its_lines_saved_compared_and_sent(browser, central):
    """An error stands at its line and bars the sending; differences are seen before it goes out."""
    with console(browser, central, "/edges") as page:
        expect(page.locator("tr", has_text="line-1")).to_contain_text("none was sent")
        page.get_by_role("link", name="line-1").click()
        field = page.get_by_role("textbox", name="Configuration (TOML)")
        field.fill(GOOD.replace("test-60", "grinding-20").replace('= "plc"\n[', '= "plc2"\n['))
        problem = page.locator(".problems button", has_text="Line 8")
        expect(problem).to_contain_text("station[0].device: there is no device for “plc2”")
        expect(page.locator(".editor__mark--error")).to_contain_text("plc2")
        assert findings(page) == []
        expect(page.get_by_role("button", name="Save and send…")).to_be_disabled()
        problem.focus()
        page.keyboard.press("Enter")
        expect(field).to_be_focused()
        assert field.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)") == (
            'device = "plc2"'
        )
        page.keyboard.type('device = "plc"')
        expect(page.locator(".problems__one--error")).to_have_count(0)
        page.get_by_label("What changes, and why").fill("new grinder")
        page.get_by_role("button", name="Save and send…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".changes")).to_contain_text("station grinding-20 added")
        page.wait_for_timeout(300)  # antd fades the dialog in, and half-faded text has no contrast
        assert findings(page) == []
        dialog.get_by_role("button", name="Send").click()
        expect(page.locator(".ant-alert")).to_contain_text(SENT)
        expect(page.locator("tbody tr", has_text="new grinder")).to_contain_text("sent")


def test_what_became_of_a_version_is_said_with_the_reason_of_the_edge(browser, central, sent):
    """On trial, taken back, refused: the words of the edge stand there, in a Chinese page, too."""
    reason = "plc did not answer within 60 s."
    with console(browser, central, "/edges/line-2", "zh") as page:
        expect(page.locator(".ant-alert")).to_contain_text("第 1 版已发送，等待边缘")
        standing_as(page, state="trial")
        expect(page.locator(".ant-alert")).to_contain_text("正在边缘上试运行")
        page.unroute(STANDINGS)
        standing_as(page, state="reverted", stage="trial", reason=reason, devices=["plc"])
        expect(page.locator(".ant-alert-error")).to_contain_text(reason)
        expect(page.locator(".ant-alert-error")).to_contain_text("退回了第 1 版")
        assert findings(page) == []
        page.get_by_role("link", name="边缘").click()
        row = page.locator("tr", has_text="line-2")
        expect(row).to_contain_text("已自动退回")
        expect(row).to_contain_text(reason)
        assert findings(page) == []


def test_a_version_is_copied_to_another_edge_as_a_draft(browser, central, sent):
    """There its stations are somebody else's, which is said at once."""
    with console(browser, central, "/edges/line-2") as page:
        page.get_by_role("button", name="Copy 1").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Edges to copy to").click()
        page.locator(".ant-select-item-option", has_text="line-1").click()
        dialog.get_by_label("Edges to copy to").press("Escape")
        dialog.get_by_role("button", name="Copy").click()
        expect(page.locator(".ant-message")).to_contain_text("Copied to line-1")
    with console(browser, central, "/edges/line-1") as page:
        row = page.locator("tbody tr", has_text="from line-2 1")
        expect(row).to_contain_text("draft")
        expect(row.get_by_role("button", name="Send")).to_be_visible()


def test_while_central_is_away_the_text_stays_and_the_page_says_so(browser, central):
    """Nothing typed is lost; it is checked again as soon as central answers."""
    with console(browser, central, "/edges/line-1") as page:
        field = page.get_by_role("textbox", name="Configuration (TOML)")
        field.wait_for()
        page.route("**/api/v1/mes/**", lambda route: route.abort())
        field.fill(GOOD + "# more\n")
        expect(page.locator(".shell__away")).to_be_visible()
        expect(field).to_have_value(GOOD + "# more\n")
        page.unroute("**/api/v1/mes/**")
        page.get_by_role("button", name="Try again").first.click()
        expect(page.locator(".shell__away")).to_have_count(0)
        expect(field).to_have_value(GOOD + "# more\n")
