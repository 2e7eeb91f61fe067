# pyright: basic
"""The wire: paho-mqtt in a thread of its own. It stores nothing and decides nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from paho.mqtt.client import Client, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, Clock
from lineside.contracts.envelope import MESSAGE_BYTES_MAX
from lineside.edge_agent.sync.backoff import STABLE_S, Backoff

KEEPALIVE_S = 20
IN_FLIGHT_MAX = 8
QUEUED_MAX = 16
REFUSED_FROM = 0x80  # MQTT 5 reason codes from here on are failures
ENDED_ENOUGH = 2

log = structlog.get_logger("edge.mqtt")


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a mutual TLS connection: the private CA, and this side's certificate and key."""

    ca: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """A client context that trusts this CA alone, from TLS 1.2 on."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(self.certificate), str(self.key))
        return context


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is; without TLS only on this computer.

    Attributes:
        may_be_open: Facts are sent even through a broker that lets this edge read or write topics
            of others. Without TLS nobody can prove who he is, so that such a broker always does.
    """

    host: str
    port: int
    tls: Tls | None = None
    may_be_open: bool = False

    @property
    def must_guard(self) -> bool:
        """Whether nothing is sent through it before it has refused a foreign topic."""
        return self.tls is not None and not self.may_be_open


class MqttLink:
    """Keeps one connection up. The callbacks are called from its thread.

    Args:
        edge: Client id.
        broker: Where to connect.
        clock: Tells a stable connection from a flapping one.
        on_connected: Subscribed; the session may begin.
        on_disconnected: With the reason.
        on_message: Topic and payload.
        on_refused: The broker has refused a connection, a subscription or a message, with what and
            why; central will never see it.
        on_open: The broker lets this edge do what only others may, with what. Where it must guard
            its topics, the connection is given up, and tried anew later.

    On each connection the broker has to prove its access list: it must refuse a message on a
    foreign topic (MQTT 5 says so in its answer), and must refuse a foreign subscription or deliver
    nothing to it. Mosquitto takes every subscription; so this edge also subscribes to its own
    hellos, which it may write and not read, and listens whether one comes back.
    """

    def __init__(
        self,
        edge: str,
        broker: Broker,
        *,
        clock: Clock,
        on_connected: Callable[[], None],
        on_disconnected: Callable[[str], None],
        on_message: Callable[[str, bytes], None],
        on_refused: Callable[[str], None] = lambda _: None,
        on_open: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._edge, self._broker, self._clock = edge, broker, clock
        self._on_connected, self._on_disconnected = on_connected, on_disconnected
        self._on_message, self._on_refused = on_message, on_refused
        self._on_open = on_open
        self._heard_here = frozenset(topics.down(edge, channel) for channel in topics.DOWN)
        self._tried: int | None = None
        self._ended, self._found_open = 0, False
        self._backoff = Backoff()
        self._stopping = threading.Event()
        self._lost = threading.Event()
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run, name=f"mqtt {edge}", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread. Safe to call twice."""
        self._stopping.set()
        self._lost.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        """Hand a message to the wire; False: it did not take it, and will not try again."""
        client = self._client
        if client is None:
            return False
        code = client.publish(topic, payload, qos=qos).rc
        if code not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            log.warning("mqtt_not_taken", topic=topic, code=int(code))
        return code == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._lost.clear()
            if self._stopping.is_set():  # set before `_lost`, so neither is missed
                return
            client = self._client = self._new_client()
            self._tried, self._found_open = None, False
            began = self._clock.monotonic()
            self._why = why = ""
            try:
                client.connect(
                    self._broker.host,
                    self._broker.port,
                    keepalive=KEEPALIVE_S,
                    clean_start=True,
                    properties=_session(),
                )
                # Its own loop thread, started this way: else paho writes from every publishing
                # thread, which breaks a TLS connection.
                client.loop_start()
                self._lost.wait()
                client.disconnect()
            except (OSError, ValueError) as problem:  # refused, unknown host, TLS, timeout
                why = str(problem)
            client.loop_stop()
            if self._clock.monotonic() - began > STABLE_S * US_PER_SECOND:
                self._backoff.reset()
            self._client = None
            self._on_disconnected(why or self._why or "connection lost")
            self._stopping.wait(self._backoff.next_s())

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._edge,
            protocol=MQTTProtocolVersion.MQTTv5,  # its refusals have reasons
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        client.max_queued_messages_set(QUEUED_MAX)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls.context())
        client.on_socket_open = _without_delay
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        client.on_publish = self._published
        return client

    def _connected(
        self, client: Client, _: object, __: object, reason: ReasonCode, ___: object
    ) -> None:
        if reason.is_failure:
            log.warning("mqtt_refused", reason=str(reason))
            self._on_refused(f"the connection: {reason}")
            client.disconnect()
            return
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in sorted(self._heard_here)])

    def _disconnected(
        self, _: Client, __: object, flags: DisconnectFlags, reason: ReasonCode, ___: object
    ) -> None:
        if self._tried is not None and flags.is_disconnect_packet_from_server:
            # A refusal as well. paho does not tell the reason of a short packet, so that once may
            # be a broker that is stopped; from the second time on it is not provoked any more.
            self._ended += 1
        self._why = str(reason)
        self._lost.set()

    def _subscribed(
        self, client: Client, _: object, __: int, reasons: list[ReasonCode], ___: object
    ) -> None:
        if len(reasons) != len(self._heard_here):
            return  # the subscriptions that should be refused; what they deliver is what counts
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            log.warning("mqtt_subscription_refused", reasons=refused)
            self._on_refused(f"the subscription: {refused[0]}")
            client.disconnect()
            return
        if self._ended >= ENDED_ENOUGH:
            self._on_connected()
            return
        foreign = topics.foreign(self._edge)
        client.subscribe(
            [
                (topics.down(foreign, "ack"), SubscribeOptions(qos=1)),
                (topics.up(self._edge, "hello"), SubscribeOptions(qos=0)),
            ]
        )
        self._tried = client.publish(topics.probe(foreign), b"", qos=1).mid

    def _message(self, client: Client, _: object, message: MQTTMessage) -> None:
        if message.topic in self._heard_here:
            self._on_message(message.topic, bytes(message.payload))
        else:
            self._open(client, f"read {message.topic}")

    def _published(
        self, client: Client, _: object, mid: int, reason: ReasonCode, ___: object
    ) -> None:
        refused = reason.value >= REFUSED_FROM
        if mid == self._tried:
            self._tried, self._ended = None, 0
            if refused or self._open(client, f"write {topics.probe(topics.foreign(self._edge))}"):
                self._on_connected()
        elif refused:
            # It was taken from us and goes nowhere: no acknowledgement of central will come.
            log.error("mqtt_publish_refused", reason=str(reason))
            self._on_refused(f"a message: {reason}")

    def _open(self, client: Client, what: str) -> bool:
        """The broker lets this edge do what it must not. Whether it is used all the same."""
        must_guard = self._broker.must_guard
        if not self._found_open:
            self._found_open = True  # said once a connection: hellos come back every 30 s
            log.warning("mqtt_broker_open", lets=what, used=not must_guard)
            self._on_open(what)
        if must_guard:
            client.disconnect()
        return not must_guard


def _without_delay(_: Client, __: object, opened: Any) -> None:  # noqa: ANN401 - a socket, or one in TLS
    """Small packets leave at once; waiting for more costs 40 ms an acknowledgement."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _session() -> Properties:
    """Nothing of this session outlives it: the broker is a wire."""
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    properties.MaximumPacketSize = MESSAGE_BYTES_MAX + 64 * 1024
    return properties
