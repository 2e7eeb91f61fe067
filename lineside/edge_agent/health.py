"""What the agent says about itself: `/healthz` as JSON, `/metrics` as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "lineside_edge_"
_HELP = {
    "recording": "1 while facts are recorded.",
    "head_seq": "Last committed fact.",
    "durable_seq": "Last fact that central has stored.",
    "backed_up_seq": "Last fact that is in a backup of central.",
    "pending_facts": "Facts that central has not confirmed.",
    "dropped_facts": "Facts that nobody has any more, ever.",
    "connected": "1 while central answers.",
    "devices_lost": "Devices that do not answer.",
    "projections_failed": "Projections that were set aside.",
    "events_unreadable": "Events that no decoder here can read.",
    "pages": "Open terminal pages.",
    "disk_free_bytes": "Free space of the data disk.",
    "clock_synchronised": "1 while the computer's clock follows a time source.",
    "clock_moved_seconds": "How far the wall clock was moved since the agent began.",
    "certificate_valid_until_seconds": "End of this edge's certificate, Unix time.",
    "scans_refused": "Scans that were answered with a refusal since the agent began.",
    "facts_recorded": "Facts recorded since the agent began.",
    "journal_waiting_seconds": "How long the oldest fact has waited for its commit.",
    "journal_pressed": "1 while the disk has no room and the journal's reserve is used up.",
    "journal_held_back": "1 while a reader holds the journal's log back beyond its cap.",
    "journal_place_doubtful": "1 where the disk may forget what it has confirmed.",
    "journal_facts_damaged": "Facts that were damaged on the disk when the agent began.",
}
_COUNTERS = frozenset({"scans_refused", "facts_recorded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHealth:
    """A device at a moment.

    Attributes:
        connected: It answers.
        silent_s: Seconds since its last reading; None: nothing was read since the agent began.
    """

    connected: bool
    silent_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A moment of the agent.

    Attributes:
        recording: Facts are recorded.
        values: Metric name, without prefix, to value.
        lost: Device to what was said when it was lost.
        devices: Every device by name.
        problems: Short sentences for people.
    """

    recording: bool
    values: Mapping[str, float]
    lost: Mapping[str, str] = field(default_factory=dict[str, str])
    devices: Mapping[str, DeviceHealth] = field(default_factory=dict[str, DeviceHealth])
    problems: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """For `/healthz`."""
        return {
            **self.values,
            "status": "ok" if self.recording else "not recording",
            "problems": list(self.problems),
            "devices_lost": dict(self.lost),
            "devices_silent_s": {name: found.silent_s for name, found in self.devices.items()},
        }

    def metrics(self) -> str:
        """For `/metrics`; a registry of its own, so that agents in one process do not mix."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Moment(self))
        return generate_latest(registry).decode()


class _Moment(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        """One family a value, and two for the devices."""
        for name, value in self._health.values.items():
            kind = CounterMetricFamily if name in _COUNTERS else GaugeMetricFamily
            yield kind(PREFIX + name, _HELP.get(name, name), value=value)
        up = GaugeMetricFamily(
            PREFIX + "device_connected", "1 while the device answers.", labels=("device",)
        )
        silent = GaugeMetricFamily(
            PREFIX + "device_silent_seconds",
            "Age of the device's last reading; absent: none since the agent began.",
            labels=("device",),
        )
        for name, device in self._health.devices.items():
            up.add_metric((name,), float(device.connected))
            if device.silent_s is not None:
                silent.add_metric((name,), device.silent_s)
        yield up
        yield silent
