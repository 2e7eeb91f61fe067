"""A small certificate authority of the site: every edge, central and the broker prove who they are.

Keys are elliptic (P-256) and never leave their files, which only their owner can read. The common
name is the identity that the broker checks topics against.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.contracts import topics
from lineside.contracts.clock import Microseconds, to_datetime
from lineside.contracts.errors import LinesideError

CENTRAL_NAME = "lineside-central"
EDGE_URN = "urn:lineside:edge:"
CENTRAL_URN = "urn:lineside:central"
AUTHORITY_DAYS = 7_300
SERVER_DAYS = 397
EDGE_DAYS = 90
CLOCK_TOLERANCE = timedelta(
    hours=1
)  # an edge whose clock is a little behind shall not be locked out


class AuthorityError(LinesideError):
    """A certificate that cannot be issued or read."""

    code = "authority.error"
    status = 422


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, and its key where we made it.

    Attributes:
        certificate: PEM.
        key: PEM, empty where the asker keeps the key.
        fingerprint: SHA-256 of the certificate, hexadecimal.
    """

    certificate: bytes
    key: bytes
    fingerprint: str

    def save(self, folder: Path, stem: str) -> None:
        """Write `<stem>.crt` and, readable by their owner alone, `<stem>.key`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.crt").write_bytes(self.certificate)
        if self.key:
            write_secret(folder / f"{stem}.key", self.key)


class Authority:
    """The site's authority, open for signing."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    @classmethod
    def create(cls, folder: Path, *, site: str, now: Microseconds) -> Authority:
        """Make an authority in `folder/ca.crt` and `folder/ca.key`.

        Raises:
            AuthorityError: There is one already; a second one would lock every edge out.
        """
        if (folder / "ca.key").exists():
            raise AuthorityError(
                f"There is an authority in {folder} already.", hint="Use it, or choose a folder."
            )
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lineside"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Lineside authority {site}"[:64]),
            ]
        )
        builder = _dated(x509.CertificateBuilder(), now, AUTHORITY_DAYS)
        certificate = (
            builder.subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        _issued(certificate, key).save(folder, "ca")
        return cls(certificate, key)

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """The authority of a folder.

        Raises:
            AuthorityError: There is none, or its files cannot be read.
        """
        try:
            certificate = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        except (OSError, ValueError, TypeError) as problem:
            raise AuthorityError(
                f"No authority can be read in {folder}: {problem}.",
                hint="Run `lineside-central init`, or restore the folder from its backup.",
            ) from problem
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(certificate, key)

    @property
    def certificate(self) -> bytes:
        """The authority's certificate, PEM: what everybody trusts."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue_server(
        self, hosts: Sequence[str], *, now: Microseconds, days: int = SERVER_DAYS
    ) -> Issued:
        """For the broker or the web server: names and addresses by which it is called."""
        names = [_host(host) for host in hosts]
        return self._issue(hosts[0], names, ExtendedKeyUsageOID.SERVER_AUTH, now=now, days=days)

    def issue_central(self, *, now: Microseconds, days: int = SERVER_DAYS) -> Issued:
        """For central's own connection to the broker."""
        names = [x509.UniformResourceIdentifier(CENTRAL_URN)]
        return self._issue(CENTRAL_NAME, names, ExtendedKeyUsageOID.CLIENT_AUTH, now=now, days=days)

    def issue_edge(self, edge: str, *, now: Microseconds, days: int = EDGE_DAYS) -> Issued:
        """For an edge, with a key made here; `sign_edge` is better where the edge can ask.

        Raises:
            AuthorityError: The id cannot stand in a topic, or is central's.
        """
        return self._issue(
            _edge_name(edge), _edge_names(edge), ExtendedKeyUsageOID.CLIENT_AUTH, now=now, days=days
        )

    def sign_edge(
        self, request: bytes, edge: str, *, now: Microseconds, days: int = EDGE_DAYS
    ) -> Issued:
        """Sign an edge's request; the id comes from the invitation, whatever the request says.

        Args:
            request: Certificate signing request, PEM.
            edge: The invited edge.
            now: Microseconds UTC.
            days: How long it is valid.

        Raises:
            AuthorityError: The request is none, or its key is weak.
        """
        try:
            asked = x509.load_pem_x509_csr(request)
        except ValueError as problem:
            raise AuthorityError(f"Not a certificate request: {problem}.") from problem
        key = asked.public_key()
        if not asked.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
            raise AuthorityError(
                "The request is not signed by an elliptic key.",
                hint="Let `lineside-edge enrol` make the key.",
            )
        certificate = self._sign(
            _edge_name(edge),
            _edge_names(edge),
            ExtendedKeyUsageOID.CLIENT_AUTH,
            key=key,
            now=now,
            days=days,
        )
        return _issued(certificate, None)

    def _issue(
        self,
        name: str,
        names: Sequence[x509.GeneralName],
        use: x509.ObjectIdentifier,
        *,
        now: Microseconds,
        days: int,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        return _issued(self._sign(name, names, use, key=key.public_key(), now=now, days=days), key)

    def _sign(
        self,
        name: str,
        names: Sequence[x509.GeneralName],
        use: x509.ObjectIdentifier,
        *,
        key: ec.EllipticCurvePublicKey,
        now: Microseconds,
        days: int,
    ) -> x509.Certificate:
        builder = _dated(x509.CertificateBuilder(), now, days)
        return (
            builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, from the first moment on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None) -> Issued:
    return Issued(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=b""
        if key is None
        else key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _edge_name(edge: str) -> str:
    if topics.EDGE_ID.fullmatch(edge) is None or edge == CENTRAL_NAME:
        raise AuthorityError(
            f"{edge[:80]!r} cannot be the id of an edge.",
            hint="Use letters, digits, '-', '_' and '.', at most 63, a letter or digit first.",
        )
    return edge


def _edge_names(edge: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(EDGE_URN + edge)]


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _dated(
    builder: x509.CertificateBuilder, now: Microseconds, days: int
) -> x509.CertificateBuilder:
    begins = to_datetime(now) - CLOCK_TOLERANCE
    return builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
