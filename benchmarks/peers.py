"""Other people's programs that are measured beside ours, each in an environment of its own.

They are installed into `benchmarks/.cache/`, never beside Lineside's own packages. A peer that
cannot be installed (no registry, another platform) is left out, and the benchmark says so.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parent / ".cache"
# The gateway installs what its connectors need while it runs; here it finds them in place, in the
# versions that its own connectors name.
GATEWAY_PACKAGES = (
    "thingsboard-gateway==3.8.0",
    "pymodbus==3.9.2",
    "pyserial",
    "pyserial-asyncio",
    "asyncua==1.1.5",
)


def gateway_python() -> Path | None:
    """The Python that runs thingsboard-gateway 3.8, installed at the first call.

    Several benchmarks may ask at once: the first installs, the others wait.

    Returns:
        None when it cannot be installed; why is said on standard error.
    """
    home = CACHE / "thingsboard-gateway"
    python = home / "bin" / "python"
    done = home / "installed.txt"
    wanted = "\n".join(GATEWAY_PACKAGES)
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "thingsboard-gateway.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.is_file() and done.read_text() == wanted:
            return python
        venv.create(home, with_pip=True, clear=True)
        installed = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *GATEWAY_PACKAGES],
            capture_output=True,
            text=True,
            check=False,
        )
        if installed.returncode != 0:
            sys.stderr.write(f"thingsboard-gateway is left out: {installed.stderr[-2000:]}\n")
            return None
        done.write_text(wanted)
    return python


def start_gateway(
    python: Path, folder: Path, connector: dict[str, Any], settings: dict[str, Any], *, port: int
) -> subprocess.Popen[bytes]:
    """Run thingsboard-gateway with one connector; its values go to `v1/gateway/telemetry`.

    Its defaults are kept: values in memory, MQTT at QoS 1, every value that it reads is reported.

    Args:
        python: As `gateway_python` found it.
        folder: Empty; its files and its log are written there.
        connector: `type` and `name`, and whatever else its entry needs.
        settings: The connector's own file.
        port: Of the MQTT broker on this computer.
    """
    main = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "security": {"type": "accessToken", "accessToken": "benchmark"},
            "qos": 1,
            "minPackSendDelayMS": 50,
            "minPackSizeToSend": 500,
            "maxPayloadSizeBytes": 8196,
            "reportStrategy": {"type": "ON_RECEIVED"},
            "checkingDeviceActivity": {"checkDeviceInactivity": False},
            # Its defaults protect a cloud; here nothing is to be held back.
            **dict.fromkeys(
                (
                    "rateLimits",
                    "dpRateLimits",
                    "messagesRateLimits",
                    "deviceMessagesRateLimits",
                    "deviceRateLimits",
                    "deviceDpRateLimits",
                ),
                "0:0",
            ),
        },
        "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 100_000},
        "grpc": {"enabled": False},
        "connectors": [{**connector, "configuration": "connector.json"}],
    }
    logs = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler", "level": "ERROR"}},
        "root": {"level": "ERROR", "handlers": ["console"]},
    }
    for name, content in (
        ("tb_gateway.json", main),
        ("connector.json", settings),
        ("logs.json", logs),
    ):
        (folder / name).write_text(json.dumps(content))
    with (folder / "gateway.log").open("wb") as output:
        return subprocess.Popen(
            [python, "-c", "from thingsboard_gateway.tb_gateway import daemon; daemon()"],
            cwd=folder,
            env={**os.environ, "TB_GW_CONFIG_DIR": f"{folder}/"},
            stdout=output,
            stderr=output,
        )
