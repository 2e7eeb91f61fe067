"""Values that nobody uses are stepped over exactly: asyncua writes them, our decoder skips them."""

import importlib
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua.ua import ua_binary

from lineside.drivers.opcua import decoding

ua: Any = importlib.import_module("asyncua.ua")
KINDS = ua.VariantType
VALUES: dict[Any, Any] = {
    KINDS.Boolean: True,
    KINDS.SByte: -1,
    KINDS.Byte: 2,
    KINDS.Int16: -3,
    KINDS.UInt16: 4,
    KINDS.Int32: -5,
    KINDS.UInt32: 6,
    KINDS.Int64: -7,
    KINDS.UInt64: 8,
    KINDS.Float: 1.5,
    KINDS.Double: 2.5,
    KINDS.String: "text",
    KINDS.DateTime: datetime(2026, 3, 2, tzinfo=UTC),
    KINDS.Guid: uuid.UUID(int=7),
    KINDS.ByteString: b"bytes",
    KINDS.XmlElement: ua.XmlElement("<a/>"),
    KINDS.NodeId: ua.NodeId("Machine", 3),
    KINDS.ExpandedNodeId: ua.ExpandedNodeId("x", 0, NamespaceUri="urn:plc", ServerIndex=2),
    KINDS.StatusCode: ua.StatusCode(0x80000000),
    KINDS.QualifiedName: ua.QualifiedName("name", 2),
    KINDS.LocalizedText: ua.LocalizedText("text", "en"),
    KINDS.ExtensionObject: ua.Range(Low=1.0, High=2.0),
    KINDS.DataValue: ua.DataValue(ua.Variant(5, KINDS.Int32)),
    KINDS.Variant: ua.Variant(["a", "b"], KINDS.String),
    KINDS.DiagnosticInfo: ua.DiagnosticInfo(SymbolicId=1, AdditionalInfo="more"),
}
SCALARS = [kind for kind in VALUES if kind is not KINDS.Variant]


@pytest.mark.parametrize("kind", list(VALUES))
@pytest.mark.parametrize("shape", [None, [2, 2]])
def test_an_array_is_stepped_over(kind, shape):
    variant = ua.Variant([VALUES[kind]] * 4, kind, Dimensions=shape)
    data = ua_binary.variant_to_binary(variant) + b"behind"

    value, found, position = decoding._variant(data, 0)

    assert data[position:] == b"behind"
    assert value is None
    assert found == kind.value | decoding.ARRAY


@pytest.mark.parametrize("kind", SCALARS)
def test_a_scalar_is_stepped_over(kind):
    data = ua_binary.variant_to_binary(ua.Variant(VALUES[kind], kind)) + b"behind"

    value, found, position = decoding._variant(data, 0)

    assert (data[position:], found) == (b"behind", kind.value)
    if kind is KINDS.QualifiedName:
        assert value == "name"


def test_an_array_that_says_more_than_there_is_is_refused_at_once():
    for kind in (0x80, 0xC0, 0x86, 0x98):
        data = bytes([kind]) + (0x7FFFFFFF).to_bytes(4, "little") + bytes(50)
        with pytest.raises(ValueError, match="longer than its message"):
            decoding._variant(data, 0)
