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
from lineside.contracts.enrolment import RENEWAL_PURPOSE
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


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """Where an edge keeps who it is.

    Attributes:
        central: Central's address, as enrolled with; a renewal asks there.
    """

    certificate: Path
    key: Path
    authority: Path

    @property
    def central(self) -> Path:
        """File with the address of central, beside the certificate."""
        return self.certificate.with_name("central.url")


def files_in(folder: Path) -> IdentityFiles:
    """The files as `lineside-edge enrol` names them."""
    return IdentityFiles(folder / "edge.crt", folder / "edge.key", folder / "ca.crt")


def save_identity(folder: Path, *, key: bytes, certificate: bytes, authority: bytes) -> None:
    """Write `edge.key` (readable by its owner alone), `edge.crt` and `ca.crt`.

    Raises:
        EnrolmentError: The certificate is not that of an edge; nothing in use is replaced.
    """
    replace_identity(files_in(folder), key=key, certificate=certificate, authority=authority)


def replace_identity(
    files: IdentityFiles, *, key: bytes, certificate: bytes, authority: bytes
) -> None:
    """Put a key, its certificate and the authority in the place of those before.

    A power cut between two of the files leaves the new certificate as `<name>.new`;
    `finish_replacing` puts it in place at the next start.

    Raises:
        EnrolmentError: The certificate is not that of an edge, or of another key; nothing in use is
            replaced.
    """
    files.certificate.parent.mkdir(parents=True, exist_ok=True)
    arriving = _new(files.certificate)
    arriving.write_bytes(certificate)
    try:
        read_identity(arriving)
        fits = belongs(certificate, key)
    except EnrolmentError:
        arriving.unlink()
        raise
    if not fits:
        arriving.unlink()
        raise EnrolmentError(
            "The certificate is that of another key.", hint="Enrol this edge once more."
        )
    write_private(_new(files.key), key)
    _new(files.authority).write_bytes(authority)
    for path in (files.certificate, files.key, files.authority):
        _to_disk(_new(path))
    _new(files.authority).replace(files.authority)
    _new(files.key).replace(files.key)
    arriving.replace(files.certificate)


def finish_replacing(files: IdentityFiles) -> None:
    """Finish what a power cut has interrupted: the certificate that waits is that of the key."""
    arriving = _new(files.certificate)
    try:
        if belongs(arriving.read_bytes(), files.key.read_bytes()):
            arriving.replace(files.certificate)
    except (OSError, ValueError):
        return  # none waits, or what waits is of no use; the identity in place says what is wrong


def belongs(certificate: bytes, key: bytes) -> bool:
    """Whether a certificate is that of a key, both PEM.

    Raises:
        ValueError: One of them cannot be read.
    """
    found = x509.load_pem_x509_certificate(certificate).public_key()
    return found == serialization.load_pem_private_key(key, None).public_key()


def write_private(path: Path, data: bytes) -> None:
    """Write a file that its owner alone can read, from the first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)


def request_for(key: bytes) -> bytes:
    """A certificate request for a key, both PEM; the id comes from the invitation.

    Raises:
        ValueError: The key cannot be read.
    """
    found = serialization.load_pem_private_key(key, None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)  # we make no other
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(found, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def proof_of(key: bytes, request: bytes) -> bytes:
    """The signature by which the present key asks for a renewal."""
    found = serialization.load_pem_private_key(key, None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    return found.sign(RENEWAL_PURPOSE + request, ec.ECDSA(hashes.SHA256()))


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
