"""Discrete signals and alarms: changes are facts, first values are marked as such."""

from __future__ import annotations

from lineside.contracts.events import AlarmCleared, AlarmRaised, SignalChanged
from lineside.contracts.samples import Quality, SignalSample
from lineside.edge_agent.config import AlarmSection, DiscreteSection
from lineside.edge_agent.interpretation.shapes import At, Draft, as_text

VALUE_CHARS_MAX = 200
QUIET = {"", "0", "false"}


def read_discrete(
    section: DiscreteSection,
    key: tuple[str, str],
    draft: Draft,
    sample: SignalSample,
    at: At,
    _: object,
) -> None:
    """Tell the change of a declared signal; an unavailable one has an empty value."""
    quality, told = sample.quality, draft.memory.told
    if quality is Quality.UNCERTAIN:
        return
    value = as_text(sample.value)[:VALUE_CHARS_MAX] if quality is Quality.GOOD else ""
    before = told.get(key)
    if before == value:
        return
    initial = sample.initial or before is None
    told[key] = value
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
    told = _condition(shown) if section.format == "mtconnect" else _code(section, shown)
    before = draft.memory.alarms.get(key, "")
    now = "" if told is None else shown
    if now == before:
        return
    if before and (told is None or section.format == "code"):
        ended = _condition(before) if section.format == "mtconnect" else _code(section, before)
        assert ended is not None
        draft.tell(AlarmCleared, at, alarm=ended[0], condition=section.signal)
    if told is None:
        draft.memory.alarms.pop(key, None)
        return
    draft.memory.alarms[key] = now
    code, severity, text = told
    draft.tell(
        AlarmRaised,
        at,
        alarm=code,
        severity=severity,
        text=text,
        condition=section.signal,
        jobs=draft.context.jobs,
    )


def _code(section: AlarmSection, shown: str) -> tuple[str, str, str] | None:
    """Code, severity and text of a plain alarm signal; None: no alarm."""
    if shown in QUIET:
        return None
    return section.code or shown, section.severity, section.text


def _condition(shown: str) -> tuple[str, str, str] | None:
    """Code, severity and text of an MTConnect condition; None: normal or unavailable."""
    level, _, rest = shown.partition("|")
    if level.lower() not in {"warning", "fault"}:
        return None
    code, _, rest = rest.partition("|")
    return code, level.lower(), rest.rpartition("|")[2]
