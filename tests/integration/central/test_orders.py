"""Work orders: their way to the edges and back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lineside.central.downlink import desired
from lineside.contracts import events as ev
from lineside.contracts.commands import Hold, LotPassport, UnitPassport, WorkOrder, decode_document
from lineside.contracts.units import JobShare, Quantity, Thing, ThingKind

ORDER = "/api/v1/mes/work-orders"


def ok(answer):
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def plant(client):
    """Two edges; spools are made on line 1 and go into valves on line 2."""
    for edge in ("line-1", "line-2"):
        ok(client.post("/api/v1/mes/edges", json={"id": edge}))
    for station, edge, counts in (
        ("turn", "line-1", "counter"),
        ("grind", "line-1", "unit"),
        ("bench", "line-2", "unit"),
        ("test", "line-2", "unit"),
        ("spare", "line-2", ""),
    ):
        body = {"id": station, "edge": edge, "line": edge, "counts_from": counts}
        ok(client.post("/api/v1/mes/stations", json=body))
    for item in ("SP", "VA", "SEAL"):
        ok(client.post("/api/v1/mes/items", json={"id": item, "name": item}))
    for item, steps in (
        ("SP", [("10", "turn"), ("20", "grind")]),
        ("VA", [("50", "bench"), ("60", "test")]),
    ):
        operations = [{"operation": op, "stations": [station]} for op, station in steps]
        body = {"id": f"R-{item}", "item": item, "operations": operations}
        ok(client.post("/api/v1/mes/routings", json=body))
    lines = [
        {"item": "SP", "quantity": "1", "tracking": "serial", "operation": "50"},
        {"item": "SEAL", "quantity": "2", "tracking": "lot", "operation": "50"},
    ]
    ok(client.post("/api/v1/mes/boms", json={"id": "B-VA", "item": "VA", "lines": lines}))


@pytest.fixture
def wanted(engine):
    """The documents that an edge shall have, by id."""

    def read(edge: str, kind: str) -> dict:
        with engine.connect() as connection:
            found = desired.differences(connection, edge, 0, 10_000)
        return {
            each.id: decode_document(bytes(each.body))
            for each in found
            if each.kind == kind and not each.gone
        }

    return read


@pytest.fixture
def fact(at):
    def make(event, when, station="turn", /, **fields):
        moment = at(when)
        return event(occurred_at=moment, recorded_at=moment, station=station, **fields)

    return make


def release(client, order="WO-1", item="SP", quantity="10"):
    ok(client.post(ORDER, json={"id": order, "item": item, "quantity": quantity}))
    return ok(client.post(f"{ORDER}/{order}/release"))


def applied(fact, revision, kind="work_order", document="WO-1", **fields):
    return fact(
        ev.IntentionApplied, "08:00:00", "", kind=kind, id=document, revision=revision, **fields
    )


def test_a_released_order_reaches_the_edges_of_its_operations(client, plant, wanted) -> None:
    found = release(client)

    assert found["state"] == "released"
    assert found["edges"] == [{"edge": "line-1", "wanted": 1, "applied": 0, "refused": ""}]
    document = wanted("line-1", "work_order")["WO-1"]
    assert isinstance(document, WorkOrder)
    assert [(s.operation, s.edge, s.stations) for s in document.steps] == [
        ("10", "line-1", ("turn",)),
        ("20", "line-1", ("grind",)),
    ]
    assert wanted("line-2", "work_order") == {}


def test_an_order_that_is_not_released_is_known_to_no_edge(client, plant, wanted) -> None:
    ok(client.post(ORDER, json={"id": "WO-1", "item": "SP", "quantity": "10"}))
    assert wanted("line-1", "work_order") == {}


def test_an_answer_names_the_revision_that_each_edge_has_applied(
    client, plant, report, fact
) -> None:
    release(client)
    report("line-1", applied(fact, 1))
    assert ok(client.get(f"{ORDER}/WO-1"))["edges"][0]["applied"] == 1

    ok(client.post(f"{ORDER}/WO-1/hold", json={"reason": "drawing"}))
    report("line-1", applied(fact, 2, refused="disk full"))
    assert ok(client.get(f"{ORDER}/WO-1"))["edges"] == [
        {"edge": "line-1", "wanted": 2, "applied": 2, "refused": "disk full"}
    ]


@pytest.mark.fault("F-64")
def test_a_later_change_of_the_routing_does_not_touch_a_released_order(
    client, plant, wanted
) -> None:
    release(client)
    ok(
        client.put(
            "/api/v1/mes/routings/R-SP",
            json={"operations": [{"operation": "99", "stations": ["turn"]}]},
            headers={"If-Match": '"1"'},
        )
    )
    assert [s["operation"] for s in ok(client.get(f"{ORDER}/WO-1"))["steps"]] == ["10", "20"]


@pytest.mark.parametrize(
    ("act", "state"), [("hold", "held"), ("cancel", "cancelled"), ("finish", "finished")]
)
def test_acts_change_the_state_here_and_at_the_edge(client, plant, wanted, act, state) -> None:
    release(client)
    body = {"reason": ""} if act == "hold" else None
    assert ok(client.post(f"{ORDER}/WO-1/{act}", json=body))["state"] == state
    assert wanted("line-1", "work_order")["WO-1"].state == state


def test_an_act_that_the_state_does_not_allow_is_refused(client, plant) -> None:
    release(client)
    answer = client.post(f"{ORDER}/WO-1/release")
    assert (answer.status_code, answer.json()["code"]) == (409, "mes.order_state")


def test_priority_needs_the_revision_that_was_read(client, plant, wanted) -> None:
    found = release(client)
    url = f"{ORDER}/WO-1/prioritise"
    assert client.post(url, json={"priority": 1}).status_code == 428
    headers = {"If-Match": f'"{found["revision"]}"'}
    assert ok(client.post(url, json={"priority": 1}, headers=headers))["priority"] == 1
    assert wanted("line-1", "work_order")["WO-1"].priority == 1


class TestMoves:
    def move(self, client, **body):
        url = f"{ORDER}/WO-1/operations/20/move"
        return client.post(url, json={"stations": ["spare"], **body})

    def test_an_operation_moves_only_after_its_edge_confirmed_the_hold(
        self, client, plant, report, fact, wanted
    ) -> None:
        release(client)
        assert self.move(client).json()["code"] == "mes.move_not_confirmed"
        ok(client.post(f"{ORDER}/WO-1/hold", json={"reason": ""}))
        assert self.move(client).json()["code"] == "mes.move_not_confirmed"

        report("line-1", applied(fact, 2))
        moved = ok(self.move(client, reason="rush"))
        assert [(s["operation"], s["edge"]) for s in moved["steps"]] == [
            ("10", "line-1"),
            ("20", "line-2"),
        ]
        assert moved["moves"][0]["forced"] is False
        assert wanted("line-2", "work_order")["WO-1"].state == "held"

    @pytest.mark.fault("F-65")
    def test_by_force_both_quantities_stand_flagged(self, client, plant, report, fact) -> None:
        release(client)
        ok(self.move(client, force=True))
        for edge, station, number in (("line-1", "grind", "1"), ("line-2", "spare", "2")):
            unit = Thing(kind=ThingKind.UNIT, item="SP", id=number)
            report(
                edge,
                fact(ev.UnitFinished, "09:00:00", station, unit=unit, order="WO-1", operation="20"),
            )

        progress = ok(client.get(f"{ORDER}/WO-1/progress"))["operations"][1]
        assert (progress["good"], progress["flags"]) == ("2", ["moved_by_force"])
        assert {source["edge"] for source in progress["sources"]} == {"line-1", "line-2"}

    def test_within_one_edge_nothing_needs_to_be_confirmed(self, client, plant) -> None:
        release(client, item="VA")
        url = f"{ORDER}/WO-1/operations/60/move"
        assert ok(client.post(url, json={"stations": ["spare"]}))["moves"][0]["forced"] is False

    def test_stations_of_two_edges_are_refused(self, client, plant) -> None:
        release(client)
        answer = self.move(client, stations=["spare", "grind"], force=True)
        assert answer.json()["code"] == "mes.stations_of_several_edges"


class TestProgress:
    def test_a_unit_that_was_recovered_is_delivered_but_not_first_time_good(
        self, client, plant, report, fact
    ) -> None:
        release(client)

        def done(number, when, result="pass"):
            unit = Thing(kind=ThingKind.UNIT, item="SP", id=number)
            return fact(
                ev.UnitFinished,
                when,
                "grind",
                unit=unit,
                order="WO-1",
                operation="20",
                result=result,
            )

        report(
            "line-1",
            done("1", "09:00:00"), done("2", "09:01:00", "fail"), done("2", "09:05:00"),
            done("3", "09:02:00", "fail"), done("4", "09:03:00", "fail"),
            fact(ev.UnitDisposed, "09:04:00", "grind", disposition="scrap", order="WO-1",
                 operation="20", unit=Thing(kind=ThingKind.UNIT, item="SP", id="4")),
        )  # fmt: skip

        found = ok(client.get(f"{ORDER}/WO-1/progress"))
        last = found["operations"][1]
        assert {k: last[k] for k in ("good", "scrap", "rework", "suspect", "delivered")} == {
            "good": "1",
            "scrap": "1",
            "rework": "1",
            "suspect": "1",
            "delivered": "2",
        }
        assert found["delivered"] == "2"

    def test_the_other_source_is_a_check_and_never_added(self, client, plant, report, fact) -> None:
        release(client)
        jobs = (JobShare(order="WO-1", operation="10"),)
        report(
            "line-1",
            fact(ev.CounterRead, "09:00:00", counter="c", value=12, increment=12, jobs=jobs,
                 max_per_min=Decimal(60), role=ev.CounterRole.PRODUCED),
            fact(ev.QuantityDeclared, "09:01:00", kind="scrap", order="WO-1", operation="10",
                 quantity=Quantity(value=Decimal(2))),
            fact(ev.QuantityDeclared, "09:02:00", kind="produced", order="WO-1", operation="10",
                 quantity=Quantity(value=Decimal(11))),
        )  # fmt: skip

        first = ok(client.get(f"{ORDER}/WO-1/progress"))["operations"][0]
        assert (first["good"], first["scrap"]) == ("10", "2")

    def test_a_moved_span_belongs_to_the_other_order(self, client, plant, report, fact, at) -> None:
        release(client)
        release(client, "WO-2")
        unit = Thing(kind=ThingKind.UNIT, item="SP", id="1")
        report(
            "line-1",
            fact(ev.UnitFinished, "09:00:00", "grind", unit=unit, order="WO-1", operation="20"),
            fact(ev.BookingMoved, "08:30:00", "grind", occurred_until=at("09:30:00"),
                 from_order="WO-1", to_order="WO-2"),
        )  # fmt: skip

        assert ok(client.get(f"{ORDER}/WO-1/progress"))["operations"][1]["good"] == "0"
        assert ok(client.get(f"{ORDER}/WO-2/progress"))["operations"][1]["good"] == "1"


class TestPassports:
    SPOOL = Thing(kind=ThingKind.UNIT, item="SP", id="SP-1")

    def finished(self, fact, operation="20", **fields):
        return fact(
            ev.UnitFinished, "09:00:00", "grind", unit=self.SPOOL, order="WO-1",
            operation=operation, last_operation=operation == "20", **fields,
        )  # fmt: skip

    def test_a_finished_component_is_announced_where_it_is_needed(
        self, client, plant, report, fact, wanted
    ) -> None:
        release(client)
        release(client, "WO-2", "VA")
        report("line-1", self.finished(fact, "10"), self.finished(fact))

        passport = wanted("line-2", "unit_passport")["SP|SP-1|"]
        assert isinstance(passport, UnitPassport)
        assert (passport.status, passport.passed, passport.order) == (
            "finished",
            ("10", "20"),
            "WO-1",
        )
        assert wanted("line-1", "unit_passport") == {}

    def test_a_component_made_before_the_order_is_announced_with_it(
        self, client, plant, report, fact, wanted
    ) -> None:
        release(client)
        report("line-1", self.finished(fact))
        assert wanted("line-2", "unit_passport") == {}
        release(client, "WO-2", "VA")
        assert set(wanted("line-2", "unit_passport")) == {"SP|SP-1|"}

    def test_a_fitted_component_is_known_to_be_consumed(
        self, client, plant, report, fact, wanted
    ) -> None:
        release(client)
        release(client, "WO-2", "VA")
        report("line-1", self.finished(fact))
        valve = Thing(kind=ThingKind.UNIT, item="VA", id="VA-1")
        report(
            "line-2",
            fact(ev.ComponentFitted, "10:00:00", "bench", component=self.SPOOL, into=valve),
        )
        assert wanted("line-2", "unit_passport")["SP|SP-1|"].consumed_by == "VA-1"

    def test_lots_go_where_they_are_consumed(self, client, plant, report, fact, wanted) -> None:
        ok(client.post("/api/v1/mes/lots", json={"item": "SEAL", "lot": "S-1", "quantity": "500"}))
        assert wanted("line-2", "lot_passport") == {}
        release(client, "WO-2", "VA")
        passport = wanted("line-2", "lot_passport")["SEAL|S-1|"]
        assert isinstance(passport, LotPassport)
        assert passport.quantity == Decimal(500)

        lot = Thing(kind=ThingKind.LOT, item="SEAL", id="S-2", issuer="Seal Ltd")
        report(
            "line-1", fact(ev.LotCreated, "09:00:00", lot=lot, quantity=Quantity(value=Decimal(9)))
        )
        assert set(wanted("line-2", "lot_passport")) == {"SEAL|S-1|", "SEAL|S-2|Seal Ltd"}
        assert ok(client.get("/api/v1/mes/lots"))["items"][1]["source"] == "line-1"


class TestHolds:
    @pytest.mark.fault("F-65")
    def test_a_hold_goes_everywhere_and_lists_who_has_not_confirmed(
        self, client, plant, report, fact, wanted
    ) -> None:
        body = {"kind": "lot", "item": "SEAL", "id": "S-1", "reason": "porous"}
        hold = ok(client.post("/api/v1/mes/holds", json=body))
        assert hold["not_confirmed"] == ["line-1", "line-2"]
        assert isinstance(wanted("line-1", "hold")[hold["id"]], Hold)

        report("line-1", applied(fact, 1, "hold", hold["id"]))
        assert ok(client.get(f"/api/v1/mes/holds/{hold['id']}"))["not_confirmed"] == ["line-2"]

        ok(client.post(f"/api/v1/mes/holds/{hold['id']}/release"))
        assert wanted("line-2", "hold") == {}
        assert ok(client.get("/api/v1/mes/holds"))["items"] == []

    def test_a_hold_set_at_one_edge_reaches_the_others(
        self, client, plant, report, fact, wanted
    ) -> None:
        lot = Thing(kind=ThingKind.LOT, item="SEAL", id="S-1")
        report(
            "line-1", fact(ev.Held, "09:00:00", thing=lot, hold="H-7", reason="wet", by=("P-1",))
        )
        assert wanted("line-2", "hold")["H-7"].thing == lot
        report("line-2", fact(ev.Released, "10:00:00", thing=lot, hold="H-7"))
        assert wanted("line-1", "hold") == {}


def test_a_list_of_orders_takes_the_same_number_of_queries_however_long(
    client, plant, engine
) -> None:
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    counts: list[int] = []
    for number in range(6):
        release(client, f"WO-{number}")
        seen.clear()
        assert len(ok(client.get(ORDER))["items"]) == number + 1
        # The readers look for news beside every request.
        counts.append(len([s for s in seen if "reader_" not in s and "raw_event" not in s]))
    assert max(counts) == counts[0], counts
    assert counts[0] <= 7, counts


def test_number_blocks_never_overlap(client, plant, wanted) -> None:
    body = {
        "edge": "line-1",
        "kind": "serial",
        "item": "SP",
        "prefix": "SP",
        "width": 6,
        "count": 100,
    }
    first = ok(client.post("/api/v1/mes/number-blocks", json=body))
    second = ok(client.post("/api/v1/mes/number-blocks", json=body | {"edge": "line-2"}))
    assert ((first["first"], first["last"]), (second["first"], second["last"])) == (
        (1, 100),
        (101, 200),
    )
    assert wanted("line-2", "number_block")[second["id"]].first == 101
    answer = client.post("/api/v1/mes/number-blocks", json=body | {"width": 2})
    assert answer.json()["code"] == "mes.numbers_exhausted"


def test_a_new_edge_gets_what_every_edge_has(client, plant, wanted) -> None:
    ok(client.post("/api/v1/mes/persons", json={"id": "P-1", "name": "Ada", "badge": "B-1"}))
    ok(
        client.post(
            "/api/v1/mes/reasons", json={"kind": "stop", "code": "x", "zh": "缺料", "en": "X"}
        )
    )
    calendar = {"time_zone": "Asia/Shanghai", "shifts": [
        {"id": "early", "local_start": "06:00", "local_end": "14:00"}]}  # fmt: skip
    ok(client.put("/api/v1/mes/calendar", json=calendar))
    ok(client.post("/api/v1/mes/edges", json={"id": "line-3"}))

    assert wanted("line-3", "person")["P-1"].badge == "B-1"
    assert wanted("line-3", "reasons")["site"].stops == {"x": ("缺料", "X")}
    assert wanted("line-3", "calendar")["site"].time_zone == "Asia/Shanghai"
    assert set(wanted("line-3", "item")) == {"SP", "VA", "SEAL"}


def test_forgetting_a_person_reaches_the_edges(client, plant, wanted) -> None:
    ok(client.post("/api/v1/mes/persons", json={"id": "P-1", "name": "Ada", "badge": "B-1"}))
    assert set(wanted("line-1", "person")) == {"P-1"}
    client.delete("/api/v1/mes/persons/P-1")
    assert wanted("line-1", "person") == {}
