# pyright: basic
"""Brokers to start from here: the embedded one for one box, Mosquitto where topics need guarding.

A broker is a wire. Nothing depends on what it stores, so both keep nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
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
    """The broker's files: whom it trusts, and its own certificate and key.

    Attributes:
        revoked: Revocation lists, `deny_list` of enrolment; None: nobody is revoked.
        access: Its access list; None: one without denied edges is written.
    """

    authority: Path
    certificate: Path
    key: Path
    revoked: Path | None = None
    access: Path | None = None


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
        access = folder / "access" if tls is None or tls.access is None else tls.access
        if tls is None or tls.access is None:
            access.write_text(access_list())
            access.chmod(0o600)
        lines = [
            line
            for line, _ in mosquitto_settings(f"{self.port} {self.host}", tls=tls, access=access)
        ]
        lines.append("log_dest stderr")
        if os.geteuid() == 0:
            lines.append("user root")  # else it cannot read the key that only its owner may read
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

    def reload(self) -> None:
        """Read the access list and the revocation lists again; connections stay."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

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


def mosquitto_settings(
    listener: str, *, tls: BrokerTls | None, access: Path
) -> list[tuple[str, str]]:
    """Mosquitto's settings, here and in deploy/broker/mosquitto.conf.

    Args:
        listener: Port, and address where only one is meant.
        tls: Without, everybody may do everything.
        access: Its access list.

    Returns:
        Lines of its configuration, each with why it stands there.
    """
    lines = [
        ("persistence false", "A wire: edges send again what central has not acknowledged."),
        ("set_tcp_nodelay true", "Batches are small; waiting to fill packets only delays them."),
        (f"listener {listener}", "The only way in."),
        (f"max_packet_size {PACKET_BYTES_MAX}", "A batch has 1 MiB at most; more is no batch."),
        ("max_inflight_messages 20", "More than an edge has on the way at once."),
        ("max_queued_messages 1000", "Bounded: what is dropped here is sent again."),
    ]
    if tls is None:
        return [*lines, ("allow_anonymous true", "Without TLS nobody can prove who he is.")]
    lines += [
        ("allow_anonymous false", "Nobody without a certificate."),
        (f"cafile {tls.authority}", "The site's authority; no public one is trusted."),
        (f"certfile {tls.certificate}", "Our certificate: `lineside-central authority server`."),
        (f"keyfile {tls.key}", "Its private key."),
        ("tls_version tlsv1.3", "Every client is our own, so nothing older is needed."),
        ("require_certificate true", "Mutual TLS: edges prove who they are."),
        ("use_identity_as_username true", "The certificate's name is the user of the access list."),
        (f"acl_file {access}", "An edge publishes below its own up, and hears its own down."),
    ]
    if tls.revoked is not None:
        lines.append((f"crlfile {tls.revoked}", "Revoked edges; central writes it, HUP reads it."))
    return lines


def access_list(denied: Sequence[str] = ()) -> str:
    """Mosquitto's topics by identity: central all, an edge its own, a denied edge none.

    Args:
        denied: Ids of revoked edges.
    """
    lines = [f"user {CENTRAL_NAME}", "topic readwrite v1/#", ""]
    for edge in denied:
        lines += [f"user {edge}", "topic deny #", ""]
    return "\n".join([*lines, "pattern write v1/%u/up/#", "pattern read v1/%u/down/#", ""])


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
