"""Who may talk to whom."""

import pytest

from lineside.contracts.clock import US_PER_SECOND, ManualClock, SystemClock
from lineside.contracts.errors import (
    ConfigurationError,
    DriverTrustError,
    DriverUnavailableError,
)
from lineside.drivers.opcua.driver import build
from lineside.sim.servers.certificates import make_identity
from lineside.sim.servers.opcua import SimOpcUaServer

YEAR_US = 365 * 24 * 3600 * US_PER_SECOND


@pytest.mark.fault("F-28")
async def test_an_unknown_certificate_waits_for_a_person(plc, make_driver, plc_signals, tmp_path):
    driver = make_driver(plc.endpoint, plc_signals(plc))
    with pytest.raises(DriverTrustError) as caught:
        await driver.connect()
    rejected = list((tmp_path / "pki/opcua/rejected").glob("*.der"))
    assert [file.read_bytes() for file in rejected] == [plc.identity.certificate]
    assert rejected[0].stem in str(caught.value)
    assert f"move {rejected[0]}" in caught.value.hint
    assert plc.session_count() == 0

    with pytest.raises(DriverTrustError):  # nothing is trusted by repetition
        await driver.connect()


async def test_our_key_is_readable_by_its_owner_alone(plc, connect, plc_signals, tmp_path):
    await connect(plc.endpoint, plc_signals(plc))
    assert (tmp_path / "pki/own/private-key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.fault("F-28")
async def test_a_server_with_another_certificate_is_refused(
    plc, connect, make_driver, plc_signals, tmp_path
):
    driver = await connect(plc.endpoint, plc_signals(plc))
    await driver.close()
    await plc.stop()
    impostor = SimOpcUaServer(
        port=plc.port,
        namespace=plc.namespace,
        identity=make_identity(plc.identity.application_uri, hosts=("127.0.0.1",)),
    )
    async with impostor:
        with pytest.raises(DriverTrustError, match="Nobody has trusted"):
            await driver.connect()


async def test_no_encryption_only_by_two_words(plc, make_driver, plc_signals):
    with pytest.raises(ConfigurationError, match="insecure = true"):
        make_driver(plc.endpoint, plc_signals(plc), security_policy="None")
    with pytest.raises(ConfigurationError, match="insecure"):
        make_driver(plc.endpoint, plc_signals(plc), insecure=True)


@pytest.mark.fault("F-28")
async def test_a_weaker_endpoint_is_never_taken(server_identity, make_driver, plc_signals):
    async with SimOpcUaServer(policies=("None",), identity=server_identity) as server:
        await server.add_machine("M1")
        driver = make_driver(server.endpoint, plc_signals(server))
        with pytest.raises(DriverTrustError, match="does not offer Basic256Sha256/SignAndEncrypt"):
            await driver.connect()


async def test_an_open_server_works_when_it_is_really_meant(
    server_identity, connect, read, plc_signals
):
    async with SimOpcUaServer(policies=("None",), identity=server_identity) as server:
        await server.add_machine("M1")
        driver = await connect(
            server.endpoint, plc_signals(server), security_policy="None", insecure=True
        )
        reader = await read(driver).until(lambda r: r.has("state"))
        assert "NOT ENCRYPTED" in reader.notices[0].detail
        await driver.close()


@pytest.mark.parametrize("policy", ["Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"])
async def test_newer_policies(server_identity, connect, read, plc_signals, policy):
    async with SimOpcUaServer(policies=(policy,), identity=server_identity) as server:
        await server.add_machine("M1")
        driver = await connect(server.endpoint, plc_signals(server), security_policy=policy)
        await read(driver).until(lambda r: r.has("state"))
        await driver.close()


async def test_a_server_that_does_not_trust_us_is_named_with_the_way_out(
    server_identity, connect, plc_signals
):
    async with SimOpcUaServer(identity=server_identity, clients=()) as server:
        await server.add_machine("M1")
        with pytest.raises(DriverTrustError, match="BadCertificateUntrusted") as caught:
            await connect(server.endpoint, plc_signals(server))
        assert "certificate.der" in caught.value.hint


async def test_user_and_password(server_identity, connect, read, plc_signals, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    async with SimOpcUaServer(identity=server_identity, users={"edge": "s3cret"}) as server:
        await server.add_machine("M1")
        driver = await connect(
            server.endpoint, plc_signals(server), user="edge", password_file="secret"
        )
        await read(driver).until(lambda r: r.has("state"))
        await driver.close()
        assert "s3cret" not in repr(driver._settings)
        with pytest.raises(DriverTrustError, match="BadUserAccessDenied"):
            await connect(server.endpoint, plc_signals(server), user="edge", password="guess")
        with pytest.raises(DriverTrustError, match="BadIdentityTokenRejected"):
            await connect(server.endpoint, plc_signals(server))


async def test_a_clock_in_the_past_is_named(plc, connect, plc_signals, tmp_path):
    """The agent booted without a battery: the server's certificate seems not valid yet."""
    driver = await connect(plc.endpoint, plc_signals(plc))
    await driver.close()
    table = {"endpoint": plc.endpoint, "signals": plc_signals(plc)}
    past = build(
        table, clock=ManualClock(SystemClock().now() - YEAR_US), file=str(tmp_path / "edge.toml")
    )
    with pytest.raises(DriverTrustError, match="BadCertificateTimeInvalid") as caught:
        await past.connect()
    assert "clocks" in caught.value.hint


async def test_an_expired_certificate_of_ours_is_named(plc, connect, plc_signals, tmp_path):
    await connect(plc.endpoint, plc_signals(plc))
    table = {"endpoint": plc.endpoint, "signals": plc_signals(plc)}
    future = build(
        table, clock=ManualClock(SystemClock().now() + 6 * YEAR_US), file=str(tmp_path / "e.toml")
    )
    with pytest.raises(DriverTrustError, match=r"Our own certificate .* expired"):
        await future.connect()


async def test_nobody_there(make_driver):
    signals = [{"name": "x", "node": "i=2258"}]
    driver = make_driver("opc.tcp://127.0.0.1:9", signals)
    with pytest.raises(DriverUnavailableError):
        await driver.connect()
    with pytest.raises(DriverUnavailableError, match="not connected"):
        await anext(driver.readings())
    await driver.close()
