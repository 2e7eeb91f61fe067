"""`ETag` and `If-Match`: nobody overwrites what he has not read."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Response

from lineside.central.errors import InvalidInputError, RevisionMissingError, RevisionStaleError


def etag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def show_revision(response: Response, revision: int) -> None:
    """Put the revision on an answer."""
    response.headers["ETag"] = etag(revision)


def expected_revision(
    if_match: Annotated[
        str | None, Header(description="ETag of the object as it was read", examples=['"3"'])
    ] = None,
) -> int:
    """The revision in `If-Match`.

    Raises:
        RevisionMissingError: No header.
        InvalidInputError: Not an ETag of ours.
    """
    if if_match is None:
        raise RevisionMissingError
    return _revision_in(if_match)


def maybe_expected_revision(
    if_match: Annotated[
        str | None, Header(description="ETag of the object as it was read; acts may leave it out")
    ] = None,
) -> int | None:
    """The revision in `If-Match`, or None without the header.

    Raises:
        InvalidInputError: Not an ETag of ours.
    """
    return None if if_match is None else _revision_in(if_match)


ExpectedRevision = Annotated[int, Depends(expected_revision)]
MaybeExpectedRevision = Annotated[int | None, Depends(maybe_expected_revision)]


def check_revision(current: int, expected: int | None) -> None:
    """Refuse an update of something that changed meanwhile.

    Raises:
        RevisionStaleError: The object has another revision now.
    """
    if expected is not None and current != expected:
        raise RevisionStaleError(expected=expected, current=current)


def _revision_in(header: str) -> int:
    text = header.removeprefix("W/").strip().strip('"')
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(
            f"If-Match {header!r} is not an ETag of this server.",
            field="header.if-match",
            said="revision.bad_etag",
        )
    return int(text)
