"""A small certificate authority of the site: every edge, central and the broker prove who they are.

Keys are elliptic (P-256) and never leave their files, which only their owner can read. The common
name is the identity that the broker checks topics against.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.central.certificates import (
    AUTHORITY_DAYS,
    CLOCK_TOLERANCE,
    Root,
    dated,
    new_root,
    pem,
    read_root,
    usage,
    write_secret,
    write_whole,
)
from lineside.contracts import topics
from lineside.contracts.clock import Microseconds, to_datetime
from lineside.contracts.errors import LinesideError

CENTRAL_NAME = "lineside-central"
EDGE_URN = "urn:lineside:edge:"
CENTRAL_URN = "urn:lineside:central"
SERVER_DAYS = 397
EDGE_DAYS = 90


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
    """The site's authority, open for signing.

    While it is rotated it has two roots: the new one signs, the one before is still trusted.
    """

    def __init__(
        self,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        previous: Root | None = None,
    ) -> None:
        self._certificate, self._key, self._previous = certificate, key, previous

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
        certificate, key = new_root(site, now)
        _issued(certificate, key).save(folder, "ca")
        return cls(certificate, key)

    @classmethod
    def rotate(cls, folder: Path, *, site: str, now: Microseconds) -> Authority:
        """Begin to sign with a new key; certificates under the one before stay valid.

        Edges learn the new root with their next renewal, the broker and central when they start
        again. Then `retire` ends the trust in the old one.

        Raises:
            AuthorityError: Two roots are trusted already.
        """
        if len(cls.open(folder).roots) > 1:
            raise AuthorityError(
                "Two roots are trusted already.",
                hint="Retire the older one when every edge has renewed its certificate.",
            )
        old = read_root(folder, "ca")
        fresh = cls(*new_root(site, now), old)
        # The key comes last: until then the folder is a whole authority under the old root.
        write_whole(folder / "ca.crt", fresh.certificate)
        write_whole(folder / "previous.crt", old[0].public_bytes(serialization.Encoding.PEM))
        write_secret(folder / "previous.key", pem(old[1]))
        write_secret(folder / "ca.key", pem(fresh._key))
        return fresh

    @classmethod
    def retire(cls, folder: Path) -> Authority:
        """Trust the newest root alone.

        Raises:
            AuthorityError: There is only one.
        """
        if len(cls.open(folder).roots) == 1:
            raise AuthorityError("Only one root is trusted.", hint="Rotate the authority first.")
        alone = cls(*read_root(folder, "ca"))
        write_whole(folder / "ca.crt", alone.certificate)
        for name in ("previous.key", "previous.crt"):
            (folder / name).unlink()
        return alone

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """The authority of a folder.

        Raises:
            AuthorityError: There is none, or its files cannot be read.
        """
        try:
            newest = read_root(folder, "ca")
            previous = read_root(folder, "previous") if (folder / "previous.key").exists() else None
        except (OSError, ValueError, TypeError) as problem:
            raise AuthorityError(
                f"No authority can be read in {folder}: {problem}.",
                hint="Run `lineside-central init`, or restore the folder from its backup.",
            ) from problem
        return cls(*newest, previous)

    @property
    def roots(self) -> list[x509.Certificate]:
        """Every root that is trusted, the one that signs first."""
        return [self._certificate, *([] if self._previous is None else [self._previous[0]])]

    @property
    def certificate(self) -> bytes:
        """What everybody trusts, PEM."""
        return b"".join(root.public_bytes(serialization.Encoding.PEM) for root in self.roots)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root that signs, hexadecimal."""
        return self._certificate.fingerprint(hashes.SHA256()).hex()

    def revocations(
        self, revoked: Sequence[tuple[int, Microseconds]], *, now: Microseconds
    ) -> bytes:
        """Revocation lists for the broker, PEM, one a root.

        They do not expire while the authority lives: a broker refuses every edge when its list has
        expired, and a plant must not stop because nobody wrote a new one.

        Args:
            revoked: Serial numbers with the time of their revocation.
            now: Microseconds UTC.
        """
        keys = [(self._certificate, self._key)]
        keys += [] if self._previous is None else [self._previous]
        made: list[bytes] = []
        for root, key in keys:
            begins = to_datetime(now) - CLOCK_TOLERANCE
            builder = (
                x509.CertificateRevocationListBuilder()
                .issuer_name(root.subject)
                .last_update(begins)
                .next_update(begins + timedelta(days=AUTHORITY_DAYS))
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                    critical=False,
                )
            )
            for serial, at in revoked:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(serial)
                    .revocation_date(to_datetime(at))
                    .build()
                )
            made.append(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return b"".join(made)

    def issue_server(
        self, hosts: Sequence[str], *, now: Microseconds, days: int = SERVER_DAYS
    ) -> Issued:
        """For the broker or the web server: names and addresses by which it is called.

        While two roots are trusted the older one signs it: an edge that has not renewed its
        certificate yet knows no other.
        """
        names = [_host(host) for host in hosts]
        older = self if self._previous is None else Authority(*self._previous)
        return older.issue(hosts[0], names, ExtendedKeyUsageOID.SERVER_AUTH, now=now, days=days)

    def issue_central(self, *, now: Microseconds, days: int = SERVER_DAYS) -> Issued:
        """For central's own connection to the broker."""
        names = [x509.UniformResourceIdentifier(CENTRAL_URN)]
        return self.issue(CENTRAL_NAME, names, ExtendedKeyUsageOID.CLIENT_AUTH, now=now, days=days)

    def issue_edge(self, edge: str, *, now: Microseconds, days: int = EDGE_DAYS) -> Issued:
        """For an edge, with a key made here; `sign_edge` is better where the edge can ask.

        Raises:
            AuthorityError: The id cannot stand in a topic, or is central's.
        """
        return self.issue(
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

    def issue(
        self,
        name: str,
        names: Sequence[x509.GeneralName],
        use: x509.ObjectIdentifier,
        *,
        now: Microseconds,
        days: int,
    ) -> Issued:
        """A certificate with a key made here; the callers above say for whom."""
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
        builder = dated(x509.CertificateBuilder(), now, days)
        return (
            builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None) -> Issued:
    return Issued(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=b"" if key is None else pem(key),
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
