"""Beside the writer: is the whole chain still what was committed, and can old facts be packed?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal.errors import JournalDamagedError
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.schema import sqlite

PAUSE_S = 0.02  # a line's work comes first
PACK_AFTER_S = 600.0
"""So long after the start nothing is packed: a program from before segments cannot read a journal
that has one, and an update must be able to go back."""
PACK_EVERY_S = 1.0
PACK_PAUSE_S = 0.1
log = structlog.get_logger("edge.journal")


class Verification:
    """Recomputes the chain from the oldest fact once, slowly, with a connection of its own."""

    def __init__(
        self,
        path: Path,
        *,
        after_s: float,
        on_damage: Callable[[JournalDamagedError], None],
    ) -> None:
        self._path = path
        self._after_s = after_s
        self._on_damage = on_damage
        self._stop = threading.Event()
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"verify {path.name}", daemon=True)

    def start(self) -> None:
        """Begin after the pause."""
        self._thread.start()

    def close(self) -> None:
        """End it, wherever it is."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        if self._stop.wait(self._after_s):
            return
        reader = JournalReader(self._path)
        at = reader.oldest() - 1
        try:
            for seq, why in reader.verify(pause=self._pause):
                self._on_damage(JournalDamagedError(self._path, seq, why))
                return
        except sqlite.DatabaseError as damage:
            self._on_damage(JournalDamagedError(self._path, at + 1, str(damage)))
        except InterruptedError:
            return
        finally:
            reader.close()
        log.info("journal_verified", path=str(self._path))
        self.done.set()

    def _pause(self) -> None:
        if self._stop.wait(PAUSE_S):
            raise InterruptedError


class Packing:
    """Packs facts into segments as they grow old."""

    def __init__(
        self,
        pack: Callable[[], int],
        *,
        name: str,
        after_s: float,
        on_damage: Callable[[JournalDamagedError], None],
    ) -> None:
        """Begin with `start`.

        Args:
            pack: Packs one segment and tells how many facts it took; 0: there are not enough.
            name: Of the thread.
            after_s: How long nothing is packed.
            on_damage: Told of rows that are not what was committed; then it ends.
        """
        self._pack = pack
        self._after_s = after_s
        self._on_damage = on_damage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pack {name}", daemon=True)

    def start(self) -> None:
        """Begin after the pause."""
        self._thread.start()

    def close(self) -> None:
        """End it after the segment that it packs."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        pause_s = self._after_s
        while not self._stop.wait(pause_s):
            try:
                packed = self._pack()
            except JournalDamagedError as damage:
                self._on_damage(damage)
                return
            except (LinesideError, sqlite.Error) as problem:  # the disk is full, or all is over
                log.warning("journal_not_packed", why=str(problem))
                packed = 0
            pause_s = PACK_PAUSE_S if packed else PACK_EVERY_S
