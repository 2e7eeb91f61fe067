"""Writes mosquitto.conf and access beside it from the settings of `lineside-central broker`.

One source, so that what a site runs and what demo and tests run cannot differ.
"""

from __future__ import annotations

from pathlib import Path

from lineside.central.broker import BrokerTls, access_list, mosquitto_settings

HERE = Path(__file__).resolve().parent
FILES = Path("/etc/mosquitto/lineside")
PORT = 8883
HEAD = """\
# Mosquitto 2 for a Lineside site. Made by deploy/broker/generate.py: change it there.
# It goes to /etc/mosquitto/conf.d/lineside.conf, the files that it names to
# /etc/mosquitto/lineside, readable for the user mosquitto only. Access list and revocations are
# central's files authority/broker.acl and authority/revoked.crl; lineside-broker-access.path
# carries every change over.
"""
ACCESS_HEAD = """\
# The access list before anybody was revoked; central writes it anew with every revocation.
# Made by deploy/broker/generate.py.
"""


def configuration() -> str:
    """Mosquitto's configuration, with comments."""
    tls = BrokerTls(
        authority=FILES / "ca.crt",
        certificate=FILES / "server.crt",
        key=FILES / "server.key",
        revoked=FILES / "revoked.crl",
    )
    settings = mosquitto_settings(str(PORT), tls=tls, access=FILES / "broker.acl")
    return HEAD + "".join(f"\n# {why}\n{line}\n" for line, why in settings)


def files() -> dict[str, str]:
    """Names beside this program, and what stands in them."""
    return {"mosquitto.conf": configuration(), "broker.acl": ACCESS_HEAD + access_list()}


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
