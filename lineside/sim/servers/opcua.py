"""A simulated OPC UA server of a line: real, encrypted, with the device's own timestamps.

It is asyncua's server, corrected where that departs from the standard: a full queue marks what it
lost, and the sampling interval that was asked for is the one that is granted.
"""
# pyright: basic
# (the library is partly untyped)

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

from asyncua import ua as typed_ua
from asyncua.common.callback import CallbackType
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.server import Server
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lineside.contracts.clock import Clock, Microseconds, SystemClock, to_datetime
from lineside.sim.servers.certificates import Identity, make_identity
from lineside.sim.servers.opcua_queues import MarkingSubscriptions

ua: Any = typed_ua  # its annotations do not fit its own use

SimValue = bool | int | float | str

_POLICIES = {
    "Basic256Sha256": "Basic256Sha256_SignAndEncrypt",
    "Aes128Sha256RsaOaep": "Aes128Sha256RsaOaep_SignAndEncrypt",
    "Aes256Sha256RsaPss": "Aes256Sha256RsaPss_SignAndEncrypt",
    "None": "NoSecurity",
}

MACHINE_VARIABLES: dict[str, tuple[str, SimValue]] = {
    "State": ("Int32", 4),  # PackML state number; 4 Idle, 6 Execute
    "Counter": ("UInt32", 0),
    "Scrap": ("UInt32", 0),
    "Sequence": ("UInt32", 0),  # part complete: rises by one a part
    "Ack": ("UInt32", 0),  # written by the client: the last sequence that it has stored
    "Good": ("Boolean", True),
    "Serial": ("String", ""),
    "Program": ("String", ""),
    "Tool": ("Int32", 0),
    "Alarm": ("String", ""),
}
"""Variables of every machine: type and value at the start."""

_WRITABLE = {"Ack"}


@dataclass(frozen=True, slots=True)
class _Variable:
    kind: str
    value: SimValue
    status: int
    source_at: Microseconds
    writable: bool


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Building the standard address space makes no garbage, but half its time went into looking."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Users:
    """Who may sign in; everybody where no users are given."""

    def __init__(self, users: Mapping[str, str] | None) -> None:
        self._users = users

    def get_user(
        self,
        _server: object,
        username: str | None = None,
        password: object = None,
        certificate: object = None,  # noqa: ARG002 - the library's signature
    ) -> User | None:
        """The library's question whether somebody may come in."""
        if self._users is None:
            return User(role=UserRole.User)
        given = password.decode() if isinstance(password, bytes) else password
        if username is None or self._users.get(username) != given:
            return None
        return User(role=UserRole.User, name=username)


