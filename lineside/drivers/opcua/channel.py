"""Secure channel and session with one server: opened, kept, closed; errors in our words.

The library's own reconnecting, watchdog and publish loop are not used: reconnecting has one owner,
the supervisor, and every await here has a deadline, because a network that swallows packets never
answers.
"""
# pyright: basic
# (the library is partly untyped)

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua as typed_ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies
from asyncua.ua.uaerrors import UaError

from lineside.contracts.clock import Clock
from lineside.contracts.errors import DriverTrustError, DriverUnavailableError
from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.config import OpcUaSettings
from lineside.drivers.opcua.faults import FAILURES, ChannelRefusedError, deadline, translate
from lineside.drivers.opcua.trust import OwnCertificate, TrustList, fingerprint, load_own

ua: Any = typed_ua  # its annotations do not fit its own use

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
CHUNKS_MAX = 1024
_RENEW_AT = 0.75  # of the token's lifetime (Part 4, OpenSecureChannel)
_OPEN_DEADLINE = 4  # times the timeout of one answer
_CLOSE_S = 2.0
_WARN_DAYS = 30
_BAD = 0x8000_0000


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What is needed to take up a session again on a new channel.

    Attributes:
        token: Authentication token.
        nonce: The server's last nonce, which our next signature must cover.
    """

    token: Any
    nonce: bytes | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way into a server, as it describes itself.

    Attributes:
        url: As the server says; not necessarily reachable.
        policy: Security policy without its URI prefix.
        mode: `None`, `Sign`, `SignAndEncrypt`.
        sign_in: Kinds of sign-in: `Anonymous`, `UserName`, `Certificate`, `IssuedToken`.
        server: Application name.
        application_uri: Application URI.
        certificate: DER, maybe empty.
    """

    url: str
    policy: str
    mode: str
    sign_in: tuple[str, ...]
    server: str
    application_uri: str
    certificate: bytes


async def endpoints(settings: OpcUaSettings) -> list[Endpoint]:
    """Ask a server which ways in it has; nothing of the answer is trusted.

    Raises:
        DriverUnavailableError: It does not answer.
    """
    return [_endpoint(found) for found in await _discover(settings)]


async def _discover(settings: OpcUaSettings) -> list[Any]:
    client = Client(settings.endpoint, timeout=settings.timeout_s)
    doing = f"asking {settings.endpoint} for its endpoints"
    try:
        async with deadline(settings.timeout_s * _OPEN_DEADLINE):
            await client.connect_socket()
            try:
                await _hello(client)
                await _open(client)
                found = await client.get_endpoints()
                await client.close_secure_channel()
            finally:
                client.disconnect_socket()
    except ChannelRefusedError as error:
        raise DriverUnavailableError(
            f"The server answers {error} while {doing}.",
            hint="Allow discovery without encryption at the server; values are never read so.",
        ) from error
    except FAILURES as error:
        raise translate(error, doing) from error
    return found or []


def _endpoint(found: Any) -> Endpoint:  # noqa: ANN401 - untyped library
    return Endpoint(
        url=found.EndpointUrl or "",
        policy=_policy_name(found.SecurityPolicyUri),
        mode=_mode_name(found.SecurityMode),
        sign_in=tuple(
            sorted({ua.UserTokenType(t.TokenType).name for t in found.UserIdentityTokens or []})
        ),
        server=(found.Server.ApplicationName.Text if found.Server.ApplicationName else "") or "",
        application_uri=found.Server.ApplicationUri or "",
        certificate=found.ServerCertificate or b"",
    )


def _policy_name(uri: str | None) -> str:
    return (uri or "").rpartition("#")[2].replace("_", "")


def _mode_name(mode: Any) -> str:  # noqa: ANN401 - untyped library
    return ua.MessageSecurityMode(mode).name.rstrip("_")


