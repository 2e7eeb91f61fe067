"""Units and the broker's file: what systemd and Mosquitto themselves say to them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from lineside.central.authority import Authority
from lineside.central.broker import LOCALHOST, MosquittoBroker, free_port, listens
from lineside.contracts.clock import SystemClock, sleep_blocking

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
UNITS = [
    *sorted(DEPLOY.glob("*/*.service")),
    *sorted(DEPLOY.glob("*/*.path")),
]
SERVERS = [
    unit for unit in UNITS if unit.name in {"lineside-edge.service", "lineside-central.service"}
]
CONNECT = bytes([0x10, 16, 0, 4, *b"MQTT", 4, 2, 0, 60, 0, 4, *b"edge"])
ACCEPTED = bytes([0x20, 2, 0, 0])


def _needs(program: str) -> None:
    if shutil.which(program) is None:
        if os.environ.get("CI") == "true" and program != "systemd-analyze":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not here")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit, tmp_path):
    _needs("systemd-analyze")
    for one in unit.parent.glob(f"{unit.stem}.*"):  # a path and the service that it starts
        text = re.sub(r"/opt/\S+", "/bin/true", one.read_text())
        (tmp_path / one.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / unit.name],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "lineside" in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("unit", SERVERS, ids=lambda unit: unit.name)
def test_little_is_left_open_by_the_unit(unit):
    """systemd's own score, 0 best, 10 worst; below 3 it calls a service well protected."""
    _needs("systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=30", unit],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_edge_is_watched_started_again_and_keeps_serial_lines():
    text = (DEPLOY / "edge/lineside-edge.service").read_text()
    lines = text.splitlines()
    for line in (
        "Type=notify", "WatchdogSec=60", "Restart=always", "StartLimitBurst=10", "User=lineside",
        "SupplementaryGroups=dialout", "ProtectSystem=strict", "StateDirectory=lineside",
    ):  # fmt: skip
        assert line in lines
    for closes_serial_lines in ("PrivateDevices=yes", "ProtectClock=yes", "DeviceAllow="):
        assert not any(line.startswith(closes_serial_lines) for line in lines)


def _generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("broker_files", DEPLOY / "broker/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.files()


@pytest.mark.parametrize("name", ["mosquitto.conf", "broker.acl"])
def test_the_brokers_files_are_those_of_the_program(name):
    """Else: .venv/bin/python deploy/broker/generate.py"""
    assert (DEPLOY / "broker" / name).read_text(encoding="utf-8") == _generated()[name]


def test_the_brokers_files_let_in_an_edge_by_tls_1_3_and_nothing_older(tmp_path):
    program = MosquittoBroker.program()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    port = _site(tmp_path)
    with (tmp_path / "log").open("wb") as log:
        broker = subprocess.Popen([program, "-c", tmp_path / "mosquitto.conf"], stderr=log)
    try:
        until = time.monotonic() + 10
        while not listens(LOCALHOST, port):
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            sleep_blocking(0.05)
        assert _answer(tmp_path, port, ssl.TLSVersion.TLSv1_3, "edge") == ACCEPTED
        assert _answer(tmp_path, port, ssl.TLSVersion.TLSv1_2, "edge") == b""
        assert _answer(tmp_path, port, ssl.TLSVersion.TLSv1_3, None) == b""
    finally:
        broker.terminate()
        broker.wait(10)


def _site(folder: Path) -> int:
    """Certificates and files of a site; the port on which its broker will listen."""
    now, port = SystemClock().now(), free_port()
    authority = Authority.create(folder / "authority", site="test", now=now)
    authority.issue_server([LOCALHOST, "localhost"], now=now).save(folder, "server")
    authority.issue_edge("edge-1", now=now).save(folder, "edge")
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "revoked.crl").write_bytes(authority.revocations([], now=now))
    shutil.copy(DEPLOY / "broker/broker.acl", folder)
    (folder / "broker.acl").chmod(0o600)
    text = (DEPLOY / "broker/mosquitto.conf").read_text()
    text = text.replace("/etc/mosquitto/lineside/", f"{folder}/")
    text = text.replace("listener 8883", f"listener {port} {LOCALHOST}") + "log_dest stderr\n"
    if os.geteuid() == 0:
        text += "user root\n"
    (folder / "mosquitto.conf").write_text(text)
    return port


def _answer(folder: Path, port: int, version: ssl.TLSVersion, identity: str | None) -> bytes:
    """What the broker answers to a connection; empty: it refuses."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.maximum_version = version
    if identity is not None:
        context.load_cert_chain(folder / f"{identity}.crt", folder / f"{identity}.key")
    try:
        with (
            socket.create_connection((LOCALHOST, port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wire,
        ):
            wire.sendall(CONNECT)
            return wire.recv(4)
    except (ssl.SSLError, ConnectionError):
        return b""


def test_the_installer_puts_the_unit_in_place_and_drives_systemd(tmp_path, monkeypatch):
    """With a pretended systemctl: a second start of the same version installs nothing anew."""
    called, program = tmp_path / "called", tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {called}\n[ "$1" != reset-failed ]\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.syspath_prepend(str(DEPLOY / "edge"))
    slots = importlib.import_module("slots")
    place = slots.Place(tmp_path)
    place.current.mkdir(parents=True)
    shutil.copy(DEPLOY / "edge/lineside-edge.service", place.current)
    service = slots.Systemd(place)
    for _ in range(2):
        service.stop()
        service.install_unit()
        service.start()
    unit = "lineside-edge.service"
    stop, start = f"stop {unit}", [f"reset-failed {unit}", f"start --no-block {unit}"]
    install = ["daemon-reload", f"enable {unit}"]
    assert called.read_text().splitlines() == [stop, *install, *start, stop, *start]
    assert (tmp_path / "etc/systemd/system" / unit).is_file()
