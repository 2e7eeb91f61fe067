"""What stands above everything on a terminal while something is wrong with the disk."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from lineside.contracts.clock import to_datetime
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.storage import StorageStatus, ranges_text
from lineside.edge_agent.terminal import views
from lineside.edge_agent.terminal.situation import Situation
from lineside.edge_agent.terminal.texts import words


def disk_notices(
    s: Situation, storage: StorageStatus, problem: LinesideError | None
) -> list[views.Notice]:
    """Banners, the worst first.

    Args:
        s: The station now.
        storage: The disk now.
        problem: Why the last facts were not recorded; None: they were.
    """
    found: list[views.Notice] = []
    if isinstance(problem, JournalFullError):
        found.append(_notice("disk.full", {}))
    elif storage.pressed:
        found.append(_notice("disk.pressed", {}))
    if storage.salvaged is not None:
        calendar = s.plant.calendar
        zone = ZoneInfo(calendar.time_zone if calendar is not None else "UTC")
        told = {
            "since": to_datetime(storage.since).astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            "lost": ranges_text(storage.salvaged.lost),
            "unconfirmed": str(storage.salvaged.unconfirmed),
            "file": storage.salvaged.set_aside.name,
        }
        found.append(_notice("journal.salvaged", told))
    return found


def _notice(code: str, params: dict[str, str]) -> views.Notice:
    what, why, todo = words(code, params)
    return views.Notice(code=code, what=what, why=why, todo=todo)
