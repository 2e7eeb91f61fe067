"""`lineside-sim replay-mtconnect`: recordings played through an installation, then compared."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from lineside.contracts.clock import Clock, SystemClock
from lineside.sim import mtconnect_figures as figures
from lineside.sim.installation import Installation
from lineside.sim.mtconnect import Stream, read_stream
from lineside.sim.mtconnect_files import (
    DEVICE,
    EDGE,
    MAZAK,
    MILL,
    NAMESPACE,
    edge_file,
    fill_master_data,
)
from lineside.sim.processes import free_port
from lineside.sim.replay_mtconnect import BEAT, Piece, Player, kind_of, read_pieces
from lineside.sim.servers.opcua import SimOpcUaServer

Json = dict[str, Any]
DRAIN_TIMEOUT_S = 120.0


def run_mtconnect(
    folder: Path, *, expected: Path | None, as_json: bool, keep: Path | None, pieces_max: int
) -> int:
    """Play a folder with `streams/` and `machine-days/` through a fresh installation.

    Args:
        folder: The recordings.
        expected: Figures to compare with; None: `expected.json` of the folder, if there is one.
        as_json: Print what central answers as JSON on standard output.
        keep: Folder to use and keep; None: a temporary one.
        pieces_max: At most so many files of `streams/`; 0: all.

    Returns:
        0 when nothing differs.

    Raises:
        PlayerError: The edge refused what was recorded.
        ProgramFailedError: A program of the installation failed.
    """
    pieces = read_pieces(folder / "streams")
    pieces = pieces[:pieces_max] if pieces_max else pieces
    days = [read_stream(path) for path in sorted((folder / "machine-days").glob("*.txt*"))]
    days.sort(key=lambda day: day.observations[-1].at)
    root = keep or Path(tempfile.mkdtemp(prefix="lineside-mtconnect-"))
    clock: Clock = SystemClock()
    site = Installation(root, clock=clock, site="test bed", time_zone="UTC", simulation=True)
    try:
        found = asyncio.run(_play(site, pieces, days))
    finally:
        site.stop()
        if keep is None:
            shutil.rmtree(root, ignore_errors=True)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    answers = expected or folder / "expected.json"
    if not answers.exists():
        return 0
    differences = figures.compare(json.loads(answers.read_text(encoding="utf-8")), found)
    for line in differences[:200]:
        _tell(line)
    malformed = sum(len(piece.stream.malformed) for piece in pieces)
    _tell(
        f"{len(pieces)} operations and {len(days)} machine days played, {malformed} malformed lines"
        f" counted, {len(differences)} figures differ."
    )
    return 1 if differences else 0


async def _play(site: Installation, pieces: Sequence[Piece], days: Sequence[Stream]) -> Json:
    async with AsyncExitStack() as stack:
        server = SimOpcUaServer(namespace=NAMESPACE)
        await _add_variables(server, pieces, days)
        await stack.enter_async_context(server)
        port = await asyncio.to_thread(_install, site, server, pieces, days)
        edge = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30.0)
        )
        player = Player(server, edge)
        await player.until_read(DEVICE)
        for day in days:
            await _play_day(player, day)
        await _play_pieces(player, pieces)
        return await asyncio.to_thread(_read_back, site, pieces, days)


async def _add_variables(
    server: SimOpcUaServer, pieces: Sequence[Piece], days: Sequence[Stream]
) -> None:
    starts = {"String": "", "Int32": 0, "Double": 0.0}
    for item in sorted({one.item for piece in pieces for one in piece.stream.observations}):
        await server.add(f"{MILL}.{item}", kind_of(item), starts[kind_of(item)])
    for item in sorted({one.item for day in days for one in day.observations}):
        await server.add(f"{MAZAK}.{item}", "String", "")
    for machine in (MILL, MAZAK):
        await server.add(f"{machine}.{BEAT}", "Int32", 0)


def _install(
    site: Installation, server: SimOpcUaServer, pieces: Sequence[Piece], days: Sequence[Stream]
) -> int:
    site.start_broker()
    site.prepare_central()
    site.start_central()
    site.make_users()
    admin = site.sign_in("administrator")
    fill_master_data(admin, pieces)
    folder = site.edge_folder(EDGE)
    trusted = folder / "pki" / "opcua" / "trusted"
    trusted.mkdir(parents=True)
    (trusted / "server.der").write_bytes(server.identity.certificate)
    port = free_port()
    file = folder / "edge.toml"
    text = edge_file(server.endpoint, port=port, broker=site.broker_address, days=days)
    file.write_text(text, encoding="utf-8")
    site.start_edge(EDGE, file=file, port=port)
    site.wait("the orders are at the edge", admin.orders_are_at_edges, seconds=60)
    return port


async def _play_pieces(player: Player, pieces: Sequence[Piece]) -> None:
    """Play the files in order of time.

    Two files may share a stretch of the recording; it is played once, and between them the machine
    is not disconnected.
    """
    current, played_through = "", 0
    items = sorted({one.item for piece in pieces for one in piece.stream.observations})
    for number, piece in enumerate(pieces, start=1):
        await player.clock(piece.start)
        if not current:
            await player.act(MILL, "scan", raw="B-1")
        order = f"WO-{piece.part}/{piece.operation}"
        if order != current:
            await player.act(MILL, "scan", raw=order)
            current = order
        await player.act(MILL, "scan", raw=piece.serial)
        rest = [one for one in piece.stream.observations if one.at > played_through]
        await player.play(MILL, rest)
        played_through = piece.end
        await player.settle(MILL, MILL, at=piece.end)
        await player.clock(piece.end)
        await player.act(MILL, "finish_unit", serial=piece.serial)
        if number == len(pieces) or pieces[number].start > piece.end:
            await player.disconnect(MILL, items, at=piece.end + 1)
            await player.settle(MILL, MILL, at=piece.end + 1)
        if number % 10 == 0 or number == len(pieces):
            _tell(f"  {number} of {len(pieces)} operations")


async def _play_day(player: Player, day: Stream) -> None:
    start = figures.day_start(day)
    await player.clock(start)
    await player.play(MAZAK, day.observations, value=lambda _item, text: text)
    await player.settle(MAZAK, MAZAK, at=day.observations[-1].at)
    await player.clock(day.observations[-1].at)


def _read_back(site: Installation, pieces: Sequence[Piece], days: Sequence[Stream]) -> Json:
    quality = site.sign_in("quality")
    site.wait("central has everything", quality.has_everything, seconds=DRAIN_TIMEOUT_S)
    return {
        "operations": {piece.stream.name: figures.operation(quality, piece) for piece in pieces},
        "machine_days": {day.name: figures.machine_day(quality, day, MAZAK) for day in days},
    }


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
