"""Installing, updating and going back, with real files, a real venv and a program that answers."""

from __future__ import annotations

import os
import random
import re
import signal
import site
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from lineside.contracts.clock import sleep_blocking

BEFORE_SWITCH = ["venv", "wheels", "files", "complete", "trial", "stop", "switch"]
ON_TRIAL = ["start", "judge", "confirm"]
PROVEN = ["confirmed", "prune"]


@pytest.fixture
def installed(computer, package):
    """A computer on which version 1.0.0 runs."""
    status, said = computer.install(package("1.0.0"))
    assert status == 0, said
    assert computer.running() == "1.0.0"
    return computer


def test_a_package_installs_without_a_network_and_starts_the_agent(computer, package):
    status, said = computer.install(package("1.0.0"))
    assert status == 0, said
    assert computer.running() == "1.0.0"
    assert computer.install(package("1.0.0")) == (0, "1.0.0 is current already.\n")


def test_without_a_configuration_nothing_starts_and_the_next_step_is_named(computer, package):
    config = computer.root / "var/lib/lineside/edge.toml"
    config.unlink()
    status, said = computer.install(package("1.0.0"))
    assert status == 0, said
    assert str(config) in said
    assert computer.answers() is None


def test_an_update_runs_the_new_version_and_says_how_long_the_terminal_was_away(installed, package):
    status, said = installed.install(package("1.1.0"))
    assert status == 0, said
    assert installed.running() == "1.1.0"
    away = re.search(r"away for ([0-9.]+) s", said)
    assert away is not None, said
    assert float(away[1]) <= 10
    sys.stdout.write(said)
    assert (installed.link("current"), installed.link("previous")) == ("1.1.0", "1.0.0")


def test_only_the_version_before_is_kept(installed, package):
    assert installed.install(package("1.1.0"))[0] == 0
    assert installed.update(str(package("1.2.0")))[0] == 0
    assert installed.versions() == {"1.1.0", "1.2.0"}


@pytest.mark.fault("F-63")
@pytest.mark.parametrize(
    ("health", "why"),
    [("sick", "The journal is stopped"), ("crashes", "Connection refused")],
)
def test_a_version_that_is_not_healthy_is_taken_back_and_the_reason_said(
    installed, package, health, why
):
    status, said = installed.install(package("1.1.0", health), gate_s=2)
    assert status == 1
    assert why in said
    assert "1.0.0 runs again" in said
    assert installed.running() == "1.0.0"
    assert installed.update("--status")[1] == "current 1.0.0\nprevious -\n"


@pytest.mark.fault("F-63")
@pytest.mark.parametrize("step", BEFORE_SWITCH + ON_TRIAL + PROVEN)
def test_a_power_cut_at_any_step_leaves_one_version_that_runs(installed, package, step):
    """Before it is proven, the version before; then the new one; never none."""
    status, said = installed.install(package("1.1.0"), "--cut-at", step)
    assert status == 128 + signal.SIGKILL, said
    installed.power_cut()

    assert installed.boot() == ("1.1.0" if step in PROVEN else "1.0.0")

    status, said = installed.install(package("1.1.0"))
    assert status == 0, said
    assert installed.running() == "1.1.0"
    assert installed.link("previous") == "1.0.0"


@pytest.mark.fault("F-63")
@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_at_a_random_moment_leaves_one_version_that_runs(installed, package, seed):
    command = installed.command(package("1.1.0"))
    running = subprocess.Popen(command, env=installed.environment, start_new_session=True)
    sleep_blocking(random.Random(seed).uniform(0.05, 4))
    with suppress(ProcessLookupError):  # it may be done already
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    installed.power_cut()

    assert installed.boot() in {"1.0.0", "1.1.0"}

    assert installed.install(package("1.1.0"))[0] == 0
    assert installed.running() == "1.1.0"


def test_back_runs_the_version_before_and_back_again_the_newer_one(installed, package):
    assert installed.install(package("1.1.0"))[0] == 0
    for version in ("1.0.0", "1.1.0"):
        status, said = installed.update("--back")
        assert status == 0, said
        assert installed.running() == version


def test_back_without_a_version_before_changes_nothing(installed):
    status, said = installed.update("--back")
    assert (status, "no version before" in said) == (1, True)
    assert installed.running() == "1.0.0"


def test_an_older_version_is_refused_unless_it_is_meant(installed, package):
    status, said = installed.install(package("0.9.0"))
    assert (status, "--back" in said) == (1, True)
    assert installed.running() == "1.0.0"
    assert installed.install(package("0.9.0"), "--older")[0] == 0
    assert installed.running() == "0.9.0"


def test_another_file_with_the_same_version_is_refused(installed, package):
    status, said = installed.install(package("1.0.0", "sick"))
    assert (status, "another file" in said) == (1, True)
    assert installed.running() == "1.0.0"


def test_a_damaged_file_is_refused_before_anything_is_unpacked(computer, package, tmp_path):
    data = bytearray(package("1.0.0").read_bytes())
    data[-2000] ^= 1
    damaged = tmp_path / "damaged.run"
    damaged.write_bytes(data)
    status, said = computer.install(damaged)
    assert (status, "damaged" in said) == (1, True)
    assert not (computer.home / "releases").exists()


def test_an_edge_that_keeps_a_release_key_takes_only_files_signed_by_it(
    computer, package, build, tmp_path
):
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "release.key", tmp_path / "release.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert computer.install(package("1.0.0"), "--key", str(public))[0] == 0
    _lend_libraries(computer.home / "releases/1.0.0/venv")
    file = tmp_path / "new.run"
    file.write_bytes(package("1.1.0").read_bytes())

    status, said = computer.update(str(file))
    assert (status, "not signed" in said) == (1, True)

    build.sign(file, private)
    file.write_bytes(file.read_bytes() + b"\0")
    status, said = computer.update(str(file))
    assert (status, "not signed" in said) == (1, True)
    assert computer.running() == "1.0.0"

    build.sign(file, private)
    file.write_bytes(file.read_bytes()[:-1])
    build.sign(file, private)
    status, said = computer.update(str(file))
    assert status == 0, said
    assert computer.running() == "1.1.0"


def _lend_libraries(venv: Path) -> None:
    """The pretended edge has no libraries; a real one has cryptography."""
    (folder,) = venv.glob("lib/python*/site-packages")
    (folder / "lent.pth").write_text("\n".join(site.getsitepackages()))


def test_two_updates_at_once_do_not_meet(installed, package):
    import fcntl

    with (installed.home / "update.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, said = installed.install(package("1.1.0"))
    assert (status, "Another update" in said) == (1, True)
    assert installed.running() == "1.0.0"
