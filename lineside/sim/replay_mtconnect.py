"""Plays recorded controller streams through a simulated OPC UA server, piece by piece.

Values and source timestamps are as recorded. Before each file the worker scans the piece, after it
the piece is finished at the terminal; what the machine did in between is what the unit's history
must say.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lineside.contracts.clock import Microseconds, format_rfc3339
from lineside.contracts.errors import LinesideError
from lineside.sim.mtconnect import Observation, Stream, read_stream
from lineside.sim.servers.opcua import SimOpcUaServer

Json = dict[str, Any]
BAD_NO_COMMUNICATION = 0x80310000
BEAT = "player_beat"
INTEGERS = {"Current_Tool", "Part_Count", "Block_Number", "Program_Runtime_Seconds"}
TEXTS = {"Program_Status", "Program_Name_Running", "Program_Name_Editing"}
SYNC_TIMEOUT_S = 60.0
PAUSE_EVERY = 400


class PlayerError(LinesideError):
    """The edge did not take what was played."""

    code = "sim.player"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One operation on one piece: a file of the recording.

    Attributes:
        serial: Part and piece number, e.g. `Plate-01`.
        operation: As in the file's name, e.g. `Op1`.
    """

    stream: Stream
    part: str
    serial: str
    operation: str

    @property
    def start(self) -> Microseconds:
        """First observation."""
        return self.stream.observations[0].at

    @property
    def end(self) -> Microseconds:
        """Last observation."""
        return self.stream.observations[-1].at


def read_pieces(folder: Path) -> list[Piece]:
    """All files of `streams/`, by time; names are `<Part>-<Op>-<Machine>-<n>of<m>.txt.gz`."""
    pieces: list[Piece] = []
    for path in sorted(folder.glob("*.txt*")):
        part, operation, _, number = path.name.split(".")[0].split("-")
        serial = f"{part}-{number.partition('of')[0]}"
        stream = read_stream(path)
        pieces.append(Piece(stream=stream, part=part, serial=serial, operation=operation))
    return sorted(pieces, key=lambda piece: piece.start)


def kind_of(item: str) -> str:
    """OPC UA type of a data item of the milling machine."""
    if item in TEXTS:
        return "String"
    return "Int32" if item in INTEGERS else "Double"


def value_of(item: str, text: str) -> int | float | str:
    """A recorded value in the type of its item."""
    if item in TEXTS:
        return text
    return int(float(text)) if item in INTEGERS else float(text)


class Player:
    """Plays observations into the server and keeps the edge's business time beside them."""

    def __init__(self, server: SimOpcUaServer, edge: httpx.AsyncClient) -> None:
        self._server = server
        self._edge = edge
        self._beat = 0

    async def clock(self, at: Microseconds) -> None:
        """Move the edge's business time."""
        answer = await self._edge.post("/api/simulation/clock", json={"at": format_rfc3339(at)})
        answer.raise_for_status()

    async def act(self, station: str, kind: str, **fields: Any) -> None:  # noqa: ANN401
        """Do something at the terminal that has to be accepted.

        Raises:
            PlayerError: It was refused.
        """
        body = {"id": uuid.uuid4().hex, "station": station, "kind": kind, **fields}
        answer = await self._edge.post("/api/acts", json=body)
        verdict: Json = answer.json()
        if verdict.get("answer") == "ask":
            body |= {"id": uuid.uuid4().hex, "confirm": verdict["options"][0]["code"]}
            verdict = (await self._edge.post("/api/acts", json=body)).json()
        if verdict.get("answer") != "accepted":
            raise PlayerError(f"{kind} {fields} was answered {verdict.get('code', verdict)}.")

    async def play(
        self,
        machine: str,
        observations: Sequence[Observation],
        *,
        value: Callable[[str, str], int | float | str] = value_of,
    ) -> None:
        """Set every value with its own timestamp, in order."""
        for number, one in enumerate(observations, start=1):
            name = f"{machine}.{one.item}"
            await self._server.set(name, value(one.item, one.value), source_at=one.at)
            if number % PAUSE_EVERY == 0:
                await asyncio.sleep(0)

    async def disconnect(self, machine: str, items: Iterable[str], *, at: Microseconds) -> None:
        """The machine's adapter goes away: every value is bad from now on."""
        for item in items:
            initial = "" if kind_of(item) == "String" else 0
            value = initial if kind_of(item) != "Double" else 0.0
            name = f"{machine}.{item}"
            await self._server.set(name, value, source_at=at, status=BAD_NO_COMMUNICATION)

    async def until_read(self, device: str) -> None:
        """Wait until the edge reads a device.

        Before the clock is moved: what it shows decides whether the device's certificate is valid.

        Raises:
            TimeoutError: It does not.
        """
        async with asyncio.timeout(SYNC_TIMEOUT_S):
            while True:
                answer = await self._edge.get("/healthz")
                if answer.json()["devices_silent_s"].get(device) is not None:
                    return
                await asyncio.sleep(0.05)

    async def settle(self, station: str, machine: str, *, at: Microseconds) -> None:
        """Wait until the edge has told everything that was played so far.

        Raises:
            TimeoutError: It has not after `SYNC_TIMEOUT_S`.
        """
        self._beat += 1
        await self._server.set(f"{machine}.{BEAT}", self._beat, source_at=at)
        async with asyncio.timeout(SYNC_TIMEOUT_S):
            while True:
                answer = await self._edge.get(f"/api/stations/{station}")
                signals: dict[str, str] = answer.json()["machine"]["signals"]
                if signals.get(BEAT) == str(self._beat):
                    return
                await asyncio.sleep(0.02)
