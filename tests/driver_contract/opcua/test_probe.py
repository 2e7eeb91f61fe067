"""`lineside-edge probe opcua` against a simulated server."""

import argparse
import json
import tomllib

import pytest

from lineside.contracts.clock import SystemClock
from lineside.drivers import registry
from lineside.edge_agent.commands import probe_opcua


@pytest.fixture
def probe(tmp_path, capsys):
    async def run(*words):
        parser = argparse.ArgumentParser()
        probe_opcua.add_arguments(parser)
        args = parser.parse_args([*words, "--pki", str(tmp_path / "pki")])
        status = await probe_opcua.probe(args, clock=SystemClock())
        return status, *capsys.readouterr()

    return run


async def test_from_the_first_contact_to_a_configuration(plc, probe, tmp_path, read):
    status, out, err = await probe(plc.endpoint)
    assert status == 1
    assert "Basic256Sha256/SignAndEncrypt" in out
    assert "Nobody has trusted" in err
    thumbprint = out.rpartition("thumbprint ")[2].strip()
    assert thumbprint in err

    status, out, err = await probe(plc.endpoint, "--trust", thumbprint)
    assert (status, err) == (0, "")
    assert f"Counter  [{plc.node('M1.Counter')}]  UInt32 = 0" in out
    assert f"Ack  [{plc.node('M1.Ack')}]  UInt32 = 0, writable" in out
    assert "2 urn:lineside:test" in out

    (device,) = tomllib.loads(out[out.index("# Keep the signals") :])["device"]
    assert {"name": "counter", "node": plc.node("M1.Counter"), "type": "int"} in device["signals"]
    del device["id"]
    driver = registry.build(
        device.pop("driver"), device, clock=SystemClock(), file=str(tmp_path / "edge.toml")
    )
    await driver.connect()
    await read(driver).until(lambda r: r.has("counter", "torque"))
    await driver.close()


async def test_as_json(plc, probe):
    _, out, _ = await probe(plc.endpoint)
    thumbprint = out.rpartition("thumbprint ")[2].strip()
    await plc.set("M1.Program", 'quote " and \u4e2d\u6587')
    status, out, _ = await probe(plc.endpoint, "--trust", thumbprint, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["endpoints"][0]["thumbprint"] == thumbprint
    nodes = {node["path"]: node for node in document["nodes"]}
    assert nodes["M1"]["kind"] == "object"
    assert nodes["M1/Program"]["value"] == 'quote " and \u4e2d\u6587'
    assert nodes["M1/Ack"]["writable"]
    assert not document["cut_off"]

    start = plc.node("M1.Parameters")
    status, out, _ = await probe(plc.endpoint, "--json", "--start", start, "--depth", "1")
    assert [node["path"] for node in json.loads(out)["nodes"]] == ["torque"]
    status, out, _ = await probe(plc.endpoint, "--json", "--nodes-max", "2")
    assert json.loads(out)["cut_off"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("opc.tcp://127.0.0.1:9",), "The connection failed"),
        (("http://127.0.0.1",), "endpoint"),
        (("opc.tcp://127.0.0.1:9", "--policy", "None"), "insecure"),
        (("opc.tcp://127.0.0.1:9", "--start", "ns=2;s=x"), "by its URI"),
    ],
)
async def test_what_goes_wrong_is_one_sentence(probe, words, said):
    status, out, err = await probe(*words)
    assert (status, out) == (1, "")
    assert said in err
