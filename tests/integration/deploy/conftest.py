"""Packages of a pretended edge, and a computer to install them on."""

from __future__ import annotations

import ensurepip
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from lineside.central.broker import free_port
from lineside.contracts.clock import sleep_blocking

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 30.0

PRETENDED = """\
import http.server, json, os, pathlib, sys, threading, tomllib

VERSION, HEALTH = {version!r}, {health!r}

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = HEALTH == "well"
        said = dict(status="ok" if good else "not recording", recording=float(good),
                    problems=[] if good else ["The journal is stopped."], version=VERSION)
        self.send_response(200 if good else 503)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())
    def log_message(self, *_):
        pass

def main():
    if HEALTH == "crashes":
        sys.exit(1)
    # Where the tests are cut off, nobody is left to stop it.
    ending = threading.Timer(300, os._exit, (0,))
    ending.daemon = True
    ending.start()
    edge = tomllib.loads(pathlib.Path(sys.argv[2]).read_text())["edge"]
    host, _, port = edge["listen"].rpartition(":")
    http.server.HTTPServer((host, int(port)), Answer).serve_forever()
"""

SERVICE = """\
#!/bin/sh
# What systemd does by our unit: settle before each start, start what is current, stop and wait.
root={root}
case $1 in
start)
  "$root/opt/lineside/bin/lineside-edge-update" --root "$root" --settle
  setsid "$root/opt/lineside/current/venv/bin/lineside-edge" run \\
    "$root/var/lib/lineside/edge.toml" </dev/null >>"$root/agent.log" 2>&1 &
  echo $! >"$root/pid" ;;
stop)
  [ -f "$root/pid" ] || exit 0
  pid=$(cat "$root/pid")
  kill "$pid" 2>/dev/null
  # A container whose first process reaps nobody keeps it as a zombie.
  while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do sleep 0.05; done
  rm -f "$root/pid" ;;
esac
"""


def load_build() -> ModuleType:
    """deploy/edge/build.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("edge_build", ROOT / "deploy/edge/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def build() -> ModuleType:
    """The builder of packages."""
    return load_build()


def pretended_wheel(
    folder: Path, version: str, health: str, *, program: str = "lineside-edge", code: str = ""
) -> Path:
    """A wheel named lineside with a program, by default an edge that only says how it is."""
    info = f"lineside-{version}.dist-info"
    members = {
        "pretended_edge.py": (code or PRETENDED).format(version=version, health=health),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lineside\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{program} = pretended_edge:main\n",
    }
    record = "".join(f"{name},,\n" for name in members) + f"{info}/RECORD,,\n"
    wheel = folder / f"lineside-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", record)
    return wheel


MakePackage = Callable[..., Path]


@pytest.fixture(scope="session")
def package(build, tmp_path_factory) -> MakePackage:
    """Makes packages of a pretended edge."""
    found = list((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    if not found:
        pytest.skip("this Python comes without the wheel of pip")
    made: dict[tuple[str, str], Path] = {}

    def make(version: str, health: str = "well") -> Path:
        if (version, health) not in made:
            folder = tmp_path_factory.mktemp("wheels")
            (folder / found[0].name).write_bytes(found[0].read_bytes())
            wheel = pretended_wheel(folder, version, health)
            data = build.assemble(
                folder,
                build.with_hash(wheel, "lineside", version),
                version=version,
                machine=os.uname().machine,
                pythons=[".".join(platform.python_version_tuple()[:2])],
            )
            file = tmp_path_factory.mktemp("dist") / f"lineside-edge-{version}.run"
            file.write_bytes(data)
            made[version, health] = file
        return made[version, health]

    return make


class Computer:
    """A folder that stands for a computer at a line; its agent is started by a program."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.home = root / "opt/lineside"
        self.service = root / "service"
        self.service.write_text(SERVICE.format(root=root))
        self.service.chmod(0o755)
        data = root / "var/lib/lineside"
        data.mkdir(parents=True)
        (data / "edge.toml").write_text(f'[edge]\nlisten = "127.0.0.1:{self.port}"\n')
        self.environment = {
            **{key: word for key, word in os.environ.items() if not key.startswith("COV_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TMPDIR": str(root),
        }

    def command(self, file: Path, *words: str, gate_s: float = 10) -> list[str]:
        """The command line that installs a package here."""
        return ["/bin/sh", str(file), *self._where(gate_s), *words]

    def _where(self, gate_s: float) -> list[str]:
        return ["--root", str(self.root), "--service", str(self.service), "--gate-s", str(gate_s)]

    def install(
        self, file: Path, *words: str, gate_s: float = 10, wait_s: float = 55
    ) -> tuple[int, str]:
        """Install a package; status, and all that it said."""
        return self._run(self.command(file, *words, gate_s=gate_s), wait_s)

    def update(self, *words: str, gate_s: float = 10) -> tuple[int, str]:
        """Call the installed updater."""
        program = str(self.home / "bin/lineside-edge-update")
        return self._run([program, *self._where(gate_s), *words])

    def _run(self, command: list[str], wait_s: float = 55) -> tuple[int, str]:
        done = subprocess.run(
            command, env=self.environment, check=False, text=True, timeout=wait_s,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout

    def power_cut(self) -> None:
        """The agent is gone without a word."""
        with suppress(OSError, ValueError):
            os.kill(int((self.root / "pid").read_text()), signal.SIGKILL)
        (self.root / "pid").unlink(missing_ok=True)

    def boot(self) -> str:
        """Start the agent as the boot does; the version that answers."""
        subprocess.run([self.service, "start"], env=self.environment, check=True)
        return self.running()

    def running(self) -> str:
        """The version that answers, waited for."""
        until = time.monotonic() + DEADLINE_S
        while (found := self.answers()) is None:
            assert time.monotonic() < until, (self.root / "agent.log").read_text()
            sleep_blocking(0.05)
        return str(found.get("version", ""))

    def answers(self, page: str = "/healthz") -> dict[str, object] | None:
        """What the agent says of itself; None: nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{page}", timeout=5) as said:
                return json.loads(said.read())
        except urllib.error.HTTPError as said:
            return json.loads(said.read())
        except OSError:
            return None

    def versions(self) -> set[str]:
        """Folders of versions."""
        return {folder.name for folder in (self.home / "releases").iterdir()}

    def link(self, name: str) -> str:
        """Where a link leads."""
        return (self.home / name).readlink().name


@pytest.fixture
def computer(tmp_path) -> Iterator[Computer]:
    """A computer without an edge."""
    made = Computer(tmp_path)
    yield made
    made.power_cut()
