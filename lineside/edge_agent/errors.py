"""What the agent refuses or fails at, outside drivers and journal."""

from __future__ import annotations

from lineside.contracts.errors import LinesideError


class UnknownStationError(LinesideError):
    """A request names a station that this edge does not serve."""

    code = "edge.unknown_station"
    status = 404

    def __init__(self, station: str, known: list[str]) -> None:
        super().__init__(
            f"Station {station[:64]!r} is not served here.",
            hint=f"This edge serves {', '.join(known) or 'no station'}.",
        )
        self.values = {"station": station[:64], "known": known}


class NotSimulatedError(LinesideError):
    """Somebody wants to move the time of a real plant."""

    code = "edge.not_simulated"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "Time is moved only where the configuration says simulation = true.",
            hint="Use an edge of a simulated plant.",
        )


class ProjectionsBehindError(LinesideError):
    """What stands at the stations cannot be computed now, so nothing may be decided on it."""

    code = "edge.projections_behind"
    status = 503

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The state of the stations cannot be computed: {why[:200]}.",
            hint="Free disk space; it goes on by itself.",
        )
        self.values = {"why": why[:200]}


class TooManyWatchersError(LinesideError):
    """More open pages than the agent serves."""

    code = "edge.too_many_pages"
    status = 503

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} pages watch this edge already.", hint="Close pages that nobody looks at."
        )
        self.values = {"most": most}


class PartEndedError(LinesideError):
    """A part of the agent that runs for ever has ended without a word."""

    code = "edge.part_ended"

    def __init__(self, part: str) -> None:
        super().__init__(
            f"{part} ended by itself, so the agent ends as well.",
            hint="The service manager starts it again; report the log.",
        )
        self.values = {"part": part}
