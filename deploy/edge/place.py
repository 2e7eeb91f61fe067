"""Where the versions of edge or central lie here, and how names there are changed safely."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Product:
    """What is installed.

    Attributes:
        name: Of its program and of the package.
        home, data: Where versions lie and where it keeps what it knows, below the root.
        config: Name of its configuration in the data folder.
        user: Account that it runs under.
        group: What that account may use as well; empty: nothing.
        units: Of systemd, the service first; timers and paths are enabled, too.
        page, listens, port: Where it says how it is: page, section of the configuration, port.
        gate_s: Seconds that a new version has for its first healthy answer.
    """

    name: str
    home: str
    data: str
    config: str
    user: str
    group: str
    units: tuple[str, ...]
    page: str
    listens: str
    port: int
    gate_s: float


EDGE = Product(
    "lineside-edge", "opt/lineside", "var/lib/lineside", "edge.toml", "lineside", "dialout",
    ("lineside-edge.service",), "/healthz", "edge", 8601, 10.0,
)  # fmt: skip
CENTRAL = Product(
    "lineside-central", "opt/lineside-central", "var/lib/lineside-central", "central.toml",
    "lineside-central", "",
    ("lineside-central.service", "lineside-central-backup.service",
     "lineside-central-backup.timer"),
    "/readyz", "server", 8400, 60.0,
)  # fmt: skip
PRODUCTS = {product.name: product for product in (EDGE, CENTRAL)}


def product_in(folder: Path) -> Product:
    """What the package or the installed version in a folder is; the edge, where nothing says so."""
    file = folder / "PRODUCT"
    return PRODUCTS[file.read_text().strip()] if file.is_file() else EDGE


class UpdateError(Exception):
    """What a person has to know; the text says what to do now."""


class Place:
    """Where things lie on this computer, or below a folder.

    Attributes:
        root: `/`, or the folder of a trial installation.
        releases: One folder a version.
        current: Link to the version that runs.
        previous: Link to the version that ran before.
        trial: Says, while an update is not proven, what to go back to.
    """

    def __init__(self, root: Path, product: Product = EDGE) -> None:
        self.root, self.product = root.resolve(), product
        self.home = self.root / product.home
        self.releases = self.home / "releases"
        self.current = self.home / "current"
        self.previous = self.home / "previous"
        self.trial = self.home / "trial.json"
        self.data = self.root / product.data
        self.release_key = self.root / "etc/lineside/release.pub"

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.data / self.product.config

    def named(self, link: Path) -> str:
        """The version that a link names; empty: none that is whole."""
        try:
            version = link.readlink().name
        except OSError:
            return ""
        return version if self.whole(version) else ""

    def whole(self, version: str) -> bool:
        """Whether a version was installed to its end."""
        return bool(version) and (self.releases / version / "complete").is_file()

    def point(self, link: Path, version: str) -> None:
        """Let a link name a version; the old one or the new one, never none."""
        put_link(link, f"releases/{version}")

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Only one update at a time.

        Raises:
            UpdateError: Another one is running.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "update.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as problem:
                raise UpdateError("Another update is running; wait until it is done.") from problem
            yield


def put_link(link: Path, target: str) -> None:
    """Make or replace a link in one step."""
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(link.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync_folder(link.parent)


def write_whole(file: Path, data: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(file.name + ".new")
    with fresh.open("wb") as output:
        output.write(data)
        output.flush()
        os.fsync(output.fileno())
    fresh.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def newer_or_same(version: str, other: str) -> bool:
    """Whether a version is not older than another."""

    def parts(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", text)]

    return parts(version) >= parts(other)


def say(text: str) -> None:
    """Tell the person at the console, or the log of the service."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
