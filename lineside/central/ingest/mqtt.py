# pyright: basic
"""The wire at central: paho in its thread, and one worker that takes what arrived."""

from __future__ import annotations

import random
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from lineside.central.ingest.doors import Doors, credit
from lineside.central.ingest.inbound import Inbound, Outgoing
from lineside.contracts import topics
from lineside.contracts.envelope import MESSAGE_BYTES_MAX

TOPICS = "v1/+/up/#"
INBOX_MESSAGES_MAX = 2_000
INBOX_BYTES_MAX = 128 * 1024 * 1024
TAKE_MESSAGES_MAX = 64
TAKE_BYTES_MAX = 4 * 1024 * 1024
IDLE_S = 0.5
ATTEMPTS = 3
LIVE_MAX, LIVE_BYTES_MAX = 2_000, 64 * 1024
RETRY_CAP_S = 30.0
KEEPALIVE_S = 20

log = structlog.get_logger("central.ingest")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to sign in; the files are PEM, all three or none."""

    host: str
    port: int
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    user: str = ""
    password_file: str = ""


class IngestService:
    """Takes messages from the broker into the database and sends the answers.

    Args:
        inbound: What is done with a message.
        broker: Where to connect.
        client_id: Unique among central's processes.
        outgoing: Asked after each transaction, and twice a second, for what else is to be sent.
        on_stored: Called after each transaction that took messages; wakes the readers.
    """

    def __init__(
        self,
        inbound: Inbound,
        broker: BrokerAddress,
        *,
        client_id: str = "lineside-central",
        outgoing: Callable[[], Sequence[Outgoing]] | None = None,
        on_stored: Callable[[], None] | None = None,
    ) -> None:
        self._inbound, self._broker, self._client_id = inbound, broker, client_id
        self._outgoing, self._on_stored = outgoing, on_stored
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._inbox_bytes = 0
        self._live: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._lost = threading.Event()
        self._client: Client | None = None
        self.dropped = 0
        self._announced = False
        self._woken = False
        self._doors = Doors()
        self.connected = threading.Event()
        self._wire = threading.Thread(target=self._keep_connected, name="ingest wire", daemon=True)
        self._worker = threading.Thread(target=self._work, name="ingest worker", daemon=True)

    def start(self) -> None:
        """Begin to connect and to take messages."""
        self._wire.start()
        self._worker.start()

    def stop(self) -> None:
        """Finish the running transaction and disconnect. Safe to call twice."""
        self._stopping.set()
        self.wake()
        self._lost.set()
        for thread in (self._worker, self._wire):
            if thread.is_alive():
                thread.join(timeout=15)
        try:
            self._inbound.release()
        except (SQLAlchemyError, psycopg.Error) as problem:
            log.warning("leases_not_given_back", why=str(problem)[:300])  # they run out

    def wake(self) -> None:
        """Something is to be sent; callable from any thread."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    # --- the worker ---

    def _work(self) -> None:
        while not self._stopping.is_set():
            if self.connected.is_set() and not self._announced and self._doors.open:
                self._announced = self._send_what_else(self._inbound.announce)
            messages = self._next()
            if messages:
                self._answer(self._receive(messages))
                if self._on_stored is not None:
                    self._on_stored()
            if self._outgoing is not None and self._doors.open:
                self._send_what_else(self._outgoing)

    def _send_what_else(self, outgoing: Callable[[], Sequence[Outgoing]]) -> bool:
        try:
            self._answer(outgoing())
        except (SQLAlchemyError, psycopg.Error) as problem:
            log.warning("downlink_waits", why=str(problem)[:300])
            return False
        return True

    def _next(self) -> list[tuple[str, bytes]]:
        with self._changed:
            self._changed.wait_for(lambda: self._inbox or self._live or self._woken, IDLE_S)
            self._woken = False
            # Newest states first: they are small, and old by the time a backlog is through.
            taken = list(self._live.items())
            self._live.clear()
            size = 0
            while self._inbox and len(taken) < TAKE_MESSAGES_MAX and size < TAKE_BYTES_MAX:
                message = self._inbox.popleft()
                size += len(message[1])
                taken.append(message)
            self._inbox_bytes -= size
            return taken

    def _receive(self, messages: Sequence[tuple[str, bytes]]) -> list[Outgoing]:
        """Take messages; while the database cannot, their senders are asked to wait."""
        for attempt in range(ATTEMPTS):
            self._inbound.credit = credit(len(self._inbox) / INBOX_MESSAGES_MAX)
            try:
                answers = self._inbound.receive(messages)
            except (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError):
                if len(messages) > 1:  # find the one, so that the others need not wait for it
                    return [answer for message in messages for answer in self._receive([message])]
                log.exception("message_not_storable", topic=messages[0][0])
                return []
            except (SQLAlchemyError, psycopg.Error) as problem:
                log.warning("ingest_waits", why=str(problem)[:300], attempt=attempt + 1)
                # A deadlock or a failed-over server is over at once; a full disk is not.
                self._stopping.wait(random.uniform(0, 0.3))  # noqa: S311
            else:
                self._doors.opened()
                return answers
        return self._turn_away(messages)

    def _turn_away(self, messages: Sequence[tuple[str, bytes]]) -> list[Outgoing]:
        """Keep nothing that cannot be stored soon: its senders have it, and send it again."""
        retry_after_s = self._doors.close()
        self._announced = False  # as soon as the database answers, edges hear of it
        with self._changed:
            waiting = [*messages, *self._inbox]
            self._inbox.clear()
            self._inbox_bytes = 0
        return self._inbound.busy([topic for topic, _ in waiting], retry_after_s)

    def _answer(self, outgoing: Sequence[Outgoing]) -> None:
        client = self._client
        if client is None:
            return  # said again after the edge's next hello
        for topic, payload in outgoing:
            client.publish(topic, payload, qos=1)

    # --- the wire ---

    def _keep_connected(self) -> None:
        pause_s = 0.2
        while not self._stopping.is_set():
            self._lost.clear()
            if self._stopping.is_set():  # set before `_lost`, so neither is missed
                return
            try:
                client = self._client = self._new_client()
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
                why = "connection lost"
            except (OSError, ValueError) as problem:
                why = str(problem)
            client = self._client
            if client is not None:
                client.loop_stop()
            if self.connected.is_set():
                pause_s = 0.2
            self.connected.clear()
            self._client = None
            if not self._stopping.is_set():
                log.warning("broker_lost", why=why)
                self._stopping.wait(random.uniform(pause_s / 2, pause_s))  # noqa: S311
                pause_s = min(RETRY_CAP_S, pause_s * 2)

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(200)
        client.max_queued_messages_set(10_000)
        if self._broker.ca_file:
            client.tls_set_context(_tls(self._broker))
        if self._broker.user:
            password = Path(self._broker.password_file).read_text(encoding="utf-8").strip()
            client.username_pw_set(self._broker.user, password)
        client.on_socket_open = _without_delay
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        return client

    def _connected(
        self, client: Client, _: object, __: object, reason: ReasonCode, ___: object
    ) -> None:
        if reason.is_failure:
            log.error("broker_refused", reason=str(reason))
            client.disconnect()
            return
        client.subscribe(TOPICS, options=SubscribeOptions(qos=1))

    def _disconnected(
        self, _: Client, __: object, ___: object, ____: ReasonCode, _____: object
    ) -> None:
        self._lost.set()

    def _subscribed(
        self, client: Client, _: object, __: int, reasons: list[ReasonCode], ___: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("broker_refused_subscription", reasons=[str(reason) for reason in reasons])
            client.disconnect()
            return
        self._announced = False
        self.connected.set()
        self.wake()

    def _message(self, _: Client, __: object, message: MQTTMessage) -> None:
        if message.retain:
            log.warning("retained_message_ignored", topic=message.topic[:200])
            return
        if topics.is_probe(message.topic):
            return  # an edge has found out that the broker lets it write what it must not
        payload = bytes(message.payload)
        if message.topic.endswith("/live"):
            self._keep_live(message.topic, payload)
            return
        with self._changed:
            full = (
                not self._doors.open
                or len(self._inbox) >= INBOX_MESSAGES_MAX
                or self._inbox_bytes + len(payload) > INBOX_BYTES_MAX
            )
            if full:  # not acknowledged by us, so its sender sends it again
                self.dropped += 1
            else:
                self._inbox.append((message.topic, payload))
                self._inbox_bytes += len(payload)
            self._changed.notify_all()
        if full and self._doors.may_say_busy(message.topic):
            log.warning("ingest_turns_away", topic=message.topic[:200], dropped=self.dropped)
            self._answer(self._inbound.busy([message.topic], self._doors.retry_after_s))

    def _keep_live(self, topic: str, payload: bytes) -> None:
        """Of each edge the newest alone; what finds no room is lost, as such states may be."""
        with self._changed:
            if topic in self._live or len(self._live) < LIVE_MAX:
                self._live[topic] = payload[:LIVE_BYTES_MAX]
            self._changed.notify_all()


def _tls(broker: BrokerAddress) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=broker.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.certificate_file:
        context.load_cert_chain(broker.certificate_file, broker.key_file)
    return context


def _without_delay(_: Client, __: object, opened: Any) -> None:  # noqa: ANN401 - a socket, or one in TLS
    """Small packets leave at once; waiting for more costs 40 ms an acknowledgement."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    properties.MaximumPacketSize = MESSAGE_BYTES_MAX + 64 * 1024
    return properties
