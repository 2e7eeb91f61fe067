"""How the agent's disk is, for people: what is slow, full, doubtful, or was damaged.

The journal knows it; here it becomes a sentence for `/healthz`, values for `/metrics`, and what the
terminals show. Looked at apart from the other upkeep, which waits itself while the disk is slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lineside.contracts.clock import Clock, Microseconds, format_rfc3339
from lineside.edge_agent.journal.salvage import Salvaged
from lineside.edge_agent.journal.store import Journal

SAVING_AFTER_S = 0.5
LOOK_EVERY_S = 0.25
RANGES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageStatus:
    """The disk at a moment.

    Attributes:
        saving: A commit takes so long that people must see why nothing answers.
        pressed: The disk is full: the reserve is used up, trend values are refused.
        central_refused: What central sent last found no room on the disk.
        salvaged: What became of a damaged journal when the agent began; None: it was whole.
        since: When the agent began, and looked.
    """

    saving: bool = False
    pressed: bool = False
    central_refused: bool = False
    salvaged: Salvaged | None = None
    since: Microseconds = 0


def ranges_text(ranges: tuple[tuple[int, int], ...]) -> str:
    """Numbers of facts as people write them: `12-15, 20`; long lists are cut short."""
    found = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    more = ["..."] if len(found) > RANGES_SHOWN else []
    return ", ".join(found[:RANGES_SHOWN] + more)


class StorageWatch:
    """Looks at the journal's disk, and tells the pages when it changes."""

    def __init__(
        self,
        journal: Journal,
        *,
        clock: Clock,
        changed: Callable[[set[str]], None],
        central_refused: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begin.

        Args:
            journal: Open; a damaged one was salvaged just now.
            clock: Business time.
            changed: Told which stations have news; empty text: the edge itself.
            central_refused: Whether what central sent last found no room.
        """
        self._journal = journal
        self._changed = changed
        self._central_refused = central_refused
        self._since = clock.now()

    def status(self) -> StorageStatus:
        """What the terminals show."""
        return StorageStatus(
            saving=self._journal.waiting_s > SAVING_AFTER_S,
            pressed=self._journal.pressed,
            central_refused=self._central_refused(),
            salvaged=self._journal.salvaged,
            since=self._since,
        )

    async def run(self) -> None:
        """Look until cancelled."""
        shown = self.status()
        while True:
            # Real time, also in a simulated plant: a disk is as slow as it is.
            await asyncio.sleep(LOOK_EVERY_S)
            found = self.status()
            if found != shown:
                shown = found
                self._changed({""})

    def problems(self) -> list[str]:
        """Sentences for `/healthz`."""
        journal = self._journal
        found = list(journal.medium.warnings)
        waits = journal.waiting_s
        if waits > SAVING_AFTER_S:
            found.append(f"The disk is slow: a commit has waited for {waits:.1f} s.")
        if journal.pressed:
            found.append("The disk was full: the reserve is used up; free disk space.")
        if self._central_refused():
            found.append("The disk is full: what central sends is not saved; free disk space.")
        if journal.held_back:
            found.append("A reader holds the journal's log back, and it grows.")
        if journal.salvaged is not None:
            found.append(_salvaged_text(journal.salvaged, self._since))
        return found

    def values(self) -> dict[str, float]:
        """Values for `/metrics`."""
        journal = self._journal
        lost = journal.salvaged.lost if journal.salvaged is not None else ()
        return {
            "journal_waiting_seconds": journal.waiting_s,
            "journal_pressed": float(journal.pressed),
            "journal_held_back": float(journal.held_back),
            "journal_place_doubtful": float(bool(journal.medium.warnings)),
            "journal_facts_damaged": float(sum(last - first + 1 for first, last in lost)),
        }


def _salvaged_text(found: Salvaged, since: Microseconds) -> str:
    lost = ranges_text(found.lost)
    missing = f"facts {lost} are missing here" if lost else "no fact is missing"
    return (
        f"The journal was damaged when the agent began at {format_rfc3339(since)}: {missing},"
        f" {found.unconfirmed} of them central does not have. The file is kept as"
        f" {found.set_aside.name}."
    )
