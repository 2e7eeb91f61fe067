# pyright: basic
"""HTML to PDF. Nothing is fetched: whatever is no `data:` address is refused."""

from __future__ import annotations

import threading
from typing import Any

STYLE = """
@page { size: %(size)s; margin: %(margin)s; }
* { box-sizing: border-box; }
body { font: 10pt/1.35 "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "DejaVu Sans",
sans-serif;
       margin: 0; color: #111; }
h1 { font-size: 18pt; margin: 0 0 2mm; }
table { width: 100%%; border-collapse: collapse; }
td, th { border: 0.3mm solid #888; padding: 1.5mm 2mm; text-align: left; vertical-align: middle; }
th { background: #eee; font-weight: 600; }
tr { break-inside: avoid; }
.number { font-weight: 700; font-size: 14pt; }
.quiet { color: #555; }
.qr { width: 22mm; height: 22mm; }
.code { height: 12mm; max-width: 60mm; }
.sheet { break-after: page; } .sheet:last-child { break-after: auto; }
.row { display: flex; gap: 4mm; align-items: center; }
.grow { flex: 1; }
"""
_one_at_a_time = threading.BoundedSemaphore(1)  # layout takes a core and much memory


def render(body: str, *, size: str, margin: str) -> bytes:
    """A PDF of an HTML body whose texts are escaped already.

    Args:
        body: Inner HTML.
        size: CSS page size, e.g. `A4` or `60mm 40mm`.
        margin: CSS page margin.
    """
    from weasyprint import CSS, HTML  # noqa: PLC0415 - takes half a second to import
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    class OnlyData(URLFetcher):
        """Fetches nothing from outside."""

        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ANN401
            if not url.startswith("data:"):
                message = "prints fetch nothing"
                raise ValueError(message)
            return super().fetch(url, headers)

    page = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><body>{body}</body></html>'
    with _one_at_a_time:
        document = HTML(string=page, url_fetcher=OnlyData())
        style = CSS(string=STYLE % {"size": size, "margin": margin})
        return document.write_pdf(stylesheets=[style]) or b""
