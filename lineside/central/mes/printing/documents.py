"""What stands on each print, as HTML with every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

from lineside.central.kit.schema import decimal_text
from lineside.central.mes.printing.codes import code_128, qr_code
from lineside.central.mes.printing.pdf import render
from lineside.central.platform.identity.service import BadgeHolder
from lineside.contracts.clock import Microseconds, format_rfc3339
from lineside.contracts.commands import ItemInfo

DIGITAL_LINK = "https://id.gs1.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedOrder:
    """What a traveller says of its order; `steps` are those of the released order."""

    id: str
    quantity: Decimal
    unit: str
    due_at: Microseconds | None
    routing_revision: str
    steps: Sequence[dict[str, Any]]


def _image(source: str, kind: str) -> str:
    return f'<img class="{kind}" src="{source}" alt="">' if source else ""


def traveller(order: PrintedOrder, item: ItemInfo) -> bytes:
    """The paper that goes with an order: one row an operation, each with its code (工艺流转卡)."""
    rows = "".join(_operation_row(order, step) for step in order.steps)
    due = "" if order.due_at is None else format_rfc3339(order.due_at)
    body = f"""
      <div class="row"><div class="grow">
        <div class="quiet">Traveller 流转卡</div><h1>{escape(order.id)}</h1>
        <div>{escape(item.item)} {escape(item.name)} {escape(item.name_zh)}</div>
        <div>Quantity 数量 <b>{decimal_text(order.quantity)} {escape(order.unit)}</b>
          &nbsp; Due 交期 <b>{escape(due)}</b>
          &nbsp; <span class="quiet">{escape(order.routing_revision)}</span></div>
        {_image(code_128(order.id), "code")}
      </div>{_image(qr_code(order.id), "qr")}</div>
      <table><tr><th>Operation 工序</th><th>Station 工位</th><th>Material 物料</th>
        <th>Good 合格</th><th>Scrap 报废</th><th>Name 姓名</th><th></th></tr>{rows}</table>
    """
    return render(body, size="A4", margin="12mm")


def _operation_row(order: PrintedOrder, step: dict[str, Any]) -> str:
    material = "<br>".join(
        f"{escape(need['item'])} {escape(need['quantity'])} {escape(need['unit'])}"
        for need in step["components"]
    )
    code = _image(qr_code(f"{order.id}/{step['operation']}"), "qr")
    return (
        f'<tr><td><span class="number">{escape(step["operation"])}</span><br>'
        f"{escape(step['name'])} {escape(step['name_zh'])}</td>"
        f"<td>{escape(', '.join(step['stations']))}</td><td>{material}</td>"
        f"<td></td><td></td><td></td><td>{code}</td></tr>"
    )


def badges(people: Sequence[BadgeHolder], *, site: str) -> bytes:
    """Badges in the size of a bank card, one a page."""
    sheets = "".join(
        f'<div class="sheet row">{_image(qr_code(person.badge), "qr")}<div class="grow">'
        f'<div class="quiet">{escape(site)}</div><div class="number">{escape(person.name)}</div>'
        f"<div>{escape(person.badge)}</div></div></div>"
        for person in people
    )
    return render(sheets, size="85.6mm 54mm", margin="5mm")


def unit_code(item: ItemInfo, serial: str) -> str:
    """What a unit's code says: a GS1 Digital Link with a GTIN, else the serial alone."""
    plain = serial.isascii() and serial.replace("-", "").replace("_", "").isalnum()
    if item.gtin and plain:
        return f"{DIGITAL_LINK}/01/{item.gtin.zfill(14)}/21/{serial}"
    return serial


def unit_labels(item: ItemInfo, serials: Sequence[str]) -> bytes:
    """Labels of 60 by 40 mm, one a page."""
    sheets = "".join(
        f'<div class="sheet row">{_image(qr_code(unit_code(item, serial)), "qr")}'
        f'<div class="grow"><div class="number">{escape(serial)}</div>'
        f"<div>{escape(item.item)}</div><div>{escape(item.name)} {escape(item.name_zh)}</div>"
        f"</div></div>"
        for serial in serials
    )
    return render(sheets, size="60mm 40mm", margin="3mm")
