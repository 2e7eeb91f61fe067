"""What the menu offers, by scanner alone."""

from __future__ import annotations

from playwright.sync_api import expect

from .browsing import scan
from .test_terminal import terminal


def test_a_code_of_the_menu_opens_its_dialog_from_the_screen_itself(browser, edge):
    """Nobody has to touch the menu first; the menu has a code, too."""
    with terminal(browser, edge, station="BENCH") as page:
        for code, words in (
            ("CMD-MENU", "More"),
            ("CMD-BACK", "Back-entry"),
            ("CMD-STATE", "Machine state"),
            ("CMD-TYPE", "Type a number"),
        ):
            scan(page, code)
            expect(page.locator("dialog[open] h2")).to_have_text(words)
            scan(page, "CMD-CANCEL")
            expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_code_changes_the_language(browser, edge):
    """There and back."""
    with terminal(browser, edge) as page:
        scan(page, "CMD-LANGUAGE")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        scan(page, "CMD-LANGUAGE")
        expect(page.locator("html")).to_have_attribute("lang", "en")
