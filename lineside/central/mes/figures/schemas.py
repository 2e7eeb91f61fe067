"""Wire shapes of figures."""

from __future__ import annotations

from datetime import date

from lineside.central.kit.schema import Amount, Instant, Out


class RatioOut(Out):
    """An exact ratio: lowest terms, and rounded half-even to 9 decimals."""

    fraction: str
    value: float


class KnownOut(Out):
    """The last event of an edge that the figures know."""

    edge: str
    epoch: str
    seq: int
    known_until: Instant | None


class DelayOut(Out):
    """Delay time split without leaving its sum; seconds."""

    by_kind: dict[str, float]
    by_reason: dict[str, float]
    unexplained_s: float


class KpiRowOut(Out):
    """One group of windows.

    Attributes:
        key: What was grouped by, in the order of `by`, with ` / ` between: `M1 / 2026-03-02`.
        group: The same by word: `{"machine": "M1", "day": "2026-03-02"}`.
        scope: `unit`; `pooled` over several machines; `pacing unit` where one speaks for its line.
        elements: Keys of the OEE sheet; null where a group of order operations has none (it has no
            planned time of its own).
        kpis: Keys of the OEE sheet; null where a denominator is 0 or does not exist.
        shares: Parts of busy time that are unknown, unassigned, spanned; beside every OEE.
    """

    key: str
    group: dict[str, str]
    scope: str
    units: list[str]
    start: Instant
    end: Instant
    elements: dict[str, float | None]
    kpis: dict[str, RatioOut | None]
    shares: dict[str, RatioOut | None]
    delay: DelayOut
    anomalies: int


class KpiOut(Out):
    """KPI windows.

    Attributes:
        pooled: `pooled` when a group adds several machines, else empty.
        known: The last event of each edge that these figures know.
    """

    start: Instant
    end: Instant
    by: list[str]
    as_of: Instant | None
    time_zone: str
    pooled: str
    rows: list[KpiRowOut]
    known: list[KnownOut]


class BookingOut(Out):
    """One booking; `by` is empty without the permission for figures per person."""

    id: str
    order: str
    operation: str
    item: str
    station: str
    by: list[str]
    activity: str
    rework: bool
    started_at: Instant
    ended_at: Instant | None
    completed: Amount
    rejected: Amount
    mrb: Amount
    unit: str
    complete: bool
    flags: list[str]
    voided: bool
    edge: str
    epoch: str
    seq: int


class LeadTimeOut(Out):
    """Lead times of orders, minutes."""

    mean: float
    median: float
    min: float
    max: float


class ReportSumsOut(Out):
    """Sums over bookings; minutes as plain numbers, exact where whole.

    Attributes:
        report_yield: Completed / (completed + rejected + MRB), six decimals; null without any.
        minutes_sum: Every booking's length added; `minutes_busy` counts overlaps once.
        window_minutes: Last end less first start: the lead time of an order.
        busy_share: Busy / window.
    """

    rows: int
    qty_completed: Amount
    qty_rejected: Amount
    qty_mrb: Amount
    report_yield: float | None
    rework_rows: int
    rework_rate: float | None
    rework_qty_completed: Amount
    minutes_sum: float
    minutes_setup: float
    minutes_production: float
    minutes_breakdown: float
    minutes_rework: float
    minutes_busy: float
    window_minutes: float | None
    busy_share: float | None
    first_start: Instant | None
    last_complete: Instant | None
    open_rows: int
    work_orders: int
    operations: int
    machines: int
    workers: int
    parts: int
    order_quantity: Amount
    flags: dict[str, int]


class ReportRowOut(ReportSumsOut):
    """One order, machine, worker, part or activity.

    Attributes:
        items: Parts that it is about.
        lead_time_minutes: Of the orders of a part; null otherwise.
        completed_by_operation: Completed pieces by operation; of orders.
    """

    key: str
    items: list[str]
    lead_time_minutes: LeadTimeOut | None
    completed_by_operation: dict[str, Amount]


class ReportTotalsOut(ReportSumsOut):
    """Sums over all bookings, and the lead times of all orders."""

    lead_time_minutes: LeadTimeOut | None
    rows_by_activity: dict[str, int]


class ReportOut(Out):
    """A production report."""

    by: str
    start: Instant | None
    end: Instant | None
    totals: ReportTotalsOut
    rows: list[ReportRowOut]
    wip_at_midnight: dict[date, int]
    known: list[KnownOut]


class AlarmLineOut(Out):
    """An alarm of a machine."""

    occurred_at: Instant
    condition: str
    severity: str
    alarm: str
    text: str


class MachineDayOut(Out):
    """What a machine's signals said in a span.

    Attributes:
        seconds: Role to value to seconds, exact to the microsecond; each role sums to the span. The
            value
            that held before the span is carried in; before the first ever it is UNKNOWN.
        programs: Programs in the order of their first appearance in the span.
        alarms_by: `condition|severity` to count.
    """

    station: str
    start: Instant
    end: Instant
    seconds: dict[str, dict[str, Amount]]
    programs: list[str]
    tools: list[str]
    alarms_by: dict[str, int]
    alarms: list[AlarmLineOut]
    known: list[KnownOut]
