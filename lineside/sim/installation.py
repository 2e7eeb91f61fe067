"""An installation as an integrator makes it: authority, broker, central, edges, each a process."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from lineside.contracts.clock import Clock, sleep_blocking
from lineside.sim.central_client import Central
from lineside.sim.processes import (
    Program,
    ProgramFailedError,
    free_port,
    program,
    wait_until_open,
)

BROKER_TIMEOUT_S = 20.0
FIRST_RUN_CODE = re.compile(r"one-time code (\S+)")
POLL_S = 0.05

CENTRAL_FILE = """\
simulation = {simulation}

[server]
host = "127.0.0.1"
port = {port}

[database]
directory = "postgres"

[broker]
embedded = false
host = "127.0.0.1"
port = {broker_port}
{tls}
[site]
name = "{site}"
time_zone = "{time_zone}"

[backup]
none_declared = true
"""
CENTRAL_TLS = """\
ca_file = "certificates/ca.crt"
certificate_file = "certificates/central.crt"
key_file = "certificates/central.key"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of central made for this installation; the password is random."""

    name: str
    role: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))


class Installation:
    """One site in one folder. Start in the order broker, central, edges; stop in the other."""

    def __init__(
        self, folder: Path, *, clock: Clock, site: str, time_zone: str, simulation: bool = False
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.site = site
        self.time_zone = time_zone
        self.simulation = simulation
        self.broker_address = ""
        self.central_port = free_port()
        self.accounts = (
            Account(name="admin", role="administrator"),
            Account(name="planner", role="planner"),
            Account(name="quality", role="quality"),
        )
        self._authority = folder / "authority"
        self._broker = self._program("broker")
        self.central = self._program("central")
        self.edges: dict[str, Program] = {}

    @property
    def central_url(self) -> str:
        """Address of console and API."""
        return f"http://127.0.0.1:{self.central_port}"

    def database_dsn(self) -> str:
        """Address of central's database: its unix socket is where its server says."""
        lines = (self.folder / "central" / "postgres" / "postmaster.pid").read_text().splitlines()
        sockets = lines[4].strip()  # the fifth line, by PostgreSQL's documentation
        return f"postgresql://postgres@/lineside?host={quote(sockets, safe='')}"

    def account(self, role: str) -> Account:
        """The account with a role."""
        return next(account for account in self.accounts if account.role == role)

    def start_broker(self) -> None:
        """Make the authority and start the broker."""
        self._call("authority", "create", "--authority", self._authority, "--site", self.site)
        self._broker.arguments = [
            program("lineside-central"),
            "broker",
            "--folder",
            str(self.folder / "broker"),
            "--authority",
            str(self._authority),
        ]
        self._broker.start()
        found = json.loads(self._first_line(self._broker))
        self.broker_address = f"{found['scheme']}://{found['host']}:{found['port']}"

    def prepare_central(self) -> None:
        """Write central's configuration, make its database and its users."""
        folder = self.folder / "central"
        folder.mkdir(parents=True, exist_ok=True)
        self._call(
            "authority", "central", "--authority", self._authority, "--out", folder / "certificates"
        )
        secured = self.broker_address.startswith("mqtts:")
        (folder / "central.toml").write_text(
            CENTRAL_FILE.format(
                simulation=str(self.simulation).lower(),
                port=self.central_port,
                broker_port=self.broker_address.rpartition(":")[2],
                tls=CENTRAL_TLS if secured else "",
                site=self.site,
                time_zone=self.time_zone,
            ),
            encoding="utf-8",
        )
        self.central.arguments = [
            program("lineside-central"),
            "serve",
            "--config",
            str(folder / "central.toml"),
        ]

    def make_users(self) -> None:
        """Create the accounts, the first one with the one-time code that central prints."""
        self.wait(
            "central prints its one-time code", lambda: bool(self._first_run_code()), seconds=60
        )
        admin = self.account("administrator")
        central = Central(self.central_url)
        body = {"code": self._first_run_code(), "user": admin.name, "password": admin.password}
        token = central.post("/api/v1/auth/first-run", body)["token"]
        central.http.headers["Authorization"] = f"Bearer {token}"
        for account in self.accounts:
            if account is not admin:
                body = {"name": account.name, "password": account.password, "roles": [account.role]}
                central.post("/api/v1/auth/users", body)

    def grant(self, role: str, permission: str) -> None:
        """Give the account of a role a permission beyond its role."""
        admin = self.sign_in("administrator")
        users = admin.get("/api/v1/auth/users")["items"]
        user = next(one for one in users if one["name"] == self.account(role).name)
        admin.patch(
            f"/api/v1/auth/users/{user['id']}",
            {"grants": [*user["grants"], permission]},
            **{"If-Match": f'"{user["revision"]}"'},
        )

    def _first_run_code(self) -> str:
        found = FIRST_RUN_CODE.search(self.central.log.read_text(errors="replace"))
        return found[1] if found else ""

    def start_central(self) -> None:
        """Start central and wait until it answers."""
        self.central.start()
        wait_until_open(self.central_port, clock=self.clock, owner=self.central)

    def sign_in(self, role: str) -> Central:
        """Access to the API as the account of a role."""
        account = self.account(role)
        central = Central(self.central_url)
        central.sign_in(account.name, account.password)
        return central

    def edge_folder(self, edge: str) -> Path:
        """The folder of an edge, with its certificate in it."""
        folder = self.folder / edge
        self._call("authority", "edge", edge, "--authority", self._authority, "--out", folder)
        return folder

    def start_edge(self, edge: str, *, file: Path, port: int) -> None:
        """Start an edge agent and wait until its terminal answers."""
        self.edges[edge] = self._program(edge)
        self.edges[edge].arguments = [program("lineside-edge"), "run", str(file)]
        self.edges[edge].start()
        wait_until_open(port, clock=self.clock, owner=self.edges[edge])

    def check(self) -> None:
        """Nothing while all programs run.

        Raises:
            ProgramFailedError: One ended by itself.
        """
        for each in (self._broker, self.central, *self.edges.values()):
            each.check()

    def stop(self) -> None:
        """Stop everything, edges first."""
        for each in (*self.edges.values(), self.central, self._broker):
            each.stop()

    def wait(self, what: str, true: Callable[[], bool], *, seconds: float) -> None:
        """Wait until something is true.

        Raises:
            ProgramFailedError: A program ended, or it is not true in time.
        """
        deadline = self.clock.monotonic() + round(seconds * 1_000_000)
        while not true():
            self.check()
            if self.clock.monotonic() > deadline:
                raise ProgramFailedError(f"After {seconds:g} s still not: {what}.")
            sleep_blocking(POLL_S)

    def _program(self, name: str) -> Program:
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return Program(name, [], log=logs / f"{name}.log")

    def _first_line(self, owner: Program) -> str:
        deadline = self.clock.monotonic() + round(BROKER_TIMEOUT_S * 1_000_000)
        while True:
            for line in owner.log.read_text(errors="replace").splitlines():
                if line.startswith("{"):
                    return line
            owner.check()
            if self.clock.monotonic() > deadline:
                raise ProgramFailedError(f"{owner.name} says nothing.", hint=f"See {owner.log}.")
            sleep_blocking(POLL_S)

    def _call(self, *arguments: str | Path, stdin: str = "") -> str:
        words = [program("lineside-central"), *map(str, arguments)]
        done = subprocess.run(  # noqa: S603 our own program
            words, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ProgramFailedError(f"{' '.join(words[1:3])} failed: {done.stderr.strip()}")
        return done.stdout
