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


class FirstPieceRuleError(InvalidInputError):
    """An operation waits for a first piece, and nothing or the same thing twice makes it wait."""

    code = "mes.first_piece_rule"

    def __init__(self, operation: str, causes: list[str]) -> None:
        said = f"after {', '.join(causes)}" if causes else "after nothing"
        super().__init__(
            f"Operation {operation} waits for its first piece {said}.",
            field="body.operations.first_piece_after",
            hint="Name setup, tool or material, each once; without a first piece, switch it off.",
        )


class OperationTwiceError(ConflictError):
    """A routing has two operations of one number."""

    code = "mes.operation_twice"

    def __init__(self) -> None:
        super().__init__(
            "An operation number stands twice in the routing.", hint="Number each operation once."
        )


class InUseError(ConflictError):
    """Something cannot be deleted because it is used."""

    code = "mes.in_use"
