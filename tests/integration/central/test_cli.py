"""`lineside-central` as an administrator types it."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from lineside.central import cli, embedded_postgres
from lineside.contracts.clock import SystemClock, sleep_blocking

PASSWORD = "correct horse battery"


def run(*arguments: str | Path, stdin: str = "", status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lineside.central.cli", *map(str, arguments)],
        input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder():
    """A folder of our own: pytest closes the parents of its own ones to the database's account."""
    made = Path(tempfile.mkdtemp(prefix="lineside-cli-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def site(folder):
    """A new site on free ports, whose own database server ends with the test."""
    run("init", "--directory", folder)
    config = folder / "central.toml"
    text = config.read_text().replace("port = 8400", "port = 0").replace("port = 1883", "port = 0")
    text = text.replace('host = "127.0.0.1"', 'host = "0.0.0.0"', 1)  # of the pages
    config.write_text(text)
    yield config
    server = embedded_postgres.EmbeddedPostgres(folder / "data/postgres", folder, started=True)
    embedded_postgres.stop(server)


def test_a_site_from_nothing_to_a_signed_in_user(site, folder, monkeypatch, capsys) -> None:
    """Commands work beside a running central, and the database server ends with it."""
    log = folder / "serve.log"
    command = [sys.executable, "-m", "lineside.central.cli", "serve", "--config", str(site)]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        try:
            address = _address(log, server)
            assert "one-time code" in log.read_text()
            assert "It listens on this computer only" in log.read_text()
            elsewhere = httpx.URL(address).copy_with(host="127.0.0.2")  # not the loopback's own
            with pytest.raises(httpx.ConnectError):
                httpx.get(elsewhere.join("/healthz"))
            monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
            user = ["user", "add", "ada", "--role", "administrator", "--password-stdin"]
            assert cli.main([*user, "--config", str(site)]) == 0
            assert cli.main(["sample", "--config", str(site)]) == 0
            capsys.readouterr()
            assert cli.main(["edge", "list", "--json", "--config", str(site)]) == 0
            edges = json.loads(capsys.readouterr().out)
            assert [edge["id"] for edge in edges] == ["line-1", "line-2"]

            with httpx.Client(base_url=address) as http:
                body = {"user": "ada", "password": PASSWORD}
                token = http.post("/api/v1/auth/login", json=body).json()["token"]
                http.headers["Authorization"] = f"Bearer {token}"
                order = http.get("/api/v1/mes/work-orders/WO-1").json()
                assert order["state"] == "released"
                _until_open(elsewhere, server)
                assert http.get("/healthz").status_code == 200
            assert (folder / "signed-in").exists(), "so it is open at once at the next start"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
    assert server.returncode in {0, -signal.SIGTERM}
    assert not embedded_postgres.is_running(folder / "data/postgres")


def _until_open(address: httpx.URL, server: subprocess.Popen[bytes]) -> None:
    """Somebody has signed in, so the configured address is served, without a restart."""
    clock = SystemClock()
    deadline = clock.monotonic() + 30_000_000
    while clock.monotonic() < deadline:
        assert server.poll() is None
        try:
            assert httpx.get(address.join("/healthz")).status_code == 200
        except httpx.ConnectError:
            sleep_blocking(0.05)
        else:
            return
    raise AssertionError(address)


def _address(log: Path, server: subprocess.Popen[bytes]) -> str:
    clock = SystemClock()
    deadline = clock.monotonic() + 30_000_000
    while clock.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if "serves http" in line:
                return line.split("serves ")[1].split()[0]
        assert server.poll() is None, log.read_text()
        sleep_blocking(0.05)
    raise AssertionError(log.read_text())


def test_errors_are_one_clear_sentence_with_what_to_do(site, folder) -> None:
    missing = run("migrate", "--config", folder / "nowhere.toml", status=1)
    assert "No such file" in missing
    assert "Traceback" not in missing
    nothing = run("trace", "XYZ", "--config", site, status=1)
    assert nothing.startswith("lineside-central trace: There is no unit XYZ.")
    twice = run("init", "--directory", folder, status=1)
    assert "exists" in twice
    weak = run("user", "add", "eve", "--config", site, "--password-stdin", stdin="x\n", status=1)
    assert "at least" in weak


@pytest.mark.parametrize("wrong", [[], ["nonsense"], ["user", "add"], ["edge", "list", "--colour"]])
def test_wrong_usage_ends_with_2(wrong, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(wrong)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert "example: lineside-central" in capsys.readouterr().out


def test_the_list_names_every_command(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert all(command in shown for command in cli.COMMANDS)


def test_migrate_says_what_it_did(site) -> None:
    found = json.loads(run("migrate", "--json", "--config", site))
    assert found["before"] == found["after"] != ""
