"""Which role may do what; the whole policy on one page."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Roles of the first day."""

    OPERATOR = "operator"
    QUALITY = "quality"
    PLANNER = "planner"
    ADMINISTRATOR = "administrator"
    EDGE = "edge"


ROLES = frozenset(role.value for role in Role)
PERMISSIONS: dict[str, str] = {
    "self": "Sign out, see who one is",
    "trace.read": "Histories of units and lots",
    "orders.read": "Work orders and their progress",
    "orders.write": "Create, release, prioritise, hold, move and cancel work orders",
    "masterdata.read": "Items, routings, bills of material, stations, calendar, reasons",
    "masterdata.write": "Change master data",
    "lots.read": "Lots",
    "lots.write": "Create and change lots",
    "holds.read": "Holds",
    "holds.write": "Hold and release things",
    "figures.read": "Effectiveness, yields, bookings of machines and orders",
    "figures.person": "Figures per person; in no role, granted by name",
    "people.read": "Names and badges of people",
    "people.write": "Change people, forget a person",
    "labels.print": "Travellers, badges, labels",
    "edges.read": "Edges, what they applied and what is still to come",
    "edges.admin": "Edges, number blocks, configurations of edges",
    "configurations.read": "Configurations of edges: hosts and signals of machines",
    "users.admin": "Users, roles, grants",
}

_READERS = frozenset(
    {
        "self",
        "trace.read",
        "orders.read",
        "masterdata.read",
        "lots.read",
        "holds.read",
        "edges.read",
    }
)
_PLANNER = _READERS | {
    "orders.write",
    "masterdata.write",
    "lots.write",
    "figures.read",
    "people.read",
    "labels.print",
    "configurations.read",
}

ROLE_PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.OPERATOR: _READERS | {"labels.print"},
    Role.QUALITY: _READERS
    | {
        "lots.write",
        "holds.write",
        "figures.read",
        "people.read",
        "labels.print",
        "configurations.read",
    },
    Role.PLANNER: _PLANNER,
    Role.ADMINISTRATOR: frozenset(PERMISSIONS) - {"figures.person"},
    Role.EDGE: frozenset({"self", "edges.read"}),
}


def permissions_of(roles: list[str], grants: list[str]) -> frozenset[str]:
    """All permissions of a user; roles and grants that no longer exist give nothing."""
    found: set[str] = {grant for grant in grants if grant in PERMISSIONS}
    for role in roles:
        if role in ROLES:
            found |= ROLE_PERMISSIONS[Role(role)]
    return frozenset(found)
