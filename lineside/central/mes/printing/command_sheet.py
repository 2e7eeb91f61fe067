"""The sheet of command codes that lies beside a station (指令条码): all work by scanner alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.service import reasons_document
from lineside.central.mes.printing.codes import code_128, qr_code
from lineside.central.mes.printing.pdf import render
from lineside.contracts.command_codes import CommandCode, CommandGroup, groups_of_site

# Wide gaps: a scanner that sees two codes at once books the wrong one.
STYLE = """
<style>
.group { break-inside: avoid-page; margin: 0 0 5mm; }
.group h2 { font-size: 12pt; margin: 0 0 2mm; border-bottom: 0.4mm solid #111; break-after: avoid; }
.codes { display: flex; flex-wrap: wrap; gap: 5mm 6mm; }
.one { width: 58mm; display: flex; gap: 3mm; align-items: center; break-inside: avoid; }
.wide .one { width: 89mm; display: block; }
.one .qr { width: 21mm; height: 21mm; flex: none; }
.one .code { width: 82mm; max-width: 82mm; height: 14mm; }
.zh { font-size: 13pt; font-weight: 700; line-height: 1.2; }
.text { font-size: 7.5pt; color: #333; overflow-wrap: anywhere; }
</style>
"""


def site_sheet(work: UnitOfWork, *, site: str, lines: bool) -> bytes:
    """The sheet with the site's own reasons and defects, PDF.

    Args:
        work: Reads only.
        site: Name of the site.
        lines: Bar codes of lines (Code 128) for scanners that read no QR codes.
    """
    reasons = reasons_document(work)
    return sheet(tuple(groups_of_site(reasons.stops, reasons.defects)), site=site, lines=lines)


@lru_cache(maxsize=4)  # drawing takes seconds, and the codes of a site hardly ever change
def sheet(groups: Sequence[CommandGroup], *, site: str, lines: bool) -> bytes:
    """Command codes in groups on A4, PDF; see `site_sheet`."""
    body = "".join(_group(group, lines=lines) for group in groups)
    head = (
        f'<div class="quiet">{escape(site)}</div><h1>指令条码 Command codes</h1>'
        "<p>扫码等同于按屏幕上的按钮。 Scanning a code does what its button on the screen does.</p>"
    )
    kind = "wide" if lines else ""
    return render(f'{STYLE}{head}<div class="{kind}">{body}</div>', size="A4", margin="12mm")


def _group(group: CommandGroup, *, lines: bool) -> str:
    codes = "".join(_one(command, lines=lines) for command in group.commands)
    return (
        f'<div class="group"><h2>{escape(group.zh)} {escape(group.en)}</h2>'
        f'<div class="codes">{codes}</div></div>'
    )


def _one(command: CommandCode, *, lines: bool) -> str:
    words = (
        f'<div class="zh">{escape(command.zh)}</div><div>{escape(command.en)}</div>'
        f'<div class="text">{escape(command.code)}</div>'
    )
    bars = code_128(command.code) if lines else ""
    # What Code 128 cannot hold (a reason with Chinese in its code) stays a QR code.
    image = (
        f'<img class="code" src="{bars}" alt="">'
        if bars
        else f'<img class="qr" src="{qr_code(command.code)}" alt="">'
    )
    return f'<div class="one">{image}<div>{words}</div></div>'
