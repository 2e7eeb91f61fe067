"""The complete history of a unit, with the event that proves each line."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from lineside.contracts import events as ev
from lineside.contracts.units import Certainty, Quantity, Thing, ThingKind


def unit(item: str, number: str, issuer: str = "") -> Thing:
    return Thing(kind=ThingKind.UNIT, item=item, id=number, issuer=issuer)


def lot(item: str, number: str, issuer: str = "") -> Thing:
    return Thing(kind=ThingKind.LOT, item=item, id=number, issuer=issuer)


VALVE = unit("VA-10", "VA-1")
SPOOL = unit("SP-18", "SP-7")
BAR = lot("BAR", "B-1", "Mill A")
OTHER_BAR = lot("BAR", "B-2", "Mill A")
SEAL = lot("SE-4", "SE-9")


@pytest.fixture
def fact(at):
    """An event of a station at a time of the day."""

    def make(kind, when, station="S1", **fields):
        moment = at(when)
        return kind(occurred_at=moment, recorded_at=moment, station=station, **fields)

    return make


@pytest.fixture
def valve(client, report, fact):
    """A valve with a spool that was turned from one of two bars, a replaced seal, and a carrier."""
    for edge in ("line-1", "line-2"):
        client.post("/api/v1/mes/edges", json={"id": edge}).raise_for_status()
    spool = {"unit": SPOOL, "order": "WO-1", "operation": "10"}
    report(
        "line-1",
        fact(
            ev.MaterialMounted,
            "06:00:00",
            material=BAR,
            quantity=Quantity(value=Decimal(3), unit="m"),
        ),
        fact(ev.UnitStarted, "06:10:00", by=("P-1",), **spool),
        fact(
            ev.SignalChanged, "06:10:01.5", signal="status", role="program_status", value="ACTIVE"
        ),
        fact(ev.SignalChanged, "06:10:02", signal="tool", role="tool", value="2"),
        fact(ev.SignalChanged, "06:10:02", signal="tool", role="tool", value="0"),
        fact(ev.SignalChanged, "06:10:03", signal="tool", role="tool", value="2"),
        fact(ev.AlarmRaised, "06:10:04", alarm="406", severity="warning", text="MEMORY PROTECT"),
        fact(
            ev.SignalChanged, "06:10:31.25", signal="status", role="program_status", value="STOPPED"
        ),
        fact(
            ev.Consumed,
            "06:10:40",
            material=BAR,
            into=SPOOL,
            certainty=Certainty.ONE_OF_THESE,
            quantity=Quantity(value=Decimal("0.12"), unit="m"),
        ),
        fact(
            ev.Consumed,
            "06:10:40",
            material=OTHER_BAR,
            into=SPOOL,
            certainty=Certainty.ONE_OF_THESE,
            quantity=Quantity(value=Decimal("0.12"), unit="m"),
        ),
        fact(ev.UnitFinished, "06:10:48", by=("P-1",), parameters={"diameter": "17.998"}, **spool),
    )
    op50 = {"order": "WO-2", "operation": "50"}
    op60 = {"order": "WO-2", "operation": "60"}
    report(
        "line-2",
        fact(ev.UnitStarted, "09:12:00", "bench", unit=VALVE, by=("P-2",), **op50),
        fact(ev.ComponentFitted, "09:13:00", "bench", component=SPOOL, into=VALVE, **op50),
        fact(
            ev.Consumed,
            "09:14:00",
            "bench",
            material=SEAL,
            into=VALVE,
            quantity=Quantity(value=Decimal(2)),
            **op50,
        ),
        fact(ev.UnitFinished, "09:18:00", "bench", unit=VALVE, **op50),
        fact(ev.UnitStarted, "09:31:00", "test", unit=VALVE, **op60),
        fact(
            ev.Measured,
            "09:31:30",
            "test",
            thing=VALVE,
            characteristic="leak",
            value=Decimal("0.82"),
            unit="l/min",
            upper=Decimal("0.50"),
            **op60,
        ),
        fact(ev.DefectRecorded, "09:31:40", "test", code="leak", thing=VALVE, **op60),
        fact(ev.UnitFinished, "09:32:00", "test", unit=VALVE, result="fail", **op60),
        fact(ev.UnitStarted, "10:22:00", "test", unit=VALVE, attempt=2, **op60),
        fact(
            ev.UnitFinished, "10:23:00", "test", unit=VALVE, attempt=2, last_operation=True, **op60
        ),
        fact(
            ev.PutInCarrier,
            "11:40:00",
            "pack",
            content=VALVE,
            carrier=Thing(kind=ThingKind.CARRIER, item="", id="00218"),
        ),
        head=25,
    )


def trace(client, serial="VA-1", **parameters):
    answer = client.get("/api/v1/trace/units", params={"serial": serial, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_unit_tells_what_was_done_to_it(client, valve) -> None:
    found = trace(client)["history"]

    assert found["status"] == "finished"
    assert found["orders"] == ["WO-2"]
    operations = found["made_from"]["nodes"][0]["operations"]
    assert [(o["operation"], o["station"], o["result"]) for o in operations] == [
        ("50", "bench", "pass"),
        ("60", "test", "fail"),
        ("60", "test", "pass"),
    ]
    assert operations[1]["defects"] == ["leak"]
    assert operations[0]["by"] == ["P-2"]
    lines = found["made_from"]["nodes"][0]["lines"]
    measured = next(line for line in lines if line["type"] == "measured")
    assert measured["detail"]["value"] == "0.82"
    assert measured["evidence"] == {"edge": "line-2", "epoch": "epochline2", "seq": 6}


def test_components_come_with_their_own_histories_and_sources(client, valve) -> None:
    graph = trace(client)["history"]["made_from"]

    nodes = {node["id"]: node for node in graph["nodes"]}
    assert set(nodes) == {"VA-1", "SP-7", "B-1", "B-2", "SE-9"}
    assert nodes["SP-7"]["operations"][0]["parameters"] == {"diameter": "17.998"}
    assert [line["type"] for line in nodes["B-1"]["lines"]] == ["material_mounted"]
    links = {
        (graph["nodes"][link["product"]]["id"], graph["nodes"][link["source"]]["id"]): link
        for link in graph["links"]
    }
    assert set(links) == {("VA-1", "SP-7"), ("VA-1", "SE-9"), ("SP-7", "B-1"), ("SP-7", "B-2")}
    assert links["SP-7", "B-1"]["certainty"] == "one of these"
    assert links["VA-1", "SE-9"]["quantity"] == "2"


def test_signals_of_the_station_are_exact_to_the_microsecond(client, valve) -> None:
    nodes = trace(client)["history"]["made_from"]["nodes"]
    signals = next(n for n in nodes if n["id"] == "SP-7")["operations"][0]["signals"]

    assert signals["seconds_by_status"] == {"UNKNOWN": "1.5", "ACTIVE": "29.75", "STOPPED": "16.75"}
    assert signals["tools"] == ["2"]
    assert [alarm["text"] for alarm in signals["alarms"]] == ["MEMORY PROTECT"]


def test_an_answer_says_what_is_still_to_come(client, valve) -> None:
    as_of = {edge["edge"]: edge for edge in trace(client)["as_of"]}

    assert as_of["line-1"]["still_to_come"] == 0
    assert (as_of["line-2"]["seq"], as_of["line-2"]["still_to_come"]) == (11, 14)
    assert client.get("/api/v1/trace/known").json()[1]["still_to_come"] == 14


def test_forward_from_a_lot_to_everything_that_holds_it(client, valve) -> None:
    found = client.get("/api/v1/trace/lots", params={"lot": "B-1"}).json()["history"]

    graph = found["went_into"]
    assert [node["id"] for node in graph["nodes"]] == ["B-1", "SP-7", "VA-1"]
    assert all(node["lines"] == [] for node in graph["nodes"][1:])


def test_carriers_are_told(client, valve) -> None:
    (stay,) = trace(client)["history"]["carriers"]

    assert (stay["carrier"], stay["put_in_at"], stay["taken_out_at"]) == (
        "00218",
        "2026-11-24T11:40:00Z",
        None,
    )


def test_a_removed_component_stays_visible_with_its_end(client, valve, report, fact) -> None:
    new = unit("SP-18", "SP-8")
    report(
        "line-2",
        fact(ev.ComponentRemoved, "12:00:00", "bench", component=SPOOL, out_of=VALVE),
        fact(ev.ComponentFitted, "12:01:00", "bench", component=new, into=VALVE),
    )

    graph = trace(client)["history"]["made_from"]
    own = [link for link in graph["links"] if link["product"] == 0 and link["relation"] == "fitted"]
    ends = {graph["nodes"][link["source"]]["id"]: link["valid_until"] for link in own}
    assert ends == {"SP-7": "2026-11-24T12:00:00Z", "SP-8": None}
    assert next(link for link in own if link["valid_until"])["removed_by"]["seq"] == 12


@pytest.mark.fault("F-53")
def test_a_removal_that_arrives_before_its_fitting_ends_it_all_the_same(
    client, report, fact
) -> None:
    for edge in ("a", "b"):
        report.edge(edge)
    report("b", fact(ev.ComponentRemoved, "10:00:00", component=SPOOL, out_of=VALVE))
    report("a", fact(ev.ComponentFitted, "09:00:00", component=SPOOL, into=VALVE))

    (link,) = trace(client)["history"]["made_from"]["links"]
    assert link["valid_until"] == "2026-11-24T10:00:00Z"


def test_a_number_of_two_items_is_answered_with_candidates(client, valve, report, fact) -> None:
    report("line-1", fact(ev.UnitStarted, "12:00:00", unit=unit("SP-18", "VA-1")))

    found = trace(client)
    assert found["history"] is None
    assert [c["item"] for c in found["candidates"]] == ["SP-18", "VA-10"]
    assert trace(client, item="VA-10")["history"]["status"] == "finished"


def test_the_same_lot_number_of_two_suppliers_is_two_lots(client, report, fact) -> None:
    report.edge("a")
    one = Quantity(value=Decimal(1))
    report(
        "a",
        fact(ev.LotCreated, "08:00:00", lot=lot("BAR", "L", "Mill A"), quantity=one),
        fact(ev.LotCreated, "08:00:00", lot=lot("BAR", "L", "Mill B"), quantity=one),
    )

    answer = client.get("/api/v1/trace/lots", params={"lot": "L"}).json()
    assert [c["issuer"] for c in answer["candidates"]] == ["Mill A", "Mill B"]
    chosen = client.get("/api/v1/trace/lots", params={"lot": "L", "issuer": "Mill B"}).json()
    assert chosen["history"]["thing"]["issuer"] == "Mill B"


def test_the_short_form_takes_numbers_with_slashes(client, report, fact) -> None:
    report.edge("a")
    report("a", fact(ev.UnitStarted, "08:00:00", unit=unit("X", "2026/11/7")))

    assert (
        client.get("/api/v1/trace/units/2026/11/7").json()["history"]["thing"]["id"] == "2026/11/7"
    )


def test_an_unknown_number_is_a_problem_that_helps(client) -> None:
    answer = client.get("/api/v1/trace/units", params={"serial": "nope"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "trace.nothing_known"
    assert answer.json()["hint"]


def test_a_voided_event_stays_visible_and_counts_no_more(client, valve, report, fact) -> None:
    found = trace(client)["history"]["made_from"]["nodes"][0]["lines"]
    consumed = next(line for line in found if line["type"] == "consumed")["evidence"]
    from lineside.contracts.units import EventRef

    report(
        "line-2", fact(ev.EventVoided, "12:00:00", voids=EventRef(**consumed), reason="wrong lot")
    )

    history = trace(client)["history"]
    line = next(x for x in history["made_from"]["nodes"][0]["lines"] if x["type"] == "consumed")
    assert line["voided"]
    assert "SE-9" not in {node["id"] for node in history["made_from"]["nodes"]}


def test_csv_has_every_line_with_its_proof(client, valve) -> None:
    answer = client.get(
        "/api/v1/trace/units", params={"serial": "VA-1"}, headers={"Accept": "text/csv"}
    )

    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {row["part"] for row in rows} == {"line", "made_from"}
    assert all(row["seq"] for row in rows)


@pytest.mark.fault("F-51")
def test_a_projection_that_is_rebuilt_says_the_same(client, valve, report, engine) -> None:
    from sqlalchemy import text

    before = trace(client)
    with engine.begin() as connection:
        connection.execute(text("UPDATE reader_cursor SET version = 0"))
    report.runner.run_until_idle()

    assert trace(client) == before


def test_a_trace_takes_a_bounded_number_of_queries(client, valve, engine) -> None:
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    trace(client)
    # The readers look for news beside every request.
    own = [sql for sql in seen if "reader_cursor" not in sql and "raw_event" not in sql]
    assert len(own) <= 14, own


def test_a_plain_request_gets_the_answer_of_the_long_way(client, valve):
    """`format=json` is no plain request: FastAPI reads it; the plain one is answered before that.

    Both are the same bytes, and what is not plain is refused as ever.
    """
    for path in ("units?serial=VA-1", "units?serial=VA-1&item=VA-10&issuer=", "lots?lot=SE-9"):
        plain = client.get(f"/api/v1/trace/{path}")
        assert plain.status_code == 200
        assert plain.content == client.get(f"/api/v1/trace/{path}&format=json").content

    def refused(query: str) -> str:
        return client.get(f"/api/v1/trace/units?{query}").json()["code"]

    assert refused("serial=VA-99") == "trace.nothing_known"
    assert refused("serial=") == refused(f"serial={'9' * 101}") == refused("") == "input.invalid"


def test_a_plain_request_without_the_right_is_refused(client, valve):
    """A quick answer is for those who may have it."""
    nobody = client.get("/api/v1/trace/units?serial=VA-1", headers={"Authorization": "Bearer x"})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "access.sign_in_required")
