"""Addresses of nodes by namespace URI.

A server may order its namespaces differently after every download, so that `ns=4` is another thing
tomorrow. A configuration names the URI; the index is looked up on each connection.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

OPC_FOUNDATION = "http://opcfoundation.org/UA/"
"""URI of namespace 0."""

_PATTERN = re.compile(r"(?:(nsu|ns)=([^;]+);)?([isgb])=(.+)", re.DOTALL)
_UINT32_MAX = 0xFFFF_FFFF
_LENGTH_MAX = 4096  # Part 3 allows this many characters in an identifier


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a value stands, independent of the order of namespaces.

    Attributes:
        namespace: Namespace URI.
        kind: `i` number, `s` text, `g` GUID, `b` bytes in base64.
        identifier: The identifier as text.
    """

    namespace: str
    kind: str
    identifier: str

    def __str__(self) -> str:
        """The form of a configuration; namespace 0 stands without URI."""
        if self.namespace == OPC_FOUNDATION:
            return f"{self.kind}={self.identifier}"
        escaped = self.namespace.replace("%", "%25").replace(";", "%3B")
        return f"nsu={escaped};{self.kind}={self.identifier}"

    def index(self, namespaces: Sequence[str]) -> int | None:
        """Index of the namespace in a server's table, None where the server does not have it."""
        try:
            return namespaces.index(self.namespace)
        except ValueError:
            return None


def parse(text: str) -> NodeAddress:
    """Read `nsu=<uri>;s=<name>` (or `i=`, `g=`, `b=`); without `nsu` it is namespace 0.

    Raises:
        ValueError: Something else; the message says what was expected.
    """
    match = _PATTERN.fullmatch(text)
    if match is None or len(text) > _LENGTH_MAX:
        message = "a node like nsu=urn:plc:line1;s=Machine1.State (or i=, g=, b=)"
        raise ValueError(message)
    word, space, kind, identifier = match.groups()
    if word == "ns" and space != "0":
        message = (
            "a namespace by its URI (nsu=...;), because a number may mean another namespace after"
            " the next download; `lineside-edge probe opcua` prints it"
        )
        raise ValueError(message)
    _check_identifier(kind, identifier)
    if word == "nsu":
        uri = space.replace("%3B", ";").replace("%3b", ";").replace("%25", "%")
        return NodeAddress(uri, kind, identifier)
    return NodeAddress(OPC_FOUNDATION, kind, identifier)


def _check_identifier(kind: str, identifier: str) -> None:
    try:
        if kind == "i" and not (identifier.isdecimal() and int(identifier) <= _UINT32_MAX):
            message = "a number from 0 to 4294967295 after i="
            raise ValueError(message)
        if kind == "g":
            uuid.UUID(identifier)
        if kind == "b":
            base64.b64decode(identifier, validate=True)
    except binascii.Error as error:
        message = "bytes in base64 after b="
        raise ValueError(message) from error
