"""What must be clear before an agent starts: its version, its name, its broker."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lineside.contracts.clock import Clock
from lineside.contracts.errors import ConfigurationError
from lineside.edge_agent import enrolment
from lineside.edge_agent.config import Configuration
from lineside.edge_agent.renewal import Renewal
from lineside.edge_agent.sync.mqtt import Broker, Tls

MQTT_PORT, MQTTS_PORT = 1883, 8883
UNENROLLED = "unenrolled"


def software_version() -> str:
    """The installed version."""
    try:
        return version("lineside")
    except PackageNotFoundError:
        return "0"


def edge_id(config: Configuration) -> str:
    """Who this edge is: only its certificate says so.

    Returns:
        The certified id; `UNENROLLED` without a certificate: such an edge works alone.

    Raises:
        ConfigurationError: A broker is named, but no certificate.
        EnrolmentError: The certificate cannot be read.
    """
    if config.identity.certificate:
        if config.identity.key:
            enrolment.finish_replacing(identity_files(config))
        return enrolment.edge_id_from_certificate(Path(config.identity.certificate))
    if config.broker:
        raise ConfigurationError(
            file=config.file,
            key="identity.certificate",
            found=None,
            expected="this edge's certificate, since a broker is named: run `lineside-edge enrol`",
        )
    return UNENROLLED


def identity_files(config: Configuration) -> enrolment.IdentityFiles:
    """Where the identity of the configuration lies."""
    identity = config.identity
    return enrolment.IdentityFiles(
        certificate=Path(identity.certificate),
        key=Path(identity.key),
        authority=Path(identity.authority),
    )


def renewal_of(
    config: Configuration, *, clock: Clock, notice: Callable[[str, str], None]
) -> Renewal | None:
    """What renews the certificate; None: it was not given by central, so nobody can be asked."""
    identity = config.identity
    if not (identity.certificate and identity.key and identity.authority):
        return None
    files = identity_files(config)
    return Renewal(files, clock=clock, notice=notice) if files.central.is_file() else None


def broker_of(config: Configuration) -> Broker | None:
    """Where central's broker is; None: the edge works alone."""
    if not config.broker:
        return None
    scheme, _, rest = config.broker.partition("://")
    host, _, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    if not host:
        host, port = rest, ""
    identity = config.identity
    tls = None
    if scheme == "mqtts":
        if not identity.certificate:
            raise ConfigurationError(
                file=config.file,
                key="identity",
                found=None,
                expected="certificate, key and authority for mqtts",
            )
        tls = Tls(
            ca=Path(identity.authority),
            certificate=Path(identity.certificate),
            key=Path(identity.key),
        )
    default = MQTTS_PORT if tls is not None else MQTT_PORT
    return Broker(
        host=host.strip("[]"),
        port=int(port or default),
        tls=tls,
        may_be_open=config.open_broker,
    )