async def _hello(client: Client) -> None:
    """Greet, and bound what we accept: the library would take messages of any size."""
    client.max_messagesize, client.max_chunkcount = MESSAGE_BYTES_MAX, CHUNKS_MAX
    await client.send_hello()
    protocol = client.uaclient.protocol
    if protocol is None:
        message = "closed by the server"
        raise ConnectionError(message)
    limits = protocol._connection._limits  # noqa: SLF001 - no public way
    limits.max_message_size = min(limits.max_message_size or MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX)
    limits.max_chunk_count = min(limits.max_chunk_count or CHUNKS_MAX, CHUNKS_MAX)


async def _open(client: Client) -> None:
    """Open the channel; the library loses the reason of a refusal, so listen to the answer."""
    protocol = client.uaclient.protocol
    answers: list[bytes] = []
    if protocol is not None:
        give_on = protocol._call_callback  # noqa: SLF001 - no public way

        def listen(request_id: int, body: Any) -> None:  # noqa: ANN401 - untyped library
            answers[:] = [bytes(body)]
            give_on(request_id, body)

        protocol._call_callback = listen  # noqa: SLF001
    try:
        await client.open_secure_channel()
    except AssertionError as error:
        code = decoding.fault(answers[-1] if answers else b"")
        raise ChannelRefusedError(code or _BAD) from error
    finally:
        if protocol is not None:
            del protocol._call_callback  # noqa: SLF001 - the class's own again


class Channel:
    """An activated session on a secure channel.

    Attributes:
        client: The library's client; used by `services.py` and nobody else.
        resumed: Whether this is the session of the token that was given.
        about: One line on whom we talk to and how.
    """

    def __init__(
        self, client: Client, settings: OpcUaSettings, own: OwnCertificate | None, *, resumed: bool
    ) -> None:
        self.client = client
        self.resumed = resumed
        self._settings = settings
        self.about = f"{settings.endpoint}, {settings.security_policy}/{settings.security_mode}"
        if own is None:
            self.about += ", NOT ENCRYPTED"
        elif own.days_left <= _WARN_DAYS:
            self.about += f", our certificate expires in {own.days_left} days"
        self._renewal = asyncio.create_task(self._renew())

    @property
    def token(self) -> SessionToken:
        """What a later channel needs to take this session up."""
        session = self.client.uaclient.session
        return SessionToken(session.authentication_token, self.client._server_nonce)  # noqa: SLF001

    async def _renew(self) -> None:
        """Renew the channel's keys in time; if that fails the channel is given up, visibly."""
        while True:
            await asyncio.sleep(self.client.secure_channel_timeout * _RENEW_AT / 1000)
            try:
                async with deadline(self._settings.timeout_s):
                    await self.client.open_secure_channel(renew=True)
                self.client.uaclient.revolve_security_token()
            except FAILURES:
                self.client.disconnect_socket()  # whoever waits for an answer is told
                return

    async def close(self, *, end_session: bool) -> None:
        """Let go; with `end_session` the server forgets session and subscriptions at once."""
        self._renewal.cancel()
        await asyncio.gather(self._renewal, return_exceptions=True)
        try:
            async with deadline(_CLOSE_S):
                if end_session:
                    await self.client.uaclient.close_session(True)  # noqa: FBT003
                await self.client.close_secure_channel()
        except FAILURES:
            pass  # it was lost already; the server's own timeouts clean up
        finally:
            self.client.disconnect_socket()


async def open_channel(
    settings: OpcUaSettings, *, clock: Clock, resume: SessionToken | None
) -> Channel:
    """Open a channel and a session, or take up that of `resume` where the server still has it.

    Raises:
        DriverUnavailableError: No answer.
        DriverTrustError: One of both sides refuses the other; a person must act.
    """
    own: OwnCertificate | None = None
    ours = ""
    if settings.encrypted:
        own = load_own(
            settings.certificate,
            settings.private_key,
            application_uri=settings.application_uri,
            clock=clock,
        )
        ours = f" ({settings.certificate}, thumbprint {fingerprint(own.certificate)})"
    endpoint = _choose(await _discover(settings), settings)
    client = _client(settings, endpoint, own, clock)
    doing = f"opening {settings.endpoint}"
    try:
        async with deadline(settings.timeout_s * _OPEN_DEADLINE):
            await client.connect_socket()
            await _hello(client)
            await _open(client)
            resumed = resume is not None and await _take_up(client, resume)
            if not resumed:
                await client.create_session()
                _check_password(client, settings)
                await _activate(client)
        return Channel(client, settings, own, resumed=resumed)
    except FAILURES as error:
        client.disconnect_socket()
        raise translate(error, doing, ours=ours) from error
    except BaseException:
        client.disconnect_socket()
        raise


