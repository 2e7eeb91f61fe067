"""What a certificate says, and whether somebody has its key."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lineside.central.authority import EDGE_URN, Authority
from lineside.central.platform.enrolment.errors import RenewalRefusedError, RequestRefusedError
from lineside.contracts.clock import Microseconds, from_datetime
from lineside.contracts.enrolment import RENEWAL_PURPOSE


@dataclass(frozen=True, slots=True)
class Facts:
    """A certificate of our own as we keep it."""

    fingerprint: str
    serial: str
    valid_until: Microseconds


def facts_of(certificate: bytes) -> Facts:
    """What we keep of a certificate that we signed, PEM."""
    found = x509.load_pem_x509_certificate(certificate)
    return Facts(
        fingerprint=found.fingerprint(hashes.SHA256()).hex(),
        serial=f"{found.serial_number:x}",
        valid_until=from_datetime(found.not_valid_after_utc),
    )


def edge_of(certificate: bytes) -> str:
    """The edge whose certificate this is, PEM; empty: it is not one of an edge."""
    found = x509.load_pem_x509_certificate(certificate)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    addresses = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(addresses) != 1 or not addresses[0].startswith(EDGE_URN):
        return ""
    return addresses[0].removeprefix(EDGE_URN)


def key_of_request(request: bytes) -> str:
    """SHA-256 of the public key that a request asks a certificate for.

    Raises:
        RequestRefusedError: It is no request.
    """
    try:
        key = x509.load_pem_x509_csr(request).public_key()
    except ValueError as problem:
        raise RequestRefusedError(f"Not a certificate request: {problem}.") from problem
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def proved(authority: Authority, *, certificate: bytes, request: bytes, proof: bytes) -> Facts:
    """A certificate of ours, whose key has signed this request.

    Args:
        authority: Who must have signed the certificate.
        certificate: PEM.
        request: The new request, PEM.
        proof: ECDSA with SHA-256 over `RENEWAL_PURPOSE` and the request.

    Raises:
        RenewalRefusedError: It is not ours, or the key is another.
    """
    try:
        found = x509.load_pem_x509_certificate(certificate)
    except ValueError as problem:
        raise RenewalRefusedError("it is no certificate") from problem
    if not any(_signed_by(found, root) for root in authority.roots):
        raise RenewalRefusedError("no authority of this site has signed it")
    key = found.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # we sign no other
    try:
        key.verify(proof, RENEWAL_PURPOSE + request, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as problem:
        raise RenewalRefusedError("its key has not signed the request") from problem
    return facts_of(certificate)


def _signed_by(found: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        found.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