class SimOpcUaServer:
    """A server with machines whose variables are set from outside.

    Args:
        port: 0 takes a free one, kept over restarts.
        namespace: URI of the machines' namespace.
        policies: Names as in a client's configuration, all with SignAndEncrypt; `None` is open.
        identity: Certificate and key; made when missing.
        clients: DER certificates that may connect; None: any.
        users: Name to password; None: anonymous sign-in.
        clock: Time for timestamps.
        host: Where to listen.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        namespace: str = "urn:lineside:sim:line",
        policies: Sequence[str] = ("Basic256Sha256",),
        identity: Identity | None = None,
        clients: Sequence[bytes] | None = None,
        users: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.namespace = namespace
        self.port = port
        self.identity = identity or make_identity(f"{namespace}:server", hosts=(host,))
        self.on_write: Callable[[str, SimValue], None] | None = None
        self._policies, self._users = tuple(policies), users
        self._clients = None if clients is None else frozenset(clients)
        self._clock = clock or SystemClock()
        self._host = host
        self._variables: dict[str, _Variable] = {}
        self._nodes: dict[str, Any] = {}
        self._names: dict[Any, str] = {}
        self._foreign: tuple[str, ...] = ()
        self._index = 0
        self._server: Server | None = None

    @property
    def endpoint(self) -> str:
        """Address for clients."""
        return f"opc.tcp://{self._host}:{self.port}"

    def node(self, name: str) -> str:
        """Node of a variable by namespace URI, as a client's configuration names it."""
        return f"nsu={self.namespace};s={name}"

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen, with all variables that were added so far.

        Raises:
            OSError: The port is taken.
        """
        server = Server(user_manager=_Users(self._users))  # pyright: ignore[reportArgumentType]
        internal = server.iserver
        internal.subscription_service = MarkingSubscriptions(internal.aspace, iserver=internal)
        internal.isession.subscription_service = internal.subscription_service
        with _no_garbage_collection():
            await server.init()
        server.set_server_name("Lineside simulator")
        await server.set_application_uri(self.identity.application_uri)
        server.set_endpoint(self.endpoint)
        server.set_security_policy(
            [getattr(ua.SecurityPolicyType, _POLICIES[name]) for name in self._policies]
        )
        tokens = [ua.AnonymousIdentityToken if self._users is None else ua.UserNameIdentityToken]
        server.set_identity_tokens(tokens)
        await server.load_certificate(self.identity.certificate, "der")
        await server.load_private_key(self.identity.private_key, format="pem")
        server.set_certificate_validator(self._check_client)
        for uri in self._foreign:
            await server.register_namespace(uri)
        self._index = await server.register_namespace(self.namespace)
        self._server = server
        self._nodes.clear()
        self._names.clear()
        for name in self._variables:
            await self._create(name)
        written: Any = CallbackType.PostWrite
        internal.callback_service.addListener(written, self._written)
        await server.start()
        assert server.bserver is not None
        self.port = server.bserver.port

    async def stop(self) -> None:
        """Stop; safe to call twice."""
        server, self._server = self._server, None
        if server is None:
            return
        internal = server.iserver
        if internal.time_task is not None:  # it would be waited for, up to a second
            internal.time_task.cancel()
            await asyncio.gather(internal.time_task, return_exceptions=True)
            internal.time_task = None
        await server.stop()

    async def restart(self, *, other_namespaces_first: Sequence[str] = ()) -> None:
        """Stop and start on the same port, as after a download.

        Args:
            other_namespaces_first: URIs that now come before the machines', whose index moves.
        """
        await self.stop()
        self._foreign = tuple(other_namespaces_first)
        await self.start()

    async def add_machine(
        self, name: str, *, parameters: Mapping[str, float] | None = None
    ) -> dict[str, str]:
        """Add a machine with `MACHINE_VARIABLES` and float parameters.

        Returns:
            Variable to node, as a client's configuration names it; parameters are called
            `Parameters.<name>`.
        """
        names: dict[str, str] = {}
        for variable, (kind, value) in MACHINE_VARIABLES.items():
            await self.add(f"{name}.{variable}", kind, value, writable=variable in _WRITABLE)
            names[variable] = self.node(f"{name}.{variable}")
        for parameter, value in (parameters or {}).items():
            await self.add(f"{name}.Parameters.{parameter}", "Double", float(value))
            names[f"Parameters.{parameter}"] = self.node(f"{name}.Parameters.{parameter}")
        return names

    async def add(self, name: str, kind: str, value: SimValue, *, writable: bool = False) -> str:
        """Add one variable.

        Args:
            name: Text of its node id; dots make folders.
            kind: OPC UA built-in type: `Int32`, `UInt32`, `Boolean`, `Float`, `Double`, `String`.
            value: At the start.
            writable: Clients may write it.

        Returns:
            Its node, as a client's configuration names it.
        """
        now = self._clock.now()
        self._variables[name] = _Variable(kind, value, 0, now, writable)
        if self._server is not None:
            await self._create(name)
        return self.node(name)

    async def set(
        self,
        name: str,
        value: SimValue,
        *,
        source_at: Microseconds | None = None,
        status: int = 0,
    ) -> None:
        """Set one variable.

        Args:
            name: As added.
            value: New value.
            source_at: The device's timestamp, microseconds UTC; now when missing.
            status: Status code; with a bad one clients see no value.
        """
        at = self._clock.now() if source_at is None else source_at
        variable = replace(self._variables[name], value=value, status=status, source_at=at)
        self._variables[name] = variable
        if self._server is not None:
            await self._server.write_attribute_value(
                self._nodes[name].nodeid, self._data_value(variable)
            )

    def value(self, name: str) -> SimValue:
        """What a variable shows now, writes of clients included."""
        return self._variables[name].value

    async def set_server_state(self, state: int) -> None:
        """Let the server say that it is in another state (0 Running, 1 Failed, 3 Suspended)."""
        assert self._server is not None
        node = self._server.get_node(ua.ObjectIds.Server_ServerStatus_State)
        await node.write_value(state, ua.VariantType.Int32)

    def drop_connections(self) -> int:
        """Cut all connections without a word, as a pulled cable does; sessions stay.

        Returns:
            How many were cut.
        """
        assert self._server is not None
        assert self._server.bserver is not None
        clients = list(self._server.bserver.clients)
        for client in clients:
            if client.transport is not None:
                client.transport.abort()
        return len(clients)

    def session_count(self) -> int:
        """Sessions that the server keeps, lost connections included."""
        assert self._server is not None
        return len(self._server.iserver._external_sessions)  # noqa: SLF001 - no public way

    async def _create(self, name: str) -> None:
        assert self._server is not None
        variable = self._variables[name]
        parent = self._server.nodes.objects
        *folders, last = name.split(".")
        for depth in range(len(folders)):
            path = ".".join(folders[: depth + 1])
            if path not in self._nodes:
                self._nodes[path] = await parent.add_object(
                    ua.NodeId(path, self._index), ua.QualifiedName(folders[depth], self._index)
                )
            parent = self._nodes[path]
        kind = getattr(ua.VariantType, variable.kind)
        node = await parent.add_variable(
            ua.NodeId(name, self._index),
            ua.QualifiedName(last, self._index),
            ua.Variant(variable.value, kind),
        )
        if variable.writable:
            await node.set_writable()
        self._nodes[name], self._names[node.nodeid] = node, name
        await self._server.write_attribute_value(node.nodeid, self._data_value(variable))

    def _data_value(self, variable: _Variable) -> Any:  # noqa: ANN401
        return ua.DataValue(
            ua.Variant(variable.value, getattr(ua.VariantType, variable.kind)),
            StatusCode=ua.StatusCode(variable.status),
            SourceTimestamp=to_datetime(variable.source_at),
            ServerTimestamp=to_datetime(self._clock.now()),
        )

    def _written(self, event: Any, _dispatcher: object = None) -> None:  # noqa: ANN401
        """Take over what a client has written."""
        if not event.is_external:
            return
        for write, status in zip(
            event.request_params.NodesToWrite, event.response_params, strict=True
        ):
            name = self._names.get(write.NodeId)
            if name is None or not status.is_good():
                continue
            value = write.Value.Value.Value
            self._variables[name] = replace(
                self._variables[name], value=value, status=0, source_at=self._clock.now()
            )
            if self.on_write is not None:
                self.on_write(name, value)

    async def _check_client(self, certificate: x509.Certificate, application: Any) -> None:  # noqa: ANN401
        """Refuse clients that are not on the list, or not who their certificate says."""
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        if application.ApplicationUri not in names.value.get_values_for_type(
            x509.UniformResourceIdentifier
        ):
            raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)
        der = certificate.public_bytes(serialization.Encoding.DER)
        if self._clients is not None and der not in self._clients:
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
