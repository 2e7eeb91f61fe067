"""The services of a session that the driver needs, each with a deadline and in our types."""
# pyright: basic
# (the library is partly untyped)

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua as typed_ua
from asyncua.common.ua_utils import data_type_to_variant_type
from asyncua.ua.ua_binary import struct_from_binary

from lineside.contracts.errors import DriverUnavailableError, InvalidMessageError
from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.channel import Channel
from lineside.drivers.opcua.config import OpcUaSettings, SignalSettings
from lineside.drivers.opcua.decoding import Notification, RawValue
from lineside.drivers.opcua.faults import (
    FAILURES,
    ServiceFaultError,
    deadline,
    status_name,
    translate,
)
from lineside.drivers.opcua.nodeids import NodeAddress

ua: Any = typed_ua  # its annotations do not fit its own use

NODE_CLASS, VALUE, DATA_TYPE, VALUE_RANK, USER_ACCESS_LEVEL = 2, 13, 14, 15, 18
"""Attribute numbers (Part 6, table A.1)."""

SERVER_STATE = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)
SERVER_START = ua.NodeId(ua.ObjectIds.Server_ServerStatus_StartTime)
NAMESPACE_ARRAY = ua.NodeId(ua.ObjectIds.Server_NamespaceArray)
_LIMIT_READ = ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)
_LIMIT_ITEMS = ua.NodeId(
    ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall
)
_BATCH_DEFAULT = 1000
_PRIORITY = 0
_LOST = "connection lost"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What the health check looks at.

    Attributes:
        state: 0 Running; see Part 5, ServerState.
        started_at: When the server started, microseconds UTC; None where it does not say.
        namespaces: Namespace URIs by index.
    """

    state: int
    started_at: int | None
    namespaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RevisedItem:
    """The server's answer to one monitored item.

    Attributes:
        status: Status code.
        item: The server's number of it.
        sampling_ms, queue_size: What the server really does.
    """

    status: int
    item: int
    sampling_ms: float
    queue_size: int


@dataclass(frozen=True, slots=True)
class RevisedSubscription:
    """The server's answer to a subscription.

    Attributes:
        id: The server's number of it.
        publishing_ms: What the server really does.
        lifetime_s: How long it lives without Publish requests.
        keep_alive_s: It speaks at least this often.
    """

    id: int
    publishing_ms: float
    lifetime_s: float
    keep_alive_s: float


class Services:
    """Requests on an open channel.

    Every method raises `DriverUnavailableError` when the server does not answer or its answer
    cannot be read, `DriverTrustError` when it refuses us.
    """

    def __init__(self, channel: Channel, settings: OpcUaSettings) -> None:
        self._channel, self._settings = channel, settings
        self._read_batch = self._item_batch = _BATCH_DEFAULT

    async def _call(self, request: Any, doing: str) -> bytes:  # noqa: ANN401 - untyped library
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                data = bytes(await self._send(request, self._settings.timeout_s))
            if fault := decoding.fault(data):
                raise ServiceFaultError(fault)
        except FAILURES as error:
            raise translate(error, doing) from error
        return data

    def _send(self, request: Any, hint_s: float) -> asyncio.Future[Any]:  # noqa: ANN401
        """Send a request; a plain future, because the library's own wait turns timeouts around."""
        protocol = self._channel.client.uaclient.protocol
        if protocol is None:
            raise ConnectionError(_LOST)
        return protocol._send_request(request, hint_s)  # noqa: SLF001

    async def _answer(self, kind: type[Any], request: Any, doing: str) -> Any:  # noqa: ANN401
        data = await self._call(request, doing)
        try:
            response = struct_from_binary(kind, ua.utils.Buffer(data))
            response.ResponseHeader.ServiceResult.check()
        except FAILURES as error:
            raise translate(error, doing) from error
        return response

    async def read(
        self, wanted: Sequence[tuple[Any, int]], *, timestamps: bool = False
    ) -> list[RawValue]:
        """Read attributes, in as many requests as the server's limit asks for.

        Args:
            wanted: Node id and attribute number.
            timestamps: Whether source and server times are wanted.
        """
        values: list[RawValue] = []
        for start in range(0, len(wanted), self._read_batch):
            part = wanted[start : start + self._read_batch]
            request = ua.ReadRequest()
            request.Parameters.MaxAge = 0
            request.Parameters.TimestampsToReturn = (
                ua.TimestampsToReturn.Both if timestamps else ua.TimestampsToReturn.Neither
            )
            request.Parameters.NodesToRead = [
                ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds(attribute))
                for node, attribute in part
            ]
            data = await self._call(request, "reading values")
            try:
                found = decoding.read_response(data)
            except InvalidMessageError as error:
                raise DriverUnavailableError(str(error)) from error
            if len(found) != len(part):
                raise DriverUnavailableError(
                    "The server answered fewer values than were asked for."
                )
            values += found
        return values

    async def learn_limits(self) -> None:
        """Ask how much the server takes in one request."""
        limits = await self.read([(_LIMIT_READ, VALUE), (_LIMIT_ITEMS, VALUE)])
        self._read_batch, self._item_batch = (
            min(raw.value, _BATCH_DEFAULT) if raw.status == 0 and raw.value else _BATCH_DEFAULT
            for raw in limits
        )

    async def server_status(self) -> ServerStatus:
        """Server state, start time and namespace table."""
        state, started = await self.read([(SERVER_STATE, VALUE), (SERVER_START, VALUE)])
        request = ua.ReadRequest()
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
        request.Parameters.NodesToRead = [
            ua.ReadValueId(NodeId=NAMESPACE_ARRAY, AttributeId=ua.AttributeIds.Value)
        ]
        answer = await self._answer(ua.ReadResponse, request, "reading the namespaces")
        namespaces = answer.Results[0].Value.Value if answer.Results else None
        return ServerStatus(
            state=state.value if isinstance(state.value, int) else 0,
            started_at=started.value if started.status == 0 else None,
            namespaces=tuple(name or "" for name in namespaces or ()),
        )

    async def write(self, node: Any, value: Any, kind: int) -> int:  # noqa: ANN401 - untyped library
        """Write one value as exactly this built-in type; the answer is the status of the write."""
        variant = ua.Variant(value, ua.VariantType(kind))
        data = ua.DataValue(variant, StatusCode=None)  # many servers refuse times and status
        request = ua.WriteRequest()
        request.Parameters.NodesToWrite = [
            ua.WriteValue(NodeId=node, AttributeId=ua.AttributeIds.Value, Value=data)
        ]
        answer = await self._answer(ua.WriteResponse, request, "writing a value")
        return answer.Results[0].value if answer.Results else 0x8001_0000

    async def base_type(self, data_type: Any) -> int:  # noqa: ANN401 - untyped library
        """Built-in type number of a data type, 0 where it cannot be found."""
        node = self._channel.client.get_node(data_type)
        try:
            async with deadline(self._settings.timeout_s):
                return (await data_type_to_variant_type(node)).value
        except FAILURES:
            return decoding.NULL

    async def data_types(self, nodes: Sequence[Any]) -> list[Any]:
        """Data type node of each variable, None where the server does not say."""
        types: list[Any] = []
        for start in range(0, len(nodes), self._read_batch):
            request = ua.ReadRequest()
            request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
            request.Parameters.NodesToRead = [
                ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.DataType)
                for node in nodes[start : start + self._read_batch]
            ]
            answer = await self._answer(ua.ReadResponse, request, "reading data types")
            types += [result.Value.Value for result in answer.Results]
        return types

    async def create_subscription(self) -> RevisedSubscription:
        """Ask for a subscription as configured."""
        settings = self._settings
        request = ua.CreateSubscriptionRequest()
        wanted = request.Parameters
        wanted.RequestedPublishingInterval = settings.publishing_ms
        wanted.RequestedMaxKeepAliveCount = max(
            1, round(settings.keep_alive_s * 1000 / settings.publishing_ms)
        )
        wanted.RequestedLifetimeCount = max(
            3 * wanted.RequestedMaxKeepAliveCount,
            round(settings.lifetime_s * 1000 / settings.publishing_ms),
        )
        wanted.MaxNotificationsPerPublish = settings.notifications_max
        wanted.PublishingEnabled = True
        wanted.Priority = _PRIORITY
        answer = await self._answer(
            ua.CreateSubscriptionResponse, request, "creating the subscription"
        )
        revised = answer.Parameters
        cycle_s = revised.RevisedPublishingInterval / 1000
        return RevisedSubscription(
            id=revised.SubscriptionId,
            publishing_ms=revised.RevisedPublishingInterval,
            lifetime_s=cycle_s * revised.RevisedLifetimeCount,
            keep_alive_s=cycle_s * revised.RevisedMaxKeepAliveCount,
        )

    async def create_items(
        self, subscription: int, wanted: Sequence[tuple[int, Any, SignalSettings]]
    ) -> list[RevisedItem]:
        """Ask the server to watch variables.

        Args:
            subscription: Its number.
            wanted: Our handle, node id and settings of each.
        """
        revised: list[RevisedItem] = []
        for start in range(0, len(wanted), self._item_batch):
            request = ua.CreateMonitoredItemsRequest()
            request.Parameters.SubscriptionId = subscription
            request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
            request.Parameters.ItemsToCreate = [
                _item(*one) for one in wanted[start : start + self._item_batch]
            ]
            answer = await self._answer(
                ua.CreateMonitoredItemsResponse, request, "creating monitored items"
            )
            revised += [
                RevisedItem(
                    one.StatusCode.value,
                    one.MonitoredItemId,
                    one.RevisedSamplingInterval,
                    one.RevisedQueueSize,
                )
                for one in answer.Results
            ]
        return revised

    async def transfer(self, subscription: int) -> bool:
        """Take a subscription of a lost session over into this one."""
        request = ua.TransferSubscriptionsRequest()
        request.Parameters.SubscriptionIds = [subscription]
        request.Parameters.SendInitialValues = False
        try:
            answer = await self._answer(
                ua.TransferSubscriptionsResponse, request, "taking over the subscription"
            )
        except DriverUnavailableError:
            return False  # not supported; a lost connection shows at the next request
        results = answer.Parameters.Results
        return bool(results) and results[0].StatusCode.is_good()

    def publish(self, subscription: int, sequences: Sequence[int]) -> asyncio.Future[Any]:
        """Ask for the next message, acknowledging those that are done with.

        Raises:
            DriverUnavailableError: The connection is lost.
        """
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = [
            ua.SubscriptionAcknowledgement(SubscriptionId=subscription, SequenceNumber=number)
            for number in sequences
        ]
        try:
            return self._send(request, 0)
        except FAILURES as error:
            raise translate(error, "asking for values") from error

    async def republish(self, subscription: int, sequence: int) -> Notification | None:
        """Ask for a message again; None where the server does not have it any more."""
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = subscription
        request.Parameters.RetransmitSequenceNumber = sequence
        doing = "asking for a message again"
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                data = bytes(await self._send(request, self._settings.timeout_s))
            message = decoding.republish_response(data)
        except InvalidMessageError as error:
            raise DriverUnavailableError(str(error)) from error
        except FAILURES as error:
            raise translate(error, doing) from error
        result = message.service_result
        if result and not status_name(result).startswith("BadMessage"):
            raise translate(ServiceFaultError(result), doing)
        return message if message.sequence == sequence and not message.keep_alive else None


