"""MQTT topics of the sync protocol.

`v1/<edge id>/up/<channel>` rises, `v1/<edge id>/down/<channel>` descends.
"""

from __future__ import annotations

import re

from lineside.contracts.errors import InvalidMessageError

EDGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
UP = ("hello", "facts", "telemetry", "live")
PROBE = "probe"
_LEVELS = 4
DOWN = ("welcome", "ack", "desired")


def up(edge: str, channel: str) -> str:
    """Topic on which an edge publishes."""
    assert channel in UP
    return f"v1/{edge}/up/{channel}"


def down(edge: str, channel: str) -> str:
    """Topic to which an edge subscribes."""
    assert channel in DOWN
    return f"v1/{edge}/down/{channel}"


def foreign(edge: str) -> str:
    """The id of an edge that does not exist, whose topics a broker must keep from this edge."""
    return f"not-{edge}"[:63]


def probe(edge: str) -> str:
    """Topic on which another edge tries whether the broker lets it; it carries nothing."""
    return f"v1/{edge}/up/{PROBE}"


def is_probe(topic: str) -> bool:
    """Whether a message is one of those tries."""
    return topic.startswith("v1/not-") and topic.endswith(f"/up/{PROBE}")


def parse_up(topic: str) -> tuple[str, str]:
    """Edge id and channel of a rising topic.

    Raises:
        InvalidMessageError: Not one of our rising topics.
    """
    parts = topic.split("/")
    if (
        len(parts) != _LEVELS
        or parts[0] != "v1"
        or parts[2] != "up"
        or parts[3] not in UP
        or not EDGE_ID.fullmatch(parts[1])
    ):
        raise InvalidMessageError(f"{topic[:200]!r} is not a topic on which an edge publishes.")
    return parts[1], parts[3]
