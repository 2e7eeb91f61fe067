"""Lists with cursors: a page never skips or repeats a row because another was inserted."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, tuple_

from lineside.central.errors import InvalidInputError

PAGE_ROWS_DEFAULT = 50
PAGE_ROWS_MAX = 500

Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """Part of a list.

    Attributes:
        items: Rows in the list's order.
        next_cursor: Send it as `cursor` for the rows after these; null at the end.
    """

    items: list[Row]
    next_cursor: str | None = None


class PageRequest(BaseModel):
    """What part of a list is wanted.

    Attributes:
        limit: Rows at most.
        after: Key of the last row before the page; empty at the start.
    """

    limit: int = PAGE_ROWS_DEFAULT
    after: tuple[str | int, ...] = ()


def requested_page(
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_DEFAULT,
    cursor: Annotated[str, Query(max_length=2000)] = "",
) -> PageRequest:
    """The page that the query string asks for.

    Raises:
        InvalidInputError: The cursor is not one that we gave out.
    """
    return PageRequest(limit=limit, after=decode_cursor(cursor))


Paging = Annotated[PageRequest, Depends(requested_page)]


def encode_cursor(key: tuple[str | int, ...]) -> str:
    """Opaque text of a row's key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str | int, ...]:
    """The key in a cursor; empty for an empty one.

    Raises:
        InvalidInputError: Not a cursor of ours.
    """
    if not cursor:
        return ()
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as problem:
        raise _not_a_cursor() from problem
    if not isinstance(found, list):
        raise _not_a_cursor()
    parts = cast("list[Any]", found)
    if not all(isinstance(part, str | int) and not isinstance(part, bool) for part in parts):
        raise _not_a_cursor()
    return tuple(parts)


def after_key(
    query: Select[Any], columns: tuple[ColumnElement[Any], ...], page: PageRequest
) -> Select[Any]:
    """Restrict a query to one page, in rising order of columns that together are unique.

    One row more than the limit is asked for, so that the end is known without counting.

    Raises:
        InvalidInputError: The cursor belongs to another list.
    """
    if page.after:
        if len(page.after) != len(columns):
            raise _not_a_cursor()
        for part, column in zip(page.after, columns, strict=True):
            if not isinstance(part, column.type.python_type):
                raise _not_a_cursor()
        query = query.where(tuple_(*columns) > tuple_(*page.after))
    return query.order_by(*columns).limit(page.limit + 1)


def cut_page(
    rows: list[Row], page: PageRequest, key: tuple[str, ...]
) -> tuple[list[Row], str | None]:
    """The rows of the page and the cursor of the next one; `key` names the columns of the order."""
    if len(rows) <= page.limit:
        return rows, None
    kept = rows[: page.limit]
    return kept, encode_cursor(tuple(_field(kept[-1], name) for name in key))


def _field(row: Any, name: str) -> str | int:  # noqa: ANN401 - an entity or a mapping
    if isinstance(row, Mapping):
        return cast("Mapping[str, str | int]", row)[name]
    return getattr(row, name)


def _not_a_cursor() -> InvalidInputError:
    return InvalidInputError(
        "This is not a cursor of this list.",
        field="query.cursor",
        hint="Send `next_cursor` of the page before, unchanged.",
    )
