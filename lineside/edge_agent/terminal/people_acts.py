"""Who works here: badges, sign-on, sign-off."""

from __future__ import annotations

from lineside.contracts.events import SignedOff, SignedOn
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)


def sign_on(s: Situation, *, person: str = "", badge: str = "") -> Decision:
    """A person begins to work here."""
    known = s.plant.person_of_badge(badge) if badge else s.plant.person(person)
    if badge and known is None:
        return refused("person.unknown_badge", badge=badge)
    who = known.person if known is not None else person
    if not who:
        return refused("person.nobody_named")
    name = known.name if known is not None else ""
    if who in s.state.floor.people:
        return accepted("person.already_on", person=who, name=name)
    return accepted("person.on", [s.tell(SignedOn, by=(who,))], person=who, name=name)


def sign_off(s: Situation, *, person: str = "") -> Decision:
    """A person leaves; without a name everybody."""
    leaving = (person,) if person else tuple(s.state.floor.people)
    if not leaving or any(one not in s.state.floor.people for one in leaving):
        return refused("person.not_on", person=person)
    return accepted("person.off", [s.tell(SignedOff, by=leaving)], person=", ".join(leaving))


def badge_scanned(s: Situation, badge: str) -> Decision:
    """A badge: sign-on, or the question whether to leave."""
    known = s.plant.person_of_badge(badge)
    if known is not None and known.person in s.state.floor.people:
        if s.confirm == "sign_off":
            return sign_off(s, person=known.person)
        leave = option("sign_off", "签退", "Sign off", "CMD-SIGNOFF")
        return ask("person.on_leave_question", [leave, CANCEL], person=known.person)
    return sign_on(s, badge=badge)
