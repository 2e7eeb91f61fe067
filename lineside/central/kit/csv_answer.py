"""Tables as CSV: UTF-8 with a byte order mark, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CSV_TYPE = "text/csv; charset=utf-8"
CSV_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def csv_wanted(
    format: Annotated[Literal["json", "csv"] | None, Query()] = None,  # noqa: A002 - the URL's word
    accept: Annotated[str, Header()] = "",
) -> bool:
    """Whether the caller asked for CSV, by `?format=csv` or by `Accept: text/csv`."""
    if format is not None:
        return format == "csv"
    return accept.split(",")[0].split(";")[0].strip() == "text/csv"


CsvWanted = Annotated[bool, Depends(csv_wanted)]


def safe_cell(value: object) -> str:
    """Text of a cell; what would be a formula is quoted, numbers stay numbers."""
    text = "" if value is None else str(value)
    if text.startswith(_FORMULA) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[0] == "-" and text[1:2].isdigit()


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file as an answer.

    Args:
        name: File name without extension; ASCII letters, digits, `-`.
        header: Column names.
        rows: Cells in the order of the header.
    """
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    return Response(
        out.getvalue().encode(),
        media_type=CSV_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
