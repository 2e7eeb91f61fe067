#!/usr/bin/env python3
"""Installed as `lineside-edge-update`, `lineside-central-update`: which version runs, its change.

Every version lies whole in a folder of its own; the link `current` names the one that runs, so a
change is one rename. What is not yet proven healthy is written down as a trial: whoever finds the
trial of an update that is no longer running goes back to the version before. Standard library
only, because it must work when a version does not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from place import Place, Product, UpdateError, product_in, put_link, say, sync_folder, write_whole

STEADY_S = 1.0  # it must still record after so long: a start that crashes answers once, too
POLL_S = 0.1
SERVICE_S = 60  # our unit is killed after 20
Step = Callable[[str], None]


class Systemd:
    """Starts and stops the agent by its unit."""

    def __init__(self, place: Place) -> None:
        self._place, self._unit = place, place.product.units[0]

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        _systemctl("stop", self._unit)

    def install_unit(self) -> None:
        """Put the units of the current version in place; they start with the computer."""
        for unit in self._place.product.units:
            fresh = (self._place.current / unit).read_bytes()
            installed = self._place.root / "etc/systemd/system" / unit
            if installed.is_file() and installed.read_bytes() == fresh:
                continue
            write_whole(installed, fresh)
            _systemctl("daemon-reload")
            if unit == self._unit:
                _systemctl("enable", unit)
            elif unit.endswith(".timer"):
                _systemctl("enable", "--now", unit)

    def start(self) -> None:
        """Start it; do not wait."""
        with contextlib.suppress(UpdateError):  # it fails where nothing has failed
            _systemctl("reset-failed", self._unit)
        _systemctl("start", "--no-block", self._unit)


class Hook:
    """Starts and stops the agent by a program of the site: `PROGRAM start`, `PROGRAM stop`."""

    def __init__(self, program: str) -> None:
        self._program = program

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        _run(self._program, "stop")

    def install_unit(self) -> None:
        """Nothing: the program knows what to start."""

    def start(self) -> None:
        """Start it; do not wait."""
        _run(self._program, "start")


Service = Systemd | Hook | None


def service_of(place: Place, program: str) -> Service:
    """Who starts and stops the agent here; None: nobody, below a folder without a program."""
    if program:
        return Hook(program)
    return Systemd(place) if place.root == Path("/") else None


def switch(place: Place, to: str, *, service: Service, gate_s: float, step: Step) -> None:
    """Run another version; if it is not healthy in time, the one before again.

    Args:
        place: Locked.
        to: A version that is whole.
        service: Starts and stops the agent.
        gate_s: Seconds that the new version has for its first healthy answer.
        step: Told before each step, for tests that cut the power there.

    Raises:
        UpdateError: The version before runs again, and why.
    """
    before, older = place.named(place.current), place.named(place.previous)
    for number in (signal.SIGHUP, signal.SIGTERM):
        # A lost terminal must not leave it half done. Not SIG_IGN: the agent would inherit it.
        signal.signal(number, lambda *_: None)
    step("trial")
    if before:
        trial = {"before": before, "to": to, "previous": older}
        write_whole(place.trial, json.dumps(trial).encode())
    began = time.monotonic()
    why = "it was interrupted"
    try:
        step("stop")
        if service is not None and before:  # systemd refuses to stop what it has never heard of
            service.stop()
        step("switch")
        place.point(place.current, to)
        step("start")
        why, answered = _start(place, service, gate_s)
        step("judge")
    except UpdateError as problem:
        why, answered = str(problem), 0.0
    finally:
        if why and before:
            _go_back(place, service, before)
    if why:
        ending = f"{before} runs again." if before else "There is no version to go back to."
        raise UpdateError(f"{to} is not in use: {why} {ending}")
    if before and before != to:
        place.point(place.previous, before)
    step("confirm")
    place.trial.unlink(missing_ok=True)
    sync_folder(place.home)
    step("confirmed")
    put_link(place.home / f"bin/{place.product.name}-update", "../current/installer/slots.py")
    say(f"{to} runs." if answered else f"{to} is current; nothing was started.")
    if answered and before:
        what = "The terminal" if place.product.listens == "edge" else "Central"
        say(f"{what} was away for {answered - began:.1f} s.")


def _start(place: Place, service: Service, gate_s: float) -> tuple[str, float]:
    """Start what is current; why it is not healthy, and when it first answered."""
    if service is not None:
        service.install_unit()
    if service is None or not place.config.is_file():
        return "", 0.0
    service.start()
    return gate(place, gate_s)


def _go_back(place: Place, service: Service, before: str) -> None:
    if service is not None:
        with contextlib.suppress(UpdateError):  # what does not stop must not keep us from going on
            service.stop()
    place.point(place.current, before)
    if service is not None:
        service.install_unit()
        if place.config.is_file():
            service.start()
    place.trial.unlink(missing_ok=True)
    sync_folder(place.home)


def gate(place: Place, limit_s: float) -> tuple[str, float]:
    """Wait until the agent records, and still does a moment later.

    Returns:
        Why it does not, empty when it does; and when it first said so, monotonic seconds.
    """
    addresses, until = health_addresses(place), time.monotonic() + limit_s
    address = addresses[0]
    first = 0.0
    while True:
        said = next((why for why in map(_ask, addresses) if not why), None)
        said = _ask(address) if said is None else said
        now = time.monotonic()
        if said:
            first = 0.0
        elif not first:
            first = now
        elif now - first >= STEADY_S:
            return "", first
        if now > until and not first:
            return f"within {limit_s:.0f} s {address} did not say that it records ({said}).", 0.0
        if now > until + STEADY_S + limit_s:
            return f"{address} does not go on recording.", 0.0
        time.sleep(POLL_S)  # noqa: TID251 - the installer has no clock to be given


def health_addresses(place: Place) -> list[str]:
    """Where it says how it is: where it is configured to, and on this computer alone.

    Until somebody has signed on for the first time it listens on loopback only.

    Raises:
        UpdateError: Its configuration cannot be read.
    """
    product = place.product
    try:
        found = tomllib.loads(place.config.read_text(encoding="utf-8")).get(product.listens, {})
    except (OSError, ValueError) as problem:
        raise UpdateError(f"{place.config} cannot be read: {problem}.") from problem
    if product.listens == "edge":
        host, _, port = str(found.get("listen", f"127.0.0.1:{product.port}")).rpartition(":")
    else:
        host, port = str(found.get("host", "127.0.0.1")), str(found.get("port", product.port))
        host = f"[{host}]" if ":" in host else host
    scheme = "https" if found.get("certificate_file") else "http"
    here = "[::1]" if ":" in host else "127.0.0.1"
    host = here if host in {"0.0.0.0", "[::]"} else host  # noqa: S104 - asked, not bound
    return [f"{scheme}://{one}:{port}{product.page}" for one in dict.fromkeys((host, here))]


def _ask(address: str) -> str:
    """Ask it; why it is not healthy, empty when it is."""
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE  # it is on this computer
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anyone)
    )
    try:
        with opener.open(address, timeout=2) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        text = answer.read().decode(errors="replace")
        return f"answer {answer.code}: {text[:300]}"
    except (OSError, ValueError) as problem:
        return str(problem)
    well = found.get("recording") == 1 or found.get("status") == "ready"
    return "" if well else f"it is {found.get('status')}"


def settle(place: Place) -> bool:
    """Go back if an update was cut off before it was proven; whether it was.

    Runs before every start of the agent. While an update is running it is that one's business.
    """
    if not place.trial.is_file():
        return False
    try:
        with place.locked():
            return undo_cut(place)
    except UpdateError:
        return False


def undo_cut(place: Place) -> bool:
    """As `settle`; the place is locked already."""
    try:
        trial = json.loads(place.trial.read_bytes())
    except (OSError, ValueError):
        return False
    before, previous = trial["before"], trial["previous"]
    if place.whole(before) and place.named(place.current) != before:
        place.point(place.current, before)
        say(f"The update to {trial['to']} was cut off; {before} is current again.")
    if previous:
        place.point(place.previous, previous)
    else:
        place.previous.unlink(missing_ok=True)
    place.trial.unlink(missing_ok=True)
    sync_folder(place.home)
    return True


def back(place: Place, *, service: Service, gate_s: float, step: Step) -> None:
    """Run the version before the current one.

    Raises:
        UpdateError: There is none, or it is not healthy.
    """
    with place.locked():
        undo_cut(place)
        to = place.named(place.previous)
        if not to or to == place.named(place.current):
            raise UpdateError("There is no version before this one.")
        switch(place, to, service=service, gate_s=gate_s, step=step)


def verified_copy(place: Place, file: Path, folder: Path) -> Path:
    """Copy a file where nobody changes it, and check the signature where a release key is kept.

    Raises:
        UpdateError: The file cannot be read, or its signature is missing or wrong.
    """
    copy = folder / file.name
    try:
        shutil.copyfile(file, copy)
    except OSError as problem:
        raise UpdateError(f"{file} cannot be read: {problem}.") from problem
    if not place.release_key.is_file():
        say(f"No release key in {place.release_key}: the signature is not checked.")
        return copy
    signature = file.with_name(file.name + ".sig")
    python = place.current / "venv/bin/python"
    command = [str(python), "-I", "-c", _CHECK, str(place.release_key), str(signature), str(copy)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own
    if found.returncode:
        raise UpdateError(
            f"{file} is not signed by the release key: {found.stderr.strip()[-200:]} "
            f"Take the file and {signature.name} again from where you had them."
        )
    return copy


_CHECK = """
import pathlib, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
key, signature, file = (pathlib.Path(name).read_bytes() for name in sys.argv[1:])
load_pem_public_key(key).verify(signature, file)
"""


def cutter(at: str) -> Step:
    """Dies at a step as in a power cut; for tests. An empty name: never."""

    def step(name: str) -> None:
        if name == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def _systemctl(*words: str) -> None:
    _run("systemctl", *words)


def _run(*command: str) -> None:
    try:
        found = subprocess.run(  # noqa: S603 - the site's own
            command, check=False, stdin=subprocess.DEVNULL, timeout=SERVICE_S
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise UpdateError(f"`{' '.join(command)}` failed: {problem}.") from problem
    if found.returncode:
        raise UpdateError(f"`{' '.join(command)}` failed with {found.returncode}.")


def add_place(parser: argparse.ArgumentParser, product: Product) -> None:
    """Arguments that installer and updater share."""
    parser.add_argument("--root", type=Path, default=Path("/"), help="install below this folder")
    parser.add_argument(
        "--service",
        default="",
        metavar="PROGRAM",
        help="without systemd: what is called with start and stop",
    )
    parser.add_argument(
        "--gate-s", type=float, default=product.gate_s, help="time to get healthy, seconds"
    )
    parser.add_argument("--cut-at", default="", help=argparse.SUPPRESS)


def main() -> int:
    """Run the command.

    Returns:
        0 when the wanted version runs, 1 when not, 2 for wrong usage.
    """
    product = product_in(Path(__file__).resolve().parent)
    parser = argparse.ArgumentParser(
        prog=f"{product.name}-update",
        description=f"Updates {product.name}, or goes back one version.",
        epilog=f"example: {product.name}-update /media/usb/{product.name}-0.2.0-x86_64.run",
    )
    parser.add_argument("file", nargs="?", type=Path, help="the package of a newer version")
    parser.add_argument("--back", action="store_true", help="run the version before this one")
    parser.add_argument("--status", action="store_true", help="say which versions are here")
    parser.add_argument("--settle", action="store_true", help="undo an update that was cut off")
    add_place(parser, product)
    args = parser.parse_args()
    if sum([args.file is not None, args.back, args.status, args.settle]) != 1:
        parser.error("say one of FILE, --back, --status, --settle")
    place = Place(args.root, product)
    try:
        return _act(args, place)
    except UpdateError as problem:
        sys.stderr.write(f"{product.name}-update: {problem}\n")
        return 1


def _act(args: argparse.Namespace, place: Place) -> int:
    if args.status:
        trial = place.trial.is_file()
        say(f"current {place.named(place.current) or '-'}{' (not proven yet)' if trial else ''}")
        say(f"previous {place.named(place.previous) or '-'}")
    elif args.settle:
        settle(place)
    elif args.back:
        service = service_of(place, args.service)
        back(place, service=service, gate_s=args.gate_s, step=cutter(args.cut_at))
    else:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            copy = verified_copy(place, args.file, Path(folder))
            words = ["--root", str(args.root), "--gate-s", str(args.gate_s)]
            words += ["--service", args.service] if args.service else []
            words += ["--cut-at", args.cut_at] if args.cut_at else []
            return subprocess.run(["/bin/sh", str(copy), *words], check=False).returncode  # noqa: S603 - verified
    return 0


if __name__ == "__main__":
    sys.exit(main())
