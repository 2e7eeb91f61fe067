"""Our decoder of messages against the library's encoder, and against broken bytes."""

import struct
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua as typed_ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary, variant_to_binary
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.errors import InvalidMessageError
from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.decoding import RawValue

ua: Any = typed_ua  # its annotations do not fit its own use
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANGES = {
    "SByte": (-128, 127),
    "Byte": (0, 255),
    "Int16": (-(2**15), 2**15 - 1),
    "UInt16": (0, 2**16 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "UInt32": (0, 2**32 - 1),
    "Int64": (-(2**63), 2**63 - 1),
    "UInt64": (0, 2**64 - 1),
}


def integer(name):
    least, most = RANGES[name]
    return st.integers(least, most).map(lambda value: (name, value))


SCALARS = st.one_of(
    st.sampled_from(sorted(RANGES)).flatmap(integer),
    st.booleans().map(lambda value: ("Boolean", value)),
    st.floats(width=32, allow_nan=False).map(lambda value: ("Float", value)),
    st.floats(allow_nan=False).map(lambda value: ("Double", value)),
    st.text(max_size=40).map(lambda value: ("String", value)),
    st.binary(max_size=40).map(lambda value: ("ByteString", value)),
    st.uuids().map(lambda value: ("Guid", value)),
    st.text(max_size=10).map(lambda value: ("LocalizedText", ua.LocalizedText(value, "en"))),
    st.none().map(lambda value: ("String", value)),
    st.sampled_from([0, 0x80340000]).map(lambda code: ("StatusCode", ua.StatusCode(code))),
    st.datetimes(
        min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis wants it so
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    ).map(lambda time: ("DateTime", time.replace(tzinfo=UTC))),
)
TIMES = st.none() | st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis wants it so
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
).map(lambda time: time.replace(tzinfo=UTC))
VALUES = st.tuples(
    st.integers(0, 2**32 - 1),
    SCALARS,
    st.sampled_from([None, 0, 0x80310000, 0x00000480, 0x40900000]),
    TIMES,
    TIMES,
)


def item(handle, scalar, status, source, server):
    kind, value = scalar
    notification = ua.MonitoredItemNotification()
    notification.ClientHandle = handle
    notification.Value = ua.DataValue(
        ua.Variant(value, ua.VariantType[kind]),
        StatusCode=None if status is None else ua.StatusCode(status),
        SourceTimestamp=source,
        ServerTimestamp=server,
    )
    return notification


def response(items, sequence=7, subscription=3, more=()):
    change = ua.DataChangeNotification()
    change.MonitoredItems = list(items)
    answer = ua.PublishResponse()
    answer.Parameters.SubscriptionId = subscription
    answer.Parameters.AvailableSequenceNumbers = [5, 6, 7]
    answer.Parameters.NotificationMessage.SequenceNumber = sequence
    answer.Parameters.NotificationMessage.NotificationData = [*([change] if items else []), *more]
    return struct_to_binary(answer)


def microseconds(time):
    return None if time is None else (time.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def expected(handle, scalar, status, source, server):
    kind, value = scalar
    if kind == "Guid":
        value = str(value)
    elif kind == "LocalizedText":
        value = value.Text
    elif kind == "StatusCode":
        value = value.value
    elif kind == "DateTime":
        value = microseconds(value)
    return RawValue(
        handle,
        value,
        ua.VariantType[kind].value,
        status or 0,
        microseconds(source),
        microseconds(server),
    )


def by_the_library(data):
    """What the library's own decoder makes of a message."""
    answer = struct_from_binary(ua.PublishResponse, Buffer(data))
    return [
        expected(
            one.ClientHandle,
            (one.Value.Value.VariantType.name, one.Value.Value.Value),
            None if one.Value.StatusCode is None else one.Value.StatusCode.value,
            one.Value.SourceTimestamp,
            one.Value.ServerTimestamp,
        )
        for change in answer.Parameters.NotificationMessage.NotificationData
        for one in change.MonitoredItems
    ]


@given(st.lists(VALUES, max_size=12))
def test_scalars_come_out_as_they_went_in(values):
    message = decoding.publish_response(response([item(*value) for value in values]))
    assert message.values == [expected(*value) for value in values]
    assert message.sequence == 7
    assert message.subscription == 3
    assert message.keep_alive == (not values)


@given(st.lists(VALUES, min_size=1, max_size=12))
def test_both_decoders_say_the_same_of_a_valid_message(values):
    data = response([item(*value) for value in values])
    assert decoding.publish_response(data).values == by_the_library(data)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 63),
    st.sampled_from([*decoding.NUMBERS, decoding.STRING, decoding.STATUS]),
    st.binary(max_size=60),
)
def test_the_quick_way_and_the_long_way_read_the_same_bytes_alike(handle, mask, kind, noise):
    """Whatever stands behind mask and type: both give the same value, or both refuse it."""
    data = struct.pack("<IBB", handle, mask, kind) + noise
    try:
        slow, end = decoding._data_value(data, 4, handle)
    except (struct.error, IndexError, ValueError):
        slow, end = None, 0
    try:
        quick: list[RawValue] = []
        decoding._data_changes(struct.pack("<i", 1) + data, 0, 4 + len(data), quick)
    except (struct.error, IndexError, ValueError):
        assert slow is None or end > len(data)
    else:
        assert slow is not None
        assert repr(quick) == repr([slow])  # as text, since no NaN is equal to another