def _choose(found: Sequence[Any], settings: OpcUaSettings) -> Any:  # noqa: ANN401 - untyped library
    """The endpoint that was configured; never a weaker one, whatever the server offers."""
    described = [_endpoint(one) for one in found]
    for one, words in zip(found, described, strict=True):
        if (words.policy, words.mode) == (settings.security_policy, settings.security_mode):
            return one
    offered = sorted({f"{words.policy}/{words.mode}" for words in described})
    raise DriverTrustError(
        f"{settings.endpoint} does not offer {settings.security_policy}/{settings.security_mode},"
        f" only {', '.join(offered) or 'nothing'}; a weaker one is not taken by itself.",
        hint="Enable it at the server, or choose another in the configuration.",
    )


def _client(
    settings: OpcUaSettings,
    endpoint: Any,  # noqa: ANN401 - untyped library
    own: OwnCertificate | None,
    clock: Clock,
) -> Client:
    client = Client(settings.endpoint, timeout=settings.timeout_s)
    client.name = client.description = settings.session_name
    client.application_uri = settings.application_uri
    client.product_uri = "urn:lineside:edge-agent"
    client.session_timeout = round(settings.session_timeout_s * 1000)
    client.secure_channel_timeout = round(settings.channel_lifetime_s * 1000)
    client._policy_ids = endpoint.UserIdentityTokens or []  # noqa: SLF001 - for a session taken up
    if settings.user:
        client.set_user(settings.user)
        client.set_password(settings.password)
    if own is not None:
        trusted = TrustList(settings.trust_list, clock=clock).check(
            endpoint.ServerCertificate or b"",
            application_uri=endpoint.Server.ApplicationUri or "",
            host=settings.host,
        )
        policy = getattr(security_policies, f"SecurityPolicy{settings.security_policy}")
        mode = getattr(ua.MessageSecurityMode, settings.security_mode)
        client.security_policy = policy(trusted, own.certificate, own.private_key, mode)
        client.uaclient.set_security(client.security_policy)
    return client


async def _activate(client: Client) -> None:
    await client.activate_session(username=client._username, password=client._password)  # noqa: SLF001


async def _take_up(client: Client, resume: SessionToken) -> bool:
    """Activate an old session on this channel; False where the server refuses, for whatever reason.

    A refusal that also concerns a new session shows again when that is made.
    """
    client.uaclient.session.restore_authentication_token(resume.token)
    client._server_nonce = resume.nonce  # noqa: SLF001 - the library does this only from its file
    try:
        await _activate(client)
    except UaError as error:
        if not isinstance(getattr(error, "code", None), int):
            raise
        client.uaclient.session.reset_authentication_token()
        client._server_nonce = None  # noqa: SLF001
        return False
    return True


def _check_password(client: Client, settings: OpcUaSettings) -> None:
    """Refuse to send a password that anybody on the network could read."""
    if not settings.user:
        return
    kinds = {ua.UserTokenType(policy.TokenType).name for policy in client._policy_ids}  # noqa: SLF001
    if "UserName" not in kinds:
        raise DriverTrustError(
            f"{settings.endpoint} does not take users, only {', '.join(sorted(kinds))}.",
            hint="Enable user names at the server, or remove user from the configuration.",
        )
    policy = client.server_policy(ua.UserTokenType.UserName).SecurityPolicyUri
    if _policy_name(policy) in {"", "None"} and settings.security_mode != "SignAndEncrypt":
        raise DriverTrustError(
            f"The password would go to {settings.endpoint} readable for everybody.",
            hint="Use security_mode SignAndEncrypt, or a sign-in policy that encrypts.",
        )
