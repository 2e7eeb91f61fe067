"""Why the broker cannot be reached, in words for whoever stands at the terminal (F-46)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Words by which it is known, in small letters, and what it means."""

    words: tuple[str, ...]
    text: str


_TROUBLE = (
    _Trouble(
        ("name or service not known", "name resolution", "getaddrinfo", "no address associated"),
        "The name {host} of the broker is not known. Look at the network's name service (DNS), or "
        "name an address under [sync] broker.",
    ),
    _Trouble(
        ("hostname mismatch", "ip address mismatch", "doesn't match", "not valid for"),
        "What answers at {host} has a certificate for another name. Somebody bends the name to "
        "another server, or the broker's certificate lacks this name.",
    ),
    _Trouble(
        ("certificate has expired", "not yet valid"),
        "The broker's certificate at {host} is not valid now. Look at the clocks of both "
        "computers and renew the broker's certificate.",
    ),
    _Trouble(
        ("certificate verify failed",),
        "The broker's certificate at {host} is of another authority than this site's: a box on "
        "the way opens TLS, or it is another broker. Nothing is sent to it.",
    ),
    _Trouble(
        ("alert", "certificate required", "handshake failure"),
        "The broker at {host} refuses this edge's certificate. Look whether it has ended or was "
        "revoked; enrol this edge again if so.",
    ),
    _Trouble(
        ("wrong version number", "record layer", "unexpected_eof", "eof occurred", "http request"),
        "What answers at {host}:{port} does not speak TLS: a login page of the network, a proxy, "
        "or the wrong port.",
    ),
    _Trouble(
        ("connection refused",),
        "Nobody listens at {host}:{port}: the broker does not run, or the port is another one.",
    ),
    _Trouble(
        ("no route", "unreachable", "timed out", "timeout"),
        "No answer comes from {host}:{port}: no way through the network, or a firewall.",
    ),
)


def unreachable(host: str, port: int, why: str) -> str:
    """What the words of the system mean; empty for a connection that simply ended.

    Args:
        host: As configured.
        port: As configured.
        why: What the socket, TLS or the resolver said.
    """
    found = why.lower()
    for trouble in _TROUBLE:
        if any(word in found for word in trouble.words):
            return f"{trouble.text.format(host=host, port=port)} Facts are kept here. ({why[:200]})"
    return ""
