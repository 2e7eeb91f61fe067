"""What domains tell each other: in the same transaction, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineside.central.kit.unit_of_work import UnitOfWork

Listener = Callable[["UnitOfWork", Any], Any]


class Listeners:
    """Who hears which notice; filled once by `app`, then only read."""

    def __init__(self, by_type: Mapping[type, tuple[Listener, ...]] | None = None) -> None:
        self._by_type = dict(by_type or {})

    def tell(self, work: UnitOfWork, notice: object) -> None:
        """Call everyone who listens to this type, in the order of wiring."""
        for listener in self._by_type.get(type(notice), ()):
            listener(work, notice)

    def ask(self, work: UnitOfWork, question: object) -> Any:  # noqa: ANN401
        """The answer of the one who answers this type of question; None when nobody does."""
        for listener in self._by_type.get(type(question), ()):
            return listener(work, question)
        return None


NOBODY = Listeners()
