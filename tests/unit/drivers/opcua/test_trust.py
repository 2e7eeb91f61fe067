"""Certificates of servers: who is trusted, and why not."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from lineside.contracts.clock import US_PER_SECOND, ManualClock, SystemClock, to_datetime
from lineside.contracts.errors import DriverTrustError
from lineside.drivers.opcua import trust
from lineside.drivers.opcua.trust import TrustList, load_own
from lineside.sim.servers.certificates import make_identity

URI = "urn:plc"
DER = serialization.Encoding.DER
NOW = SystemClock().now()


@pytest.fixture(scope="module")
def plc():
    return make_identity(URI, hosts=("192.0.2.1",))


class Authority:
    """A certificate authority with a key of its own."""

    def __init__(self, name="Plant CA"):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key.public_key(), authority=True)

    def _build(self, subject, key, *, authority, names=()):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(to_datetime(NOW) - timedelta(days=1))
            .not_valid_after(to_datetime(NOW) + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, host):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        names = [x509.UniformResourceIdentifier(URI), x509.DNSName(host)]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plc")])
        return self._build(subject, key.public_key(), authority=False, names=names)

    def revoke(self, certificate):
        revoked = (
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(to_datetime(NOW))
            .build()
        )
        return (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(to_datetime(NOW))
            .next_update(to_datetime(NOW) + timedelta(days=1))
            .add_revoked_certificate(revoked)
            .sign(self.key, hashes.SHA256())
        )


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "trusted").mkdir()
    return tmp_path


def check(folder, der, *, uri=URI, host="plc.example", now=NOW):
    TrustList(folder, clock=ManualClock(now)).check(der, application_uri=uri, host=host)


def test_a_pinned_certificate_needs_no_host_name(folder, plc):
    (folder / "trusted/plc.der").write_bytes(plc.certificate)
    check(folder, plc.certificate, host="somewhere.else")


def test_a_pinned_certificate_may_be_pem(folder, plc):
    parsed = x509.load_der_x509_certificate(plc.certificate)
    (folder / "trusted/plc.PEM").write_bytes(parsed.public_bytes(serialization.Encoding.PEM))
    check(folder, plc.certificate)


def test_accepting_moves_exactly_the_compared_one(folder, plc):
    with pytest.raises(DriverTrustError, match="Nobody has trusted"):
        check(folder, plc.certificate)
    known = TrustList(folder, clock=ManualClock(NOW))
    with pytest.raises(DriverTrustError, match="No certificate with the thumbprint"):
        known.accept("00" * 20)
    thumbprint = trust.thumbprint_of(plc.certificate)
    pairs = ":".join(thumbprint[n : n + 2] for n in range(0, 40, 2)).lower()
    known.accept(pairs)
    assert list((folder / "rejected").iterdir()) == []
    check(folder, plc.certificate)
    known.accept(pairs)


def test_another_name_than_the_servers_is_refused(folder, plc):
    (folder / "trusted/plc.der").write_bytes(plc.certificate)
    with pytest.raises(DriverTrustError, match="BadCertificateUriInvalid"):
        check(folder, plc.certificate, uri="urn:other")


@pytest.mark.parametrize("days", [-400, 400])
def test_outside_its_time_a_certificate_is_refused(folder, plc, days):
    (folder / "trusted/plc.der").write_bytes(plc.certificate)
    with pytest.raises(DriverTrustError, match="BadCertificateTimeInvalid"):
        check(folder, plc.certificate, now=NOW + days * 86_400 * US_PER_SECOND)


def test_an_authority_vouches_for_its_hosts(folder, authority):
    (folder / "trusted/ca.crt").write_bytes(authority.certificate.public_bytes(DER))
    server = authority.issue("plc.example").public_bytes(DER)
    check(folder, server)
    check(folder, server + authority.certificate.public_bytes(DER))  # sent with its chain
    with pytest.raises(DriverTrustError, match="BadCertificateHostNameInvalid"):
        check(folder, server, host="other.example")


def test_a_chain_that_ends_at_a_stranger_is_refused(folder, authority):
    stranger = Authority()  # the same name, another key
    (folder / "trusted/ca.crt").write_bytes(authority.certificate.public_bytes(DER))
    server = stranger.issue("plc.example").public_bytes(DER)
    with pytest.raises(DriverTrustError, match="Nobody has trusted"):
        check(folder, server + stranger.certificate.public_bytes(DER))


def test_a_server_is_no_authority(folder, plc):
    """A pinned server's key must not vouch for other servers."""
    (folder / "trusted/plc.der").write_bytes(plc.certificate)
    key = serialization.load_pem_private_key(plc.private_key, None)
    parsed = x509.load_der_x509_certificate(plc.certificate)
    assert isinstance(key, rsa.RSAPrivateKey)
    impostor = Authority()
    impostor.key, impostor.name = key, parsed.subject
    with pytest.raises(DriverTrustError, match="Nobody has trusted"):
        check(folder, impostor.issue("plc.example").public_bytes(DER))


