"""An edge gets, renews and loses its certificate: real TLS, real broker, time as an argument."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Engine, func, select, text

from lineside.central.app import create_app
from lineside.central.authority import Authority
from lineside.central.broker import BrokerTls, MosquittoBroker
from lineside.central.config import BrokerConfig, CentralConfig, EnrolmentConfig
from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.edges import enrol as enrol_edge
from lineside.central.ingest.edges import list_edges
from lineside.central.kit.idempotency import idempotency_key
from lineside.central.kit.unit_of_work import UnitOfWork, unit_of_work
from lineside.central.platform.enrolment import service
from lineside.central.platform.enrolment.deny_list import write_deny_list
from lineside.central.serving import ServerTls, serving
from lineside.central.wiring import listeners
from lineside.contracts.clock import ManualClock, SystemClock, sleep_blocking
from lineside.contracts.errors import InvalidMessageError
from lineside.edge_agent.certification import (
    CentralAwayError,
    CentralRefusesError,
    enrol,
    renew,
)
from lineside.edge_agent.cli import main as edge_cli
from lineside.edge_agent.enrolment import (
    EnrolmentError,
    IdentityFiles,
    files_in,
    finish_replacing,
    new_request,
    read_identity,
)
from lineside.edge_agent.renewal import NOTICE, Renewal, renewal_at

DAY = 86_400_000_000
HOUR = 3_600_000_000
CONNECT = bytes.fromhex("100d00044d5154540402003c000161")  # MQTT 3.1.1, client id "a"
ACCEPTED = b"\x20\x02\x00\x00"


@dataclass
class Site:
    """A central that serves https, and its authority."""

    address: str
    folder: Path
    clock: ManualClock
    engine: Engine
    token_of: Callable[..., str]

    @contextmanager
    def act(self) -> Generator[UnitOfWork]:
        heard = listeners(DownlinkListeners(Publisher(self.engine, self.clock)))
        with unit_of_work(self.engine, self.clock, heard) as work:
            yield work

    @property
    def authority(self) -> Authority:
        return Authority.open(self.folder)

    def invite(self, edge: str = "edge-1") -> str:
        with self.act() as work:
            return service.invite(work, self.authority, edge, name="Line 1").token

    def revoke(self, edge: str = "edge-1") -> None:
        with self.act() as work:
            service.revoke_edge(work, edge)
            write_deny_list(work, self.authority, self.folder)

    def enrolled(self, folder: Path, edge: str = "edge-1") -> IdentityFiles:
        files = files_in(folder)
        enrol(self.address, self.invite(edge), files)
        return files


@contextmanager
def central(engine: Engine, clock: ManualClock, folder: Path) -> Generator[str]:
    """Serves https with a certificate of the authority in the folder."""
    issued = Authority.open(folder).issue_server(
        ["127.0.0.1", "localhost"], now=SystemClock().now()
    )
    issued.save(folder, "server")
    config = CentralConfig(
        broker=BrokerConfig(enabled=False), enrolment=EnrolmentConfig(authority=folder)
    )
    app = create_app(config, engine=engine, clock=clock)
    with serving(app, tls=ServerTls(folder / "server.crt", folder / "server.key")) as address:
        yield address


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.fixture
def site(engine, clock, tmp_path, token_of) -> Iterator[Site]:
    folder = tmp_path / "authority"
    Authority.create(folder, site="test", now=clock.now())
    with central(engine, clock, folder) as address:
        yield Site(address, folder, clock, engine, token_of)


@pytest.fixture
def mosquitto(site, tmp_path) -> Iterator[MosquittoBroker]:
    if MosquittoBroker.program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Mosquitto is not installed")
        pytest.skip("Mosquitto is not installed")
    with site.act() as work:
        revoked, access = write_deny_list(work, site.authority, site.folder)
    files = BrokerTls(
        authority=site.folder / "ca.crt",
        certificate=site.folder / "server.crt",
        key=site.folder / "server.key",
        revoked=revoked,
        access=access,
    )
    broker = MosquittoBroker(tmp_path / "broker", tls=files)
    broker.start()
    yield broker
    broker.stop()


def lets_in(broker: MosquittoBroker, files: IdentityFiles) -> bool:
    """Whether the broker accepts an MQTT connection with this identity."""
    context = ssl.create_default_context(cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    try:
        with (
            socket.create_connection((broker.host, broker.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wire,
        ):
            wire.sendall(CONNECT)
            return wire.recv(4) == ACCEPTED
    except (ssl.SSLError, ConnectionError):
        return False


def until(condition: Callable[[], bool], what: str) -> None:
    waited = 0.0
    while not condition():
        assert waited < 20, what
        sleep_blocking(0.05)
        waited += 0.05


def test_an_invited_edge_gets_the_id_of_its_invitation_and_keeps_its_key(site, tmp_path) -> None:
    files = site.enrolled(tmp_path / "edge")

    identity = read_identity(files.certificate)
    assert identity.edge == "edge-1"
    assert 89 * DAY < identity.valid_until - site.clock.now() <= 90 * DAY
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert files.authority.read_bytes() == site.authority.certificate
    assert sorted(path.name for path in files.key.parent.iterdir()) == [
        "ca.crt", "central.url", "edge.crt", "edge.key",
    ]  # fmt: skip
    with site.engine.connect() as connection:
        assert [edge.id for edge in list_edges(connection)] == ["edge-1"]


def test_a_command_on_the_edge_does_it_all(site, tmp_path, capsys) -> None:
    words = ["enrol", "--central", site.address, "--folder", str(tmp_path / "edge")]

    assert edge_cli([*words, "--token", site.invite("line-7")]) == 0

    assert "line-7 has its identity" in capsys.readouterr().out
    assert edge_cli([*words, "--token", "nonsense"]) == 1
    assert "lineside-central edge invite" in capsys.readouterr().err
    assert edge_cli(words) == 1


def test_a_token_opens_once_and_a_lost_answer_can_be_asked_for_again(site, tmp_path) -> None:
    token = site.invite()
    files = files_in(tmp_path / "edge")
    enrol(site.address, token, files)
    first = files.key.read_bytes()

    with pytest.raises(CentralRefusesError, match="not valid"):
        enrol(site.address, token, files_in(tmp_path / "thief"))
    # the answer was lost: the key still waits, and the same key may ask again
    files.key.rename(files.key.with_name("edge.key.request"))
    enrol(site.address, token, files)
    assert files.key.read_bytes() == first


@pytest.mark.parametrize("hours", [24, 1000])
def test_a_token_is_too_old_after_a_day(site, tmp_path, hours) -> None:
    token = site.invite()
    site.clock.advance(hours * HOUR)

    with pytest.raises(CentralRefusesError, match="older than a day"):
        enrol(site.address, token, files_in(tmp_path / "edge"))


def test_a_new_invitation_ends_the_one_before(site, tmp_path) -> None:
    old, new = site.invite(), site.invite()

    with pytest.raises(CentralRefusesError):
        enrol(site.address, old, files_in(tmp_path / "edge"))
    enrol(site.address, new, files_in(tmp_path / "edge"))


def test_only_a_hash_of_the_token_is_stored(site) -> None:
    secret = site.invite().split(".")[1]

    with site.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM edge_invitation")).one()

    assert secret not in " ".join(str(value) for value in row)


def test_a_token_is_not_sent_to_another_site(site, engine, clock, tmp_path) -> None:
    """Somebody answers at central's address with an authority of his own."""
    token = site.invite()
    Authority.create(tmp_path / "foreign", site="foreign", now=clock.now())
    with (
        central(engine, clock, tmp_path / "foreign") as address,
        pytest.raises(CentralAwayError, match="was not sent"),
    ):
        enrol(address, token, files_in(tmp_path / "edge"))
    enrol(site.address, token, files_in(tmp_path / "edge"))  # so it is still unused


