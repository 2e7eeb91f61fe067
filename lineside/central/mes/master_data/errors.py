"""Refusals of master data."""

from __future__ import annotations

from lineside.central.errors import ConflictError, InvalidInputError


class UnknownReferenceError(InvalidInputError):
    """Something refers to an item, station or edge that does not exist."""

    code = "mes.unknown_reference"

    def __init__(self, what: str, key: str, *, field: str) -> None:
        super().__init__(
            f"There is no {what} {key}.", field=field, hint=f"Create the {what} first."
        )


class StationsOfSeveralEdgesError(InvalidInputError):
    """An operation names stations of more than one edge, but belongs to one."""

    code = "mes.stations_of_several_edges"

    def __init__(self, operation: str, edges: list[str]) -> None:
        super().__init__(
            f"The stations of operation {operation} belong to the edges {', '.join(edges)}.",
            field="body.operations",
            hint="An operation belongs to one edge; make two operations or two routings.",
        )


class InUseError(ConflictError):
    """Something cannot be deleted because it is used."""

    code = "mes.in_use"


class BlockExhaustedError(ConflictError):
    """The series has no more numbers of this width."""

    code = "mes.numbers_exhausted"

    def __init__(self, prefix: str, width: int) -> None:
        super().__init__(
            f"Series {prefix or '(no prefix)'} has no more numbers of {width} digits.",
            hint="Begin a series with another prefix or more digits.",
        )
