"""Figures about central itself for Prometheus; no label names a product or a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_POSITION = text("SELECT coalesce(max(position), 0) FROM ingest_sequencer")
_LAG = text("""
    SELECT c.reader, (SELECT coalesce(max(position), 0) FROM ingest_sequencer) - c.position AS lag,
           (SELECT count(*) FROM reader_problem p WHERE p.reader = c.reader) AS problems
    FROM reader_cursor c ORDER BY c.reader
""")
_EDGES = text("""
    SELECT e.id, w.durable_through, w.backed_up_through, e.heard_at, e.clock_offset,
           greatest(w.reported_head - w.durable_through, 0) AS missing, e.revoked_at,
           (SELECT max(c.valid_until) FROM edge_certificate c
            WHERE c.edge = e.id AND c.revoked_at IS NULL) AS certificate_until
    FROM edge e
    LEFT JOIN lane_watermark w
      ON w.edge = e.id AND w.lane = 'facts' AND w.epoch = e.epoch AND w.closed_at IS NULL
    ORDER BY e.id
""")
_GAPS = text("""
    SELECT edge, count(*) AS gaps, sum(last_seq - first_seq + 1) AS events
    FROM event_gap WHERE lane = 'facts' GROUP BY edge ORDER BY edge
""")
_REFUSED = text("SELECT edge, code, count AS refusals FROM ingest_refusal ORDER BY edge, code")
_SIZE = text("SELECT pg_database_size(current_database())")
_QUARANTINE = text("SELECT count(*) FROM quarantine WHERE settled_at IS NULL")

log = structlog.get_logger("central.metrics")


class RequestFigures:
    """Counts and durations of requests by route template, so that their number stays bounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "lineside_http_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "lineside_http_request_seconds",
            "Duration of requests by route.",
            ("route",),
            registry=registry,
            buckets=BUCKETS_S,
        )

    def add(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(took_s)


class DatabaseFigures(Collector):
    """What the database says when somebody asks.

    Args:
        engine: Gives the engine; None while central starts or stops.
    """

    def __init__(self, engine: Callable[[], Engine | None]) -> None:
        self._engine = engine

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known when they are collected, not when the app is made."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Read everything in one transaction; a database that is away is a figure, too."""
        engine = self._engine()
        found: list[Metric] = []
        if engine is not None:
            try:
                with engine.connect() as connection:
                    found = [*_flow(connection), *_edges(connection)]
            except SQLAlchemyError as problem:
                log.warning("figures_without_database", why=str(problem)[:200])
        return [
            GaugeMetricFamily(
                "lineside_database_up", "1 while the database answers.", value=float(bool(found))
            ),
            *found,
        ]


def _flow(connection: Connection) -> list[Metric]:
    position = GaugeMetricFamily(
        "lineside_ingest_position",
        "Position of the last event that was taken in.",
        value=connection.execute(_POSITION).scalar_one(),
    )
    quarantine = GaugeMetricFamily(
        "lineside_quarantine_events",
        "Events that are stored and that this program cannot read.",
        value=connection.execute(_QUARANTINE).scalar_one(),
    )
    lag = GaugeMetricFamily(
        "lineside_reader_lag_events", "Events that a reader has not read yet.", labels=("reader",)
    )
    problems = GaugeMetricFamily(
        "lineside_reader_problems", "Events that a reader has set aside.", labels=("reader",)
    )
    for row in connection.execute(_LAG):
        lag.add_metric((row.reader,), row.lag)
        problems.add_metric((row.reader,), row.problems)
    refused = CounterMetricFamily(
        "lineside_ingest_refused",
        "Messages refused at the door; the sender is ? where no edge of ours sent them.",
        labels=("edge", "code"),
    )
    for row in connection.execute(_REFUSED):
        refused.add_metric((row.edge, row.code), row.refusals)
    size = GaugeMetricFamily(
        "lineside_database_bytes",
        "Room that the database takes on its disk.",
        value=connection.execute(_SIZE).scalar_one(),
    )
    return [position, quarantine, lag, problems, refused, size]


def _edges(connection: Connection) -> list[Metric]:
    def gauge(name: str, help_text: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"lineside_edge_{name}", help_text, labels=("edge",))

    durable = gauge("durable_seq", "Last fact of the edge's present journal that is stored.")
    backed_up = gauge("backed_up_seq", "Last fact of it that is in a backup.")
    missing = gauge("events_missing", "Facts that the edge says to have and that are not here.")
    heard = gauge("heard_at_seconds", "When the edge last said hello, Unix time; absent: never.")
    offset = gauge("clock_offset_seconds", "Central's time less the edge's, at its last hello.")
    valid = gauge("certificate_valid_until_seconds", "End of the edge's certificate, Unix time.")
    revoked = gauge("revoked", "1 where nothing more is taken from the edge.")
    for row in connection.execute(_EDGES):
        edge = (row.id,)
        revoked.add_metric(edge, float(row.revoked_at is not None))
        if row.durable_through is not None:
            durable.add_metric(edge, row.durable_through)
            backed_up.add_metric(edge, row.backed_up_through)
            missing.add_metric(edge, row.missing)
        for family, value in (
            (heard, row.heard_at),
            (offset, row.clock_offset),
            (valid, row.certificate_until),
        ):
            if value is not None:
                family.add_metric(edge, value / 1e6)
    gaps = gauge("gaps", "Holes in the edge's facts that nobody can fill.")
    lost = gauge("gap_events", "Facts that are missing in these holes.")
    for row in connection.execute(_GAPS):
        gaps.add_metric((row.edge,), row.gaps)
        lost.add_metric((row.edge,), float(row.events))
    return [durable, backed_up, missing, heard, offset, valid, revoked, gaps, lost]


class Metrics:
    """The registry of one application.

    Args:
        engine: Gives the engine; None while central starts or stops.

    Attributes:
        requests: Where requests are counted.
    """

    def __init__(self, engine: Callable[[], Engine | None]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self.requests = RequestFigures(self._registry)
        ProcessCollector(registry=self._registry)
        self._registry.register(DatabaseFigures(engine))

    def answer(self, accept: str) -> tuple[bytes, str]:
        """Everything, in the text format that the asker prefers.

        Args:
            accept: Its `Accept` header.

        Returns:
            Body and media type.
        """
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type