def test_a_text_that_says_more_than_its_frame_holds_is_refused():
    body = struct.pack("<IBBi", 1, 0x01, 12, 100) + b"abc"
    with pytest.raises(ValueError, match="longer than its frame"):
        decoding._data_changes(struct.pack("<i", 1) + body + bytes(200), 0, 4 + len(body), [])


def test_what_is_no_scalar_is_skipped_in_its_full_length():
    odd = [
        ua.Variant([1, 2, 3], ua.VariantType.Int32),
        ua.Variant(["a", "b"], ua.VariantType.String),
        ua.Variant(ua.Argument(Name="x"), ua.VariantType.ExtensionObject),
        ua.Variant(ua.NodeId("x", 3), ua.VariantType.NodeId),
        ua.Variant(None, ua.VariantType.Null),
    ]
    items = []
    for number, variant in enumerate(odd):
        notification = ua.MonitoredItemNotification()
        notification.ClientHandle = number
        notification.Value = ua.DataValue(variant, SourceTimestamp=EPOCH + timedelta(days=9999))
        items += [notification, item(100 + number, ("Int32", number), None, None, None)]
    values = decoding.publish_response(response(items)).values
    assert [raw.value for raw in values[1::2]] == [0, 1, 2, 3, 4]
    kinds = [raw.kind for raw in values[::2]]
    assert kinds == [6 | decoding.ARRAY, 12 | decoding.ARRAY, 22, 17, 0]
    assert all(raw.value is None for raw in values[::2])


def test_picoseconds_are_skipped_where_the_standard_puts_them():
    """The library's own reader takes them in another order, so these bytes are made by hand."""
    body = struct.pack("<IBB", 9, 0x3F, 6) + struct.pack("<iI", -5, 0x40900000)
    ticks = 116_444_736_000_000_000 + 10
    body += struct.pack("<qHqH", ticks, 111, ticks + 20, 222)
    text = variant_to_binary(ua.Variant("x", ua.VariantType.String))
    body += struct.pack("<IB", 10, 0x35) + text + struct.pack("<qHH", ticks, 1, 2)
    frame = struct.pack("<i", 2) + body + struct.pack("<i", -1)
    empty = response([])
    head, tail = empty[:-12], empty[-8:]  # number of notifications, results, diagnostics
    frame = b"\x01\x00" + struct.pack("<H", 811) + b"\x01" + struct.pack("<i", len(frame)) + frame
    values = decoding.publish_response(head + struct.pack("<i", 1) + frame + tail).values
    assert values == [
        RawValue(9, -5, 6, 0x40900000, 1, 3),
        RawValue(10, "x", 12, 0, 1, None),
    ]


def test_a_status_change_is_read():
    change = ua.StatusChangeNotification()
    change.Status = ua.StatusCode(ua.StatusCodes.BadTimeout)
    message = decoding.publish_response(response([], more=[change]))
    assert message.status_change == ua.StatusCodes.BadTimeout


def test_a_fault_is_an_answer_too():
    fault = ua.ServiceFault()
    fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadNoSubscription)
    data = struct_to_binary(fault)
    assert decoding.publish_response(data).service_result == ua.StatusCodes.BadNoSubscription
    assert decoding.fault(data) == ua.StatusCodes.BadNoSubscription
    assert decoding.fault(b"") == 0x8000_0000


def test_a_read_is_decoded_alike():
    answer = ua.ReadResponse()
    answer.Results = [
        ua.DataValue(ua.Variant(5, ua.VariantType.UInt16), SourceTimestamp=EPOCH),
        ua.DataValue(ua.Variant(None), StatusCode=ua.StatusCode(0x80340000)),
        ua.DataValue(ua.Variant(uuid.UUID(int=1), ua.VariantType.Guid)),
    ]
    values = decoding.read_response(struct_to_binary(answer))
    assert [(raw.value, raw.status) for raw in values] == [
        (5, 0),
        (None, 0x80340000),
        ("00000000-0000-0000-0000-000000000001", 0),
    ]


@given(st.binary(max_size=200))
def test_noise_is_refused(data):
    with pytest.raises(InvalidMessageError):
        decoding.publish_response(data)


@given(st.data())
def test_a_cut_or_changed_message_is_refused_or_read_but_never_crashes(data):
    whole = response(
        [item(1, ("Int32", 5), 0, EPOCH, EPOCH), item(2, ("String", "ab"), 0, None, None)]
    )
    cut = data.draw(st.integers(0, len(whole)))
    position = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[position] = data.draw(st.integers(0, 255))
    for candidate in (whole[:cut], bytes(broken)):
        try:
            decoding.publish_response(candidate)
        except InvalidMessageError:
            continue
