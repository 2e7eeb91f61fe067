"""Settings of one OPC UA server, checked word by word before anything is opened."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

from lineside.contracts.errors import ConfigurationError
from lineside.drivers.opcua import nodeids
from lineside.drivers.opcua.nodeids import NodeAddress

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss", "None")
MODES = ("SignAndEncrypt", "Sign", "None")
TYPES = ("", "bool", "int", "float", "text")
DISCARDS = ("oldest", "newest")

_SIGNALS_MAX = 20_000
_QUEUE_MAX = 100_000
_QUEUE_SAFETY = 2  # a queue holds this many times what one publishing interval can sample
_GRACE = 10
_TRIGGER_QUEUE = 100
_SIGNAL_QUEUE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettings:
    """One variable to read.

    Attributes:
        name: Unique within the device.
        node: Its address by namespace URI.
        trigger: Every single change matters (part complete); its queue must hold more than one.
        writable: Lineside may write it (a handshake acknowledgement).
        type: What the value must be: `bool`, `int`, `float`, `text`; empty: whatever it is.
        sampling_ms: How often the server looks at the value; 0: as fast as it can.
        queue_size: Values that the server keeps between two publishes.
        discard: Which value a full queue gives up: `oldest` or `newest`.
        deadband: Smallest absolute change reported, in the value's own unit; None: every change.
        deadband_percent: Smallest change in percent of the server's EURange; None: every change.
    """

    name: str
    node: NodeAddress
    trigger: bool = False
    writable: bool = False
    type: str = ""
    sampling_ms: float = 100.0
    queue_size: int = _SIGNAL_QUEUE
    discard: str = "oldest"
    deadband: float | None = None
    deadband_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpcUaSettings:
    """One OPC UA server and what to read there.

    Attributes:
        endpoint: `opc.tcp://host:port/path`; host and port are used as they stand here, whatever
            the server says about itself.
        security_policy: One of `POLICIES`; never replaced by a weaker one.
        security_mode: One of `MODES`.
        application_uri: Our own name; stands in our certificate too.
        certificate, private_key: Our application certificate and its key; made when both are
            missing.
        trust_list: Folder with `trusted/` and `rejected/` server certificates.
        user, password: Sign-in; anonymous when `user` is empty.
        session_name: What the server's diagnostics show.
        timeout_s: Longest wait for one answer.
        session_timeout_s: How long the server keeps our session after the connection is lost.
        channel_lifetime_s: How long the keys of the channel are used.
        lifetime_s: How long the server keeps our subscription after the connection is lost.
        keep_alive_s: The server speaks at least this often, even when nothing changed.
        publishing_ms: How often the server sends collected changes.
        publish_requests: Publishes under way or waiting for the consumer; more are not asked for.
        notifications_max: Most values in one publish.
        health_every_s: How often server state, start time and namespaces are looked at.
        audit_every_s: How often all values are read back and compared; 0: never.
        retry_signals_s: How often signals that the server refused are tried again.
        signals: What to read.
    """

    endpoint: str
    security_policy: str = "Basic256Sha256"
    security_mode: str = "SignAndEncrypt"
    application_uri: str = "urn:lineside:edge"
    certificate: Path = Path()
    private_key: Path = Path()
    trust_list: Path = Path()
    user: str = ""
    password: str = field(default="", repr=False)
    session_name: str = "lineside-edge"
    timeout_s: float = 5.0
    session_timeout_s: float = 600.0
    lifetime_s: float = 600.0
    channel_lifetime_s: float = 3600.0
    keep_alive_s: float = 5.0
    publishing_ms: float = 250.0
    publish_requests: int = 3
    notifications_max: int = 5000
    health_every_s: float = 5.0
    audit_every_s: float = 60.0
    retry_signals_s: float = 300.0
    signals: tuple[SignalSettings, ...] = ()

    @property
    def encrypted(self) -> bool:
        """Whether the channel is at least signed."""
        return self.security_policy != "None"

    @property
    def host(self) -> str:
        """Host of the endpoint."""
        return urlparse(self.endpoint).hostname or ""


class _Table:
    """One table of a configuration file that remembers which keys were understood."""

    def __init__(self, values: Mapping[str, Any], *, file: str, where: str) -> None:
        self._values, self._file, self._where = values, file, where
        self._known: list[str] = []

    def error(self, key: str, expected: str) -> ConfigurationError:
        return ConfigurationError(
            file=self._file,
            key=f"{self._where}{key}",
            found=self._values.get(key),
            expected=expected,
        )

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - checked by the callers
        self._known.append(key)
        return self._values.get(key, default)

    def text(self, key: str, default: str | None = None, *, length_max: int = 4096) -> str:
        value = self.get(key, default)
        if not isinstance(value, str) or len(value) > length_max or (default is None and not value):
            raise self.error(key, "text" if default is not None else "text, not empty")
        return value

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.get(key, default)
        if value not in choices:
            raise self.error(key, "one of " + ", ".join(choice or '""' for choice in choices))
        return value

    def flag(self, key: str) -> bool:
        value = self.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "true or false")
        return value

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        value = self.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not (math.isfinite(value) and least <= value <= most)
        ):
            raise self.error(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.error(key, f"a whole number from {least} to {most}")
        return value

    def finish(self) -> None:
        for key in self._values:
            if key not in self._known:
                raise self.error(key, f"no such key (known: {', '.join(sorted(self._known))})")


def parse(settings: Mapping[str, Any], *, file: str) -> OpcUaSettings:
    """Check a device's table.

    Args:
        settings: The table as TOML gave it.
        file: Name of the configuration file; paths in it are relative to its folder.

    Raises:
        ConfigurationError: A key or value is wrong; names file, key and what was expected.
    """
    table = _Table(settings, file=file, where="")
    policy, mode = _security(table)
    folder = Path(file).parent
    publishing_ms = table.number("publishing_ms", 250.0, least=10, most=60_000)
    sampling_ms = table.number("sampling_ms", 100.0, least=0, most=3_600_000)
    keep_alive_s = table.number("keep_alive_s", 5.0, least=0.1, most=300)
    if keep_alive_s * 1000 < publishing_ms:
        raise table.error("keep_alive_s", "at least publishing_ms")
    lifetime_s = table.number("lifetime_s", 600.0, least=1, most=86_400)
    if lifetime_s < 3 * keep_alive_s:
        raise table.error("lifetime_s", "at least three times keep_alive_s")
    channel_lifetime_s = table.number("channel_lifetime_s", 3600.0, least=1, most=86_400)
    if channel_lifetime_s < _GRACE * keep_alive_s:
        # Some servers answer a parked request with the keys that it was sent with; those live on
        # for a quarter of their time after the renewal.
        raise table.error("channel_lifetime_s", f"at least {_GRACE} times keep_alive_s")
    parsed = OpcUaSettings(
        endpoint=_endpoint(table),
        security_policy=policy,
        security_mode=mode,
        application_uri=table.text("application_uri", "urn:lineside:edge", length_max=200),
        certificate=folder / table.text("certificate", "pki/own/certificate.der"),
        private_key=folder / table.text("private_key", "pki/own/private-key.pem"),
        trust_list=folder / table.text("trust_list", "pki/opcua"),
        user=table.text("user", ""),
        password=_password(table, folder),
        session_name=table.text("session_name", "lineside-edge", length_max=64),
        timeout_s=table.number("timeout_s", 5.0, least=0.2, most=120),
        session_timeout_s=table.number("session_timeout_s", 600.0, least=10, most=86_400),
        lifetime_s=lifetime_s,
        channel_lifetime_s=channel_lifetime_s,
        keep_alive_s=keep_alive_s,
        publishing_ms=publishing_ms,
        publish_requests=table.whole("publish_requests", 3, least=2, most=20),
        notifications_max=table.whole("notifications_max", 5000, least=1, most=100_000),
        health_every_s=table.number("health_every_s", 5.0, least=0.1, most=300),
        audit_every_s=table.number("audit_every_s", 60.0, least=0, most=3600),
        retry_signals_s=table.number("retry_signals_s", 300.0, least=0.1, most=86_400),
        signals=_signals(table, file, publishing_ms, sampling_ms),
    )
    table.finish()
    if parsed.password and not parsed.user:
        raise table.error("user", "a user for the password")
    return parsed


def _endpoint(table: _Table) -> str:
    endpoint = table.text("endpoint")
    expected = "an address like opc.tcp://192.168.0.10:4840, without user or password"
    try:
        url = urlparse(endpoint)
        usable = url.scheme == "opc.tcp" and url.hostname and url.port and url.username is None
    except ValueError as error:
        raise table.error("endpoint", expected) from error
    if not usable:
        raise table.error("endpoint", expected)
    return endpoint


def _security(table: _Table) -> tuple[str, str]:
    policy = table.choice("security_policy", "Basic256Sha256", POLICIES)
    mode = table.choice("security_mode", "None" if policy == "None" else "SignAndEncrypt", MODES)
    insecure = table.flag("insecure")
    if (policy == "None") != (mode == "None"):
        raise table.error("security_mode", "None exactly where security_policy is None")
    if policy == "None" and not insecure:
        raise table.error(
            "security_policy",
            f"one of {', '.join(POLICIES[:3])}; None, which anybody on the network can read and"
            " forge, only together with insecure = true",
        )
    if insecure and policy != "None":
        raise table.error("insecure", "false, or no such key, where security_policy is not None")
    return policy, mode


def _password(table: _Table, folder: Path) -> str:
    password = table.text("password", "")
    name = table.text("password_file", "")
    if password and name:
        raise table.error("password_file", "either password or password_file")
    if not name:
        return password
    try:
        return (folder / name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise table.error("password_file", f"a readable text file ({error})") from error


def _signals(
    table: _Table, file: str, publishing_ms: float, sampling_ms: float
) -> tuple[SignalSettings, ...]:
    found: object = table.get("signals", [])
    if not isinstance(found, list) or not 0 < len(cast("list[object]", found)) <= _SIGNALS_MAX:
        raise table.error("signals", f"1 to {_SIGNALS_MAX} tables [[signals]]")
    signals: list[SignalSettings] = []
    names: set[str] = set()
    for number, values in enumerate(cast("list[object]", found), start=1):
        if not isinstance(values, dict):
            raise table.error("signals", "tables [[signals]]")
        row = _Table(cast("dict[str, Any]", values), file=file, where=f"signals[{number}].")
        signal = _signal(row, publishing_ms, sampling_ms)
        if signal.name in names:
            raise row.error("name", "a name that no other signal of this device has")
        names.add(signal.name)
        signals.append(signal)
    return tuple(signals)


def _signal(row: _Table, publishing_ms: float, sampling_default_ms: float) -> SignalSettings:
    name = row.text("name", length_max=128)
    try:
        node = nodeids.parse(row.text("node"))
    except ValueError as error:
        raise row.error("node", str(error)) from error
    trigger = row.flag("trigger")
    sampling_ms = row.number("sampling_ms", sampling_default_ms, least=0, most=3_600_000)
    signal = SignalSettings(
        name=name,
        node=node,
        trigger=trigger,
        writable=row.flag("writable"),
        type=row.choice("type", "", TYPES),
        sampling_ms=sampling_ms,
        queue_size=_queue_size(row, trigger, publishing_ms, sampling_ms),
        discard=row.choice("discard", "oldest", DISCARDS),
        deadband=_deadband(row, "deadband", math.inf),
        deadband_percent=_deadband(row, "deadband_percent", 100),
    )
    if signal.deadband is not None and signal.deadband_percent is not None:
        raise row.error("deadband_percent", "either deadband or deadband_percent")
    if trigger and (signal.deadband is not None or signal.deadband_percent is not None):
        raise row.error("trigger", "no trigger where there is a deadband: it swallows changes")
    row.finish()
    return signal


def _deadband(row: _Table, key: str, most: float) -> float | None:
    return None if row.get(key) is None else row.number(key, 0, least=0, most=most)


def _queue_size(row: _Table, trigger: bool, publishing_ms: float, sampling_ms: float) -> int:
    sampled = math.ceil(publishing_ms / sampling_ms) if sampling_ms else 1
    least = _QUEUE_SAFETY * sampled if sampled > 1 else 1
    default = max(_TRIGGER_QUEUE if trigger else _SIGNAL_QUEUE, least)
    size = row.whole("queue_size", min(default, _QUEUE_MAX), least=1, most=_QUEUE_MAX)
    if trigger and size == 1:
        raise row.error(
            "queue_size", "more than 1 for a trigger: a queue of 1 loses parts silently"
        )
    if 1 < size < least:
        raise row.error(
            "queue_size",
            f"1 (only the newest value counts) or at least {least}: between two publishes"
            f" {sampled} values are sampled",
        )
    return size
