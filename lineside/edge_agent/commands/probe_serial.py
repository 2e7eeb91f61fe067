r"""`lineside-edge probe serial`: show raw bytes of a scanner or scale, and guess its framing."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from lineside.contracts.clock import Clock, Microseconds, SystemClock, format_rfc3339
from lineside.contracts.errors import DriverUnavailableError, LinesideError
from lineside.contracts.scancode import BadEscapeError, escape, unescape
from lineside.drivers.serial_line.scale import ScaleLineError, parse_weight
from lineside.drivers.serial_port import PortSettings, SerialStream

_EXAMPLE = r"""examples:
  lineside-edge probe serial /dev/serial/by-id/usb-Example_Scanner --seconds 30
  lineside-edge probe serial /dev/serial/by-id/usb-Example_Scale --send 'Q\x0d\x0a' --json

Scan a few different codes. Control characters and backslash are shown as \xNN."""

SILENCE_S = 0.05
"""A pause that separates one reading from the next."""

_MARK_BYTES_MAX = 3
_CONTROL_MAX = 0x20
_GS = 0x1D  # stands inside GS1 codes, so it frames nothing
_AIM = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
_READINGS_MAX = 10_000
_BURST_BYTES_MAX = 8192


@dataclass(frozen=True, slots=True)
class Burst:
    """Bytes that came without a pause, and when the first of them came."""

    at: Microseconds
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the bytes look like.

    Attributes:
        profile: `scanner` or `scale`.
        format: Of a scale.
        prefix, suffix: Bytes around every reading.
        aim: Whether every reading begins with an AIM identifier.
        advice: Sentences for a person.
    """

    profile: Literal["scanner", "scale"]
    format: str
    prefix: bytes
    suffix: bytes
    aim: bool
    advice: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = _EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("port", metavar="DEVICE", help="the serial port")
    parser.add_argument("--baud", type=int, default=9600, help="(default: 9600)")
    parser.add_argument("--data-bits", type=int, choices=(7, 8), default=8)
    parser.add_argument("--parity", choices=("none", "even", "odd"), default="none")
    parser.add_argument("--stop-bits", type=int, choices=(1, 2), default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long (default: 20)")
    parser.add_argument("--readings", type=int, default=_READINGS_MAX, help="stop after so many")
    parser.add_argument("--send", default="", metavar="BYTES", help=r"sent once, e.g. 'Q\x0d\x0a'")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")


def run(args: argparse.Namespace) -> int:
    """Listen and print.

    Returns:
        0, 1 when nothing came or the port failed, 2 for wrong usage.
    """
    try:
        send = unescape(args.send)
        settings = PortSettings(
            port=args.port,
            baud=args.baud,
            data_bits=args.data_bits,
            parity=args.parity,
            stop_bits=args.stop_bits,
        )
    except BadEscapeError as problem:
        print(f"lineside-edge probe serial: --send: {problem}", file=sys.stderr)
        return 2
    try:
        bursts = asyncio.run(_listen(settings, send, args, SystemClock()))
    except LinesideError as problem:
        print(f"lineside-edge probe serial: {problem}", file=sys.stderr)
        return 1
    if not bursts:
        print(
            f"lineside-edge probe serial: nothing came from {args.port}. Check the baud rate, and "
            "that the device is set to serial mode.",
            file=sys.stderr,
        )
        return 1
    guess = guess_framing([burst.raw for burst in bursts])
    skeleton = configuration(settings, guess)
    if args.json:
        print(json.dumps(_document(settings, bursts, guess) | {"configuration": skeleton}))
    else:
        print("\n".join(("", *guess.advice)))
        print(f"\nA configuration to start from:\n\n{skeleton}")
    return 0


def guess_framing(readings: Sequence[bytes]) -> Guess:
    """Prefix, suffix and kind of a device from a few of its readings.

    Only control characters count as marks, and only those that every reading has. A pause does not
    always separate two readings, so a suffix inside a reading is advice, not proof.
    """
    suffix = _common([raw[::-1] for raw in readings])[::-1]
    prefix = _common([raw.removesuffix(suffix) for raw in readings])
    cores = [raw.removesuffix(suffix).removeprefix(prefix) for raw in readings]
    lines = [line for core in cores for line in (core.split(suffix) if suffix else [core])]
    advice: list[str] = []
    form = next((f for f in ("st_gs", "mt_sics") if all(_is_weight(line, f) for line in lines)), "")
    aim = all(_AIM.match(core) for core in cores)
    if len(set(readings)) == 1:
        advice.append("Only one code was seen: scan a few different ones to be sure.")
    if not suffix:
        advice.append("No common suffix: switch one on (best: STX before, ETX after each code).")
    elif not form and any(suffix in core for core in cores):
        advice.append(
            f"{escape(suffix)} also stands inside a reading: two came at once, or it is data; "
            "STX and ETX would tell."
        )
    if not form and not aim:
        advice.append(
            "Switch AIM identifiers on: without ]C1 or ]d2 nobody knows that a code is GS1."
        )
    return Guess(
        profile="scale" if form else "scanner",
        format=form,
        prefix=prefix,
        suffix=suffix,
        aim=aim,
        advice=tuple(advice),
    )


def configuration(settings: PortSettings, guess: Guess) -> str:
    """A device table to start from."""
    lines = ["[[device]]", f'id = "{guess.profile}-1"', 'driver = "serial_line"']
    lines += [f"{key} = {json.dumps(v)}" for key, v in msgspec.structs.asdict(settings).items()]
    lines.append(f'profile = "{guess.profile}"')
    if guess.format:
        lines.append(f'format = "{guess.format}"')
    if guess.prefix:
        lines.append(f"prefix = {json.dumps(guess.prefix.decode('latin-1'))}")
    lines.append(f"suffix = {json.dumps(guess.suffix.decode('latin-1'))}")
    return "\n".join(lines) + "\n"


async def _listen(
    settings: PortSettings, send: bytes, args: argparse.Namespace, clock: Clock
) -> list[Burst]:
    stream = await SerialStream.open(settings)
    loop = asyncio.get_running_loop()
    end = loop.time() + args.seconds
    bursts: list[Burst] = []
    try:
        if send:
            stream.send(send)
        while len(bursts) < min(args.readings, _READINGS_MAX) and loop.time() < end:
            try:
                burst = await _burst(stream, end, clock)
            except DriverUnavailableError as problem:
                if not bursts:
                    raise
                print(f"lineside-edge probe serial: {problem}", file=sys.stderr)
                break
            if burst is None:
                break
            bursts.append(burst)
            if not args.json:
                print(f"{format_rfc3339(burst.at)}  {escape(burst.raw)}", flush=True)
    finally:
        stream.close()
    return bursts


async def _burst(stream: SerialStream, end: float, clock: Clock) -> Burst | None:
    """The next bytes up to a pause; None when nothing comes until `end` (time of the loop)."""
    loop = asyncio.get_running_loop()
    try:
        raw = await stream.receive(max(0.0, end - loop.time()))
    except TimeoutError:
        return None
    at = clock.now()
    while len(raw) < _BURST_BYTES_MAX and loop.time() < end:
        try:
            raw += await stream.receive(SILENCE_S)
        except (TimeoutError, DriverUnavailableError):
            break  # a lost port says so again at the next burst
    return Burst(at, raw)


def _document(settings: PortSettings, bursts: Sequence[Burst], guess: Guess) -> dict[str, Any]:
    return {
        "port": settings.port,
        "readings": [{"at": format_rfc3339(b.at), "raw": escape(b.raw)} for b in bursts],
        "profile": guess.profile,
        "format": guess.format,
        "prefix": escape(guess.prefix),
        "suffix": escape(guess.suffix),
        "aim": guess.aim,
        "advice": list(guess.advice),
    }


def _common(readings: Sequence[bytes]) -> bytes:
    """Control characters with which every reading begins."""
    mark = bytearray()
    for bytes_there in zip(*readings, strict=False):
        byte = bytes_there[0]
        if len(set(bytes_there)) > 1 or byte >= _CONTROL_MAX or byte == _GS:
            break
        mark.append(byte)
    return bytes(mark[:_MARK_BYTES_MAX])


def _is_weight(core: bytes, form: str) -> bool:
    try:
        parse_weight(core, form)
    except ScaleLineError:
        return False
    return True
