"""What edges of every release have said and left is understood, today and from now on."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lineside.central.authority import Authority
from lineside.contracts.codec import SCHEMA, decode_event, encode_event
from lineside.contracts.commands import DOCUMENTS
from lineside.contracts.envelope import Ack, Batch, Hello, unpack
from lineside.edge_agent import cli
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.downlink import Downlink

from .central import ingest, prepare, state_of
from .corpus import Corpus, corpora, state_hash

EDGE_FILES = '[identity]\ncertificate = "e.crt"\nkey = "e.key"\nauthority = "authority/ca.crt"\n'
OLD_DECODER = Path(__file__).with_name("old_decoder.py")

every_release = pytest.mark.parametrize("corpus", corpora(), ids=lambda corpus: corpus.name)
old_agents = pytest.mark.parametrize(
    "corpus", [one for one in corpora() if one.has_agent], ids=lambda corpus: corpus.name
)


def facts(corpus: Corpus) -> list[bytes]:
    """The stored bytes of every fact on the wire, in order."""
    batches = [
        unpack(one.payload, Batch) for one in corpus.messages("up") if one.topic.endswith("/facts")
    ]
    groups = itertools.chain.from_iterable(batch.groups for batch in batches)
    return [bytes(event) for group in groups for event in group.events]


def as_this_edge(folder: Path, corpus: Corpus) -> None:
    """The recorded agent's files, and an identity of the same name."""
    corpus.leave_in(folder / "data")
    begin = corpus.about["begin"]
    authority = Authority.create(folder / "authority", site="golden", now=begin)
    authority.issue_edge(corpus.about["edge"], now=begin).save(folder, "e")


@pytest.mark.fault("F-61")
@pytest.mark.fault("F-51")
@every_release
def test_messages_of_a_release_make_the_state_that_they_made(corpus, client, engine, clock):
    """Units, genealogy, quantities, states and figures, to the same hash."""
    clock.advance(corpus.about["end"] - clock.now())
    prepare(client, corpus.about["edge"])
    answers = ingest(engine, clock, corpus.messages("up"))
    state = state_of(client, engine, corpus.about)

    assert state == corpus.expected["state"]
    assert state_hash(state) == corpus.expected["hash"]
    assert unpack(answers[-1], Ack).durable_through == corpus.about["head"]

    again = ingest(engine, clock, corpus.messages("up"))
    assert unpack(again[-1], Ack).durable_through == corpus.about["head"]
    assert state_hash(state_of(client, engine, corpus.about)) == corpus.expected["hash"]


@pytest.mark.fault("F-61")
def test_every_release_did_the_same_work_so_central_knows_the_same():
    """The story is one; a difference would be a change of meaning without a version."""
    assert len({corpus.expected["hash"] for corpus in corpora()}) == 1
    machine = corpora()[0].expected["state"]["machines"]["TURN"]
    made = {name: machine["elements"][name] for name in ("PQ", "GQ", "SQ")}
    assert made == {"PQ": 6, "GQ": 5, "SQ": 1}, "six pieces were turned, one of them bad"
    assert machine["stops"] == {"MAT": 300}


@pytest.mark.fault("F-61")
@every_release
def test_every_type_of_event_that_a_release_stores_is_read(corpus):
    """Read under the release's schema; what needed no upcaster is written as it was."""
    schema = corpus.about["schema"]
    for data in corpus.types():
        event = decode_event(data, schema=schema)
        assert type(event).__struct_config__.tag == json.loads(data)["type"]
        if schema == SCHEMA:
            assert encode_event(event) == data


@pytest.mark.fault("F-62")
@every_release
def test_the_desired_state_of_an_older_central_is_applied_whole(corpus, tmp_path, clock):
    """Every document can be used, and both sides compute the same content hash."""
    store = DesiredStore(tmp_path / "desired.db")
    edge = corpus.about["edge"]
    downlink = Downlink(edge, store, clock=clock, greet=lambda: None, report=lambda: None)
    for message in corpus.messages("down"):
        downlink.received(message.topic, message.payload)
    assert store.content_hash == corpus.about["desired_hash"]
    assert [one.refused for one in store.unreported() if one.refused] == []
    usable = sum(len(store.documents(kind)) for kind in DOCUMENTS.values())
    assert usable == len(store.unreported()) > 0
    store.close()


@pytest.mark.fault("F-61")
@every_release
async def test_an_older_agents_files_are_taken_over(corpus, tmp_path, line_at, capsys):
    """Verified, read to the byte; orders and pieces in work stand, and work goes on."""
    as_this_edge(tmp_path, corpus)
    journal = tmp_path / "data" / "journal.db"
    assert cli.main(["journal", "verify", str(journal), "--json"]) == 0
    assert str(corpus.about["head"]) in capsys.readouterr().out

    later = corpus.about["end"] + 60_000_000
    async with line_at(tmp_path, begin=later, edge=EDGE_FILES) as line:
        assert line.agent.journal.epoch == corpus.about["epoch"]
        kept = line.agent.journal.read(0, corpus.about["head"])
        assert [one.data for one in kept] == facts(corpus)
        assert line.agent.desired.content_hash == corpus.about["desired_hash"]
        (job,) = (await line.screen("BENCH"))["jobs"]
        assert (job["order"], job["units"][0]["serial"]) == ("WO-2", "HV22-0001")
        await line.must("WO-7")
        await line.must("SP18-0007")
    with Journal.open(journal, clock=line.clock) as opened:
        assert opened.head() > corpus.about["head"]


@pytest.mark.fault("F-62")
@old_agents
def test_an_older_program_takes_messages_of_this_one_and_names_what_it_cannot_read(
    corpus, tmp_path
):
    """The older decoder itself: envelopes whole, known types read, unknown ones refused alone."""
    newest = corpora()[-1]
    done = subprocess.run(
        [sys.executable, OLD_DECODER, newest.folder],
        env={"PYTHONPATH": str(corpus.unpack_agent(tmp_path))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["head"] == newest.about["head"]
    assert told["events"] == newest.about["head"]
    known = {json.loads(data)["type"] for data in corpus.types()}
    there = {json.loads(data)["type"] for data in newest.types()}
    assert set(told["unread_types"]) == there - known


def test_hellos_of_every_release_say_who_speaks():
    """Topic, envelope and journal name the same edge; nothing of a hello is guessed."""
    for corpus in corpora():
        first = corpus.messages("up")[0]
        hello = unpack(first.payload, Hello)
        assert first.topic == f"v1/{hello.edge}/up/hello"
        assert (hello.edge, hello.epoch) == (corpus.about["edge"], corpus.about["epoch"])


@pytest.mark.fault("F-51")
def test_a_change_of_a_recorded_fact_changes_the_state_hash(client, engine, clock):
    """The hash is no hash of nothing: one fact less is seen."""
    corpus = corpora()[-1]
    clock.advance(corpus.about["end"] - clock.now())
    prepare(client, corpus.about["edge"])
    ingest(engine, clock, corpus.messages("up"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM thing_line WHERE type = 'component_fitted'"))
    changed = state_of(client, engine, corpus.about)
    assert state_hash(changed) != corpus.expected["hash"]
