"""Parts of the quick way to read: callers remembered, statements sent as one, shapes described."""

import json

from lineside.central.kit.known_callers import CALLERS_MAX, KEPT, KnownCallers
from lineside.central.kit.shapes import documented, encode
from lineside.central.kit.together import _as_one
from lineside.central.trace import schemas


def test_a_caller_is_remembered_for_two_seconds():
    known = KnownCallers()
    known.keep("Bearer a", "ada", 1_000, known.generation)

    assert known.get("Bearer a", 1_000 + KEPT - 1) == "ada"
    assert known.get("Bearer a", 1_000 + KEPT) is None
    assert known.get("Bearer b", 1_000) is None


def test_after_a_write_nobody_is_remembered():
    known = KnownCallers()
    known.keep("Bearer a", "ada", 0, known.generation)

    known.forget()

    assert known.get("Bearer a", 1) is None


def test_what_was_looked_up_before_a_write_is_not_kept_after_it():
    known = KnownCallers()
    before = known.generation
    known.forget()  # e.g. the token was taken back while the look-up ran

    known.keep("Bearer a", "ada", 0, before)

    assert known.get("Bearer a", 1) is None


def test_callers_are_bounded():
    known = KnownCallers()
    for number in range(3 * CALLERS_MAX):
        known.keep(f"Bearer {number}", number, 0, known.generation)

    assert len(known._found) <= CALLERS_MAX


def test_places_of_statements_that_travel_as_one_do_not_meet():
    sql = _as_one((("SELECT %(id)s AS a", ()), ("SELECT %(id)s AS b", ("b",))))

    assert "%(s0_id)s" in sql
    assert "%(s1_id)s" in sql
    assert "json_build_array(r.b)" in sql


def test_a_shape_and_its_description_say_the_same():
    """What the schema promises is what the struct writes: names, nesting, every field."""
    evidence = schemas.EvidenceOut(edge="e", epoch="1", seq=2)
    link = schemas.LinkOut(
        product=0, source=1, relation="fitted", quantity="1", unit="pcs", into_quantity="1",
        into_unit="pcs", removed_quantity="0", certainty="this one",
        valid_from="2026-03-02T06:00:00Z", valid_until=None, station="S", position="",
        order="WO", operation="10",
        evidence=evidence, removed_by=None,
    )  # fmt: skip
    thing = schemas.ThingOut(kind="unit", item="A", id="1", issuer="")
    graph = schemas.GraphOut(nodes=[], links=[link], truncated=False)
    answer = schemas.TraceOut(
        candidates=[thing],
        history=schemas.HistoryOut(
            thing=thing, name="", name_zh="", status="unknown", orders=[], first_at=None,
            last_at=None, made_from=graph, went_into=graph, carriers=[],
        ),
        as_of=[],
    )  # fmt: skip

    written = json.loads(encode(answer))

    model = documented(schemas.TraceOut)
    assert model.model_validate(written).model_dump(mode="json") == written
    assert documented(schemas.LinkOut).__doc__ == schemas.LinkOut.__doc__
