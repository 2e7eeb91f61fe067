"""Certificates: our own, and which servers' ones a person has trusted.

Nothing is trusted at first sight. A certificate that nobody has trusted is put into `rejected/`; a
person compares its fingerprint with the one that the PLC's own tool shows, and moves the file to
`trusted/`. That is all: no restart, the supervisor tries again.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.contracts.clock import Clock, to_datetime
from lineside.contracts.errors import DriverTrustError

KEY_BITS_MIN = 2048
KEY_BITS_MAX = 4096
REJECTED_MAX = 100
"""Files kept in `rejected/`; the oldest gives way, so that nobody can fill the disk."""

_SUFFIXES = {".der", ".cer", ".crt", ".pem"}
_NEW_PAIR = (
    "Restore certificate and key, or delete both: a new pair is made, to be trusted at the PLC."
)
_VALID_DAYS = 365 * 5
_CHAIN_MAX = 4
_FILE_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Our application certificate with its key.

    Attributes:
        certificate: As read.
        private_key: RSA key.
        days_left: Whole days until it expires.
    """

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey
    days_left: int


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-1 thumbprint in capitals, as OPC UA tools and PLCs show it."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, not a proof


def thumbprint_of(der: bytes) -> str:
    """Thumbprint of a certificate as a server sent it, maybe with its chain; empty: unreadable."""
    try:
        return fingerprint(x509.load_der_x509_certificate(next(_split(der))))
    except (ValueError, StopIteration, IndexError):
        return ""


