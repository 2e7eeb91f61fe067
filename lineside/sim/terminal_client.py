"""A terminal as its page sees it: acts over HTTP, verdicts over the stream."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from lineside.contracts.errors import LinesideError

ANSWER_TIMEOUT_S = 20.0
VERDICTS_MAX = 1_000
STREAM_PAUSE_S = 0.3

Json = dict[str, Any]


class NoAnswerError(LinesideError):
    """The terminal did not answer a scan in time."""

    code = "sim.no_answer"


class Terminal:
    """One station's terminal.

    Verdicts of scanners that the agent reads itself arrive in a bounded queue; when nobody takes
    them the oldest goes, as on a screen.
    """

    def __init__(self, base_url: str, station: str) -> None:
        self.station = station
        self.http = httpx.AsyncClient(base_url=base_url, timeout=ANSWER_TIMEOUT_S)
        self._verdicts: asyncio.Queue[Json] = asyncio.Queue(VERDICTS_MAX)
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    async def open(self) -> None:
        """Listen to the stream until `close`."""
        self._task = asyncio.create_task(self._listen())
        await asyncio.wait_for(self.listening.wait(), ANSWER_TIMEOUT_S)

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.http.aclose()

    async def act(self, kind: str, **fields: Any) -> Json:  # noqa: ANN401
        """Do something at the terminal; the answer says whether it was booked.

        Sent again with the same id when the connection drops: asking twice books once.

        Raises:
            NoAnswerError: Refused as a request, or no answer after three tries.
        """
        body = {"id": uuid.uuid4().hex, "station": self.station, "kind": kind, **fields}
        for _ in range(3):
            try:
                answer = await self.http.post("/api/acts", json=body)
            except httpx.TransportError:
                await asyncio.sleep(STREAM_PAUSE_S)
                continue
            if answer.status_code == httpx.codes.OK.value:
                return answer.json()
            raise NoAnswerError(f"{kind} at {self.station}: {answer.status_code} {answer.text}")
        raise NoAnswerError(f"{kind} at {self.station} was not answered.")

    async def state(self) -> Json:
        """The whole screen."""
        answer = await self.http.get(f"/api/stations/{self.station}")
        answer.raise_for_status()
        return answer.json()

    async def verdict(self) -> Json:
        """The answer to the next scan of the station's own scanner.

        Raises:
            NoAnswerError: None came in time.
        """
        try:
            return await asyncio.wait_for(self._verdicts.get(), ANSWER_TIMEOUT_S)
        except TimeoutError as late:
            raise NoAnswerError(f"No verdict at {self.station}.") from late

    def forget_verdicts(self) -> None:
        """Drop verdicts nobody asked for."""
        while not self._verdicts.empty():
            self._verdicts.get_nowait()

    async def _listen(self) -> None:
        while True:
            with suppress(httpx.TransportError):
                await self._read_stream()
            self.listening.clear()
            await asyncio.sleep(STREAM_PAUSE_S)

    async def _read_stream(self) -> None:
        path = f"/api/stations/{self.station}/stream"
        async with self.http.stream("GET", path, timeout=httpx.Timeout(5.0, read=None)) as answer:
            answer.raise_for_status()
            self.listening.set()
            kind = ""
            async for line in answer.aiter_lines():
                if line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                elif line.startswith("data:") and kind == "verdict":
                    self._keep(json.loads(line.removeprefix("data:")))

    def _keep(self, message: Mapping[str, Any]) -> None:
        if self._verdicts.full():
            self._verdicts.get_nowait()
        self._verdicts.put_nowait(dict(message))
