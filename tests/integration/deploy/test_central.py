"""The package of central: one file that makes a site, updates it, and goes back by itself."""

from __future__ import annotations

import ensurepip
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, Computer, pretended_wheel

CENTRAL = "lineside-central"
USED_WHERE_PRESENT = {"setuptools", "pip", "greenlet", "pygments", "pytz", "rich"}
"""Packages of the development set that others import if they can, and do without."""
PRETENDED = """\
import http.server, json, pathlib, sys, threading, os, tomllib

VERSION, HEALTH = {version!r}, {health!r}

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        well = HEALTH == "well"
        self.send_response(200 if well else 503)
        self.end_headers()
        said = dict(status="ready" if well else "waits", version=VERSION)
        self.wfile.write(json.dumps(said).encode())
    def log_message(self, *_):
        pass

def main():
    words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    if sys.argv[1] == "init":
        folder = pathlib.Path(words["--directory"])
        port = (folder / "port").read_text()
        (folder / "central.toml").write_text(f'[server]\\nhost = "0.0.0.0"\\nport = {{port}}\\n')
        print("One-time code for the first administrator: 1234")
        return
    ending = threading.Timer(300, os._exit, (0,))
    ending.daemon = True
    ending.start()
    server = tomllib.loads(pathlib.Path(words["--config"]).read_text())["server"]
    http.server.HTTPServer(("127.0.0.1", server["port"]), Answer).serve_forever()
"""
SERVICE = """\
#!/bin/sh
root={root}
case $1 in
start)
  "$root/opt/lineside-central/bin/lineside-central-update" --root "$root" --settle
  setsid "$root/opt/lineside-central/current/venv/bin/lineside-central" serve --config \\
    "$root/var/lib/lineside-central/central.toml" </dev/null >>"$root/agent.log" 2>&1 &
  echo $! >"$root/pid" ;;
stop)
  [ -f "$root/pid" ] || exit 0
  pid=$(cat "$root/pid")
  kill "$pid" 2>/dev/null
  while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do sleep 0.05; done
  rm -f "$root/pid" ;;
esac
"""


class Server(Computer):
    """A folder that stands for the computer of central."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.home = root / "opt/lineside-central"
        self.service.write_text(SERVICE.format(root=root))
        self.data = root / "var/lib/lineside-central"
        self.data.mkdir(parents=True)
        (self.data / "port").write_text(str(self.port))

    def update(self, *words: str, gate_s: float = 10) -> tuple[int, str]:
        """Call the installed updater."""
        program = str(self.home / "bin/lineside-central-update")
        return self._run([program, *self._where(gate_s), *words])


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A computer without central."""
    made = Server(tmp_path)
    yield made
    made.power_cut()


@pytest.fixture
def package(build, tmp_path) -> Callable[..., Path]:
    """Makes packages of a pretended central."""
    found = list((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    if not found:
        pytest.skip("this Python comes without the wheel of pip")

    def make(version: str, health: str = "well") -> Path:
        folder = tmp_path / f"wheels-{version}"
        folder.mkdir()
        (folder / found[0].name).write_bytes(found[0].read_bytes())
        wheel = pretended_wheel(folder, version, health, program=CENTRAL, code=PRETENDED)
        data = build.assemble(
            folder,
            build.with_hash(wheel, "lineside", version),
            version=version,
            machine=os.uname().machine,
            pythons=[".".join(platform.python_version_tuple()[:2])],
            product=CENTRAL,
        )
        file = tmp_path / f"{CENTRAL}-{version}.run"
        file.write_bytes(data)
        return file

    return make


@pytest.mark.fault("F-63")
def test_one_file_makes_a_site_updates_it_and_goes_back(server, package):
    """Made once; an update keeps it; a version that does not get ready is not used."""
    status, said = server.install(package("1.0.0"))
    assert status == 0, said
    assert "One-time code" in said
    assert server.answers("/readyz") == {"status": "ready", "version": "1.0.0"}
    config = (server.data / "central.toml").read_text()
    units = {file.name for file in (server.home / "current").glob("lineside-central*")}
    assert units == {
        "lineside-central.service",
        "lineside-central-backup.service",
        "lineside-central-backup.timer",
    }

    status, said = server.install(package("1.1.0"))
    assert status == 0, said
    assert "One-time code" not in said
    assert "Central was away for" in said
    assert server.answers("/readyz")["version"] == "1.1.0"

    status, said = server.install(package("1.2.0", "ill"), gate_s=2)
    assert status == 1
    assert "1.1.0 runs again" in said
    assert server.running() == "1.1.0"

    status, said = server.update("--back")
    assert status == 0, said
    assert server.running() == "1.0.0"
    assert (server.data / "central.toml").read_text() == config
    assert "current 1.0.0" in server.update("--status")[1]


def test_central_runs_with_what_the_package_brings(build):
    """Every package that its programs import is in needs.txt, or needed by one that is."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    brought = build.closure(build.needs(CENTRAL), here, os.uname().machine)
    program = (
        "import sys, importlib.metadata as m, pkgutil, importlib, lineside.central.commands as c\n"
        "import lineside.central.app\n"
        "[importlib.import_module(f'lineside.central.commands.{n.name}')"
        " for n in pkgutil.iter_modules(c.__path__)]\n"
        "top = m.packages_distributions()\n"
        "print('\\n'.join({d for k in {n.partition('.')[0] for n in sys.modules}"
        " for d in top.get(k, [])}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    used = {name.lower().replace("_", "-") for name in done.stdout.split()} - {"lineside"}
    assert used - brought <= USED_WHERE_PRESENT
