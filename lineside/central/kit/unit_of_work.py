"""One act, one transaction: the only place that commits."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from lineside.central.kit.notices import NOBODY, Listeners
from lineside.contracts.clock import Clock, Microseconds

AfterCommit = Callable[[], None]


class UnitOfWork:
    """A transaction with the clock that stamps it.

    Attributes:
        session: For mapped entities.
        engine: For the rare fact that must stay although the act is refused (a wrong password).
        clock: The only time that services use.
    """

    def __init__(self, engine: Engine, clock: Clock, listeners: Listeners = NOBODY) -> None:
        self.engine = engine
        self.clock = clock
        self._listeners = listeners
        self.session = Session(engine, expire_on_commit=False, autoflush=True)
        self._after_commit: list[AfterCommit] = []

    @property
    def connection(self) -> Connection:
        """The connection of this transaction, for hand-written SQL; entities are flushed first."""
        self.session.flush()
        return self.session.connection()

    def now(self) -> Microseconds:
        """Time of this act, microseconds UTC."""
        return self.clock.now()

    def publish(self, notice: object) -> None:
        """Tell other domains, within this transaction."""
        self._listeners.tell(self, notice)

    def ask(self, question: object) -> Any:  # noqa: ANN401
        """Ask whoever answers this type of question; None when nobody does."""
        return self._listeners.ask(self, question)

    def after_commit(self, call: AfterCommit) -> None:
        """Call something once the transaction is durable; never on a rollback."""
        self._after_commit.append(call)

    def commit(self) -> None:
        """Make everything durable, then wake whoever waits for it."""
        self.session.commit()
        calls, self._after_commit = self._after_commit, []
        for call in calls:
            call()

    def close(self) -> None:
        """Give the connection back; what was not committed is gone."""
        self._after_commit.clear()
        self.session.close()


@contextmanager
def unit_of_work(
    engine: Engine, clock: Clock, listeners: Listeners = NOBODY
) -> Generator[UnitOfWork]:
    """A transaction with entities; commits when the block ends without an error."""
    work = UnitOfWork(engine, clock, listeners)
    try:
        yield work
        work.commit()
    finally:
        work.close()


@contextmanager
def transaction(engine: Engine) -> Generator[Connection]:
    """A bare transaction for hand-written SQL; commits when the block ends without an error."""
    with engine.connect() as connection:
        yield connection
        connection.commit()