@pytest.mark.parametrize("address", ["http://central.plant:8400", "ftp://127.0.0.1", "central"])
def test_a_token_is_not_sent_in_the_clear(tmp_path, address) -> None:
    token = f"lineside1.{'a' * 22}.{'0' * 64}"

    with pytest.raises(EnrolmentError, match="https"):
        enrol(address, token, files_in(tmp_path))


def test_a_token_that_was_cut_off_is_named(tmp_path) -> None:
    with pytest.raises(InvalidMessageError, match="whole token"):
        enrol("https://127.0.0.1", "lineside1.abc", files_in(tmp_path))


@pytest.mark.parametrize("request_text", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----"])
def test_a_request_that_is_none_leaves_the_token_unused(site, tmp_path, request_text) -> None:
    token = site.invite()
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    with httpx.Client(verify=context) as http:
        answer = http.post(
            f"{site.address}/api/v1/enrolment", json={"token": token, "request": request_text}
        )

    assert (answer.status_code, answer.json()["code"]) == (422, "enrolment.request_refused")
    enrol(site.address, token, files_in(tmp_path))


# --- renewal


def renewal(site: Site, files: IdentityFiles) -> tuple[Renewal, dict[str, str]]:
    notices: dict[str, str] = {}
    return Renewal(files, clock=site.clock, notice=notices.__setitem__), notices


@pytest.mark.fault("F-69")
async def test_a_certificate_is_renewed_after_two_thirds_of_its_life(site, tmp_path) -> None:
    files = site.enrolled(tmp_path / "edge")
    first, key = read_identity(files.certificate), files.key.read_bytes()
    looking, notices = renewal(site, files)
    assert 54 * DAY <= renewal_at(first) - first.valid_from <= 60 * DAY

    site.clock.set(renewal_at(first) - HOUR)
    assert not await looking.look()
    site.clock.set(renewal_at(first))
    assert await looking.look()

    second = read_identity(files.certificate)
    assert second.edge == "edge-1"
    assert second.valid_until > first.valid_until + 53 * DAY
    assert files.key.read_bytes() != key
    assert notices == {NOTICE: ""}
    ssl.create_default_context().load_cert_chain(files.certificate, files.key)


def test_edges_of_one_day_renew_on_different_days(site, tmp_path) -> None:
    moments = {
        renewal_at(read_identity(site.enrolled(tmp_path / f"e{n}", f"e{n}").certificate))
        for n in range(6)
    }

    assert len(moments) == 6
    assert max(moments) - min(moments) > HOUR


@pytest.mark.fault("F-69")
async def test_an_edge_that_was_away_renews_up_to_thirty_days_after_the_end(site, tmp_path) -> None:
    files = site.enrolled(tmp_path / "edge")
    until_ = read_identity(files.certificate).valid_until
    looking, _ = renewal(site, files)

    site.clock.set(until_ + 29 * DAY)
    assert await looking.look()
    assert read_identity(files.certificate).valid_until > site.clock.now()


@pytest.mark.fault("F-69")
async def test_later_it_needs_a_new_invitation_and_says_so(site, tmp_path) -> None:
    files = site.enrolled(tmp_path / "edge")
    before = files.certificate.read_bytes()
    site.clock.set(read_identity(files.certificate).valid_until + 31 * DAY)
    looking, notices = renewal(site, files)

    assert not await looking.look()

    assert "31 days ago" in notices[NOTICE]
    assert "edge invite" in notices[NOTICE]
    assert files.certificate.read_bytes() == before
    enrol(site.address, site.invite(), files)
    assert await renewal(site, files)[0].look() is False  # fresh: nothing to do


@pytest.mark.fault("F-69")
@pytest.mark.parametrize(
    ("left", "said"),
    [(30, ""), (29, "fewer than 30 days"), (13, "fewer than 14 days"), (6, "fewer than 7 days")],
)
async def test_a_central_that_is_away_alarms_earlier_than_it_hurts(
    site, tmp_path, left, said
) -> None:
    files = site.enrolled(tmp_path / "edge")
    identity = read_identity(files.certificate)
    files.central.write_text("https://127.0.0.1:9")
    site.clock.set(identity.valid_until - left * DAY)
    looking, notices = renewal(site, files)

    assert not await looking.look()

    assert said in notices.get(NOTICE, "")
    assert bool(said) == bool(notices.get(NOTICE))


def test_a_certificate_without_its_key_is_not_renewed(site, tmp_path) -> None:
    """The certificate is public: whoever has seen it must not get another one."""
    files = site.enrolled(tmp_path / "edge")
    files.key.write_bytes(new_request("edge")[0])

    with pytest.raises(CentralRefusesError, match="has not signed"):
        renew(files)


def test_a_certificate_of_another_authority_is_not_renewed(site, clock, tmp_path) -> None:
    files = site.enrolled(tmp_path / "edge")
    foreign = Authority.create(tmp_path / "foreign", site="foreign", now=clock.now())
    issued = foreign.issue_edge("edge-1", now=clock.now())
    files.certificate.write_bytes(issued.certificate)
    files.key.write_bytes(issued.key)

    with pytest.raises(CentralRefusesError, match="no authority of this site"):
        renew(files)


def offline(site, folder, edge: str = "edge-1") -> IdentityFiles:
    """An edge whose certificate was issued beside the database, as `authority edge` does."""
    files = files_in(folder)
    site.authority.issue_edge(edge, now=site.clock.now()).save(folder, "edge")
    files.authority.write_bytes(site.authority.certificate)
    files.central.write_text(site.address)
    return files


def test_a_certificate_issued_offline_is_renewed_when_its_edge_is_let_in(site, tmp_path) -> None:
    """From then on it is known: it ends with a revocation, and cannot come back by itself."""
    files = offline(site, tmp_path / "edge")
    with pytest.raises(CentralRefusesError, match="does not know it"):
        renew(files)
    with site.act() as work:
        enrol_edge(work.connection, "edge-1", now=work.now())
    first = {path: path.read_bytes() for path in (files.certificate, files.key)}
    assert renew(files).edge == "edge-1"
    assert renew(files).edge == "edge-1"

    site.revoke()
    with pytest.raises(CentralRefusesError, match="was revoked"):
        renew(files)
    enrol(site.address, site.invite(), files_in(tmp_path / "again"))
    for path, data in first.items():
        path.write_bytes(data)
    with pytest.raises(CentralRefusesError, match="was revoked"):
        renew(files)


def test_an_older_offline_certificate_of_an_invited_edge_is_worthless(site, tmp_path) -> None:
    """Somebody kept it from before the edge was revoked; so are those of central and the broker."""
    kept = offline(site, tmp_path / "kept")
    site.enrolled(tmp_path / "edge")
    with pytest.raises(CentralRefusesError, match="does not know it"):
        renew(kept)
    site.authority.issue_central(now=site.clock.now()).save(tmp_path / "kept", "edge")
    with pytest.raises(CentralRefusesError, match="does not know it"):
        renew(kept)


def test_a_power_cut_between_key_and_certificate_is_mended_at_the_next_start(
    site, tmp_path
) -> None:
    files = site.enrolled(tmp_path / "edge")
    old = files.certificate.read_bytes()
    renew(files)
    files.certificate.rename(files.certificate.with_name("edge.crt.new"))
    files.certificate.write_bytes(old)

    finish_replacing(files)

    ssl.create_default_context().load_cert_chain(files.certificate, files.key)
    finish_replacing(files)  # and nothing waits


# --- the broker


@pytest.mark.fault("F-69")
def test_a_broker_lets_a_renewed_edge_in_and_an_expired_one_not(site, mosquitto, tmp_path) -> None:
    """F-69: the wire refuses by the real time; renewing does not need the wire."""
    files = site.enrolled(tmp_path / "edge")
    site.clock.set(SystemClock().now() - 100 * DAY)
    expired = site.enrolled(tmp_path / "late", "late")
    site.clock.set(SystemClock().now())

    assert lets_in(mosquitto, files)
    assert not lets_in(mosquitto, expired)
    renew(expired)
    assert lets_in(mosquitto, expired)


@pytest.mark.fault("F-70")
@pytest.mark.fault("F-72")
def test_a_revoked_edge_is_refused_at_every_door(site, mosquitto, tmp_path) -> None:
    """F-70, F-72: broker, renewal, ingest; a new invitation does not bring the old key back."""
    files, other = site.enrolled(tmp_path / "edge"), site.enrolled(tmp_path / "other", "other")
    stolen = files_in(tmp_path / "stolen")
    stolen.key.parent.mkdir()
    for name in ("edge.crt", "edge.key", "ca.crt", "central.url"):
        (stolen.key.parent / name).write_bytes((files.key.parent / name).read_bytes())
    assert lets_in(mosquitto, stolen)

    site.revoke()
    mosquitto.reload()

    until(lambda: not lets_in(mosquitto, stolen), "the broker refuses the revoked certificate")
    assert lets_in(mosquitto, other)
    with pytest.raises(CentralRefusesError, match="revoked"):
        renew(stolen)
    with site.engine.connect() as connection:
        assert [e.id for e in list_edges(connection) if e.revoked_at is not None] == ["edge-1"]

    enrol(site.address, site.invite(), files)
    mosquitto.reload()
    until(lambda: lets_in(mosquitto, files), "the edge with a new key is let in")
    assert not lets_in(mosquitto, stolen)


@pytest.mark.fault("F-71")
def test_a_connection_that_stands_may_say_nothing_more_once_it_is_denied(
    site, mosquitto, tmp_path
) -> None:
    files = site.enrolled(tmp_path / "edge")
    context = ssl.create_default_context(cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    client = Client(
        CallbackAPIVersion.VERSION2, client_id="edge-1", protocol=MQTTProtocolVersion.MQTTv5
    )
    client.tls_set_context(context)
    answers: list[bool] = []
    answered = threading.Event()

    def on_publish(_client, _data, _mid, reason, _properties) -> None:
        answers.append(not reason.is_failure)
        answered.set()

    client.on_publish = on_publish

    def may_publish(topic: str) -> bool:
        answered.clear()
        client.publish(topic, b"x", qos=1)
        assert answered.wait(10)
        return answers[-1]

    client.connect("localhost", mosquitto.port)
    client.loop_start()
    try:
        assert may_publish("v1/edge-1/up/batch")
        assert not may_publish("v1/other/up/batch")  # F-71
        site.revoke()
        mosquitto.reload()
        until(lambda: not may_publish("v1/edge-1/up/batch"), "the topics of the edge are denied")
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.fault("F-70")
def test_a_new_root_is_trusted_before_the_old_one_is_retired(site, mosquitto, tmp_path) -> None:
    """F-70: while both are trusted every edge renews, and then the old root opens nothing."""
    files, lazy = site.enrolled(tmp_path / "edge"), site.enrolled(tmp_path / "lazy", "lazy")
    first = site.authority.fingerprint

    Authority.rotate(site.folder, site="test", now=site.clock.now())
    renew(files)  # central still serves https under the first root
    assert len(x509.load_pem_x509_certificates(files.authority.read_bytes())) == 2
    restarted = _broker_again(site, mosquitto, tmp_path / "two")
    assert lets_in(restarted, files)
    assert lets_in(restarted, lazy)
    restarted.stop()

    Authority.retire(site.folder)
    assert site.authority.fingerprint != first
    restarted = _broker_again(site, mosquitto, tmp_path / "one")
    assert lets_in(restarted, files)
    assert not lets_in(restarted, lazy)
    restarted.stop()
    with pytest.raises(CentralRefusesError, match="no authority of this site"):
        renew(lazy)


def _broker_again(site: Site, old: MosquittoBroker, folder: Path) -> MosquittoBroker:
    old.stop()
    issued = site.authority.issue_server(["127.0.0.1", "localhost"], now=SystemClock().now())
    issued.save(folder, "server")
    with site.act() as work:
        revoked, access = write_deny_list(work, site.authority, site.folder)
    files = BrokerTls(
        site.folder / "ca.crt", folder / "server.crt", folder / "server.key", revoked, access
    )
    broker = MosquittoBroker(folder, tls=files)
    broker.start()
    return broker


# --- over HTTP


def test_an_administrator_invites_and_revokes_over_http(site, tmp_path) -> None:
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    headers = {"Authorization": f"Bearer {site.token_of('administrator')}"}
    with httpx.Client(base_url=site.address, verify=context, headers=headers) as http:
        made = http.post("/api/v1/enrolment/invitations", json={"edge": "edge-9"})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        files = files_in(tmp_path / "edge")
        enrol(site.address, made.json()["token"], files)
        figures = http.get("/metrics").text
        assert 'lineside_edge_certificate_valid_until_seconds{edge="edge-9"}' in figures
        assert http.post("/api/v1/enrolment/edges/edge-9/revoke").status_code == 204
        assert 'lineside_edge_revoked{edge="edge-9"} 1.0' in http.get("/metrics").text
        assert http.post("/api/v1/enrolment/edges/nobody/revoke").status_code == 404
    assert (site.folder / "revoked.crl").stat().st_size > 0
    with pytest.raises(CentralRefusesError, match="revoked"):
        renew(files)


def test_a_token_is_kept_nowhere_not_even_for_a_request_that_is_sent_twice(site, engine) -> None:
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    headers = {"Authorization": f"Bearer {site.token_of('administrator')}", "Idempotency-Key": "k"}
    with httpx.Client(base_url=site.address, verify=context, headers=headers) as http:
        first, second = (
            http.post("/api/v1/enrolment/invitations", json={"edge": "edge-9"}) for _ in range(2)
        )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["token"] != second.json()["token"]
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(idempotency_key)).scalar() == 0


def test_a_central_without_authority_says_so(client) -> None:
    answer = client.post("/api/v1/enrolment/invitations", json={"edge": "edge-1"})

    assert (answer.status_code, answer.json()["code"]) == (409, "enrolment.no_authority")
