"""Gives numbers and prints each after its commit, until it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec

from lineside.contracts.commands import NumberBlock, encode_document
from lineside.contracts.envelope import DesiredObject
from lineside.edge_agent import config as configuration
from lineside.edge_agent.app import Agent
from lineside.edge_agent.terminal.acts import NewNumber

TOML = """
[edge]
data_dir = "data"
listen = "127.0.0.1:0"
[[station]]
id = "A"
state_from = "acts"
counts_from = "declaration"
[[station]]
id = "B"
state_from = "acts"
counts_from = "declaration"
"""


async def give(agent: Agent, station: str) -> None:
    while True:
        values: dict[str, Any] = {"id": uuid.uuid4().hex, "station": station}
        body = NewNumber(kind="new_number", thing="unit", item="SP", **values)
        answer = await agent.desk.act(body)
        sys.stdout.write(json.dumps(answer.params["number"]) + "\n")
        sys.stdout.flush()


async def main(folder: Path) -> None:
    checked = configuration.parse(TOML.encode(), file="edge.toml", folder=folder)
    agent = Agent(checked)
    block = NumberBlock(
        block="b", kind="serial", item="SP", prefix="SP", width=6, first=1, last=90_000,
        epoch=agent.journal.epoch,
    )  # fmt: skip
    body = msgspec.Raw(encode_document(block))
    given = DesiredObject(kind="number_block", id="b", revision=1, position=1, body=body)
    agent.desired.apply([given], through=1)
    await asyncio.gather(give(agent, "A"), give(agent, "B"))


with contextlib.suppress(BrokenPipeError):
    asyncio.run(main(Path(sys.argv[1])))
