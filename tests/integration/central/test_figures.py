"""KPI windows, bookings, reports: own cases, and real data beside the project."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lineside.contracts import events as ev
from lineside.contracts.clock import format_rfc3339, from_datetime, parse_rfc3339
from lineside.contracts.units import JobShare, Outcome, Quantity, Thing, ThingKind

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("LINESIDE_SHARED", ROOT.parent / "shared"))
UTC_CALENDAR = {
    "time_zone": "UTC",
    "shifts": [{"id": "early", "local_start": "06:00", "local_end": "14:00"}],
}


def data(path: str) -> Path:
    found = SHARED / "data" / path
    if not found.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{found} is missing")
        pytest.skip(f"the test data {path} is not beside the project")
    return found


def ok(answer):
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def plant(client):
    ok(client.post("/api/v1/mes/edges", json={"id": "e1"}))
    for station in ("M1", "M2"):
        body = {"id": station, "edge": "e1", "line": "L1"}
        ok(client.post("/api/v1/mes/stations", json=body))
    ok(client.put("/api/v1/mes/calendar", json=UTC_CALENDAR))


@pytest.fixture
def fact(at):
    def make(event, when, station="M1", /, **fields):
        moment = at(when)
        return event(occurred_at=moment, recorded_at=moment, station=station, **fields)

    return make


def state(fact, when, value, station="M1"):
    return fact(ev.StateChanged, when, station, state=ev.MachineState(value))


def counter(fact, when, value, station="M1", **fields):
    return fact(
        ev.CounterRead,
        when,
        station,
        counter="good",
        value=value,
        max_per_min=Decimal(60),
        **fields,
    )


def start(fact, when, station="M1", order="WO-1", **fields):
    return fact(
        ev.OrderStarted, when, station, order=order, operation="10", item="A",
        ideal_cycle_s=Decimal(30), **fields,
    )  # fmt: skip


def kpi(client, **parameters):
    span = {"from": "2026-11-24T06:00:00Z", "to": "2026-11-24T14:00:00Z"}
    return ok(client.get("/api/v1/mes/kpi", params=span | parameters))


@pytest.fixture
def shift(plant, report, fact):
    """The case oee-01 of the sheet: an early shift with a failure and a stop."""
    report(
        "e1",
        start(fact, "05:50:00"), counter(fact, "05:59:00", 1000), state(fact, "06:00:00", "RUN"),
        state(fact, "07:00:00", "FAIL"), state(fact, "07:40:00", "RUN"),
        state(fact, "10:00:00", "STOP"), state(fact, "10:20:00", "RUN"),
        counter(fact, "12:00:00", 1800),
        fact(ev.QuantityDeclared, "12:30:00", kind="scrap", order="WO-1", operation="10",
             quantity=Quantity(value=Decimal(20), outcome=Outcome.SCRAP)),
        fact(ev.ReasonGiven, "10:00:00", code="no-material"),
    )  # fmt: skip


class TestKpi:
    def test_the_figures_of_the_sheets_first_case(self, client, shift) -> None:
        found = kpi(client, station="M1")
        row = found["rows"][0]

        assert (row["key"], row["scope"], found["pooled"]) == ("M1", "unit", "")
        elements = row["elements"]
        assert (elements["PQ"], elements["GQ"], elements["APT_s"]) == (800, 780, 25_200)
        assert row["kpis"]["oee"] == {"fraction": "13/16", "value": 0.8125}
        assert row["delay"]["by_kind"] == {"failure": 2400.0, "stop": 1200.0}
        assert row["delay"]["by_reason"] == {"no-material": 1200.0}
        assert found["known"] == [
            {"edge": "e1", "epoch": "epoche1", "seq": 10, "known_until": "2026-11-24T10:00:00Z"}
        ]

    def test_what_was_carried_into_a_later_window_is_known_there(self, client, shift) -> None:
        """State, order and counter of hours ago decide a window with nothing but a count."""
        row = kpi(
            client, station="M1", **{"from": "2026-11-24T11:00:00Z", "to": "2026-11-24T12:15:00Z"}
        )
        elements = row["rows"][0]["elements"]
        assert (elements["PQ"], elements["APT_s"], elements["unknown_s"]) == (800, 4500, 0)

    def test_windows_that_tile_a_shift_add_up_to_it(self, client, shift) -> None:
        whole = kpi(client, station="M1")["rows"][0]["elements"]
        first = kpi(client, station="M1", to="2026-11-24T10:10:00Z")["rows"][0]["elements"]
        rest = kpi(client, station="M1", **{"from": "2026-11-24T10:10:00Z"})["rows"][0]["elements"]
        assert {name: first[name] + rest[name] for name in whole} == whole

    def test_as_of_knows_only_what_was_recorded_by_then(self, client, shift) -> None:
        found = kpi(client, station="M1", as_of="2026-11-24T12:15:00Z")["rows"][0]["elements"]
        assert (found["PQ"], found["SQ"]) == (800, 0)

    def test_several_machines_are_pooled_and_say_so(self, client, shift, report, fact) -> None:
        report("e1", state(fact, "06:00:00", "RUN", "M2"))
        found = kpi(client, by="line")
        assert found["pooled"] == "pooled"
        assert found["rows"][0]["units"] == ["M1", "M2"]
        assert found["rows"][0]["elements"]["POT_s"] == 2 * 28_800

    def test_a_pacing_unit_speaks_for_its_line(self, client, shift) -> None:
        body = {"edge": "e1", "line": "L1", "pacing": True}
        ok(client.put("/api/v1/mes/stations/M1", json=body, headers={"If-Match": '"1"'}))
        row = kpi(client, by="line")["rows"][0]
        assert (row["scope"], row["units"]) == ("pacing unit", ["M1"])
        assert row["kpis"]["oee"]["fraction"] == "13/16"

    def test_by_order_there_is_no_planned_time(self, client, shift) -> None:
        row = kpi(client, by="order,operation,product")["rows"][0]
        assert row["group"] == {"order": "WO-1", "operation": "10", "product": "A"}
        assert (row["elements"]["PQ"], row["elements"]["PBT_s"], row["kpis"]["oee"]) == (
            800,
            None,
            None,
        )
        assert row["kpis"]["quality_ratio"]["fraction"] == "39/40"

    def test_operations_of_an_order_are_not_added_as_products(
        self, client, shift, report, fact
    ) -> None:
        report(
            "e1",
            fact(ev.OrderStarted, "06:00:00", "M2", order="WO-1", operation="20", item="A",
                 ideal_cycle_s=Decimal(10)),
            state(fact, "06:00:00", "RUN", "M2"),
            counter(fact, "06:00:00", 0, "M2"), counter(fact, "13:00:00", 700, "M2"),
        )  # fmt: skip
        row = kpi(client, by="order")["rows"][0]
        assert (row["elements"]["PQ"], row["elements"]["APT_s"]) == (700, 25_200 + 28_800)

    def test_a_void_takes_an_event_back(self, client, shift, report, fact) -> None:
        (declared,) = report(
            "e1",
            fact(ev.QuantityDeclared, "12:40:00", kind="scrap", order="WO-1", operation="10",
                 quantity=Quantity(value=Decimal(5))),
        )  # fmt: skip
        assert kpi(client, station="M1")["rows"][0]["elements"]["SQ"] == 25
        report("e1", fact(ev.EventVoided, "13:00:00", voids=declared))
        assert kpi(client, station="M1")["rows"][0]["elements"]["SQ"] == 20

    def test_only_the_first_inspection_ever_counts(self, client, shift, report, fact) -> None:
        def inspected(when, serial, passed):
            thing = Thing(kind=ThingKind.UNIT, item="A", id=serial)
            return fact(
                ev.Inspected, when, thing=thing, passed=passed, order="WO-1", operation="10"
            )

        report(
            "e1",
            inspected("05:00:00", "1", passed=False), inspected("09:00:00", "1", passed=True),
            inspected("09:01:00", "2", passed=True),
        )  # fmt: skip
        elements = kpi(client, station="M1")["rows"][0]["elements"]
        assert (elements["IP"], elements["GP"]) == (1, 1)

    def test_csv_has_a_row_a_group(self, client, shift) -> None:
        span = {"from": "2026-11-24T06:00:00Z", "to": "2026-11-24T14:00:00Z", "format": "csv"}
        answer = client.get("/api/v1/mes/kpi", params=span)
        rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
        assert [(row["machine"], row["oee"]) for row in rows] == [("M1", "0.8125"), ("M2", "0.0")]

    @pytest.mark.parametrize(
        "wrong", [{"by": "colour"}, {"to": "2026-11-24T06:00:00Z"}, {"from": "yesterday"}]
    )
    def test_nonsense_is_refused(self, client, plant, wrong) -> None:
        span = {"from": "2026-11-24T06:00:00Z", "to": "2026-11-24T14:00:00Z"}
        assert client.get("/api/v1/mes/kpi", params=span | wrong).status_code == 422


class TestBookings:
    @pytest.fixture
    def booked(self, plant, report, fact, at):
        good = (Quantity(value=Decimal(8)), Quantity(value=Decimal(1), outcome=Outcome.SCRAP))
        report(
            "e1",
            start(fact, "08:00:00", booking="b1", exclusive=False, by=("P-1",)),
            start(fact, "08:30:00", booking="b2", exclusive=False, by=("P-2",), order="WO-2"),
            fact(ev.OrderFinished, "09:00:00", order="WO-1", operation="10", booking="b1",
                 quantities=good),
            fact(ev.OrderFinished, "09:30:00", order="WO-2", operation="10", booking="b2",
                 quantities=good, rework=True),
            fact(ev.SpanDeclared, "10:00:00", occurred_until=at("10:30:00"), order="WO-1",
                 operation="10", item="A", booking="b3", activity="setup"),
        )  # fmt: skip

    def test_overlapping_bookings_stand_beside_each_other(self, client, booked) -> None:
        found = ok(client.get("/api/v1/mes/bookings"))["items"]
        assert [(b["id"], b["completed"], b["rejected"]) for b in found] == [
            ("b1", "8", "1"), ("b2", "8", "1"), ("b3", "0", "0"),
        ]  # fmt: skip
        report = ok(client.get("/api/v1/mes/production-report", params={"by": "machine"}))
        (row,) = report["rows"]
        assert (row["minutes_sum"], row["minutes_busy"], row["rework_rows"]) == (150, 120, 1)

    def test_a_finish_that_is_voided_opens_the_booking_again(
        self, client, booked, report, fact
    ) -> None:
        from lineside.contracts.units import EventRef

        ref = EventRef(edge="e1", epoch="epoche1", seq=3)
        report("e1", fact(ev.EventVoided, "11:00:00", voids=ref))
        first = ok(client.get("/api/v1/mes/bookings"))["items"][0]
        assert (first["ended_at"], first["completed"]) == (None, "0")

    def test_an_exclusive_order_ends_the_one_before(self, client, plant, report, fact) -> None:
        report("e1", start(fact, "08:00:00", booking="b1"), start(fact, "09:00:00", booking="b2"))
        first = ok(client.get("/api/v1/mes/bookings"))["items"][0]
        assert (first["ended_at"], first["flags"]) == ("2026-11-24T09:00:00Z", ["ended_by_next"])

    def test_a_moved_booking_goes_to_the_other_order_and_a_cut_one_is_flagged(
        self, client, booked, report, fact, at
    ) -> None:
        report(
            "e1",
            fact(ev.BookingMoved, "07:00:00", occurred_until=at("09:10:00"), from_order="WO-1",
                 to_order="WO-9"),
            fact(ev.BookingMoved, "08:45:00", occurred_until=at("09:10:00"), from_order="WO-2",
                 to_order="WO-9"),
        )  # fmt: skip
        found = {b["id"]: b for b in ok(client.get("/api/v1/mes/bookings"))["items"]}
        assert (found["b1"]["order"], found["b1"]["flags"]) == ("WO-9", ["moved"])
        assert (found["b2"]["order"], found["b2"]["flags"]) == ("WO-2", ["moved_partly"])

    def test_figures_per_person_need_a_permission_of_their_own(
        self, client, booked, token_of
    ) -> None:
        planner = {"Authorization": f"Bearer {token_of('planner')}"}
        url = "/api/v1/mes/production-report"
        refused = client.get(url, params={"by": "worker"}, headers=planner)
        assert (refused.status_code, refused.json()["code"]) == (403, "access.permission_missing")
        hidden = ok(client.get("/api/v1/mes/bookings", headers=planner))["items"]
        assert all(b["by"] == [] for b in hidden)
        filtered = client.get("/api/v1/mes/bookings", params={"person": "P-1"}, headers=planner)
        assert filtered.status_code == 403
        seen = ok(client.get(url, params={"by": "worker"}))["rows"]
        assert [row["key"] for row in seen] == ["P-1", "P-2"]


KINDS = {"S": "setup", "D": "production", "B": "breakdown"}


def log_events(path: Path) -> Iterator[ev.Event]:
    """Two facts a row, in order of time, as a terminal would report them."""
    found: list[tuple[int, int, ev.Event]] = []
    for number, row in enumerate(csv.DictReader(path.open(encoding="utf-8-sig"))):
        begin, end = (
            from_datetime(datetime.strptime(row[name] + "+0000", "%Y/%m/%d %H:%M:%S.%f%z"))
            for name in ("Start Timestamp", "Complete Timestamp")
        )
        common: dict[str, Any] = {
            "station": row["Resource"], "order": row["Case ID"], "operation": row["Activity"],
            "booking": f"row-{number}", "by": (row["Worker ID"],),
            "activity": KINDS[row["Report Type"]],
        }  # fmt: skip
        quantities = tuple(
            Quantity(value=Decimal(row[name]), outcome=outcome)
            for name, outcome in (
                ("Qty Completed", Outcome.GOOD), ("Qty Rejected", Outcome.SCRAP),
                ("Qty for MRB", Outcome.SUSPECT),
            )
        )  # fmt: skip
        found.append((begin, 2 * number, ev.OrderStarted(
            occurred_at=begin, recorded_at=begin, exclusive=False, item=row["Part Desc."],
            planned_quantity=Decimal(row["Work Order  Qty"]), **common)))  # fmt: skip
        found.append((end, 2 * number + 1, ev.OrderFinished(
            occurred_at=end, recorded_at=end, quantities=quantities, rework=row["Rework"] == "Y",
            **common)))  # fmt: skip
    found.sort(key=lambda each: each[:2])
    return (event for _, _, event in found)


@pytest.mark.timeout(60)
def test_the_report_of_a_real_job_shop_is_that_of_the_published_log(client, plant, report) -> None:
    """Every figure of the 3,250 rows: orders, machines, workers, parts, activities, totals, WIP."""
    log = data("production-log/Production_Data.open.csv")
    expected = json.loads(data("production-log/expected.json").read_text())
    report("e1", *log_events(log))

    compared = 0
    for by, group in (
        ("order", "work_orders"), ("machine", "machines"), ("worker", "workers"), ("part", "parts"),
        ("activity", "activities"),
    ):  # fmt: skip
        answer = ok(client.get("/api/v1/mes/production-report", params={"by": by}))
        rows = {row["key"]: row for row in answer["rows"]}
        assert set(rows) == set(expected[group])
        for key, figures in expected[group].items():
            compared += compare(f"{by} {key}", figures, rows[key])
    totals = answer["totals"]
    compared += compare("totals", expected["totals"], totals)
    assert totals["lead_time_minutes"]["mean"] == pytest.approx(39935.837, abs=1e-3)
    wip = {day: answer["wip_at_midnight"][day] for day in expected["wip_at_midnight"]}
    assert wip == expected["wip_at_midnight"]
    assert compared > 4000


NAMES = {
    "yield": "report_yield", "lead_time_minutes": "window_minutes", "order_qty": "order_quantity",
    "order_qty_total": "order_quantity",
}  # fmt: skip


def compare(where: str, expected: dict, found: dict) -> int:
    compared = 0
    for name, value in expected.items():
        if name in {"packed_qty", "final_inspected_qty"}:
            operation = "Packing" if name == "packed_qty" else "Final Inspection Q.C."
            completed = found["completed_by_operation"].get(operation)
            assert (None if completed is None else Decimal(completed)) == value, where
        elif name.startswith("lead_time_minutes_"):
            part = found["lead_time_minutes"][name.rpartition("_")[2]]
            assert part == pytest.approx(value, abs=1e-3), where
        elif isinstance(value, dict) or NAMES.get(name, name) not in found:
            continue
        elif name in {"first_start", "last_complete"}:
            assert found[name] == value + "Z", f"{where} {name}"
        elif value is None:
            assert found[NAMES.get(name, name)] is None, f"{where} {name}"
        else:
            assert float(found[NAMES.get(name, name)]) == pytest.approx(value, abs=1e-6), (
                f"{where} {name}"
            )
        compared += 1
    return compared


def test_a_real_machine_day_is_told_to_the_millisecond(client, plant, report) -> None:
    """Execution, mode and emergency stop of a Mazak with long unavailable stretches."""
    name = "Mazak01-20161118-20161119.txt"
    with gzip.open(data(f"nist-sms-testbed/machine-days/{name}.gz"), "rt") as file:
        lines = file.read().splitlines()
    expected = json.loads(data("nist-sms-testbed/expected.json").read_text())["machine_days"][name]
    events: list[tuple[int, ev.Event]] = []
    last = 0
    for line in lines:
        stamp, item, value, *more = line.split("|")
        at = parse_rfc3339(stamp)
        last = max(last, at)
        base: dict[str, Any] = {"occurred_at": at, "recorded_at": at, "station": "M1"}
        if item in {"execution", "mode", "estop", "program"}:
            shown = "" if value == "UNAVAILABLE" else value
            events.append((at, ev.SignalChanged(signal=item, role=item, value=shown, **base)))
        elif value in {"Warning", "Fault"}:
            alarm: dict[str, Any] = {"alarm": more[0], "text": more[-1], "condition": item}
            events.append((at, ev.AlarmRaised(severity=value, **alarm, **base)))
    report("e1", *(event for _, event in sorted(events, key=lambda each: each[0])))

    end = format_rfc3339(last)
    span = {"station": "M1", "from": expected["window_start"], "to": end}
    found = ok(client.get("/api/v1/mes/machine-days", params=span))
    for role in ("execution", "mode", "estop"):
        told = {value: float(seconds) for value, seconds in found["seconds"][role].items()}
        assert told == pytest.approx(expected[f"seconds_by_{role}"], abs=1e-3)
        total = sum(Decimal(seconds) for seconds in found["seconds"][role].values())
        assert total * 1_000_000 == last - parse_rfc3339(expected["window_start"])
    assert found["programs"] == expected["programs"]
    assert found["alarms_by"] == expected["fault_warning_events"]


def test_a_real_operation_on_a_piece_is_told_by_its_signals(client, plant, report) -> None:
    """Seconds by program status and the tools of one piece of a cover."""
    name = "Cover-Op1-Hurco04-01of20.txt"
    with gzip.open(data(f"nist-sms-testbed/streams/{name}.gz"), "rt") as file:
        lines = file.read().splitlines()
    expected = json.loads(data("nist-sms-testbed/expected.json").read_text())["operations"][name]
    roles = {"Program_Status": "program_status", "Current_Tool": "tool"}
    rows = [line.split("|") for line in lines]
    times = [parse_rfc3339(row[0]) for row in rows]
    unit = Thing(kind=ThingKind.UNIT, item="cover", id="1")
    job: dict[str, Any] = {"station": "M1", "order": "WO-1", "operation": "1", "unit": unit}
    first, last = min(times), max(times)
    report(
        "e1",
        ev.UnitStarted(occurred_at=first, recorded_at=first, **job),
        *(
            ev.SignalChanged(occurred_at=at, recorded_at=at, station="M1", signal=row[1],
                             role=roles[row[1]], value=row[2])
            for at, row in sorted(zip(times, rows, strict=True), key=lambda each: each[0])
            if row[1] in roles
        ),
        ev.UnitFinished(occurred_at=last, recorded_at=last, **job),
    )  # fmt: skip

    history = ok(client.get("/api/v1/trace/units", params={"serial": "1"}))["history"]
    signals = history["made_from"]["nodes"][0]["operations"][0]["signals"]
    told = {status: float(seconds) for status, seconds in signals["seconds_by_status"].items()}
    assert told == pytest.approx(expected["seconds_by_program_status"], abs=1e-3)
    assert [int(float(tool)) for tool in signals["tools"]] == expected["tool_sequence"]


def test_counts_of_a_shared_machine_follow_the_declared_shares(client, plant, report, fact) -> None:
    jobs = (JobShare(order="A", operation="10", share=Decimal("0.25")),
            JobShare(order="B", operation="10", share=Decimal("0.75")))  # fmt: skip
    report("e1", counter(fact, "08:00:00", 0), counter(fact, "08:10:00", 8, increment=8, jobs=jobs))
    for order, amount in (("A", "2"), ("B", "6")):
        ok(client.post("/api/v1/mes/items", json={"id": f"I{order}", "name": "x"}))
        routing = {"id": f"R{order}", "item": f"I{order}",
                   "operations": [{"operation": "10", "stations": ["M1"]}]}  # fmt: skip
        ok(client.post("/api/v1/mes/routings", json=routing))
        body = {"id": order, "item": f"I{order}", "quantity": "9"}
        ok(client.post("/api/v1/mes/work-orders", json=body))
        ok(client.post(f"/api/v1/mes/work-orders/{order}/release"))
        found = ok(client.get(f"/api/v1/mes/work-orders/{order}/progress"))
        assert found["operations"][0]["good"] == amount


@pytest.mark.fault("F-19")
def test_day_windows_follow_the_clock_change(client, plant) -> None:
    """Without shifts a local day is planned whole: 25 hours when the clocks go back."""
    calendar = {"time_zone": "Europe/Berlin", "shifts": []}
    ok(client.put("/api/v1/mes/calendar", json=calendar, headers={"If-Match": '"1"'}))
    start_of_day = datetime.fromisoformat("2026-10-25T00:00:00+02:00")
    span = {
        "from": start_of_day.isoformat(),
        "to": (start_of_day + timedelta(hours=25)).isoformat(),
    }
    rows = kpi(client, station="M1", by="day", **span)["rows"]
    assert [(r["key"], r["elements"]["POT_s"]) for r in rows] == [("2026-10-25", 25 * 3600)]