def test_a_revoked_certificate_is_refused(folder, authority):
    server = authority.issue("plc.example")
    (folder / "trusted/ca.crt").write_bytes(authority.certificate.public_bytes(DER))
    (folder / "trusted/ca.crl").write_bytes(authority.revoke(server).public_bytes(DER))
    with pytest.raises(DriverTrustError, match="revoked"):
        check(folder, server.public_bytes(DER))
    check(folder, authority.issue("plc.example").public_bytes(DER))


def test_a_revocation_list_counts_only_from_its_issuer(folder, authority):
    """Somebody else's list with the same name and serial number revokes nothing."""
    server = authority.issue("plc.example")
    (folder / "trusted/ca.crt").write_bytes(authority.certificate.public_bytes(DER))
    (folder / "trusted/x.crl").write_bytes(Authority().revoke(server).public_bytes(DER))
    check(folder, server.public_bytes(DER))


def test_a_short_key_is_refused(folder):
    weak = make_identity(URI, key_bits=1024)
    (folder / "trusted/plc.der").write_bytes(weak.certificate)
    with pytest.raises(DriverTrustError, match="2048"):
        check(folder, weak.certificate)


@pytest.mark.parametrize("der", [b"", b"no certificate", b"0\x82\xff\xff1"])
def test_noise_is_refused(folder, der):
    with pytest.raises(DriverTrustError):
        check(folder, der)


def test_rejected_certificates_cannot_fill_the_disk(folder, plc, monkeypatch):
    monkeypatch.setattr(trust, "REJECTED_MAX", 3)
    (folder / "rejected").mkdir()
    for number in range(10):
        (folder / f"rejected/old{number}.der").write_bytes(b"x")
    with pytest.raises(DriverTrustError):
        check(folder, plc.certificate)
    assert len(list((folder / "rejected").glob("*.der"))) == 3
    assert (folder / f"rejected/{trust.thumbprint_of(plc.certificate)}.der").exists()


def test_our_pair_is_made_once_and_kept(tmp_path):
    files = tmp_path / "own/c.der", tmp_path / "own/k.pem"
    clock = ManualClock(NOW)
    first = load_own(*files, application_uri="urn:edge", clock=clock)
    again = load_own(*files, application_uri="urn:edge", clock=clock)
    assert first.certificate == again.certificate
    assert first.days_left > 1000
    with pytest.raises(DriverTrustError, match="not for urn:other"):
        load_own(*files, application_uri="urn:other", clock=clock)
    files[1].write_bytes(make_identity("urn:edge").private_key)
    with pytest.raises(DriverTrustError, match="is not the key"):
        load_own(*files, application_uri="urn:edge", clock=clock)
    files[1].unlink()
    with pytest.raises(DriverTrustError, match="cannot be read"):
        load_own(*files, application_uri="urn:edge", clock=clock)
