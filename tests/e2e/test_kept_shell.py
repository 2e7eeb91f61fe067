"""The terminal opened while its agent is down: the kept page, and a newer build after it."""

from __future__ import annotations

import http.server
import re
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from .browsing import DIST, findings, scan, wait_until_kept
from .edge_stand import EdgeProgram

KEPT_ADDRESSES = """async () => {
  const names = await caches.keys();
  const stores = await Promise.all(names.map((name) => caches.open(name)));
  const requests = (await Promise.all(stores.map((store) => store.keys()))).flat();
  return { stores: names.length, paths: requests.map((one) => new URL(one.url).pathname).sort() };
}"""


@contextmanager
def one_browser(browser: Browser) -> Generator[BrowserContext]:
    """A browser whose store outlives a page."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield context
    context.close()


def opened(context: BrowserContext, edge: EdgeProgram, station: str = "TURN") -> Page:
    """A station's page, and the worker in charge."""
    page = context.new_page()
    page.goto(f"{edge.address}/?station={station}&lang=en&gap=1000")
    expect(page.locator(".commands button").first).to_be_visible()
    wait_until_kept(page)
    return page


def test_a_page_opened_while_the_agent_is_down_says_so_and_comes_back_by_itself(browser, edge):
    """Loaded again, and opened anew: never the browser's error page, then the station again."""
    with one_browser(browser) as context:
        page = opened(context, edge)
        edge.end()
        page.reload()
        away = page.locator(".away")
        expect(away).to_contain_text("The line computer does not answer")
        expect(away.locator(".away__since")).to_contain_text(re.compile(r"Since \d\d:\d\d:\d\d"))
        expect(away.locator(".away__steps li")).to_have_count(4)
        assert findings(page, contrast_7=True) == []
        page.close()
        again = context.new_page()
        again.goto(f"{edge.address}/?station=TURN&lang=zh&gap=1000")
        expect(again.locator(".away")).to_contain_text("起")
        edge.start()
        expect(again.locator(".away")).to_have_count(0, timeout=30_000)
        expect(again.locator(".commands button").first).to_be_visible()
        scan(again, "B-1042")
        expect(again.locator(".verdict--accepted")).to_be_visible()


def test_a_terminal_without_a_station_says_it_too(browser, edge):
    """The list of stations cannot be read; the paper procedure stands there."""
    with one_browser(browser) as context:
        opened(context, edge).close()
        edge.end()
        page = context.new_page()
        page.goto(f"{edge.address}/?lang=en")
        expect(page.locator(".away")).to_contain_text("Carry on with the paper sheet")
        edge.start()
        expect(page.locator(".picker__card")).to_have_count(3, timeout=30_000)


def test_a_frozen_agent_does_not_hold_the_page(browser, edge):
    """The line is open and nobody answers: the kept page comes after a few seconds."""
    with one_browser(browser) as context:
        page = opened(context, edge)
        edge.pause()
        try:
            page.reload()
            expect(page.locator(".away")).to_be_visible()
        finally:
            edge.resume()
        expect(page.locator(".away")).to_have_count(0, timeout=30_000)


def test_only_the_pages_own_files_are_kept(browser, edge):
    """No answer of the agent, whatever the page asked for."""
    with one_browser(browser) as context:
        page = opened(context, edge)
        scan(page, "B-1042")
        expect(page.locator(".verdict--accepted")).to_be_visible()
        kept = page.evaluate(KEPT_ADDRESSES)
        assert kept["stores"] == 1
        assert "/index.html" in kept["paths"]
        assert all(re.fullmatch(r"/index\.html|/assets/[\w.-]+", one) for one in kept["paths"])


@contextmanager
def served(folder: Path) -> Generator[str]:
    """The built files by a plain server that has no agent behind it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class names it

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_new_build_takes_the_place_of_the_old_one(browser, tmp_path):
    """An open page changes by itself when nobody touches it; nothing of the old one stays."""
    folder = tmp_path / "terminal"
    shutil.copytree(DIST / "terminal", folder)
    with served(folder) as address, one_browser(browser) as context:
        page = context.new_page()
        page.goto(f"{address}/?lang=en")
        wait_until_kept(page)
        _build_anew(folder)
        page.evaluate("navigator.serviceWorker.getRegistration().then((found) => found.update())")
        expect(page).to_have_title("Lineside 2", timeout=40_000)
        kept = page.evaluate(KEPT_ADDRESSES)
        assert kept["stores"] == 1
        assert "/assets/second.js" in kept["paths"]


def _build_anew(folder: Path) -> None:
    """As a build would: another script with another name, another page, another worker."""
    script = next((folder / "assets").glob("*.js"))
    script.rename(folder / "assets" / "second.js")
    for name in ("index.html", "sw.js"):
        text = (folder / name).read_text(encoding="utf-8")
        text = text.replace(script.name, "second.js").replace(">Lineside<", ">Lineside 2<")
        text = re.sub(r'"build":"\w+"', '"build":"second"', text)
        (folder / name).write_text(text, encoding="utf-8")
