"""Desired state from central: a machine that applies differences to the local copies.

Only differences travel. Where the cursor does not fit, the edge says hello again and central sends
what is missing, or everything.
"""

from __future__ import annotations

from collections.abc import Callable

from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.envelope import Desired, DesiredObject, unpack
from lineside.contracts.errors import InvalidMessageError
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.sync.desired_store import DesiredStore

COMPLETE_BYTES_MAX = 256 * 1024 * 1024
GREET_AGAIN_AFTER = 2 * US_PER_SECOND


class Downlink:
    """One edge's downlink.

    Args:
        edge: This edge's id.
        store: Its local copies.
        clock: Paces how often it asks.
        greet: Says hello again: central answers with what is missing.
        report: Called when the store has something to report; see `DesiredStore.unreported`.
    """

    def __init__(
        self,
        edge: str,
        store: DesiredStore,
        *,
        clock: Clock,
        greet: Callable[[], None],
        report: Callable[[], None],
    ) -> None:
        self._edge, self._store, self._clock = edge, store, clock
        self._greet, self._report = greet, report
        self._parts: list[DesiredObject] = []
        self._parts_through: int | None = None
        self._parts_bytes = 0
        self._greeted_at: Microseconds | None = None

    def state(self) -> tuple[int, str]:
        """Cursor and content hash, as a hello carries them."""
        return self._store.cursor, self._store.content_hash

    def disconnected(self) -> None:
        """Half of a complete state is worth nothing after a break."""
        self._forget_parts()

    def received(self, topic: str, payload: bytes) -> None:
        """A message on `down/desired`.

        Raises:
            InvalidMessageError: Not for this edge; the connection goes on.
        """
        if topic != topics.down(self._edge, "desired"):
            raise InvalidMessageError(f"{topic[:200]!r} is not for this downlink.")
        message = unpack(payload, Desired)
        if message.edge != self._edge:
            raise InvalidMessageError(f"A desired state of {message.edge[:64]!r}.")
        if message.complete:
            self._part(message)
        elif message.after == self._store.cursor:
            self._forget_parts()
            self._apply(message.objects, through=message.through, complete=False)
        elif message.through > self._store.cursor:
            self._ask()  # something before it is missing; a doubled message is simply old

    def _part(self, message: Desired) -> None:
        if message.after == 0:
            self._forget_parts()
        elif message.after != self._parts_through:
            self._forget_parts()
            self._ask()
            return
        self._parts.extend(message.objects)
        self._parts_through = message.through
        self._parts_bytes += sum(len(bytes(item.body)) for item in message.objects)
        if self._parts_bytes > COMPLETE_BYTES_MAX:
            self._forget_parts()
            raise InvalidMessageError(
                f"A desired state of more than {COMPLETE_BYTES_MAX:,} bytes.",
                hint="Look at central why this edge is sent so much.",
            )
        if not message.more:
            objects = self._parts
            self._forget_parts()
            self._apply(tuple(objects), through=message.through, complete=True)

    def _apply(self, objects: tuple[DesiredObject, ...], *, through: int, complete: bool) -> None:
        try:
            changed = self._store.apply(objects, through=through, complete=complete)
        except JournalFullError:
            self._ask()  # central sends it again; so it goes on by itself when there is room
            raise
        if changed:
            self._report()

    def _forget_parts(self) -> None:
        self._parts, self._parts_through, self._parts_bytes = [], None, 0

    def _ask(self) -> None:
        now = self._clock.monotonic()
        if self._greeted_at is None or now - self._greeted_at >= GREET_AGAIN_AFTER:
            self._greeted_at = now
            self._greet()
