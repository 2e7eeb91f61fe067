# ruff: noqa: T201 - a program that prints its results
"""`python -m tests.golden make NAME`: keep a corpus of a release; `expect`, `check`: judge all."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import Engine

from lineside.central import embedded_postgres
from lineside.central.app import create_app
from lineside.central.config import BrokerConfig, CentralConfig
from lineside.central.db import open_engine
from lineside.central.migrate import migrate
from lineside.central.serving import serving
from lineside.contracts.clock import ManualClock

from ..integration.central.conftest import FAST, make_token  # noqa: TID252 - has no package name
from .central import ingest, prepare, state_of
from .corpus import CORPORA, Corpus, corpora, state_hash

ROOT = Path(__file__).resolve().parents[2]
AGENT = ("lineside/__init__.py", "lineside/contracts", "lineside/drivers", "lineside/edge_agent")
LEFT_OUT = ("lineside/drivers/opcua", "lineside/drivers/modbus", "lineside/drivers/serial_line/")
"""Nothing of the agent's wire; the scripted device is enough to run it."""


def main() -> int:
    """Make, expect or check; 0: all is as it was."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    acts = parser.add_subparsers(dest="act", required=True)
    make = acts.add_parser("make", help="let the agent of a release work, and keep what it says")
    make.add_argument("name", help="folder below tests/golden/releases, sorted by age")
    make.add_argument("--commit", default="", help="of the release; without, the present tree")
    make.add_argument("--agent", action="store_true", help="keep the agent itself as well")
    acts.add_parser("expect", help="write anew what central makes of every corpus")
    acts.add_parser("check", help="run the tests of this folder")
    asked = parser.parse_args()
    if asked.act == "check":
        command = [sys.executable, "-m", "pytest", "-q", str(ROOT / "tests" / "golden")]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    if asked.act == "make":
        make_corpus(asked.name, asked.commit, with_agent=asked.agent)
        expect([Corpus(CORPORA / asked.name)])
    else:
        expect(corpora())
    return 0


def make_corpus(name: str, commit: str, *, with_agent: bool) -> None:
    """Run the recorder on the tree of a commit, or on the present one."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree" if commit else ROOT
        if commit:
            _archive(commit, ("lineside", "tests/integration/edge_agent")).extractall(
                tree, filter="data"
            )
        subprocess.run(
            [sys.executable, Path(__file__).with_name("record.py"), tree, CORPORA / name],
            env={**os.environ, "PYTHONPATH": str(tree)}, cwd=scratch, check=True,
        )  # fmt: skip
    if with_agent:
        with tarfile.open(CORPORA / name / "agent.tar.xz", "w:xz", preset=9) as kept:
            archive = _archive(commit or "HEAD", AGENT)
            for member in archive.getmembers():
                if member.isfile() and not member.name.startswith(LEFT_OUT):
                    kept.addfile(member, archive.extractfile(member))


def _archive(commit: str, paths: tuple[str, ...]) -> tarfile.TarFile:
    command = ["git", "archive", commit, *paths]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return tarfile.open(fileobj=io.BytesIO(done.stdout))


def expect(wanted: list[Corpus]) -> None:
    """Write what the present central makes of corpora; `git diff` shows what has changed."""
    with _server() as server:
        for number, corpus in enumerate(wanted):
            with _central(server, f"golden_{number}", corpus) as (engine, client, clock):
                prepare(client, corpus.about["edge"])
                ingest(engine, clock, corpus.messages("up"))
                state = state_of(client, engine, corpus.about)
            found = {"hash": state_hash(state), "state": state}
            text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
            (corpus.folder / "expected.json").write_text(text + "\n", encoding="utf-8")
            print(f"{corpus.name}: {found['hash']}")


@contextmanager
def _server() -> Generator[embedded_postgres.EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="lineside-golden-"))
    server = embedded_postgres.start(folder / "pg", options=FAST)
    try:
        yield server
    finally:
        embedded_postgres.stop(server)
        shutil.rmtree(folder)


@contextmanager
def _central(
    server: embedded_postgres.EmbeddedPostgres, name: str, corpus: Corpus
) -> Generator[tuple[Engine, httpx.Client, ManualClock]]:
    admin = open_engine(server.dsn("postgres"), pool_connections=1)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    engine = open_engine(server.dsn(name), pool_connections=3)
    migrate(engine)
    clock = ManualClock(corpus.about["end"])
    app = create_app(CentralConfig(broker=BrokerConfig(enabled=False)), engine=engine, clock=clock)
    headers = {"Authorization": f"Bearer {make_token(engine, clock, 'administrator')}"}
    with (
        serving(app) as address,
        httpx.Client(base_url=address, headers=headers, timeout=60) as client,
    ):
        yield engine, client, clock
    engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