def node_id(address: NodeAddress, index: int) -> Any:  # noqa: ANN401 - untyped library
    """The library's node id of an address, with the index that the namespace has now."""
    text = address.identifier
    if address.kind == "i":
        return ua.NodeId(int(text), index)
    if address.kind == "s":
        return ua.NodeId(text, index, ua.NodeIdType.String)
    if address.kind == "g":
        return ua.NodeId(uuid.UUID(text), index, ua.NodeIdType.Guid)
    return ua.NodeId(base64.b64decode(text), index, ua.NodeIdType.ByteString)


def _item(handle: int, node: Any, signal: SignalSettings) -> Any:  # noqa: ANN401 - untyped library
    request = ua.MonitoredItemCreateRequest()
    request.ItemToMonitor = ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)
    request.MonitoringMode = ua.MonitoringMode.Reporting
    wanted = request.RequestedParameters
    wanted.ClientHandle = handle
    wanted.SamplingInterval = signal.sampling_ms
    wanted.QueueSize = signal.queue_size
    wanted.DiscardOldest = signal.discard == "oldest"
    deadband = signal.deadband if signal.deadband is not None else signal.deadband_percent
    if deadband is not None:
        kind = ua.DeadbandType.Absolute if signal.deadband is not None else ua.DeadbandType.Percent
        wanted.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValue, DeadbandType=kind, DeadbandValue=deadband
        )
    return request
