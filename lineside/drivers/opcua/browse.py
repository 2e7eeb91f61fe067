"""Looking around in a server, for `lineside-edge probe opcua`."""
# pyright: basic
# (the library is partly untyped)

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua as typed_ua

from lineside.contracts.clock import Clock
from lineside.contracts.errors import DriverConfigurationError
from lineside.contracts.samples import SignalValue
from lineside.drivers.opcua.channel import Channel, open_channel
from lineside.drivers.opcua.config import OpcUaSettings
from lineside.drivers.opcua.decoding import ARRAY
from lineside.drivers.opcua.faults import FAILURES, deadline, translate
from lineside.drivers.opcua.nodeids import OPC_FOUNDATION, NodeAddress
from lineside.drivers.opcua.services import USER_ACCESS_LEVEL, VALUE, Services, node_id
from lineside.drivers.opcua.values import family, meaning, type_name

ua: Any = typed_ua  # its annotations do not fit its own use

_CAN_WRITE = 2
_KINDS = {1: "object", 2: "variable", 4: "method"}
_SERVER_OBJECT = ua.NodeId(ua.ObjectIds.Server)


@dataclass(frozen=True, slots=True)
class FoundNode:
    """One node of a server's tree.

    Attributes:
        path: Browse names from the start, joined by `/`.
        depth: 0 for children of the start.
        kind: `object`, `variable`, `method`.
        address: By namespace URI.
        type: Built-in type of a variable's value, empty where it has none.
        family: What it is to us: `bool`, `int`, `float`, `text`; empty: not one value.
        value: Present value of a variable.
        status: Of that value.
        writable: We may write it.
    """

    path: str
    depth: int
    kind: str
    address: NodeAddress
    type: str = ""
    family: str = ""
    value: SignalValue = None
    status: str = ""
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """What was found.

    Attributes:
        nodes: Parents before children.
        cut_off: There is more than was asked for.
        namespaces: URIs by index.
    """

    nodes: tuple[FoundNode, ...]
    cut_off: bool
    namespaces: tuple[str, ...]


async def look_around(
    settings: OpcUaSettings,
    *,
    clock: Clock,
    start: NodeAddress | None = None,
    depth_max: int = 4,
    nodes_max: int = 2000,
) -> Tree:
    """Connect, walk down the tree of objects and variables, read the variables, disconnect.

    Args:
        settings: How to connect; its signals are not used.
        clock: For judging certificates.
        start: Where to begin; the Objects folder (without the Server object) when missing.
        depth_max: Levels below the start.
        nodes_max: Then it stops and says so.

    Raises:
        DriverUnavailableError: No answer.
        DriverTrustError: One of both sides refuses the other.
        DriverConfigurationError: The start does not exist.
    """
    channel = await open_channel(settings, clock=clock, resume=None)
    try:
        services = Services(channel, settings)
        await services.learn_limits()
        namespaces = (await services.server_status()).namespaces
        root = _root(start, namespaces)
        found, cut_off = await _walk(channel, settings, root, depth_max, nodes_max)
        nodes = await _with_values(services, found, namespaces)
    finally:
        await channel.close(end_session=True)
    return Tree(tuple(nodes), cut_off, namespaces)


def _root(start: NodeAddress | None, namespaces: Sequence[str]) -> Any:  # noqa: ANN401
    if start is None:
        return ua.NodeId(ua.ObjectIds.ObjectsFolder)
    index = start.index(namespaces)
    if index is None:
        raise DriverConfigurationError(
            f"The server has no namespace {start.namespace}, only {', '.join(namespaces)}."
        )
    return node_id(start, index)


@dataclass(frozen=True, slots=True)
class _Reference:
    node: Any
    path: str
    depth: int
    kind: str


async def _walk(
    channel: Channel,
    settings: OpcUaSettings,
    root: Any,  # noqa: ANN401 - untyped library
    depth_max: int,
    nodes_max: int,
) -> tuple[list[_Reference], bool]:
    """Depth first, so that children stand below their parent; every node once."""
    found: list[_Reference] = []
    seen = {root, _SERVER_OBJECT}
    waiting = deque([_Reference(root, "", -1, "object")])
    while waiting:
        parent = waiting.popleft()
        if parent.depth >= 0:
            if len(found) >= nodes_max:
                return found, True
            found.append(parent)
        if parent.depth + 1 >= depth_max:
            continue
        children: list[_Reference] = []
        for reference in await _children(channel, settings, parent.node):
            kind = _KINDS.get(int(reference.NodeClass), "")
            node = reference.NodeId
            if not kind or node in seen:
                continue
            seen.add(node)
            name = reference.BrowseName.Name or ""
            path = f"{parent.path}/{name}" if parent.path else name
            children.append(_Reference(node, path, parent.depth + 1, kind))
        waiting.extendleft(reversed(children))
    return found, False


async def _children(channel: Channel, settings: OpcUaSettings, node: Any) -> Sequence[Any]:  # noqa: ANN401
    doing = "looking around"
    try:
        async with deadline(settings.timeout_s):
            return await channel.client.get_node(node).get_references(
                refs=ua.ObjectIds.HierarchicalReferences,
                direction=ua.BrowseDirection.Forward,
                includesubtypes=True,
            )
    except FAILURES as error:
        raise translate(error, doing) from error


async def _with_values(
    services: Services, found: Sequence[_Reference], namespaces: Sequence[str]
) -> list[FoundNode]:
    variables = [reference for reference in found if reference.kind == "variable"]
    answers = await services.read(
        [(one.node, part) for one in variables for part in (VALUE, USER_ACCESS_LEVEL)]
    )
    read = {
        one.node: (answers[2 * number], answers[2 * number + 1])
        for number, one in enumerate(variables)
    }
    nodes: list[FoundNode] = []
    for one in found:
        address = address_of(one.node, namespaces)
        if one.kind != "variable":
            nodes.append(FoundNode(one.path, one.depth, one.kind, address))
            continue
        value, access = read[one.node]
        said = meaning(value, "")
        nodes.append(
            FoundNode(
                one.path,
                one.depth,
                one.kind,
                address,
                type=type_name(value.kind) if value.kind else "",
                family="" if value.kind & ARRAY else family(value.kind),
                value=said.value,
                status=said.status,
                writable=isinstance(access.value, int) and bool(access.value & _CAN_WRITE),
            )
        )
    return nodes


def address_of(node: Any, namespaces: Sequence[str]) -> NodeAddress:  # noqa: ANN401
    """A node id of the library by namespace URI."""
    index = node.NamespaceIndex
    uri = str(namespaces[index]) if index < len(namespaces) else f"(namespace {index})"
    identifier = node.Identifier
    if isinstance(identifier, int):
        kind = "i"
    elif isinstance(identifier, str):
        kind = "s"
    elif isinstance(identifier, bytes):
        kind, identifier = "b", base64.b64encode(identifier).decode()
    else:
        kind = "g"
    return NodeAddress(OPC_FOUNDATION if index == 0 else uri, kind, str(identifier))
