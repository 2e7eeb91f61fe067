"""What the doctor finds out about a device: its name, way, port, trust, nodes, values."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lineside.contracts.clock import Clock
from lineside.contracts.errors import (
    DriverConfigurationError,
    DriverError,
    DriverTrustError,
    LinesideError,
)
from lineside.contracts.samples import DriverNotice, Quality, Reading, SignalSample
from lineside.drivers import registry
from lineside.edge_agent.config import DeviceSection

CONNECT_S = 5.0
VALUES_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: What, as in `device line-1-plc`.
        cause: Which kind of thing: configuration, disk, journal, clock, network, port, certificate,
            session_limit, node, queue, serial_device, sign_in, central.
        ok: It is in order.
        text: One sentence for a person.
        hint: What to do now; empty where nothing is wrong.
    """

    check: str
    cause: str
    ok: bool
    text: str
    hint: str = ""


def good(check: str, cause: str, text: str) -> Finding:
    """A finding that is in order."""
    return Finding(check=check, cause=cause, ok=True, text=text)


def bad(check: str, cause: str, problem: LinesideError | str, hint: str = "") -> Finding:
    """A finding that needs somebody."""
    if isinstance(problem, LinesideError):
        return Finding(
            check=check, cause=cause, ok=False, text=str(problem.args[0]), hint=problem.hint
        )
    return Finding(check=check, cause=cause, ok=False, text=problem, hint=hint)


async def device(section: DeviceSection, file: str, clock: Clock) -> Finding:
    """Whether a device can be read as its section says.

    Args:
        section: The device's table of the configuration.
        file: Name of the configuration, for error texts.
        clock: Time of the driver.
    """
    check = f"device {section.id}"
    place = _place(section)
    if place is not None:
        reached = await reachable(check, *place, None)
        if not reached.ok:
            return reached
    driver = registry.build(section.driver, section.settings, clock=clock, file=file)
    try:
        async with asyncio.timeout(CONNECT_S * 4):
            await driver.connect()
            if section.driver == "serial_line":  # a scanner speaks only when somebody scans
                return good(check, "serial_device", "The port is open and ours.")
            return await _first_values(check, driver.readings())
    except DriverTrustError as error:
        return bad(check, cause_of(str(error), "certificate"), error)
    except DriverConfigurationError as error:
        return bad(check, "node", error)
    except DriverError as error:
        serial = section.settings.get("port") if place is None else None
        return bad(check, cause_of(str(error), "serial_device" if serial else "network"), error)
    except TimeoutError:
        return bad(
            check,
            "network",
            "The port is open, but nothing answers as this kind of device does.",
            "Is it the right port and unit? Is somebody else connected?",
        )
    finally:
        await driver.close()


@dataclass(slots=True)
class _Seen:
    """What a device sent so far."""

    good: set[str] = field(default_factory=set[str])
    unreadable: dict[str, str] = field(default_factory=dict[str, str])
    lost: str = ""

    def take(self, reading: Reading) -> None:
        match reading:
            case DriverNotice(kind="signal_error"):
                self.unreadable[reading.signal] = reading.detail
            case DriverNotice(kind="gap"):
                self.lost = reading.detail
            case SignalSample(quality=Quality.BAD):
                self.unreadable.setdefault(reading.signal, f"status {reading.status or 'bad'}")
            case SignalSample():
                self.good.add(reading.signal)
            case _:
                pass


async def _first_values(check: str, readings: AsyncIterator[Sequence[Reading]]) -> Finding:
    seen = _Seen()
    try:
        async with asyncio.timeout(VALUES_S):
            async for batch in readings:
                for reading in batch:
                    seen.take(reading)
                if seen.good:
                    break
    except TimeoutError:
        if not seen.unreadable:
            return bad(
                check, "network", "It is connected, but sends no value.", "Does the server run?"
            )
    if seen.unreadable:
        names = "; ".join(f"{name}: {why}" for name, why in sorted(seen.unreadable.items()))
        return bad(check, "node", f"Not readable: {names}.", "Compare with `lineside-edge probe`.")
    if seen.lost:
        return bad(check, "queue", seen.lost, "Give the signal a longer queue.")
    return good(check, "network", "It answers, values are good.")


def _place(device: DeviceSection) -> tuple[str, int] | None:
    if endpoint := device.settings.get("endpoint"):
        parts = urlsplit(str(endpoint))
        return (parts.hostname or "", parts.port or 4840)
    if name := device.settings.get("host"):
        return (str(name), int(device.settings.get("port", 502)))
    return None


def cause_of(text: str, otherwise: str) -> str:
    """The kind of thing that an error's text speaks of."""
    for words, cause in (
        ("BadTooManySessions", "session_limit"),
        ("Certificate", "certificate"),
        ("certificate", "certificate"),
        ("password", "sign_in"),
        ("UserAccessDenied", "sign_in"),
    ):
        if words in text:
            return cause
    return otherwise


async def reachable(check: str, name: str, port: int, tls: ssl.SSLContext | None) -> Finding:
    """Name, network, port, and where asked for TLS; each has its own words."""
    try:
        await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return bad(
            check,
            "network",
            f"The name {name} is not known here.",
            "Correct the name, or look at the name server of this computer.",
        )
    try:
        async with asyncio.timeout(CONNECT_S), _connection(name, port, tls):
            pass
    except ConnectionRefusedError:
        return bad(
            check,
            "port",
            f"{name} answers, but nothing listens on port {port}.",
            "Is the server switched on there, and is the port right?",
        )
    except ssl.SSLError as problem:
        return bad(
            check,
            "certificate",
            f"{name}:{port} and this edge do not trust each other: {problem.reason or problem}.",
            "Is it central's own authority, or is somebody in between? Enrol this edge anew.",
        )
    except TimeoutError:
        return bad(
            check,
            "network",
            f"Nothing comes back from {name}:{port}.",
            f"Is the cable in, the device on, and does a firewall let port {port} through?",
        )
    except OSError as problem:
        return bad(
            check,
            "network",
            f"There is no way to {name}:{port}: {_words(problem)}.",
            "Look at cable, address and route of this computer.",
        )
    return good(check, "network", f"{name}:{port} answers.")


def _words(problem: OSError) -> str:
    # asyncio puts the address where the system's words should be.
    return os.strerror(problem.errno) if problem.errno else str(problem)


@asynccontextmanager
async def _connection(name: str, port: int, tls: ssl.SSLContext | None) -> AsyncGenerator[None]:
    _, writer = await asyncio.open_connection(
        name, port, ssl=tls, server_hostname=name if tls else None
    )
    try:
        yield
    finally:
        writer.close()
