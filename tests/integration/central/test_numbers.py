"""Every edge has numbers for 35 days, and no number is given twice."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lineside.central.downlink import desired
from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.incarnation import mint_incarnation
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.mes.numbers import service
from lineside.central.mes.numbers.entities import Block
from lineside.central.mes.numbers.schemas import BlockIn
from lineside.central.wiring import listeners
from lineside.contracts import events as ev
from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.commands import NumberBlock, decode_document
from lineside.contracts.units import NumberTaken, Thing, ThingKind

DAY = 86_400 * US_PER_SECOND
SERIES = "/api/v1/mes/number-series"
BODY = {"id": "sp", "kind": "serial", "item": "SP", "prefix": "SP", "width": 6, "per_day": 10}


def ok(answer):
    assert answer.status_code < 300, answer.text
    return answer.json()


@pytest.fixture
def plant(client, report):
    for edge in ("line-1", "line-2"):
        ok(client.post("/api/v1/mes/edges", json={"id": edge, "name": edge}))
    ok(client.post("/api/v1/mes/items", json={"id": "SP", "name": "Spool"}))
    return client


@pytest.fixture
def blocks(engine):
    """The blocks in the desired state of an edge, by first number."""

    def found(edge: str) -> list[NumberBlock]:
        with engine.connect() as connection:
            objects = desired.differences(connection, edge, 0, 10_000)
        documents = [
            decode_document(bytes(one.body))
            for one in objects
            if one.kind == "number_block" and not one.gone
        ]
        return sorted((one for one in documents if isinstance(one, NumberBlock)), key=_first)

    return found


def _first(block: NumberBlock) -> int:
    return block.first


def started(at: int) -> ev.AgentStarted:
    return ev.AgentStarted(occurred_at=at, recorded_at=at, version="1")


def took(block: NumberBlock, number: int, at: int) -> ev.SerialAssigned:
    unit = Thing(kind=ThingKind.UNIT, item="SP", id=f"SP{number:06d}")
    taken = NumberTaken(block=block.block, number=number)
    return ev.SerialAssigned(occurred_at=at, recorded_at=at, unit=unit, taken=taken)


def test_each_edge_is_in_stock_for_35_days_and_is_topped_up_when_it_tells_what_it_used(
    plant, report, blocks, clock
) -> None:
    made = ok(plant.post(SERIES, json=BODY))
    assert made["example"] == "SP000001"
    report("line-1", started(clock.now()))
    (one,) = blocks("line-1")
    (two,) = blocks("line-2")
    assert (one.first, one.last, one.epoch, one.low) == (1, 350, "epochline1", 70)
    assert (two.first, two.last, two.epoch) == (351, 700, "")

    clock.advance(DAY)
    report("line-1", took(one, 1, clock.now()))
    first, second = blocks("line-1")
    assert (first.last, second.first, second.last) == (350, 701, 1050)
    report("line-1", took(one, 2, clock.now()))
    assert len(blocks("line-1")) == 2, "what is left is enough for 35 days"
    report("line-1", took(one, 350, clock.now()))
    assert blocks("line-1")[0].first == 701, "a used-up block is withdrawn"


def test_what_is_left_of_each_block_is_shown(plant, report, blocks, clock) -> None:
    ok(plant.post(SERIES, json=BODY))
    report("line-1", started(clock.now()))
    report("line-1", took(blocks("line-1")[0], 100, clock.now()))
    shown = ok(plant.get("/api/v1/mes/number-blocks", params={"edge": "line-1"}))["items"]
    assert (shown[0]["first"], shown[0]["left"]) == (1, 250)


def test_an_edge_that_uses_more_than_expected_gets_bigger_blocks(
    plant, report, blocks, clock
) -> None:
    ok(plant.post(SERIES, json=BODY))
    report("line-1", started(clock.now()))
    clock.advance(2 * DAY)
    report("line-1", took(blocks("line-1")[0], 200, clock.now()))
    assert blocks("line-1")[-1].last - blocks("line-1")[-1].first + 1 == 3500


def test_a_journal_that_was_begun_anew_gets_blocks_of_its_own(
    plant, report, blocks, clock, engine
) -> None:
    """It does not know what the one before has taken."""
    ok(plant.post(SERIES, json=BODY | {"edges": ["line-1"]}))
    report("line-1", started(clock.now()))
    (old,) = blocks("line-1")
    heard = listeners(DownlinkListeners(Publisher(engine, clock)))
    with unit_of_work(engine, clock, heard) as work:
        block = work.session.scalars(select(Block)).one()
        block.epoch = "another"  # as if the edge's journal were not the one it was given to
        work.session.flush()
        service.stock(work, "line-1")
    (new,) = blocks("line-1")
    assert (new.first, new.epoch) == (old.last + 1, "epochline1")


def test_two_sessions_at_once_never_get_the_same_numbers(plant, engine, clock) -> None:
    heard = listeners(DownlinkListeners(Publisher(engine, clock)))
    body = BlockIn(edge="line-1", kind="lot", item="SP", prefix="L", width=9, count=10)
    together = threading.Barrier(2)
    problems: list[Exception] = []

    def give(edge: str) -> None:
        try:
            together.wait(10)
            for _ in range(20):
                with unit_of_work(engine, clock, heard) as work:
                    service.give_block(work, body.model_copy(update={"edge": edge}))
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test tells it
            problems.append(problem)

    threads = [threading.Thread(target=give, args=(edge,)) for edge in ("line-1", "line-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert problems == []
    with unit_of_work(engine, clock) as work:
        given = sorted((row.first, row.last) for row in work.session.scalars(select(Block)))
    assert given == [(n, n + 9) for n in range(1, 401, 10)]


@pytest.mark.parametrize(
    ("first", "last", "after"),
    [(5, 20, None), (5, 20, 10), (11, 20, 9), (11, 5, 10)],
    ids=["a second beginning", "inside its predecessor", "behind no block", "backwards"],
)
def test_the_database_itself_refuses_a_block_that_overlaps(
    plant, engine, clock, first, last, after
) -> None:
    """Whatever a program forgets to lock, numbers are not given twice."""

    def block(number: int, **values) -> Block:
        return Block(
            id=f"b{number}", edge="line-1", kind="lot", item="SP", prefix="L", width=6,
            created_at=clock.now(), revision=1, **values,
        )  # fmt: skip

    with unit_of_work(engine, clock) as work:
        work.session.add(block(1, first=1, last=10, after=None))
        work.session.flush()
        work.session.add(block(2, first=11, last=20, after=10))
    with pytest.raises(IntegrityError), unit_of_work(engine, clock) as work:
        work.session.add(block(3, first=first, last=last, after=after))


def test_an_sscc_series_has_17_digits_and_a_check_digit(plant) -> None:
    body = {"id": "pallets", "kind": "sscc", "extension": "3", "company_prefix": "9506000"}
    made = ok(plant.post(SERIES, json=body | {"per_day": 20}))
    assert (made["prefix"], made["width"]) == ("39506000", 9)
    assert made["example"] == "395060000000000016"
    wrong = plant.post(SERIES, json={"id": "x", "kind": "sscc", "per_day": 1})
    assert wrong.json()["code"] == "mes.sscc_prefix"


def test_series_that_could_give_the_same_text_are_refused(plant) -> None:
    ok(plant.post(SERIES, json=BODY))
    for prefix, width, fine in (("SP0", 5, False), ("SPA", 5, True), ("SP0", 6, True)):
        body = BODY | {"id": f"{prefix}{width}", "prefix": prefix, "width": width}
        answer = plant.post(SERIES, json=body)
        assert (answer.status_code == 201) is fine, answer.text
    general = plant.post(SERIES, json=BODY | {"id": "any", "item": ""})
    assert general.json()["code"] == "mes.number_series_overlap"


def test_an_inactive_series_is_withdrawn_and_a_changed_one_needs_if_match(plant, blocks) -> None:
    ok(plant.post(SERIES, json=BODY))
    change = {"per_day": 10, "active": False}
    assert plant.put(f"{SERIES}/sp", json=change).status_code == 428
    ok(plant.put(f"{SERIES}/sp", json=change, headers={"If-Match": '"1"'}))
    assert blocks("line-1") == blocks("line-2") == []
    ok(plant.put(f"{SERIES}/sp", json={"per_day": 10}, headers={"If-Match": '"2"'}))
    assert blocks("line-1")[0].first == 701, "what was given once is never given again"


def test_a_series_at_its_end_gives_what_is_left(plant, blocks) -> None:
    ok(plant.post(SERIES, json=BODY | {"width": 2, "edges": ["line-2"]}))
    (block,) = blocks("line-2")
    assert (block.first, block.last) == (1, 99)


def test_numbers_are_read_by_those_who_see_edges_and_changed_by_administrators(
    client, plant, token_of
) -> None:
    for role, allowed in (("operator", 403), ("planner", 403), ("administrator", 201)):
        headers = {"Authorization": f"Bearer {token_of(role)}"}
        assert client.get(SERIES, headers=headers).status_code == 200
        body = BODY | {"id": f"s-{role}"}
        assert client.post(SERIES, json=body, headers=headers).status_code == allowed


def test_a_central_restored_from_a_backup_leaps_over_what_it_may_have_given(
    plant, blocks, engine, clock
) -> None:
    """Blocks given after the backup are unknown to it, and edges may be using them."""
    ok(plant.post(SERIES, json=BODY | {"edges": ["line-1"]}))
    (before,) = blocks("line-1")
    clock.advance(US_PER_SECOND)
    with engine.begin() as connection:
        mint_incarnation(connection, clock.now())
    clock.advance(US_PER_SECOND)
    heard = listeners(DownlinkListeners(Publisher(engine, clock)))
    body = BlockIn(edge="line-1", kind="serial", item="SP", prefix="SP", width=6, count=350)
    with unit_of_work(engine, clock, heard) as work:
        assert service.give_block(work, body).first == before.last + 1 + 2 * 350 * 2
        assert service.give_block(work, body).first == before.last + 1 + 2 * 350 * 2 + 350
