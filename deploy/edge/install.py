"""Runs out of the package: puts a version beside the others, then switches to it."""

from __future__ import annotations

import argparse
import os
import platform
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from place import CENTRAL, Place, UpdateError, newer_or_same, product_in, put_link, say, write_whole
from slots import Step, add_place, cutter, service_of, switch, undo_cut

FREE_BYTES_MIN = 500_000_000
PROGRAMS = ("PRODUCT", "place.py", "slots.py")


def main() -> int:
    """Install, or update.

    Returns:
        0 when this version is current, 1 when it is not, 2 for wrong usage.
    """
    payload = Path(__file__).resolve().parent
    product = product_in(payload)
    parser = argparse.ArgumentParser(
        prog=f"{product.name}-VERSION-ARCH.run",
        description=f"Installs {product.name} from this file, or updates it. Needs no network.",
        epilog=f"example: sudo sh {product.name}-0.2.0-x86_64.run",
    )
    add_place(parser, product)
    parser.add_argument("--key", type=Path, help="public key that later packages must be signed by")
    parser.add_argument("--older", action="store_true", help="allow a version that is older")
    args = parser.parse_args()
    os.umask(0o022)
    place = Place(args.root, product)
    step = cutter(args.cut_at)
    try:
        version = refuse(place, payload, older=args.older)
        with place.locked():
            undo_cut(place)
            stage(place, payload, version, step)
            if args.key is not None:
                write_whole(place.release_key, args.key.read_bytes())
            prepare(place)
            first = not place.named(place.current)
            if place.named(place.current) == version:
                say(f"{version} is current already.")
                return 0
            if first and product == CENTRAL:
                initialise(place, version)
            service = service_of(place, args.service)
            switch(place, version, service=service, gate_s=args.gate_s, step=step)
            step("prune")
            prune(place)
        if first and not place.config.is_file():
            unit = product.units[0]
            say(f"Next: write {place.config}, then start {unit} (docs: Install an edge).")
    except (UpdateError, OSError) as problem:
        sys.stderr.write(f"{product.name}: {problem}\n")
        return 1
    return 0


def refuse(place: Place, payload: Path, *, older: bool) -> str:
    """The version in the package; raises where it cannot be installed here.

    Raises:
        UpdateError: Not root, wrong Python, no room, or it is older than what runs.
    """
    version = (payload / "VERSION").read_text().strip()
    if place.root == Path("/") and os.geteuid() != 0:
        raise UpdateError("Only root may install: run it with sudo, or give --root FOLDER.")
    pythons = (payload / "PYTHONS").read_text().split()
    if ".".join(platform.python_version_tuple()[:2]) not in pythons:
        raise UpdateError(f"It is made for Python {', '.join(pythons)}: install one of them.")
    place.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place.home).free
    if free < FREE_BYTES_MIN:
        raise UpdateError(f"{place.home} has {free // 1_000_000} MB free; 500 MB are needed.")
    current = place.named(place.current)
    if current and not older and not newer_or_same(version, current):
        raise UpdateError(
            f"{version} is older than {current}: `lineside-edge-update --back` goes back one "
            "version; --older installs it all the same, but it may not read the journal."
        )
    return version


def stage(place: Place, payload: Path, version: str, step: Step) -> None:
    """Put the version in its folder; what was cut off before is begun anew.

    Raises:
        UpdateError: Another file with this version is installed, or a wheel cannot be installed.
    """
    folder = place.releases / version
    digest = (payload / "DIGEST").read_bytes()
    if place.whole(version):
        if (folder / "complete").read_bytes() == digest:
            return
        raise UpdateError(f"{version} is here already, but from another file; give it a new name.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    step("venv")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")])
    step("wheels")
    say(f"Installing {version} beside what runs.")
    _install(folder / "venv/bin/python", payload)
    step("files")
    for unit in place.product.units:
        shutil.copyfile(payload / unit, folder / unit)
    (folder / "installer").mkdir()
    for name in PROGRAMS:
        shutil.copyfile(payload / name, folder / "installer" / name)
    (folder / "installer/slots.py").chmod(0o755)
    os.sync()  # every file of it is on the disk before it is called complete
    step("complete")
    write_whole(folder / "complete", digest)


def _install(python: Path, payload: Path) -> None:
    wheels = payload / "wheels"
    pip = next(wheels.glob("pip-*.whl"))  # Debian's Python comes without it
    environment = {key: word for key, word in os.environ.items() if not key.startswith("PIP_")}
    _run(
        [
            *("nice", "-n", "10", str(python), "-I", f"{pip}/pip", "install", "--quiet"),
            *("--no-index", "--find-links", str(wheels), "--no-deps", "--require-hashes"),
            *("--no-cache-dir", "--disable-pip-version-check", "--root-user-action=ignore"),
            *("-r", str(payload / "requirements.txt")),
        ],
        {**environment, "PIP_CONFIG_FILE": os.devnull},
    )


def prepare(place: Place) -> None:
    """Folders, the user, and the programs in the path; safe to do again."""
    if place.root != Path("/"):
        place.data.mkdir(parents=True, exist_ok=True)
        return
    user, name = place.product.user, place.product.name
    try:
        pwd.getpwnam(user)
    except KeyError:
        _run(
            [
                *("useradd", "--system", "--no-create-home", "--home-dir", str(place.data)),
                *("--shell", "/usr/sbin/nologin", "--user-group", user),
            ]
        )
    if place.product.group:
        _run(["usermod", "--append", "--groups", place.product.group, user])
    place.data.mkdir(parents=True, exist_ok=True)
    shutil.chown(place.data, user, user)
    place.data.chmod(0o700)
    put_link(Path(f"/usr/local/bin/{name}"), str(place.current / f"venv/bin/{name}"))
    put_link(Path(f"/usr/local/bin/{name}-update"), f"{place.home}/bin/{name}-update")


def initialise(place: Place, version: str) -> None:
    """Make a new site where there is none: configuration, database, authority, one-time code."""
    if place.config.is_file():
        return
    say(f"Making a site in {place.data}.")
    program = place.releases / version / f"venv/bin/{place.product.name}"
    command = [str(program), "init", "--directory", str(place.data)]
    as_user = ["runuser", "-u", place.product.user, "--"] if place.root == Path("/") else []
    _run([*as_user, *command])


def prune(place: Place) -> None:
    """Remove all versions but the one that runs and the one before."""
    kept = {place.named(place.current), place.named(place.previous)}
    for folder in place.releases.iterdir():
        if folder.name not in kept:
            (folder / "complete").unlink(missing_ok=True)
            shutil.rmtree(folder)


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    found = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=environment)  # noqa: S603 - our own words
    if found.returncode:
        raise UpdateError(f"`{' '.join(command[:6])} ...` failed with {found.returncode}.")


if __name__ == "__main__":
    sys.exit(main())
