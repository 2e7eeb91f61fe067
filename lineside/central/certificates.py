"""Roots, their files, and what all certificates of a site have in common."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lineside.contracts.clock import Microseconds, to_datetime

AUTHORITY_DAYS = 7_300
CLOCK_TOLERANCE = timedelta(hours=1)
"""An edge whose clock is a little behind shall not be locked out."""

Root = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def new_root(site: str, now: Microseconds) -> Root:
    """A new root; its name is its own, so that two of one site are never confused."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lineside"),
            x509.NameAttribute(
                NameOID.COMMON_NAME, f"Lineside authority {secrets.token_hex(3)} {site}"[:64]
            ),
        ]
    )
    builder = dated(x509.CertificateBuilder(), now, AUTHORITY_DAYS)
    certificate = (
        builder.subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def read_root(folder: Path, stem: str) -> Root:
    """A root and its key out of `<stem>.crt` and `<stem>.key`.

    Raises:
        OSError, ValueError, TypeError: They cannot be read, or do not belong together.
    """
    key = serialization.load_pem_private_key((folder / f"{stem}.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    for certificate in x509.load_pem_x509_certificates((folder / f"{stem}.crt").read_bytes()):
        if certificate.public_key() == key.public_key():
            return certificate, key
    message = f"{stem}.crt holds no certificate of {stem}.key"
    raise ValueError(message)


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, from the first moment on."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)
    fresh.replace(path)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once: whoever reads it sees the old or the new one, never a part."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as it is stored."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def dated(
    builder: x509.CertificateBuilder, now: Microseconds, days: int
) -> x509.CertificateBuilder:
    """A certificate that is valid from about now."""
    begins = to_datetime(now) - CLOCK_TOLERANCE
    return builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days))


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What a key may do: sign certificates, or prove who somebody is."""
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
