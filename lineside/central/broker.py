# pyright: basic
"""Brokers to start from here: the embedded one for one box, Mosquitto where topics need guarding.

A broker is a wire. Nothing depends on what it stores, so both keep nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog
from iotcore import Broker

from lineside.central.authority import CENTRAL_NAME
from lineside.contracts.clock import sleep_blocking
from lineside.contracts.errors import LinesideError

LOCALHOST = "127.0.0.1"
PACKET_BYTES_MAX = 1_100_000
START_TIMEOUT_S = 10.0
POLL_S = 0.02

log = structlog.get_logger("central.broker")


class BrokerError(LinesideError):
    """A broker did not start."""

    code = "broker.not_started"
    status = 503


class EmbeddedBroker:
    """The broker of the package, in a child process, on this computer only.

    It has no access list and cannot prove who published: for a demo and for one box. Ingest still
    refuses a message whose sender does not match its topic.

    Args:
        folder: Where its configuration is written.
        port: 0 takes a free one.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.host, self.port = LOCALHOST, port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "broker.toml"
        config.write_text(_EMBEDDED.format(address=json.dumps(f"{self.host}:{self.port}")))
        self._broker = Broker(config_path=str(config))

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            BrokerError: The port is taken, or it ends at once.
        """
        try:
            self._broker.start(timeout=START_TIMEOUT_S)
        except (OSError, RuntimeError) as problem:
            raise BrokerError(
                f"The embedded broker did not start on port {self.port}: {problem}.",
                hint="Choose another [broker] port.",
            ) from problem
        log.warning(
            "broker_without_access_list",
            text="The embedded broker cannot prove who published; use Mosquitto in production.",
        )

    def stop(self) -> None:
        """Stop it. Safe to call twice."""
        self._broker.stop()

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._broker.is_running


@dataclass(frozen=True, slots=True)
class BrokerTls:
    """The broker's files: whom it trusts, and its own certificate and key."""

    authority: Path
    certificate: Path
    key: Path


class MosquittoBroker:
    """A Mosquitto of our own: mutual TLS, topics by certificate, nothing stored.

    Args:
        folder: Where its files are written.
        tls: Without, it listens in the clear on this computer, and everybody may do everything.
        port: 0 takes a free one.
    """

    def __init__(self, folder: Path, *, tls: BrokerTls | None, port: int = 0) -> None:
        self.host, self.port = LOCALHOST, port or free_port()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "mosquitto.conf"
        (folder / "access").write_text(_ACCESS)
        (folder / "access").chmod(0o600)
        lines = [
            "persistence false",
            "set_tcp_nodelay true",
            f"listener {self.port} {self.host}",
            f"max_packet_size {PACKET_BYTES_MAX}",
            "max_inflight_messages 20",
            "max_queued_messages 1000",
            "log_dest stderr",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it cannot read the key that only its owner may read
        if tls is None:
            lines.append("allow_anonymous true")
        else:
            lines += [
                "allow_anonymous false",
                f"cafile {tls.authority}",
                f"certfile {tls.certificate}",
                f"keyfile {tls.key}",
                "tls_version tlsv1.2",
                "require_certificate true",
                "use_identity_as_username true",
                f"acl_file {folder / 'access'}",
            ]
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        """Path of the installed program; None where it is not installed."""
        places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        return shutil.which("mosquitto", path=places)

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            BrokerError: It is not installed, the port is taken, or it ends at once.
        """
        program = self.program()
        if program is None:
            raise BrokerError(
                "Mosquitto is not installed.", hint="Install it, or use the embedded broker."
            )
        with (self._folder / "mosquitto.log").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the program above, our own file
                [program, "-c", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        waited = 0.0
        while not listens(self.host, self.port):
            if self._process.poll() is not None or waited > START_TIMEOUT_S:
                self.stop()
                text = (self._folder / "mosquitto.log").read_text(errors="replace")[-1000:]
                raise BrokerError(f"Mosquitto did not start on port {self.port}: {text}")
            sleep_blocking(POLL_S)
            waited += POLL_S

    def stop(self) -> None:
        """Stop it. Safe to call twice."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it without warning, as a power cut does."""
        self._end(kill=True)

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def free_port() -> int:
    """A port of this computer that is free now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return probe.getsockname()[1]


def listens(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def scratch_folder() -> Path:
    """A new private folder for a broker's files."""
    return Path(tempfile.mkdtemp(prefix="lineside-broker-"))


_ACCESS = f"""\
user {CENTRAL_NAME}
topic readwrite v1/#

pattern write v1/%u/up/#
pattern read v1/%u/down/#
"""

_EMBEDDED = f"""\
id = 0

[router]
id = 0
max_connections = 1010
max_outgoing_packet_count = 200
max_segment_size = 8388608
max_segment_count = 4

[v5.1]
name = "v5-1"
listen = {{address}}
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {PACKET_BYTES_MAX}
max_inflight_count = 100
dynamic_filters = true
"""
