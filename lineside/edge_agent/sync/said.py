"""What people are told about sync: each matter once, until it changes or is settled."""

from __future__ import annotations

from lineside.edge_agent.sync.actions import Action, Notice

NO_ANSWER = (
    "The broker takes messages, but central does not answer. Facts are kept here until it does."
)
FENCED = (
    "Two agents run under the name of this edge. Nothing is sent from here. Find the copy, switch"
    " it off, and enrol the right one again."
)
TWO_AGENTS = (
    "Another agent speaks under the name of this edge; central takes nothing from it. Find the"
    " copy and switch it off."
)
BUSY = "Central is busy and asked to wait. Facts are kept here until it takes them."


class Said:
    """The last text by code."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def say(self, code: str, text: str) -> list[Action]:
        """A notice, unless that is what was said last; an empty text settles the matter."""
        if self._texts.get(code, "") == text:
            return []
        self._texts[code] = text
        return [Notice(code, text)]


def old_central(said: str, known: str) -> str:
    """Central is a database that this edge does not expect."""
    return (
        f"Central is database {said}, this edge knows {known}: an old copy was started, or another"
        " system. Nothing is sent. Start the right one, or enrol this edge again."
    )


def broker_refuses(what: str) -> str:
    """The broker does not let this edge do what it must."""
    return (
        f"The broker refuses {what}. Facts are kept here. Look at the certificate of this edge and"
        " at the broker's access list."
    )


def broker_open(what: str, *, used: bool) -> str:
    """The broker does not keep the topics of edges apart."""
    if used:
        return (
            f"The broker lets this edge {what}: it does not keep edges apart, and anybody who"
            " reaches it can speak for any of them. Use Mosquitto with the access list of"
            " `deploy/broker`."
        )
    return (
        f"The broker lets this edge {what}, which it must refuse. Nothing is sent; facts are kept"
        " here. Correct the broker's access list (`deploy/broker/broker.acl`); to send all the"
        " same, set [sync] open_broker = true."
    )


def central_lost(first: int, last: int) -> str:
    """Central was restored from a backup."""
    return f"Central was restored and lost facts {first} to {last}; they are sent again."


def restored_here(base: int) -> str:
    """This journal was restored from an older copy."""
    return (
        f"This edge's journal was restored from an older copy; central agrees up to fact {base}."
        " What came after is sent under a new epoch."
    )


def sealed_differs(epoch: str) -> str:
    """Central has other facts under the numbers of a sealed epoch."""
    return (
        f"Central has other facts than this edge in the sealed epoch {epoch}; they stay here."
        " Compare both with `lineside-edge journal export`."
    )
