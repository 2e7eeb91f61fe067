"""Signals at the server: found, checked, watched. One bad signal never stops the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.config import SignalSettings
from lineside.drivers.opcua.decoding import RawValue
from lineside.drivers.opcua.services import (
    NODE_CLASS,
    USER_ACCESS_LEVEL,
    VALUE,
    VALUE_RANK,
    RevisedItem,
    Services,
    node_id,
)
from lineside.drivers.opcua.values import family, status_text, type_name

_VARIABLE = 2  # NodeClass
_CAN_READ, _CAN_WRITE = 1, 2  # bits of UserAccessLevel
_SLOWER = 1.01  # more than rounding
_CHECKED = (NODE_CLASS, VALUE_RANK, USER_ACCESS_LEVEL, VALUE)

_OUR_MISTAKE = {
    0x801F_0000,  # BadUserAccessDenied
    0x8033_0000,  # BadNodeIdInvalid
    0x8034_0000,  # BadNodeIdUnknown
    0x8035_0000,  # BadAttributeIdInvalid
    0x803A_0000,  # BadNotReadable
}
"""Statuses of a first read that say that the configuration is wrong, not the machine."""


@dataclass(slots=True, eq=False)
class Item:
    """One signal at the server, with what is known of it.

    Attributes:
        signal: Its settings.
        handle: Our number of it in notifications.
        node: The library's node id, valid for this connection.
        kind: Built-in type number, 0 while unknown.
        can_write: The server lets us write it.
        queue_size, sampling_ms: What the server really does.
        problem: Empty, or why it is not watched.
        warning: Empty, or what is worse than asked for.
        fresh: Its next value is the present one, not a change.
        last: Last value given on.
        last_at: When that was, microseconds UTC.
        heard: Values received; the audit compares it.
        misfit_told: Its wrong type has been reported.
    """

    signal: SignalSettings
    handle: int
    node: Any = None
    kind: int = decoding.NULL
    can_write: bool = False
    queue_size: int = 0
    sampling_ms: float = 0.0
    problem: str = ""
    warning: str = ""
    fresh: bool = True
    last: RawValue | None = None
    last_at: int | None = None
    heard: int = 0
    misfit_told: bool = False


async def find(services: Services, items: Sequence[Item], namespaces: Sequence[str]) -> None:
    """Find each signal's variable by its namespace URI and check that it can be read.

    Sets `node`, `kind`, `can_write`, `problem` of each item.
    """
    located: list[Item] = []
    for item in items:
        address = item.signal.node
        index = address.index(namespaces)
        if index is None:
            item.problem = f"the server has no namespace {address.namespace}"
            continue
        item.node, item.problem = node_id(address, index), ""
        located.append(item)
    answers = await services.read([(item.node, part) for item in located for part in _CHECKED])
    for number, item in enumerate(located):
        item.problem = _check(item, answers[4 * number : 4 * number + 4])
    untyped = [
        item
        for item in located
        if not item.problem and item.signal.writable and item.kind == decoding.NULL
    ]
    for item, data_type in zip(
        untyped, await services.data_types([item.node for item in untyped]), strict=True
    ):
        item.kind = await services.base_type(data_type)


def _check(item: Item, answers: Sequence[RawValue]) -> str:
    node_class, rank, access, value = answers
    signal = item.signal
    where = f"node {signal.node}"
    if node_class.status & 0x8000_0000:
        return f"{where}: {status_text(node_class.status)}"
    if node_class.value != _VARIABLE:
        return f"{where} is no variable"
    if value.status & 0xFFFF_0000 in _OUR_MISTAKE:
        return f"{where}: {status_text(value.status)}"
    if access.status == 0 and isinstance(access.value, int):
        if not access.value & _CAN_READ:
            return f"{where} must not be read by us"
        item.can_write = bool(access.value & _CAN_WRITE)
    if value.kind & decoding.ARRAY or (isinstance(rank.value, int) and rank.value >= 0):
        return f"{where} is an array, name one of its elements' nodes"
    item.kind = value.kind
    found = family(value.kind)
    if value.kind != decoding.NULL and not found:
        return f"{where} is {type_name(value.kind)}, which cannot be read as one value"
    wanted = signal.type
    if found and wanted and found != wanted and not (wanted == "float" and found == "int"):
        return f"{where} is {type_name(value.kind)}, the configuration says type = {wanted}"
    return ""


async def watch(services: Services, subscription: int, items: Sequence[Item]) -> None:
    """Have the server watch those items that have no problem, and check what it makes of it."""
    wanted = [item for item in items if not item.problem]
    answers = await services.create_items(
        subscription, [(item.handle, item.node, item.signal) for item in wanted]
    )
    for item, revised in zip(wanted, answers, strict=True):
        item.fresh, item.misfit_told, item.warning = True, False, ""
        if revised.status & 0x8000_0000:
            item.problem = f"node {item.signal.node}: {status_text(revised.status)}"
            continue
        item.queue_size, item.sampling_ms = revised.queue_size, revised.sampling_ms
        item.warning = _worse(item.signal, revised)


def _worse(signal: SignalSettings, revised: RevisedItem) -> str:
    worse: list[str] = []
    if revised.queue_size < signal.queue_size:
        worse.append(
            f"the server keeps {revised.queue_size} values instead of {signal.queue_size}"
            + (", so a trigger may lose parts" if signal.trigger else "")
        )
    if signal.sampling_ms > 0 and revised.sampling_ms > signal.sampling_ms * _SLOWER:
        worse.append(
            f"the server looks every {revised.sampling_ms:g} ms instead of"
            f" {signal.sampling_ms:g} ms"
        )
    return "; ".join(worse)
