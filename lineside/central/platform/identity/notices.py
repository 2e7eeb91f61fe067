"""What identity tells other domains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChanged:
    """A person is new or has another badge, name, role."""

    person: str
    badge: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonForgotten:
    """A person left, or asked to be forgotten; the edges drop their copy."""

    person: str
