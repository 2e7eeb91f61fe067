"""The terminal's desk: acts are decided, committed, answered; screens built, scanners heard."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
import structlog

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import Event
from lineside.contracts.samples import ScanRead
from lineside.contracts.scancode import MeaningRules, escape
from lineside.contracts.units import Act
from lineside.edge_agent.config import Configuration, StationSection
from lineside.edge_agent.errors import NotSimulatedError, UnknownStationError
from lineside.edge_agent.health import Health
from lineside.edge_agent.host import PlantClock
from lineside.edge_agent.interpretation.shapes import Context, Weighing
from lineside.edge_agent.interpretation.shares import shares_of
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.carriers import concerns_others
from lineside.edge_agent.projections.numbers import marks_of
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.storage import StorageStatus
from lineside.edge_agent.terminal import acts, machine, views
from lineside.edge_agent.terminal.actions import decide
from lineside.edge_agent.terminal.forgotten import sign_off_events
from lineside.edge_agent.terminal.known import Known
from lineside.edge_agent.terminal.plant import Plant
from lineside.edge_agent.terminal.problems import problem_params
from lineside.edge_agent.terminal.questions import Questions
from lineside.edge_agent.terminal.scans import beside
from lineside.edge_agent.terminal.screen import (
    ScreenInputs,
    SyncStatus,
    build_screen,
    build_texts,
    station_name,
    unexplained_stops,
)
from lineside.edge_agent.terminal.situation import Decision, Situation, refused
from lineside.edge_agent.terminal.texts import words
from lineside.edge_agent.terminal.watchers import Watchers
from lineside.edge_agent.terminal.weighing import weigh_body

SHARED = "#shared"  # no station is called so
log = structlog.get_logger("edge.terminal")


class TerminalDesk:
    """Serves the terminals of one edge.

    Attributes:
        notices: What stands above everything besides the disk; set once it is known who says it.
    """

    def __init__(
        self,
        config: Configuration,
        *,
        edge: str,
        journal: Journal,
        recorder: Recorder,
        known: Known,
        plant: Plant,
        clock: Clock,
        watchers: Watchers,
        sync: Callable[[], SyncStatus],
        storage: Callable[[], StorageStatus],
        report: Callable[[], Health],
    ) -> None:
        self._edge = edge
        self._journal = journal
        self._recorder = recorder
        self._known = known
        self._plant = plant
        self._clock = clock
        self._watchers = watchers
        self._sync = sync
        self._storage = storage
        self._report = report
        self._questions = Questions(clock)
        self.notices: Callable[[], tuple[views.Notice, ...]] = tuple
        self._acknowledged: set[str] = set()  # of this run, as the banners that it is about
        self.use(config)

    def use(self, config: Configuration) -> None:
        """Serve the stations of this configuration from now on."""
        self._config = config
        self._stations = {station.id: station for station in config.stations}
        self._scanners = {
            scanner: station.id for station in config.stations for scanner in station.scanners
        }

    # --- reading

    def stations(self) -> views.Stations:
        """All stations of this edge."""
        calendar = self._plant.calendar
        return views.Stations(
            edge=self._edge,
            time_zone=calendar.time_zone if calendar is not None else "UTC",
            stations=[
                views.StationRow(
                    id=station.id,
                    name=station_name(station),
                    line=station.line,
                    simulation=self._config.edge.simulation,
                )
                for station in self._config.stations
            ],
        )

    def texts(self) -> views.Texts:
        """Labels of this edge."""
        return build_texts(self._plant)

    async def state(self, station: str) -> views.StationView:
        """The whole screen of a station."""
        return self._screen(self._station(station))

    def _screen(self, station: StationSection) -> views.StationView:
        inputs = ScreenInputs(
            figures=self._known.figures,
            seq=self._journal.head(),
            simulation=self._config.edge.simulation,
            lost_devices=self._known.orders.state.devices,
            sync=self._sync(),
            storage=self._storage(),
            problem=self._recorder.problem,
            notices=self.notices(),
            acknowledged=frozenset(self._acknowledged),
        )
        return build_screen(self.situation(station), inputs)

    def stream(self, station: str) -> AsyncGenerator[views.StreamMessage]:
        """The screen whenever it changes, and verdicts of the station's own scanners."""
        found = self._station(station)
        self._watchers.check()
        return self._messages(found)

    async def _messages(self, station: StationSection) -> AsyncGenerator[views.StreamMessage]:
        async with aclosing(self._watchers.watch(station.id)) as pages:
            async for page in pages:
                while page.verdicts:
                    yield page.verdicts.popleft()
                if page.stale:
                    page.stale = False
                    now = self._stations.get(station.id, station)
                    yield views.StateMessage(event="state", state=self._screen(now))

    async def booked(self, act_id: str) -> views.Booked:
        """Whether an act was booked, with its answer."""
        answer = self._answered(act_id)
        known = answer is not None or self._journal.reader.act_range(act_id) is not None
        return views.Booked(id=act_id, booked=known, answer=answer)

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether facts are recorded, and the details."""
        report = self._report()
        return report.recording, report.document()

    def metrics(self) -> str:
        """Prometheus text."""
        return self._report().metrics()

    # --- acting

    async def act(self, body: acts.AnyAct) -> views.Answer:
        """Decide and book; the answer is given after the commit."""
        return await self._act(body)

    async def _act(self, body: acts.AnyAct, *, problem: str = "") -> views.Answer:
        began = time.perf_counter()
        station = self._station(body.station)
        async with self._recorder.lock(station.id):
            answer = self._answered(body.id)
            if answer is None:
                answer = await self._decide_and_book(station, body, problem)
        took = (time.perf_counter() - began) * 1000
        return answer.model_copy(update={"took_ms": round(took, 3)})

    async def _decide_and_book(
        self, station: StationSection, body: acts.AnyAct, problem: str
    ) -> views.Answer:
        meant = self._questions.answered(
            station.id, body, lambda asked, scan: beside(self.situation(station), asked, scan)
        )
        decision = self._try_to_decide(station, meant, problem)
        if not concerns_others(decision.events):
            return await self._book(station, body, meant, decision)
        # Numbers and carriers belong to all stations: decide once more, now alone.
        async with self._recorder.lock(SHARED):
            decision = self._try_to_decide(station, meant, problem)
            return await self._book(station, body, meant, decision)

    def _try_to_decide(self, station: StationSection, meant: acts.AnyAct, problem: str) -> Decision:
        try:
            self._recorder.require_current()
            return self._decide(station, meant, problem)
        except LinesideError as refusal:
            return refused("edge.not_recording", **problem_params(refusal))
        except Exception:
            log.exception("decision_failed", station=station.id, kind=meant.kind)
            return refused("edge.fault")

    async def _book(
        self, station: StationSection, body: acts.AnyAct, meant: acts.AnyAct, decision: Decision
    ) -> views.Answer:
        if decision.answer == "ask":
            self._questions.ask(station.id, meant, decision.options)
        answer = self._answer(body, decision)
        if not decision.events:
            return answer
        act = Act(id=body.id, size=len(decision.events))
        events = [_with_act(event, act) for event in decision.events]
        try:
            appended = await self._recorder.record(
                events, baselines=marks_of(events), answer=answer.model_dump_json().encode()
            )
        except LinesideError as refusal:
            log.warning("act_not_saved", station=station.id, why=str(refusal))
            return self._answer(body, refused("edge.not_recording", **problem_params(refusal)))
        if isinstance(meant, acts.AcknowledgeNotice):
            self._acknowledged.add(meant.notice)
            self._watchers.tell({""})
        if appended.duplicate and (before := self._answered(body.id)) is not None:
            return before
        seqs = list(range(appended.first_seq, appended.last_seq + 1))
        return answer.model_copy(update={"seqs": seqs})

    def _decide(self, station: StationSection, body: acts.AnyAct, problem: str) -> Decision:
        situation = self.situation(station)
        person = self._plant.person_of_badge(body.override) if body.override else None
        if body.override and person is None:
            return refused("person.unknown_badge", badge=body.override)
        by = tuple(body.by) or situation.by
        situation = situation.changed(by=by, overrider=person, confirm=body.confirm)
        return decide(situation, body, problem=problem, stops=lambda: self._stops(station))

    def _stops(self, station: StationSection) -> list[tuple[Microseconds, Microseconds]]:
        found = unexplained_stops(self._known.figures, station, self._clock.now())
        return [(stop.start_us, stop.end_us) for stop in found]

    def _answered(self, act_id: str) -> views.Answer | None:
        stored = self._journal.act_answer(act_id)
        if stored is None:
            return None
        answer = views.Answer.model_validate_json(stored)
        first, last = self._journal.reader.act_range(act_id) or (0, -1)
        return answer.model_copy(update={"seqs": list(range(first, last + 1))})

    def _answer(self, body: acts.AnyAct, decision: Decision) -> views.Answer:
        is_refused = decision.answer == "refused"
        what, why, todo = decision.words or words(
            decision.code, decision.params, refused=is_refused
        )
        return views.Answer.model_validate(
            {
                "id": body.id,
                "station": body.station,
                "answer": decision.answer,
                "code": decision.code,
                "what": what,
                "why": why,
                "todo": todo,
                "params": decision.params,
                "options": list(decision.options),
                "meaning": decision.meaning,
                "subject": decision.subject,
                "degraded": decision.degraded,
                "overridable": decision.overridable,
            }
        )

    # --- machines and scanners

    async def scanned(self, device: str, scan: ScanRead) -> bool | None:
        """A scanner that the agent reads itself: decide, book, show.

        Returns:
            Whether it was accepted; None where the scanner belongs to no station.
        """
        station = self._scanners.get(device)
        if station is None:
            log.warning("scanner_without_station", device=device)
            return None
        raw = escape(scan.raw, limit=acts.RAW_CHARS_MAX)
        body = acts.Scan(
            kind="scan",
            id=uuid.uuid4().hex,
            station=station,
            raw=raw,
            source="serial",
            scanner=device[:128],
        )
        answer = await self._act(body, problem=scan.problem)
        message = views.VerdictMessage(event="verdict", raw=raw, scanner=device, answer=answer)
        self._watchers.verdict(station, message)
        return answer.answer != "refused"

    async def weighed(self, station: str, weighing: Weighing, act: str) -> bool:
        """A load came to rest on a scale that the agent reads itself: decide, book, show.

        Returns:
            Whether it was recorded; False: nothing can be recorded now.
        """
        answer = await self._act(weigh_body(station, weighing, act))
        if answer.code == "edge.not_recording":
            return False
        raw = f"{weighing.weight:f} {weighing.unit}"
        message = views.VerdictMessage(
            event="verdict", raw=raw, scanner=weighing.scale, answer=answer
        )
        self._watchers.verdict(station, message)
        return True

    def context(self, station: str) -> Context:
        """Orders and calendar of a station, for its interpreter."""
        state = self._known.orders.station(station)
        now = self._clock.now()
        jobs = list(state.floor.jobs.values())
        items = {job.item for job in jobs}
        shift = self._plant.shift(now)
        boundaries = [state.floor.changed_at] if state.floor.changed_at else []
        if shift is not None:
            boundaries.append(shift.start_us)
        return Context(
            jobs=shares_of(jobs),
            item=items.pop() if len(items) == 1 else "",
            boundaries=tuple(boundaries),
        )

    def extend(self, station: str, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """What facts of a machine mean for the pieces in work."""
        return machine.extend(self.situation(self._stations[station]), events)

    async def close_forgotten(self) -> None:
        """Sign off whoever forgot it at the end of the shift."""
        now = self._clock.now()
        for station in self._config.stations:
            state = self._known.orders.station(station.id)
            if not state.floor.people:
                continue
            async with self._recorder.lock(station.id):
                closed = sign_off_events(station.id, state.floor.people, self._plant.shift, now)
                if closed:
                    await self._recorder.record(closed)

    def situation(self, station: StationSection) -> Situation:
        """What stands at a station now."""
        now = self._clock.now()
        state = self._known.orders.station(station.id)
        return Situation(
            edge=self._edge,
            epoch=self._journal.epoch,
            station=station,
            rules=self._rules(station.id),
            plant=self._plant,
            state=state,
            units=self._known.units,
            numbers=self._known.numbers,
            carriers=self._known.carriers,
            progress=self._known.progress,
            now=now,
            at=now,
            by=tuple(state.floor.people),
            scan_repeat_us=int(self._config.edge.scan_repeat_s * US_PER_SECOND),
        )

    def _rules(self, station: str) -> MeaningRules:
        return self._config.station_rules.get(station, self._config.scan_rules)

    def set_clock(self, at: Microseconds) -> Microseconds:
        """Move business time of a simulated plant."""
        if not self._config.edge.simulation or not isinstance(self._clock, PlantClock):
            raise NotSimulatedError
        self._clock.set(at)
        self._watchers.tell({""})
        return self._clock.now()

    def _station(self, station: str) -> StationSection:
        found = self._stations.get(station)
        if found is None:
            raise UnknownStationError(station, list(self._stations))
        return found


def _with_act(event: Event, act: Act) -> Event:
    return msgspec.structs.replace(event, act=act)
