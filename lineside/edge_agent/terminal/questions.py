"""What a terminal has asked and nobody has answered yet; a scanned choice is the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.edge_agent.terminal import acts
from lineside.edge_agent.terminal.views import Option

QUESTION_US = 120 * US_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """An act that waits for a choice."""

    body: acts.AnyAct
    options: tuple[Option, ...]
    asked_at: Microseconds


class Questions:
    """At most one a station."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, _Question] = {}

    def ask(self, station: str, body: acts.AnyAct, options: tuple[Option, ...]) -> None:
        """Remember an act until somebody chooses."""
        self._open[station] = _Question(
            body=body, options=options, asked_at=self._clock.monotonic()
        )

    def answered(
        self,
        station: str,
        body: acts.AnyAct,
        beside: Callable[[acts.AnyAct, acts.Scan], acts.AnyAct],
    ) -> acts.AnyAct:
        """The act that is meant: a scan that names an option of the question is the answer to it.

        Whatever is done next closes the question.

        Args:
            station: Where.
            body: What is done now.
            beside: What a scan means that names no option, given what was asked about and the scan.
        """
        asked = self._open.pop(station, None)
        if asked is None or not isinstance(body, acts.Scan) or body.confirm:
            return body
        if self._clock.monotonic() - asked.asked_at > QUESTION_US:
            return body
        chosen = next((one for one in asked.options if one.command == body.raw), None)
        if chosen is None:
            return beside(asked.body, body)
        return asked.body.model_copy(update={"confirm": chosen.code, "id": body.id})
