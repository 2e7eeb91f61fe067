"""Reads one scanner or scale on a serial port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.errors import DriverConfigurationError, DriverUnavailableError
from lineside.contracts.samples import Quality, Reading, ScanRead, SignalSample, SignalValue
from lineside.drivers.serial_line.config import SerialLineSettings, read_config, wire_bytes
from lineside.drivers.serial_line.framing import Frame, Framer
from lineside.drivers.serial_line.scale import ScaleLineError, Weight, parse_weight
from lineside.drivers.serial_port import SerialStream

VERDICT = "verdict"
"""The one writable signal of a scanner: True for a good scan, False for a refused one."""


def build(settings: Mapping[str, Any], *, clock: Clock, file: str) -> SerialLineDriver:
    """Make the driver of one device; nothing is opened yet.

    Args:
        settings: The device's table, as `sample.toml` shows.
        clock: Time for `read_at` and for requests to a scale; bytes are awaited in real time.
        file: Configuration file, for error texts.

    Raises:
        ConfigurationError: A key or value is wrong.
    """
    return SerialLineDriver(read_config(settings, file=file), clock)


class SerialLineDriver:
    """Cuts what a serial device sends into readings.

    A scanner yields `ScanRead`s, bytes as they came. A scale yields the signals `weight` (decimal
    text), `unit`, `stable` and, where it says so, `net`; a weight that has not come to rest is
    uncertain.
    """

    def __init__(self, config: SerialLineSettings, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._stream: SerialStream | None = None
        self._framer = Framer(config.framing)
        self._last_byte_at: Microseconds = 0
        self._sequence = 0
        self._quiet_since = 0.0  # time of the event loop: last byte, or last silence heeded

    async def connect(self) -> None:
        """Open the port for us alone.

        Raises:
            DriverUnavailableError: It is not there, not permitted, or in use.
        """
        self._framer = Framer(self._config.framing)
        self._stream = await SerialStream.open(self._config)

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield one batch a frame until the device is gone.

        Raises:
            DriverUnavailableError: The device is gone, or a scale says nothing any more.
        """
        stream = self._require_stream()
        poller = None
        if self._config.profile == "scale" and self._config.request:
            poller = asyncio.create_task(self._ask_for_weights(stream))
        try:
            async with aclosing(self._frames(stream)) as frames:
                async for frame in frames:
                    yield self._interpret(frame)
        finally:
            if poller is not None:
                poller.cancel()

    async def write(self, signal: str, value: SignalValue) -> None:
        """Send the scanner its verdict.

        Raises:
            DriverConfigurationError: Not `verdict`, not true or false, or no bytes configured.
            DriverUnavailableError: The device is gone.
        """
        config = self._config
        configured = config.verdict_good or config.verdict_bad
        if signal != VERDICT or config.profile != "scanner" or not configured:
            raise DriverConfigurationError(
                f"{signal} is not writable.",
                hint="Only `verdict` of a scanner is; configure verdict_good and verdict_bad.",
            )
        if not isinstance(value, bool):
            raise DriverConfigurationError(f"verdict takes true or false, not {value!r}.")
        answer = config.verdict_good if value else config.verdict_bad
        self._require_stream().send(wire_bytes(answer))

    async def close(self) -> None:
        """Let go of the port; safe to call twice and after errors."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _require_stream(self) -> SerialStream:
        if self._stream is None:
            raise DriverUnavailableError(f"{self._config.port} is not open.")
        return self._stream

    async def _frames(self, stream: SerialStream) -> AsyncGenerator[Frame, None]:
        """Frames by the times at which bytes came, however late the consumer asks for them."""
        silence_s = self._config.inter_byte_timeout_s
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while True:
            try:
                at, data = await stream.receive_chunk(self._patience_s(heard_at))
            except TimeoutError:
                self._quiet_since = loop.time()
                for frame in self._framer.silence():
                    yield frame
                self._check_alive(heard_at)
                continue
            except DriverUnavailableError:
                for frame in self._framer.silence():
                    yield frame
                raise
            while self._framer.waits and at - self._quiet_since >= silence_s:
                self._quiet_since += silence_s
                for frame in self._framer.silence():
                    yield frame
            self._quiet_since = heard_at = at
            age_us = round((loop.time() - at) * US_PER_SECOND)
            self._last_byte_at = self._clock.now() - age_us
            for frame in self._framer.feed(data):
                yield frame

    def _patience_s(self, heard_at: float) -> float | None:
        """How long silence may last before it means something; None: for ever."""
        wait_s = self._config.inter_byte_timeout_s if self._framer.waits else None
        if self._config.profile != "scale":
            return wait_s
        left_s = heard_at + self._config.silent_after_s - asyncio.get_running_loop().time()
        return max(0.0, left_s if wait_s is None else min(wait_s, left_s))

    def _check_alive(self, heard_at: float) -> None:
        """A scanner may be silent for a day, a scale may not."""
        silent_s = asyncio.get_running_loop().time() - heard_at
        if self._config.profile == "scale" and silent_s >= self._config.silent_after_s:
            raise DriverUnavailableError(
                f"The scale on {self._config.port} says nothing.",
                hint="Check power, cable, baud rate, and its output setting.",
            )

    async def _ask_for_weights(self, stream: SerialStream) -> None:
        request = wire_bytes(self._config.request)
        while True:
            try:
                stream.send(request)
            except DriverUnavailableError:
                return  # the reading side says so
            await self._clock.sleep(self._config.poll_s)

    def _interpret(self, frame: Frame) -> list[Reading]:
        read_at = self._last_byte_at
        if self._config.profile == "scanner":
            return [ScanRead(raw=frame.raw, read_at=read_at, problem=frame.problem)]
        self._sequence += 1
        if frame.problem:
            return self._samples(Weight(text=None, trouble=frame.problem), read_at)
        try:
            return self._samples(parse_weight(frame.raw, self._config.format), read_at)
        except ScaleLineError as problem:
            return self._samples(Weight(text=None, trouble=str(problem)), read_at)

    def _samples(self, weight: Weight, read_at: Microseconds) -> list[Reading]:
        rest = Quality.GOOD if weight.stable else Quality.UNCERTAIN
        known = Quality.BAD if weight.text is None else Quality.GOOD
        signals: list[tuple[str, SignalValue, Quality]] = [
            ("weight", weight.text, Quality.BAD if weight.text is None else rest),
            ("unit", None if weight.text is None else weight.unit, known),
            ("stable", None if weight.text is None else weight.stable, known),
        ]
        if weight.net is not None:
            signals.append(("net", weight.net, known))
        return [
            SignalSample(
                signal=name,
                value=value,
                quality=quality,
                read_at=read_at,
                status=weight.trouble,
                sequence=self._sequence,
            )
            for name, value, quality in signals
        ]
