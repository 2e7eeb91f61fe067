"""The wall display of one line: where is it stuck? Read by the page at `/board/` every 10 seconds.

The line's OEE is pooled over its stations (elements added, then divided): this edge does not know
which of them paces the line. Its output is what its last station in the configuration reports; a
piece that passes three stations is not three pieces. Scrap is counted wherever it happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, Protocol

from fastapi import FastAPI, Query
from pydantic import AwareDatetime

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.errors import LinesideError
from lineside.contracts.kpi import Stop, aggregate
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.projections.oee import CurrentShift, OeeProjection
from lineside.edge_agent.terminal import views
from lineside.edge_agent.terminal.plant import Plant

STOPS_SHOWN = 8
PROVISIONAL_ABOVE = Fraction(1, 10)
Look = Literal["running", "setup", "planned", "waiting", "failure", "unknown"]
_LOOKS: dict[str, Look] = {
    "RUN": "running",
    "SETUP": "setup",
    "STOP": "waiting",
    "IDLE": "waiting",
    "FAIL": "failure",
}


class UnknownLineError(LinesideError):
    """A board asks for a line that has no station here."""

    code = "edge.unknown_line"
    status = 404

    def __init__(self, line: str, known: Sequence[str]) -> None:
        super().__init__(
            f"No station of line {line[:64]!r} is served here.",
            hint=f"This edge serves {', '.join(known) or 'no line'}.",
        )
        self.values = {"line": line[:64], "known": list(known)}


class BoardFigures(views.View):
    """The line's shift so far.

    Attributes:
        oee, availability, effectiveness, quality_ratio: Pooled over the line's stations.
        unknown_share: Part of busy time of which nothing is known; stands beside the OEE.
        provisional: Too much is unknown for the figures to be trusted.
        good: Good pieces of the line's last station.
        scrap: Scrap of all its stations.
        order, made, planned: What the last station works on, how far that order's operation is, and
            how much is ordered; None where no order is on it.
    """

    oee: float | None
    availability: float | None
    effectiveness: float | None
    quality_ratio: float | None
    unknown_share: float | None
    provisional: bool
    good: Decimal
    scrap: Decimal
    output_station: str
    order: str
    made: Decimal | None
    planned: Decimal | None
    unit: str


class BoardStation(views.View):
    """One station as it is now.

    Attributes:
        state: The machine's state; `UNKNOWN` where the device does not answer.
        look: How it shows on every screen.
        since: When that began.
        reason: Why it stands, where somebody has said so.
        asks: It stands and nobody has said why.
    """

    id: str
    name: views.Text
    state: Literal["RUN", "SETUP", "STOP", "FAIL", "IDLE", "UNKNOWN"]
    look: Look
    since: AwareDatetime | None
    reason: views.Text
    asks: bool
    order: str
    item: views.Text
    good: Decimal
    planned: Decimal | None
    unit: str
    oee: float | None
    unknown_share: float | None


class BoardStop(views.View):
    """Stops of a station with one reason in this shift, added up; no reason: nobody said why."""

    station: str
    name: views.Text
    reason: str
    label: views.Text
    seconds: float
    count: int
    going_on: bool


class BoardCall(views.View):
    """A call for help that is not closed."""

    station: str
    name: views.Text
    topic: str
    since: AwareDatetime
    acknowledged: bool


class BoardView(views.View):
    """Everything that the wall shows of a line; `lines` are those of this edge."""

    edge: str
    line: str
    lines: list[str]
    time_zone: str
    at: AwareDatetime
    simulation: bool
    shift: views.ShiftView | None
    figures: BoardFigures
    stations: list[BoardStation]
    stops: list[BoardStop]
    calls: list[BoardCall]
    sync: views.Sync
    recording: bool


class Screens(Protocol):
    """Who builds the screen of a station."""

    async def state(self, station: str) -> views.StationView:
        """The whole screen of a station."""
        ...


class LineBoard:
    """Builds boards from what the terminals of a line show."""

    def __init__(
        self,
        stations: Sequence[StationSection],
        *,
        screens: Screens,
        figures: OeeProjection,
        plant: Plant,
        clock: Clock,
    ) -> None:
        self._stations = stations
        self._screens = screens
        self._figures = figures
        self._plant = plant
        self._clock = clock

    def use(self, stations: Sequence[StationSection]) -> None:
        """Show these stations from now on."""
        self._stations = stations

    def lines(self) -> list[str]:
        """Lines as configured; stations without a line make one without a name."""
        return list(dict.fromkeys(station.line for station in self._stations))

    async def view(self, line: str | None) -> BoardView:
        """The board of a line now; None: the first one.

        Raises:
            UnknownLineError: No station of this line is served here.
        """
        known = self.lines()
        wanted = (known[0] if known else "") if line is None else line
        ids = [station.id for station in self._stations if station.line == wanted]
        if not ids:
            raise UnknownLineError(wanted, known)
        screens = [await self._screens.state(one) for one in ids]
        now = self._clock.now()
        shifts = [self._figures.current(one, now) for one in ids]
        labels = self._plant.reasons.stops
        first = screens[0]
        return BoardView(
            edge=first.edge,
            line=wanted,
            lines=known,
            time_zone=first.time_zone,
            at=first.at,
            simulation=first.simulation,
            shift=next((screen.shift for screen in screens if screen.shift is not None), None),
            figures=_line_figures(screens, shifts),
            stations=[
                _station(screen, shift, labels)
                for screen, shift in zip(screens, shifts, strict=True)
            ],
            stops=_stops(screens, shifts, labels),
            calls=[
                BoardCall(
                    station=screen.station,
                    name=screen.name,
                    topic=call.topic,
                    since=call.since,
                    acknowledged=call.acknowledged,
                )
                for screen in screens
                for call in screen.calls
            ],
            sync=first.sync,
            recording=first.recording,
        )


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _line_figures(
    screens: Sequence[views.StationView], shifts: Sequence[CurrentShift | None]
) -> BoardFigures:
    pooled = aggregate([shift.result for shift in shifts if shift is not None])
    kpis, unknown = pooled.kpis, pooled.shares["unknown"]
    last = screens[-1]
    job = last.jobs[0] if last.jobs else None
    return BoardFigures(
        oee=_number(kpis["oee"]),
        availability=_number(kpis["availability"]),
        effectiveness=_number(kpis["effectiveness"]),
        quality_ratio=_number(kpis["quality_ratio"]),
        unknown_share=_number(unknown),
        provisional=unknown is not None and unknown > PROVISIONAL_ABOVE,
        good=last.figures.good,
        scrap=sum((screen.figures.scrap for screen in screens), Decimal(0)),
        output_station=last.station,
        order=job.order if job is not None else "",
        made=job.good if job is not None else None,
        planned=job.planned if job is not None else None,
        unit=job.unit if job is not None else "pcs",
    )


def _station(
    screen: views.StationView,
    shift: CurrentShift | None,
    labels: dict[str, tuple[str, str]],
) -> BoardStation:
    machine = screen.machine
    state = machine.state if machine.connected else "UNKNOWN"
    stands = next((stop for stop in shift.stops if stop.going_on), None) if shift else None
    reason = _reason_of(stands, shift.stops) if shift is not None and stands is not None else ""
    segment = screen.segments[-1] if screen.segments else None
    planned_now = segment is not None and segment.category == "planned"
    job = screen.jobs[0] if screen.jobs else None
    look: Look = "planned" if planned_now else _LOOKS.get(state, "unknown")
    return BoardStation(
        id=screen.station,
        name=screen.name,
        state=state,
        look=look,
        since=machine.since,
        reason=_label(reason, labels),
        asks=not reason and any(one.end is None for one in screen.unexplained),
        order=job.order if job is not None else "",
        item=job.item_name if job is not None else views.Text(zh="", en=""),
        good=job.good if job is not None else Decimal(0),
        planned=job.planned if job is not None else None,
        unit=job.unit if job is not None else "pcs",
        oee=screen.figures.oee,
        unknown_share=screen.figures.unknown_share,
    )


def _reason_of(stands: Stop, stops: Sequence[Stop]) -> str:
    """Why it stands; what was said of the same stop holds on, though it was said up to then."""
    said = [stop.reason for stop in stops if stop.since_us == stands.since_us and stop.reason]
    return stands.reason or (said[-1] if said else "")


def _label(reason: str, labels: dict[str, tuple[str, str]]) -> views.Text:
    zh, en = labels.get(reason, (reason, reason))
    return views.Text(zh=zh, en=en)


def _stops(
    screens: Sequence[views.StationView],
    shifts: Sequence[CurrentShift | None],
    labels: dict[str, tuple[str, str]],
) -> list[BoardStop]:
    """Longest first."""
    found: list[BoardStop] = []
    for screen, shift in zip(screens, shifts, strict=True):
        by_reason: dict[str, list[Stop]] = {}
        for stop in shift.stops if shift is not None else []:
            reason = _reason_of(stop, shift.stops if shift is not None else [])
            by_reason.setdefault(reason if stop.going_on else stop.reason, []).append(stop)
        for reason, stops in by_reason.items():
            length: Microseconds = sum(stop.end_us - stop.start_us for stop in stops)
            found.append(
                BoardStop(
                    station=screen.station,
                    name=screen.name,
                    reason=reason,
                    label=_label(reason, labels),
                    seconds=length / US_PER_SECOND,
                    count=len(stops),
                    going_on=any(stop.going_on for stop in stops),
                )
            )
    return sorted(found, key=lambda one: -one.seconds)[:STOPS_SHOWN]


def add_board(api: FastAPI, board: LineBoard | None) -> None:
    """Serve the board's figures.

    Args:
        api: The application of one edge.
        board: Builds them; None only where the schema is asked for and nothing is served.
    """

    @api.get("/api/board", operation_id="get_board")
    async def get_board(
        line: Annotated[str | None, Query(max_length=100, description="None: the first")] = None,
    ) -> BoardView:
        """One line as a wall display shows it."""
        if board is None:
            raise UnknownLineError(line or "", [])
        return await board.view(line)

    del get_board
