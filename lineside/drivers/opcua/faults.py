"""What the library, a network or a server raises, as errors of ours."""
# pyright: basic
# (the library is partly untyped)

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncua.crypto import uacrypto
from asyncua.ua.status_codes import code_to_name_doc
from asyncua.ua.uaerrors import UaError
from cryptography.exceptions import InvalidSignature

from lineside.contracts.errors import DriverError, DriverTrustError, DriverUnavailableError

ChannelSignatureError: type[Exception] = vars(uacrypto)["InvalidSignature"]

FAILURES = (
    OSError,
    TimeoutError,
    UaError,
    InvalidSignature,
    ChannelSignatureError,
    ValueError,
    struct.error,
)
"""What the library raises when a server or a network misbehaves."""

_TRUST = {
    "BadSecurityChecksFailed",
    "BadIdentityTokenInvalid",
    "BadIdentityTokenRejected",
    "BadUserAccessDenied",
    "BadUserSignatureInvalid",
    "BadApplicationSignatureInvalid",
    "BadSecurityPolicyRejected",
    "BadSecurityModeRejected",
    "BadSecurityModeInsufficient",
    "BadNonceInvalid",
    "BadNoValidCertificates",
}
_SIGN_IN = {"BadIdentityTokenInvalid", "BadIdentityTokenRejected", "BadUserAccessDenied"}
_GONE = {
    "BadSessionIdInvalid",
    "BadSessionClosed",
    "BadSessionNotActivated",
    "BadSubscriptionIdInvalid",
    "BadNoSubscription",
}


class SubscriptionGoneError(DriverUnavailableError):
    """Session or subscription do not exist any more: nothing is left to take up."""


class ServiceFaultError(UaError):
    """The server answered a request with a fault."""

    def __init__(self, code: int) -> None:
        super().__init__(status_name(code))
        self.code = code


class ChannelRefusedError(ServiceFaultError):
    """The server answered the request for a channel with a fault instead of an Error message."""


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` that also works around the library, which cancels in a way of its own.

    Raises:
        TimeoutError: The block took longer.
    """
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if scope.expired() and task is not None and not task.cancelling():
            raise TimeoutError from error  # a subclass, which asyncio.timeout lets through
        raise


def status_name(code: int) -> str:
    """Name of a status code, or its number."""
    name, _doc = code_to_name_doc.get(code & 0xFFFF_0000, (f"0x{code:08X}", ""))
    return name


def translate(error: BaseException, doing: str, *, ours: str = "") -> DriverError:
    """A library's or network's error as one of ours.

    Args:
        error: What was raised.
        doing: What was attempted, as in "reading values".
        ours: Thumbprint and file of our certificate, for the hint.
    """
    if isinstance(error, DriverError):
        return error
    code = getattr(error, "code", None)
    if isinstance(code, int):
        name = status_name(code)
        if name.startswith("BadCertificate") or name in _TRUST:
            hint = "Check user and password, before the account is locked."
            if name not in _SIGN_IN:
                hint = f"Trust our certificate at the server{ours}, and check both clocks."
            return DriverTrustError(f"The server refuses us while {doing}: {name}.", hint=hint)
        kind = SubscriptionGoneError if name in _GONE else DriverUnavailableError
        return kind(f"The server answers {name} while {doing}.")
    if isinstance(error, InvalidSignature | ChannelSignatureError):
        return DriverTrustError(
            f"The server cannot prove that it owns its certificate ({doing}).",
            hint="Somebody stands between, or the server has a new certificate: ask who runs it.",
        )
    if isinstance(error, TimeoutError):
        return DriverUnavailableError(f"No answer in time while {doing}.")
    words = str(error) or type(error).__name__
    return DriverUnavailableError(f"The connection failed while {doing}: {words}.")
