"""The peer of the OPC UA benchmark: thingsboard-gateway with its OPC UA connector and an MQTT sink.

Its settings are those of its own examples, except for limits of rate, which are off, and statistics
and remote configuration, which need a ThingsBoard server. What arrives at the sink is counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client as MqttClient
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from lineside.central.broker import EmbeddedBroker

NO_LIMIT = "0:0"
REQUEST = "v1/devices/me/rpc/request/"
NAMESPACE_INDEX = 2  # of a node-opcua server's first own namespace


def _service(port: int, connector: str) -> dict[str, Any]:
    limits = ("rateLimits", "dpRateLimits", "messagesRateLimits")
    return {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "deviceFiltering": {"enable": False},
            "maxPayloadSizeBytes": 8196,
            "minPackSendDelayMS": 50,
            "minPackSizeToSend": 500,
            "checkConnectorsConfigurationInSeconds": 60,
            "handleDeviceRenaming": True,
            "security": {"type": "accessToken", "accessToken": "BENCH"},
            "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"},
            "checkingDeviceActivity": {"checkDeviceInactivity": False},
            **dict.fromkeys(limits, NO_LIMIT),
            **{f"device{name[0].upper()}{name[1:]}": NO_LIMIT for name in limits},
        },
        "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 100_000},
        "grpc": {"enabled": False},
        "connectors": [{"type": "opcua", "name": "load", "configuration": connector}],
    }


def _connector(endpoint: str, variables: int) -> dict[str, Any]:
    return {
        "server": {
            "url": endpoint.removeprefix("opc.tcp://"),
            "timeoutInMillis": 30_000,
            "scanPeriodInMillis": 3_600_000,
            "pollPeriodInMillis": 5_000,
            "enableSubscriptions": True,
            "subCheckPeriodInMillis": 100,
            "subDataMaxBatchSize": 1000,
            "subDataMinBatchCreationTimeMs": 200,
            "subscriptionProcessBatchSize": 2000,
            "sessionTimeoutInMillis": 120_000,
            "showMap": False,
            "security": "None",
            "identity": {"type": "anonymous"},
        },
        "mapping": [
            {
                "deviceNodePattern": f"ns={NAMESPACE_INDEX};s=Load",
                "deviceNodeSource": "identifier",
                "deviceInfo": {
                    "deviceNameExpression": "Load",
                    "deviceNameExpressionSource": "constant",
                    "deviceProfileExpression": "Device",
                    "deviceProfileExpressionSource": "constant",
                },
                "attributes": [],
                "timeseries": [
                    {
                        "key": f"V{number}",
                        "type": "identifier",
                        "value": f"${{ns={NAMESPACE_INDEX};s=V{number}}}",
                    }
                    for number in range(variables)
                ],
                "rpc_methods": [],
                "attributes_updates": [],
            }
        ],
    }


LIMITS: dict[str, Any] = {
    "maxPayloadSize": 65_536,
    "maxInflightMessages": 100,
    "rateLimits": {},
    "gatewayRateLimits": {},
}
"""What a ThingsBoard server without limits of rate answers; the gateway sends nothing before."""


class Sink:
    """Stands for a ThingsBoard server: answers what the gateway asks, counts what it publishes."""

    def __init__(self, port: int) -> None:
        self.values = 0
        self._client = MqttClient(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([("v1/gateway/telemetry", 1), (f"{REQUEST}+", 1)])
        self._client.loop_start()

    def _take(self, client: Any, _data: Any, message: Any) -> None:
        if message.topic.startswith(REQUEST):
            answer = message.topic.replace("request", "response")
            client.publish(answer, json.dumps(LIMITS), qos=1)
            return
        for entries in json.loads(message.payload).values():
            self.values += sum(len(entry.get("values", entry)) for entry in entries)

    def close(self) -> None:
        """Let go of the broker."""
        self._client.loop_stop()
        self._client.disconnect()


@contextlib.contextmanager
def sink(folder: Path) -> Generator[tuple[int, Sink]]:
    """A broker of its own with a counting client; its port."""
    broker = EmbeddedBroker(folder)
    broker.start()
    counting = Sink(broker.port)
    try:
        yield broker.port, counting
    finally:
        counting.close()
        broker.stop()


@contextlib.contextmanager
def gateway(
    python: Path, endpoint: str, variables: int, *, folder: Path
) -> Generator[tuple[int, Sink]]:
    """A running gateway: its process, and what counts the values that come out of it."""
    settings = folder / "config"
    settings.mkdir(parents=True)
    package = next(python.parent.parent.glob("lib/*/site-packages/thingsboard_gateway"))
    shutil.copy(package / "config" / "logs.json", settings)
    (settings / "load.json").write_text(json.dumps(_connector(endpoint, variables)))
    with sink(folder / "broker") as (port, counting), (folder / "gateway.log").open("wb") as log:
        (settings / "tb_gateway.json").write_text(json.dumps(_service(port, "load.json")))
        process = subprocess.Popen(
            [python, "-m", "thingsboard_gateway.tb_gateway"],
            cwd=folder,
            env=os.environ | {"TB_GW_CONFIG_DIR": str(settings)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process.pid, counting
        finally:
            process.kill()
            process.wait()
