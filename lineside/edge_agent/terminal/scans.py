"""From a scan to a verdict: what was it, and what does it lead to here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lineside.contracts.clock import Microseconds, to_datetime
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import (
    Event,
    OverrideApproved,
    ScanAccepted,
    ScanRefused,
    Source,
)
from lineside.contracts.scancode import (
    Ambiguous,
    Badge,
    Carrier,
    Command,
    Explanation,
    Lot,
    Meaning,
    Order,
    Refused,
    Unit,
    Unknown,
    understand,
    unescape,
)
from lineside.contracts.units import Verdict
from lineside.edge_agent.terminal import (
    acts,
    carrier_acts,
    material_acts,
    order_acts,
    people_acts,
    shift_acts,
    unit_acts,
)
from lineside.edge_agent.terminal.commands import run_command
from lineside.edge_agent.terminal.first_pieces import presented
from lineside.edge_agent.terminal.situation import OVERRIDABLE, Decision, Situation, refused
from lineside.edge_agent.terminal.views import Text

RAW_STORED_MAX = 512
CONTENT_CHARS_MAX = 120
WITH = "with:"
OVERRIDE_WITHIN_US = 120_000_000
Stops = Callable[[], list[tuple[Microseconds, Microseconds]]]


def scanned(
    s: Situation, *, raw: str, act: str, scanner: str = "", problem: str = "", stops: Stops
) -> Decision:
    """Decide on a scan and book it either way: what was refused is a fact as well.

    Args:
        s: The station now.
        raw: Escaped text of the scan.
        act: Id of the act, for calls that it raises.
        scanner: Device that read it; empty: typed into the page.
        problem: What the driver said of the frame.
        stops: Stops that nobody has explained, oldest first.
    """
    if s.source is Source.TERMINAL:
        s = s.changed(source=Source.SCAN)
    stored = raw[:RAW_STORED_MAX]
    meaning = _meaning(s, raw, problem)
    decision = _decide(s, meaning, stored, act, stops)
    return _booked(s, decision, meaning, stored, scanner or "wedge")


def _meaning(s: Situation, raw: str, problem: str) -> Meaning:
    try:
        data = unescape(raw)
    except LinesideError:
        data = raw.encode("utf-8", "replace")
    scan = understand(
        data,
        reference_date=to_datetime(s.now).date(),
        rules=s.rules,
        problem=problem,
    )
    return scan.meaning


def _decide(s: Situation, meaning: Meaning, raw: str, act: str, stops: Stops) -> Decision:
    last = s.state.last_scan
    again = last is not None and last.accepted and last.raw == raw
    if again and last is not None and 0 <= s.at - last.at < s.scan_repeat_us and not s.confirm:
        return refused("scan.repeated", raw=raw)
    return _lead(s, meaning, raw, act, stops)


def _lead(s: Situation, meaning: Meaning, raw: str, act: str, stops: Stops) -> Decision:
    match meaning:
        case Badge():
            return _badge(s, meaning.badge, act, stops)
        case Order():
            return order_acts.start_order(
                s, order=meaning.order, operation=meaning.operation, booking=act
            )
        case Command():
            return run_command(s, meaning.command, act, stops)
        case Lot():
            return _lot(s, meaning)
        case Unit():
            return _unit(s, meaning)
        case Carrier() if s.confirm.startswith(WITH):
            return _with_content(s, meaning.carrier)
        case Carrier():
            return carrier_acts.carrier_scanned(s, meaning.carrier, act=act)
        case Ambiguous():
            return _ambiguous(s, meaning, raw, act, stops)
        case Unknown() | Refused():
            return explained(meaning.explanation)


def beside(s: Situation, asked: acts.AnyAct, body: acts.Scan) -> acts.AnyAct:
    """After a carrier a piece or lot was scanned: together they are one act.

    Args:
        s: The station now.
        asked: The act whose question waits.
        body: The scan that follows it, and chose none of its options.
    """
    if not isinstance(asked, acts.Scan) or len(body.raw) > CONTENT_CHARS_MAX:
        return body
    if not isinstance(_meaning(s, asked.raw, ""), Carrier):
        return body
    if not isinstance(_meaning(s, body.raw, ""), Unit | Lot | Ambiguous):
        return body
    return asked.model_copy(update={"confirm": f"{WITH}{body.raw}", "id": body.id})


def _with_content(s: Situation, carrier: str) -> Decision:
    meaning = _meaning(s, s.confirm.removeprefix(WITH), "")
    readings = meaning.candidates if isinstance(meaning, Ambiguous) else (meaning,)
    tried: list[Decision] = []
    for one in readings:
        match one:
            case Unit():
                item = s.plant.item_of_gtin(one.gtin) or one.cpid
                content = carrier_acts.Content(serial=one.serial, item=item)
            case Lot():
                content = carrier_acts.Content(lot=one.lot, item=s.plant.item_of_gtin(one.gtin))
            case _:
                continue
        tried.append(carrier_acts.toggle(s, carrier=carrier, content=content))
    leading = [one for one in tried if one.answer != "refused"]
    if len(leading) == 1 or len(tried) == 1:
        return (leading or tried)[0]
    return refused("carrier.scan_content", carrier=carrier)


def explained(explanation: Explanation) -> Decision:
    """A refusal in the words of the scan rules."""
    texts = (explanation.what, explanation.why, explanation.action)
    words = tuple(Text(zh=one.zh, en=one.en) for one in texts)
    return Decision(answer="refused", code=explanation.code, words=(words[0], words[1], words[2]))


def _unit(s: Situation, unit: Unit) -> Decision:
    item = s.plant.item_of_gtin(unit.gtin)
    if unit.gtin and not item:
        return refused("unit.unknown_gtin", gtin=unit.gtin, serial=unit.serial)
    return unit_acts.unit_scanned(s, unit.serial, item or unit.cpid)


def _lot(s: Situation, lot: Lot) -> Decision:
    item = s.plant.item_of_gtin(lot.gtin)
    return material_acts.mount(s, lot=lot.lot, item=item)


def _ambiguous(s: Situation, doubt: Ambiguous, raw: str, act: str, stops: Stops) -> Decision:
    """Only knowledge of the numbers decides: exactly one reading must lead somewhere."""
    tried = [_decide(s, one, raw, act, stops) for one in doubt.candidates]
    leading = [one for one in tried if one.answer != "refused"]
    return leading[0] if len(leading) == 1 else explained(doubt.explanation)


def _badge(s: Situation, badge: str, act: str, stops: Stops) -> Decision:
    """A badge signs on; a leader's badge after a refusal allows it; a second person's releases."""
    person = s.plant.person_of_badge(badge)
    last = s.state.last_scan
    if person is None or last is None or s.confirm:
        return people_acts.badge_scanned(s, badge)
    leader = s.changed(overrider=person)
    fresh = 0 <= s.at - last.at < OVERRIDE_WITHIN_US
    if not last.accepted and last.code in OVERRIDABLE and fresh and leader.overrides():
        return _overridden(leader, last.raw, act, stops)
    waiting = [piece for _, piece in presented(s)]
    if waiting and person.person not in waiting[-1].by and leader.overrides():
        return shift_acts.release_first_piece(s, badge=badge)
    return people_acts.badge_scanned(s, badge)


def _overridden(s: Situation, raw: str, act: str, stops: Stops) -> Decision:
    assert s.overrider is not None
    last = s.state.last_scan
    assert last is not None
    decision = _decide(s, _meaning(s, raw, ""), raw, act, stops)
    if not decision.accepted:
        return decision
    approved = s.tell(
        OverrideApproved,
        by=(s.overrider.person,),
        code=last.code,
        order=decision.params.get("order", ""),
        serial=decision.params.get("serial", ""),
    )
    return replace(decision, events=(approved, *decision.events), overridden_by=s.overrider.person)


def _booked(s: Situation, decision: Decision, meaning: Meaning, raw: str, scanner: str) -> Decision:
    """Put the scan itself before what it led to; a question books nothing yet."""
    subject = decision.subject or _subject(decision)
    decision = replace(decision, meaning=meaning.kind, subject=subject)
    if decision.answer == "ask":
        return decision
    verdict = Verdict(
        allowed=decision.accepted,
        code=decision.code,
        degraded=decision.degraded,
        overridden_by=decision.overridden_by,
    )
    event: Event
    if decision.accepted:
        event = s.tell(
            ScanAccepted, raw=raw, scanner=scanner, meaning=meaning.kind, verdict=verdict
        )
    else:
        detail = ", ".join(f"{name} {value}" for name, value in decision.params.items())
        event = s.tell(
            ScanRefused,
            raw=raw,
            scanner=scanner,
            meaning=meaning.kind,
            verdict=verdict,
            detail=detail[:RAW_STORED_MAX],
        )
    return replace(decision, events=(event, *decision.events))


def _subject(decision: Decision) -> str:
    for name in ("serial", "order", "lot", "person", "code", "raw", "carrier"):
        if decision.params.get(name):
            return decision.params[name]
    return ""
