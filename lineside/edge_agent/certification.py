"""Asks central for a certificate, and talks to nobody but the site that the token names."""

from __future__ import annotations

import base64
import ipaddress
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from lineside.contracts.enrolment import (
    AUTHORITY_PATH,
    PATH,
    RENEWAL_PATH,
    parse_invitation,
)
from lineside.edge_agent.enrolment import (
    EnrolmentError,
    Identity,
    IdentityFiles,
    new_request,
    proof_of,
    read_identity,
    replace_identity,
    request_for,
    write_private,
)

TIMEOUT_S = 15.0
ANSWER_BYTES_MAX = 65_536
REFUSED = 400


class CentralRefusesError(EnrolmentError):
    """Central understood, and does not give a certificate; asking again cannot help."""

    code = "enrolment.refused"


class CentralAwayError(EnrolmentError):
    """Central does not answer, or is not the one that we trust."""

    code = "enrolment.central_away"
    status = 503


def enrol(central: str, token: str, files: IdentityFiles) -> Identity:
    """Make a key, let central sign it, and put both in place.

    A key that waits from an attempt before is used again: its answer may have been lost on the way.

    Args:
        central: Address of central, `https://host:port`; `http` only on this computer.
        token: As `lineside-central edge invite` printed it.
        files: Where the identity goes.

    Raises:
        InvalidMessageError: The token is none.
        CentralAwayError: Nobody answers, or somebody else does.
        CentralRefusesError: The token opens nothing.
    """
    invitation = parse_invitation(token)
    address = checked_address(central)
    root = _pinned_root(address, invitation.authority)
    waiting = files.key.with_name(f"{files.key.name}.request")
    if not waiting.exists():
        write_private(waiting, new_request("edge")[0])
    key = waiting.read_bytes()
    body = {"token": invitation.text, "request": request_for(key).decode()}
    answer = _post(f"{address}{PATH}", body, _trusting(address, root))
    _take(files, key, answer)
    files.central.write_text(address + "\n", encoding="utf-8")
    waiting.unlink()
    return read_identity(files.certificate)


def renew(files: IdentityFiles) -> Identity:
    """Get a new certificate for a new key, proved with the present one.

    Raises:
        CentralAwayError: Nobody answers, or somebody else does; try again.
        CentralRefusesError: The certificate is not renewed; a person must invite this edge.
    """
    try:
        address = checked_address(files.central.read_text(encoding="utf-8"))
        key, certificate = files.key.read_bytes(), files.certificate.read_text(encoding="utf-8")
        roots = files.authority.read_bytes()
    except OSError as problem:
        raise EnrolmentError(
            f"The certificate cannot be renewed: {problem}.",
            hint="Enrol this edge with `lineside-edge enrol --central --token`.",
        ) from problem
    fresh, _ = new_request("edge")
    request = request_for(fresh)
    body = {
        "certificate": certificate,
        "request": request.decode(),
        "proof": base64.b64encode(proof_of(key, request)).decode(),
    }
    _take(files, fresh, _post(f"{address}{RENEWAL_PATH}", body, _trusting(address, roots)))
    return read_identity(files.certificate)


def checked_address(central: str) -> str:
    """An address that a secret may be sent to, without a slash at its end.

    Raises:
        EnrolmentError: Not https, and not this computer.
    """
    address = central.strip().rstrip("/")
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return address
    if parts.scheme == "http" and _is_here(parts.hostname or ""):
        return address
    raise EnrolmentError(
        f"{address[:200]!r} is no address that a token may be sent to.",
        hint="Use https://HOST:PORT; central serves it with a certificate of its authority.",
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pinned_root(address: str, fingerprint: str) -> bytes:
    """The root that the token names, PEM; asked for without trust, compared with the token."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with httpx.Client(verify=context, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.get(f"{address}{AUTHORITY_PATH}")
    except (httpx.HTTPError, OSError) as problem:
        raise _away(address, problem) from problem
    if answer.status_code >= REFUSED:
        raise CentralRefusesError(*_said(answer))
    try:
        found = x509.load_pem_x509_certificates(answer.content[:ANSWER_BYTES_MAX])
    except ValueError as problem:
        raise _away(address, problem) from problem
    for root in found:
        if root.fingerprint(hashes.SHA256()).hex() == fingerprint:
            return root.public_bytes(serialization.Encoding.PEM)
    raise CentralAwayError(
        f"Who answers at {address} is not the central of this token.",
        hint="Check the address and who else may answer there; the token was not sent.",
    )


def _trusting(address: str, roots: bytes) -> ssl.SSLContext | bool:
    if address.startswith("http:"):
        return True
    context = ssl.create_default_context(cadata=roots.decode("ascii"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _post(url: str, body: dict[str, str], verify: ssl.SSLContext | bool) -> dict[str, Any]:
    try:
        with httpx.Client(verify=verify, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(url, json=body)
        if answer.status_code >= REFUSED:
            what = (
                CentralAwayError
                if answer.status_code >= 500 or answer.status_code == 429  # noqa: PLR2004
                else CentralRefusesError
            )
            raise what(*_said(answer))
        return dict(answer.json())
    except (httpx.HTTPError, OSError, ValueError, TypeError) as problem:
        raise _away(url, problem) from problem


def _take(files: IdentityFiles, key: bytes, answer: dict[str, Any]) -> None:
    try:
        certificate, authority = str(answer["certificate"]), str(answer["authority"])
        x509.load_pem_x509_certificates(authority.encode())
    except (KeyError, ValueError) as problem:
        raise CentralAwayError(f"Central answered something else: {problem}.") from problem
    replace_identity(files, key=key, certificate=certificate.encode(), authority=authority.encode())


def _said(answer: httpx.Response) -> tuple[str]:
    try:
        document = answer.json()
        return (f"{document['detail']} {document['hint']}".strip(),)
    except (ValueError, KeyError, TypeError):
        return (f"Central answered {answer.status_code}.",)


def _away(address: str, problem: Exception) -> CentralAwayError:
    return CentralAwayError(
        f"Central does not answer at {address}: {problem}.",
        hint="Check the address, the network, and that central serves https with its authority.",
    )
