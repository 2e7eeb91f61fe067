"""What enrolment tells other domains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeInvited:
    """An edge may come; whoever equips edges shall know it by now."""

    edge: str
    name: str
