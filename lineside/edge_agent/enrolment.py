"""Who this edge is: its certificate says so, never its configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lineside.contracts import topics
from lineside.contracts.clock import Microseconds, from_datetime
from lineside.contracts.errors import LinesideError

EDGE_URN = "urn:lineside:edge:"


class EnrolmentError(LinesideError):
    """This edge has no identity that can be used."""

    code = "enrolment.identity"
    status = 422


@dataclass(frozen=True, slots=True)
class Identity:
    """What a certificate says about an edge.

    Attributes:
        edge: Its id.
        valid_from, valid_until: Microseconds UTC.
        fingerprint: SHA-256 of the certificate, hexadecimal.
    """

    edge: str
    valid_from: Microseconds
    valid_until: Microseconds
    fingerprint: str


def read_identity(path: Path) -> Identity:
    """The identity in a certificate file.

    Raises:
        EnrolmentError: No certificate, or not one of an edge.
    """
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise EnrolmentError(
            f"{path} is no certificate: {problem}.", hint="Run `lineside-edge enrol`."
        ) from problem
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    edge = str(names[0].value) if len(names) == 1 else ""
    try:
        alternatives = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        alternatives = []
    if topics.EDGE_ID.fullmatch(edge) is None or alternatives != [EDGE_URN + edge]:
        raise EnrolmentError(
            f"{path} is not the certificate of an edge.",
            hint="Run `lineside-edge enrol`, or name the edge's own certificate.",
        )
    return Identity(
        edge=edge,
        valid_from=from_datetime(certificate.not_valid_before_utc),
        valid_until=from_datetime(certificate.not_valid_after_utc),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def edge_id_from_certificate(path: Path) -> str:
    """The id of the edge whose certificate this is.

    Raises:
        EnrolmentError: No certificate, or not one of an edge.
    """
    return read_identity(path).edge


def new_request(edge: str) -> tuple[bytes, bytes]:
    """A new key and a request for its certificate.

    Returns:
        (key PEM, request PEM); the key stays here, the request goes to central.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, edge[:64])]))
        .sign(key, hashes.SHA256())
    )
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        request.public_bytes(serialization.Encoding.PEM),
    )


def save_identity(folder: Path, *, key: bytes, certificate: bytes, authority: bytes) -> None:
    """Write `edge.key` (readable by its owner alone), `edge.crt` and `ca.crt`.

    Raises:
        EnrolmentError: The certificate is not that of an edge; nothing in use is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arriving = folder / "edge.crt.new"
    arriving.write_bytes(certificate)
    try:
        read_identity(arriving)
    except EnrolmentError:
        arriving.unlink()
        raise
    descriptor = os.open(folder / "edge.key.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    (folder / "ca.crt").write_bytes(authority)
    (folder / "edge.key.new").replace(folder / "edge.key")
    arriving.replace(folder / "edge.crt")
