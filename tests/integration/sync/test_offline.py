"""An edge that was offline so long that its facts are packed comes back."""

import pytest

from lineside.edge_agent.journal.packing import pack_oldest
from lineside.edge_agent.journal.retention import DAY, prune
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.mqtt import Broker

from .stand import CLOCK, Central, facts_of, running_edge, stored, until


@pytest.mark.fault("F-12")
@pytest.mark.fault("F-36")
async def test_packed_facts_arrive_in_order_and_once_and_new_ones_after_them(
    mosquitto, files, engine, tmp_path
):
    side = Broker("127.0.0.1", mosquitto.port, files.edge("edge-1"))
    async with running_edge(tmp_path, Broker("127.0.0.1", 9)) as edge:  # nobody there
        for number in range(60):
            edge.tell(*(f"{number}/{index}" for index in range(number % 7 * 20 + 1)))
        packed = 0
        while more := pack_oldest(edge.journal, plain_events=200, segment_events=400):
            packed += more
        assert packed > 2_000
    with Central(engine, files.central(mosquitto.port), "edge-1"):
        async with running_edge(tmp_path, side) as edge:
            edge.tell("after the return")
            await until(edge.drained, "the edge is drained")
            told = facts_of(edge.journal)
            epoch = edge.journal.epoch
    assert stored(engine) == [(epoch, seq, data) for seq, data in enumerate(told, start=1)]
    with Journal.open(tmp_path / "edge-1.db", clock=CLOCK) as journal:
        journal.set_watermarks(backed_up_through=journal.head()).result(5)
        assert prune(journal, used_share=0.1, retention=DAY).events == 0
        assert prune(journal, used_share=0.1, retention=0).events >= 400
