"""The system itself: scans, corrections, configuration."""

from __future__ import annotations

from lineside.contracts.events.base import Event


class ScanAccepted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="scan_accepted"):
    r"""A scan led to an act; `verdict` says which rule allowed it.

    Attributes:
        raw: As scanned, control characters as `\xNN`, at most 512 characters.
        scanner: Device name or `wedge`.
        meaning: What it was taken for: `badge`, `order`, `unit`, `lot`, `carrier`, `command`.
    """

    raw: str
    scanner: str = ""
    meaning: str = ""


class ScanRefused(Event, frozen=True, kw_only=True, omit_defaults=True, tag="scan_refused"):
    """A scan was refused; `verdict.code` says why."""

    raw: str
    scanner: str = ""
    meaning: str = ""
    detail: str = ""


class EventCorrected(Event, frozen=True, kw_only=True, omit_defaults=True, tag="event_corrected"):
    """The event in `corrects` is replaced by what this act's other events say."""


class EventVoided(Event, frozen=True, kw_only=True, omit_defaults=True, tag="event_voided"):
    """The event in `voids` did not happen."""


class ConfigurationApplied(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="configuration_applied"
):
    """The agent runs with this configuration from now on: what was on trial has proved itself.

    Attributes:
        content_hash: SHA-256 of its text, hexadecimal.
        version: Central's number of it; 0: none.
        origin: `central`, or `file` for one that lies on the edge's own computer.
        devices, stations: Those that were touched; none at a start of the agent.
    """

    content_hash: str
    version: int = 0
    origin: str = "file"
    devices: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()


class ConfigurationReverted(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="configuration_reverted"
):
    """A configuration was taken back; `reason` says why. The one before runs.

    Attributes:
        content_hash: Of the one that was taken back.
        version: Central's number of it; 0: none.
        origin: `central` or `file`.
        back_to: Content hash of the one that runs now.
        stage: `check`: it was wrong and never ran; `apply`: it could not be brought up; `trial`:
            the line did not come back with it.
        devices: Those that did not come back.
    """

    content_hash: str
    version: int = 0
    origin: str = "central"
    back_to: str = ""
    stage: str = "check"
    devices: tuple[str, ...] = ()


class IntentionApplied(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="intention_applied"
):
    """The edge has this revision of a desired-state document; the answer to central's intention.

    Attributes:
        kind, id: Which document.
        revision: Which revision.
        refused: Empty, or why it could not be applied.
    """

    kind: str
    id: str
    revision: int
    refused: str = ""


class AgentStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="agent_started"):
    """The agent started; figures before it end at the last event."""

    version: str
    boot: str = ""


class AgentStopped(Event, frozen=True, kw_only=True, omit_defaults=True, tag="agent_stopped"):
    """The agent stopped in order."""
