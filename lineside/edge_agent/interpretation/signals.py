"""Discrete signals and alarms: changes are facts, first values are marked as such."""

from __future__ import annotations

from lineside.contracts.events import AlarmCleared, AlarmRaised, SignalChanged
from lineside.contracts.samples import Quality, SignalSample
from lineside.edge_agent.config import AlarmSection, DiscreteSection
from lineside.edge_agent.interpretation.shapes import At, Draft, as_text

VALUE_CHARS_MAX = 200
QUIET = {"", "0", "false"}


def read_discrete(
    draft: Draft, section: DiscreteSection, key: tuple[str, str], sample: SignalSample, at: At
) -> None:
    """Tell the change of a declared signal; an unavailable one has an empty value."""
    if sample.quality is Quality.UNCERTAIN:
        return
    value = as_text(sample.value)[:VALUE_CHARS_MAX] if sample.quality is Quality.GOOD else ""
    if draft.memory.told.get(key) == value:
        return
    initial = sample.initial or key not in draft.memory.told
    draft.memory.told[key] = value
    draft.tell(
        SignalChanged,
        at,
        signal=section.signal,
        role=section.role,
        value=value,
        initial=initial,
        jobs=draft.context.jobs,
    )


def read_alarm(
    draft: Draft, section: AlarmSection, key: tuple[str, str], sample: SignalSample, at: At
) -> None:
    """Tell an alarm that begins, changes or ends; a bad value changes nothing."""
    if sample.quality is not Quality.GOOD:
        return
    shown = as_text(sample.value)[:VALUE_CHARS_MAX]
    code = "" if shown in QUIET else section.code or shown
    before = draft.memory.alarms.get(key, "")
    if code == before:
        return
    if before:
        draft.tell(AlarmCleared, at, alarm=before, condition=section.signal)
    if code:
        draft.memory.alarms[key] = code
        draft.tell(
            AlarmRaised,
            at,
            alarm=code,
            severity=section.severity,
            text=section.text,
            condition=section.signal,
            jobs=draft.context.jobs,
        )
    else:
        draft.memory.alarms.pop(key, None)