def load_own(
    certificate: Path, private_key: Path, *, application_uri: str, clock: Clock
) -> OwnCertificate:
    """Read our certificate and key; make a self-signed pair when both files are missing.

    Raises:
        DriverTrustError: Unreadable, not matching each other or `application_uri`, or expired.
    """
    if not certificate.exists() and not private_key.exists():
        make_own(certificate, private_key, application_uri=application_uri, clock=clock)
    try:
        parsed = _parse(certificate.read_bytes())
        key = serialization.load_pem_private_key(private_key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise DriverTrustError(
            f"Our own certificate {certificate} or key {private_key} cannot be read: {error}.",
            hint=_NEW_PAIR,
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != parsed.public_key():
        raise DriverTrustError(
            f"{private_key} is not the key of {certificate}.",
            hint=_NEW_PAIR,
        )
    if application_uri not in _uris(parsed):
        raise DriverTrustError(
            f"{certificate} is for {', '.join(_uris(parsed)) or 'no application'}, not for"
            f" {application_uri}.",
            hint=f"Set application_uri to the one in the certificate. {_NEW_PAIR}",
        )
    left = parsed.not_valid_after_utc - to_datetime(clock.now())
    if left <= timedelta(0):
        raise DriverTrustError(
            f"Our own certificate {certificate} expired on {parsed.not_valid_after_utc:%Y-%m-%d}.",
            hint=f"{_NEW_PAIR} If that date is ahead, this computer's clock is wrong.",
        )
    return OwnCertificate(parsed, key, left.days)


def make_own(certificate: Path, private_key: Path, *, application_uri: str, clock: Clock) -> None:
    """Make a self-signed application certificate with its key (readable by the owner alone).

    Raises:
        DriverTrustError: The files cannot be written.

    Source: OPC 10000-6, section 6.2.2 (application instance certificate).
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS_MIN)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, application_uri[-64:])])
    now = to_datetime(clock.now()).astimezone(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,  # self-signed: some servers check the chain against this bit
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(application_uri)]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        for path in (certificate, private_key):
            path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(private_key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        certificate.write_bytes(built.public_bytes(serialization.Encoding.DER))
    except OSError as error:
        raise DriverTrustError(
            f"Our own certificate cannot be written: {error}.",
            hint="Let the agent's user write there, or set certificate and private_key.",
        ) from error


class TrustList:
    """A folder with `trusted/` (servers, authorities, `*.crl`) and `rejected/`."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._trusted = folder / "trusted"
        self._rejected = folder / "rejected"
        self._clock = clock

    def check(self, der: bytes, *, application_uri: str, host: str) -> x509.Certificate:
        """Accept a server's certificate, or say what to do.

        Args:
            der: Certificate as the server sent it, maybe followed by its chain.
            application_uri: What the server's endpoint says that it is called.
            host: Host that we connect to, as configured.

        Raises:
            DriverTrustError: Unknown, expired, revoked, weak, or made for another server.
        """
        try:
            chain = [x509.load_der_x509_certificate(part) for part in _split(der)]
            key = chain[0].public_key()
        except (ValueError, IndexError) as error:
            raise DriverTrustError(
                f"The server sent no readable certificate: {error}.",
                hint="Renew the server's certificate.",
            ) from error
        certificate = chain[0]
        if not isinstance(key, rsa.RSAPublicKey) or not (
            KEY_BITS_MIN <= key.key_size <= KEY_BITS_MAX
        ):
            raise DriverTrustError(
                "The server's key is not RSA with 2048 to 4096 bits.",
                hint="Make a new certificate with such a key at the server.",
            )
        self._check_trusted(certificate, chain[1 : 1 + _CHAIN_MAX], host)
        self._check_validity(certificate)
        if application_uri not in _uris(certificate):
            raise DriverTrustError(
                f"The server calls itself {application_uri}, its certificate is for"
                f" {', '.join(_uris(certificate)) or 'no application'} (BadCertificateUriInvalid).",
                hint="Renew the server's certificate; both must be the same.",
            )
        return certificate

    def accept(self, thumbprint: str) -> Path:
        """Move a rejected certificate to `trusted/`, because a person has compared its thumbprint.

        Raises:
            DriverTrustError: No rejected certificate has it.
        """
        wanted = "".join(char for char in thumbprint.upper() if char.isalnum())
        source, target = (folder / f"{wanted}.der" for folder in (self._rejected, self._trusted))
        if target.exists():
            return target
        try:
            source.rename(target)
        except OSError as error:
            raise DriverTrustError(
                f"No certificate with the thumbprint {wanted} waits in {self._rejected}.",
                hint="Connect once without --trust; then compare and use the thumbprint it shows.",
            ) from error
        return target

    def _check_trusted(
        self, certificate: x509.Certificate, chain: list[x509.Certificate], host: str
    ) -> None:
        known = list(self._load())
        if any(other == certificate for other in known):
            self._check_revoked(certificate, known)
            return
        issuer, links = certificate, [*chain, *known]
        for _ in range(_CHAIN_MAX):
            parent = next((link for link in links if _issued(issuer, link)), None)
            if parent is None or parent == issuer:
                break
            self._check_revoked(issuer, [parent])
            self._check_validity(parent)
            if parent in known:
                _check_host(certificate, host)
                return
            issuer = parent
        path = self._reject(certificate)
        raise DriverTrustError(
            f"Nobody has trusted the server's certificate yet: {_words(certificate)}, thumbprint"
            f" {fingerprint(certificate)}.",
            hint="Compare the thumbprint with the one that the server's own tool shows; if they are"
            f" equal, move {path} to {self._trusted}.",
        )

    def _check_validity(self, certificate: x509.Certificate) -> None:
        now = to_datetime(self._clock.now())
        if certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return
        raise DriverTrustError(
            f"The certificate {_words(certificate)} is valid from"
            f" {certificate.not_valid_before_utc:%Y-%m-%d} to"
            f" {certificate.not_valid_after_utc:%Y-%m-%d}, this computer's clock shows"
            f" {now:%Y-%m-%d} (BadCertificateTimeInvalid).",
            hint="Check both clocks (a PLC without battery starts in the past), then renew it.",
        )

    def _check_revoked(
        self, certificate: x509.Certificate, issuers: list[x509.Certificate]
    ) -> None:
        for path in sorted(self._trusted.glob("*.crl")):
            try:
                data = path.read_bytes()[:_FILE_BYTES_MAX]
                load = x509.load_pem_x509_crl if b"-----" in data else x509.load_der_x509_crl
                crl = load(data)
            except (OSError, ValueError) as error:
                raise DriverTrustError(
                    f"The revocation list {path} cannot be read: {error}.", hint="Replace it."
                ) from error
            if crl.issuer != certificate.issuer or not any(
                isinstance(key := issuer.public_key(), rsa.RSAPublicKey)
                and crl.is_signature_valid(key)
                for issuer in issuers
                if issuer.subject == crl.issuer
            ):
                continue
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise DriverTrustError(
                    f"The certificate {_words(certificate)} is revoked by {path}.",
                    hint="Give the server a new certificate.",
                )

    def _load(self) -> Iterator[x509.Certificate]:
        for path in sorted(self._trusted.glob("*")):
            if path.suffix.lower() not in _SUFFIXES or not path.is_file():
                continue
            try:
                yield _parse(path.read_bytes()[:_FILE_BYTES_MAX])
            except (OSError, ValueError) as error:
                raise DriverTrustError(
                    f"{path} is no readable certificate: {error}.", hint="Remove or replace it."
                ) from error

    def _reject(self, certificate: x509.Certificate) -> Path:
        path = self._rejected / f"{fingerprint(certificate)}.der"
        try:
            self._trusted.mkdir(parents=True, exist_ok=True)
            self._rejected.mkdir(parents=True, exist_ok=True)
            path.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
            kept = sorted(self._rejected.glob("*.der"), key=lambda file: file.stat().st_mtime)
            for old in kept[:-REJECTED_MAX]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise DriverTrustError(
                f"Nobody has trusted the server's certificate yet, and {path} cannot be written:"
                f" {error}.",
                hint="Let the agent's user write there.",
            ) from error
        return path


def _parse(data: bytes) -> x509.Certificate:
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def _split(der: bytes) -> Iterator[bytes]:
    """Certificates that stand one after the other (a chain), by their outer length."""
    position = 0
    while position + 4 <= len(der):
        length = der[position + 1]
        header = 2
        if length >= 0x80:  # noqa: PLR2004 - DER: long form, low bits count the length bytes
            count = length & 0x7F
            header += count
            length = int.from_bytes(der[position + 2 : position + header], "big")
        yield der[position : position + header + length]
        position += header + length


def _uris(certificate: x509.Certificate) -> list[str]:
    return _names(certificate, x509.UniformResourceIdentifier)


def _names(
    certificate: x509.Certificate,
    kind: type[x509.UniformResourceIdentifier | x509.DNSName],
) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.value.get_values_for_type(kind)


def _check_host(certificate: x509.Certificate, host: str) -> None:
    """An authority vouches for a host's name; whoever trusted the file itself knows the machine."""
    hosts = [name.lower() for name in _names(certificate, x509.DNSName)]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        addresses = names.value.get_values_for_type(x509.IPAddress)
        matches = ipaddress.ip_address(host) in addresses
    except (x509.ExtensionNotFound, ValueError):
        matches = host.lower() in hosts
    if not matches:
        raise DriverTrustError(
            f"The certificate {_words(certificate)} is not for the host {host}"
            " (BadCertificateHostNameInvalid).",
            hint="Use a host name that is in the certificate, or put this certificate itself into"
            " trusted/.",
        )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        authority = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return authority


def _words(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "(no name)"
