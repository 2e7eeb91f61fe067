"""What stands above everything on a terminal while something is wrong with disk or broker."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from lineside.contracts.clock import to_datetime
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.storage import StorageStatus, ranges_text
from lineside.edge_agent.terminal import views
from lineside.edge_agent.terminal.situation import Situation
from lineside.edge_agent.terminal.texts import words

SALVAGED = "journal.salvaged"


def disk_notices(
    s: Situation,
    storage: StorageStatus,
    problem: LinesideError | None,
    acknowledged: frozenset[str] = frozenset(),
) -> list[views.Notice]:
    """Banners, the worst first.

    Args:
        s: The station now.
        storage: The disk now.
        problem: Why the last facts were not recorded; None: they were.
        acknowledged: Codes that a shift leader has taken note of.
    """
    found: list[views.Notice] = []
    if isinstance(problem, JournalFullError):
        found.append(_notice("disk.full", {}))
    elif storage.pressed:
        found.append(_notice("disk.pressed", {}))
    elif storage.central_refused:
        found.append(_notice("disk.central_refused", {}))
    if storage.salvaged is not None and SALVAGED not in acknowledged:
        calendar = s.plant.calendar
        zone = ZoneInfo(calendar.time_zone if calendar is not None else "UTC")
        told = {
            "since": to_datetime(storage.since).astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            "lost": ranges_text(storage.salvaged.lost),
            "unconfirmed": str(storage.salvaged.unconfirmed),
            "file": storage.salvaged.set_aside.name,
        }
        found.append(_notice(SALVAGED, told).model_copy(update={"acknowledge": True}))
    return found


def sync_notices(*, stopped: bool) -> list[views.Notice]:
    """The banner while nothing is sent because the broker does not keep edges apart."""
    return [_notice("sync.broker_open", {})] if stopped else []


def _notice(code: str, params: dict[str, str]) -> views.Notice:
    what, why, todo = words(code, params)
    return views.Notice(code=code, what=what, why=why, todo=todo)
