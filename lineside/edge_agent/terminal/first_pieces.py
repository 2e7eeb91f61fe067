"""First pieces (首件): what makes an operation wait, and what pieces made meanwhile are."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import OperationStep
from lineside.contracts.events import QuantityDeclared
from lineside.contracts.units import Outcome, Quantity, Thing
from lineside.edge_agent.projections.counting import BEFORE_RELEASE
from lineside.edge_agent.projections.floor import BeforeRelease, FirstPiece, job_key
from lineside.edge_agent.terminal.situation import Situation

# The operation's rule: kind of the quantity, and its outcome.
RULES = {
    "suspect": ("rework", Outcome.SUSPECT),
    "startup_scrap": ("scrap", Outcome.STARTUP_SCRAP),
}
OUTCOMES = dict(RULES.values())
ONE = Decimal(1)


def first_piece_state(s: Situation, order: str, step: OperationStep) -> str:
    """`not_needed`, `needed`, `presented`, `released`, counted from what makes it wait."""
    if not step.first_piece:
        return "not_needed"
    due = due_at(s, step)
    piece = s.state.floor.first_pieces.get(job_key(order, step.operation))
    if piece is None or piece.at < due:
        return "needed" if due or "setup" in step.first_piece_after else "not_needed"
    return "released" if piece.released else "presented"


def due_at(s: Situation, step: OperationStep) -> Microseconds:
    """When the operation last began to wait; 0: nothing has happened that makes it wait."""
    floor = s.state.floor
    causes = {"setup": floor.setup_at, "tool": floor.tool_at, "material": floor.material_at}
    return max((causes.get(cause, 0) for cause in step.first_piece_after), default=0)


def presented(s: Situation) -> list[tuple[str, FirstPiece]]:
    """First pieces that wait for a second person, by `order/operation`, the last one last.

    One that was presented before the next set-up, tool or material change is not meant any more.
    """
    found: list[tuple[str, FirstPiece]] = []
    for key, piece in s.state.floor.first_pieces.items():
        order, _, operation = key.partition("/")
        step = s.plant.step(order, operation)
        overtaken = step is not None and step.first_piece and piece.at < due_at(s, step)
        if not piece.released and not overtaken:
            found.append((key, piece))
    return found


def waits(s: Situation, order: str, operation: str) -> bool:
    """Whether what is made at `s.at` is made before the release, which may be known by now."""
    step = s.plant.step(order, operation)
    if step is None:
        return False
    state = first_piece_state(s, order, step)
    piece = s.state.floor.first_pieces.get(job_key(order, operation))
    released_later = (
        state == "released" and piece is not None and due_at(s, step) <= s.at < piece.at
    )
    return state in {"needed", "presented"} or released_later


def marks(
    s: Situation, order: str, operation: str, pieces: Decimal, thing: Thing | None = None
) -> list[QuantityDeclared]:
    """What pieces are that are made before the release; none where nothing waits."""
    step = s.plant.step(order, operation)
    rule = RULES.get(step.before_release) if step is not None else None
    if rule is None or pieces <= 0 or not waits(s, order, operation):
        return []
    kind, outcome = rule
    return [_mark(s, order, operation, kind, Quantity(value=pieces, outcome=outcome), thing)]


def _mark(
    s: Situation, order: str, operation: str, kind: str, quantity: Quantity, thing: Thing | None
) -> QuantityDeclared:
    job = s.state.job_of(order, operation)
    return s.tell(
        QuantityDeclared,
        kind=kind,
        quantity=quantity,
        order=order,
        operation=operation,
        item=job.item if job is not None else "",
        booking=job.booking if job is not None else "",
        thing=thing,
        jobs=(),
        flags=(BEFORE_RELEASE,),
    )


def cleared(s: Situation, order: str, operation: str, piece: FirstPiece) -> list[QuantityDeclared]:
    """The released piece itself is good: its mark is corrected; the ones before it keep theirs."""
    step = s.plant.step(order, operation)
    due = due_at(s, step) if step is not None else 0
    marked = s.state.before_release.get(job_key(order, operation), [])
    found = _mark_of([mark for mark in marked if mark.at >= due], piece)
    if found is None:
        return []
    left = Quantity(value=found.amount - ONE, outcome=OUTCOMES[found.kind])
    then = s.changed(at=found.at, reason="first_piece.released")
    told = _mark(then, order, operation, found.kind, left, None)
    return [structs.replace(told, corrects=s.ref(found.seq))]


def marked_as(s: Situation, order: str, operation: str, serial: str) -> str:
    """Kind as which a piece with a number is still marked, `rework`, `scrap`; empty: it is not."""
    found = s.state.before_release.get(job_key(order, operation), [])
    return next((mark.kind for mark in reversed(found) if mark.serial == serial), "")


def _mark_of(found: list[BeforeRelease], piece: FirstPiece) -> BeforeRelease | None:
    if piece.serial:
        own = [mark for mark in found if mark.serial == piece.serial]
        if own:
            return own[-1]
    counted = [mark for mark in found if not mark.serial and mark.at <= piece.at]
    return counted[-1] if counted else None
