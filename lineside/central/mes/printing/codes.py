# pyright: basic
"""Bar codes and QR codes as SVG data, for HTML that becomes PDF."""

from __future__ import annotations

import base64
import io

import barcode
import segno
from barcode.errors import BarcodeError
from barcode.writer import SVGWriter

from lineside.central.errors import InvalidInputError

QR_CHARACTERS_MAX = 1000


def qr_code(text: str) -> str:
    """A QR code as `data:` address.

    Raises:
        InvalidInputError: The text is too long for a code that a scanner reads.
    """
    if not text or len(text) > QR_CHARACTERS_MAX:
        raise InvalidInputError(
            f"A QR code holds 1 to {QR_CHARACTERS_MAX} characters.", said="printing.qr_length"
        )
    out = io.BytesIO()
    segno.make(text, micro=False, error="m").save(out, kind="svg", border=2, xmldecl=False)
    return _data(out.getvalue())


def code_128(text: str) -> str:
    """A Code 128 as `data:` address; empty for text that it cannot hold."""
    out = io.BytesIO()
    try:
        made = barcode.get("code128", text, writer=SVGWriter())
        made.write(out, options={"module_height": 9.0, "write_text": False, "quiet_zone": 4.0})
    except (BarcodeError, KeyError, UnicodeEncodeError):
        return ""
    return _data(out.getvalue())


def _data(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
