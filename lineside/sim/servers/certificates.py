"""Self-signed application certificates for simulated OPC UA servers and clients."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.contracts.clock import Clock, SystemClock, to_datetime

_KEY_BITS = 2048
_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """An application with certificate and key.

    Attributes:
        application_uri: Stands in the certificate's subjectAltName.
        certificate: DER.
        private_key: PEM, PKCS 8, not encrypted.
    """

    application_uri: str
    certificate: bytes
    private_key: bytes


def make_identity(
    application_uri: str,
    *,
    hosts: Sequence[str] = (),
    clock: Clock | None = None,
    valid_from_days: float = -1,
    valid_to_days: float = 365,
    key_bits: int = _KEY_BITS,
) -> Identity:
    """Make a self-signed application instance certificate.

    Args:
        application_uri: URI of the application.
        hosts: Host names and addresses for subjectAltName.
        clock: What "today" is.
        valid_from_days: Start of its validity relative to today, days.
        valid_to_days: End of it.
        key_bits: Size of the RSA key.

    Source: OPC 10000-6, section 6.2.2.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, application_uri[-64:])])
    now = to_datetime((clock or SystemClock()).now())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application_uri)]
    names += [_host(host) for host in hosts]
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=valid_from_days))
        .not_valid_after(now + timedelta(days=valid_to_days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(
        application_uri,
        certificate.public_bytes(serialization.Encoding.DER),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
