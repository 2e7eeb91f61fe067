"""A browser, a scanner that types, and what a page must never do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
DIST = ROOT / "lineside" / "web_dist"
DEADLINE_MS = 20_000
expect.set_options(timeout=DEADLINE_MS)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
CONTRAST_7 = ["color-contrast-enhanced"]
_LOOK_AT_SIZES = """() => {
  const found = [];
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 ? box : null;
  };
  const words = (element) => element.textContent.slice(0, 40);
  for (const element of document.querySelectorAll('button, input')) {
    const box = shown(element);
    if (box && box.height < 63.5) found.push(['low target', words(element), box.height]);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || !shown(parent)) continue;
    const size = parseFloat(getComputedStyle(parent).fontSize);
    if (size < 18) found.push(['small text', words(node), size]);
  }
  const tight = 'button, .pill, .figures__row, .verdict, .job__count';
  for (const element of document.querySelectorAll(tight)) {
    if (element.scrollWidth > element.clientWidth + 1) found.push(['cut', words(element)]);
  }
  const { scrollWidth, scrollHeight } = document.documentElement;
  if (scrollHeight > innerHeight + 1 || scrollWidth > innerWidth + 1) found.push(['page scrolls']);
  return found;
}"""


def need(present: object, what: str) -> None:
    """Skip where something is missing; with `CI=true` that is a failure."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def chromium() -> str:
    """Path of the machine's Chromium, empty without one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


@contextmanager
def opened_browser() -> Generator[Browser]:
    """A browser of this machine."""
    need(chromium(), "Chromium")
    need((DIST / "terminal" / "index.html").is_file(), "the built terminal (npm run build in web/)")
    need((DIST / "console" / "index.html").is_file(), "the built console (npm run build in web/)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def opened_page(
    browser: Browser, address: str, *, width: int = 1280, height: int = 800, locale: str = "zh-CN"
) -> Generator[Page]:
    """A page that may talk to its own server alone; errors of its code fail the test."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=locale, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(DEADLINE_MS)
    strangers: list[str] = []
    faults: list[str] = []
    own = (address, "data:", "blob:")
    page.on("request", lambda one: None if one.url.startswith(own) else strangers.append(one.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert strangers == []
    assert faults == []


_KEPT = """() => new Promise((done) => {
  const look = () => (navigator.serviceWorker.controller ? done(true) : setTimeout(look, 50));
  look();
})"""


def wait_until_kept(page: Page) -> None:
    """The page's files are kept: from now on it opens without its server."""
    page.evaluate(_KEPT)


def scan(page: Page, raw: str) -> None:
    """What a scanner in keyboard mode does: fast keys, GS as Ctrl+], Enter."""
    for character in raw:
        if character == "\x1d":
            page.keyboard.press("Control+]")
        else:
            page.keyboard.press(character)
    page.keyboard.press("Enter")


def findings(page: Page, *, contrast_7: bool = False) -> list[Any]:
    """What axe finds on the page as it is, serious or worse."""
    need(AXE.is_file(), "axe-core (npm ci in web/)")
    if not page.evaluate("typeof window.axe !== 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options: dict[str, Any] = {"runOnly": {"type": "tag", "values": RULES}}
    if contrast_7:
        options["rules"] = {rule: {"enabled": True} for rule in CONTRAST_7}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"]][:5])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def too_small(page: Page) -> list[Any]:
    """Targets under 64 px, text under 18 px, words that do not fit."""
    return page.evaluate(_LOOK_AT_SIZES)
