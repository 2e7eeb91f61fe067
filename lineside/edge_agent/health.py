"""What the agent says about itself: `/healthz` as JSON, `/metrics` as Prometheus text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_HELP = {
    "lineside_edge_recording": "1 while facts are recorded.",
    "lineside_edge_head_seq": "Last committed fact.",
    "lineside_edge_pending_facts": "Facts that central has not confirmed.",
    "lineside_edge_connected": "1 while central answers.",
    "lineside_edge_devices_lost": "Devices that do not answer.",
    "lineside_edge_projections_failed": "Projections that were set aside.",
    "lineside_edge_events_unreadable": "Events that no decoder here can read.",
    "lineside_edge_pages": "Open terminal pages.",
    "lineside_edge_disk_free_bytes": "Free space of the data disk.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A moment of the agent.

    Attributes:
        recording: Facts are recorded.
        values: Metric name to value.
        lost: Device to what was said when it was lost.
        problems: Short sentences for people.
    """

    recording: bool
    values: Mapping[str, float]
    lost: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """For `/healthz`."""
        return {
            "status": "ok" if self.recording else "not recording",
            "problems": list(self.problems),
            "devices_lost": dict(self.lost),
            **{name.removeprefix("lineside_edge_"): value for name, value in self.values.items()},
        }

    def metrics(self) -> str:
        """For `/metrics`."""
        lines: list[str] = []
        for name, value in self.values.items():
            lines += [f"# HELP {name} {_HELP.get(name, name)}", f"# TYPE {name} gauge"]
            lines.append(f"{name} {value:g}" if value < 1e6 else f"{name} {value:.0f}")  # noqa: PLR2004
        return "\n".join(lines) + "\n"
