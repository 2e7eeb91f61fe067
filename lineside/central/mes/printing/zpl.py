r"""Labels in ZPL, the language of label printers.

`^` and `~` begin commands and `\` (with `^FH\`) escapes; user text carries them as hexadecimal, so
that a serial number can never become a command.
"""

from __future__ import annotations

DOTS_PER_MM = 8  # 203 dpi


def zpl_text(text: str) -> str:
    r"""Text for a field after `^FH\`: all but plain letters, digits and marks as `\XX`."""
    out: list[str] = []
    for character in text:
        if character.isascii() and (character.isalnum() or character in " .,:;/()+-=#*&%!?'\""):
            out.append(character)
        else:
            out.extend(f"\\{byte:02X}" for byte in character.encode())
    return "".join(out)


def unit_label(
    *, serial: str, item: str, name: str, code: str, width_mm: int = 60, height_mm: int = 40
) -> str:
    """A unit label: QR code left, serial, item and name right.

    Args:
        serial: Serial number as people read it.
        item: Item number.
        name: Item name.
        code: What the QR code says.
        width_mm: Label width.
        height_mm: Label height.
    """
    return "\n".join(
        [
            "^XA",
            "^CI28",  # UTF-8
            f"^PW{width_mm * DOTS_PER_MM}",
            f"^LL{height_mm * DOTS_PER_MM}",
            # MA: error correction M, automatic mode
            f"^FO16,40^BQN,2,5^FH\\^FDMA,{zpl_text(code)}^FS",
            f"^FO200,48^A0N,40,32^FH\\^FD{zpl_text(serial)}^FS",
            f"^FO200,110^A0N,30,26^FH\\^FD{zpl_text(item)}^FS",
            f"^FO200,156^A0N,26,22^FB270,2,0,L^FH\\^FD{zpl_text(name)}^FS",
            "^XZ",
            "",
        ]
    )
