"""`make package`: one file that installs the edge, or central, on a computer without a network.

Wheels come from requirements.lock by their hashes; of its packages only those that are needed:
what needs.txt names, and what these need themselves. The same sources give the same file.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CENTRAL = ROOT / "deploy/central"
PARTS = ("install.py", "place.py", "slots.py")
EDGE = "lineside-edge"
MADE_AT = 1_767_225_600  # in place of the times of files, so that builds can be compared
# Debian 12 has glibc 2.36; a wheel for a newer one would not load there.
GLIBC = [(2, minor) for minor in range(36, 16, -1)]


def closure(needs: Iterable[str], python: str, machine: str) -> set[str]:
    """Names of packages, and of what they need on that Python, as the installed ones declare."""
    marks = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "extra": "",
    }
    found: set[str] = set()
    waiting = [canonicalize_name(name) for name in needs]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for text in metadata.requires(name) or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate(marks):
                waiting.append(canonicalize_name(need.name))
    return found


def folder_of(product: str) -> Path:
    """Where the units and needs.txt of a product are: `lineside-edge` or `lineside-central`."""
    return HERE if product == EDGE else CENTRAL


def needs(product: str = EDGE) -> list[str]:
    """What needs.txt names."""
    lines = (folder_of(product) / "needs.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def locked(names: Iterable[str]) -> str:
    """The lines of requirements.lock for these packages, hashes included.

    Raises:
        SystemExit: One of them is not locked.
    """
    text = (ROOT / "requirements.lock").read_text()
    blocks = dict(re.findall(r"^([a-z0-9._-]+)(==(?:.*\\\n)+.*\n)", text, re.MULTILINE))
    missing = sorted(set(names) - set(blocks))
    if missing:
        sys.exit(f"requirements.lock lacks {', '.join(missing)}")
    return "".join(name + blocks[name] for name in sorted(names))


def download(requirements: str, python: str, machine: str, folder: Path) -> None:
    """Fetch the wheels of one Python into a folder; hashes are checked."""
    with tempfile.TemporaryDirectory() as scratch:
        lines = Path(scratch) / "requirements.txt"
        lines.write_text(requirements)
        platforms = [f"--platform=manylinux_{a}_{b}_{machine}" for a, b in GLIBC]
        _run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--disable-pip-version-check",
                ),
                *("--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp"),
                *(f"--python-version={python}", *platforms, f"--platform=manylinux2014_{machine}"),
                *("-r", str(lines), "-d", str(folder)),
            ]
        )


def lineside_wheel(folder: Path, product: str = EDGE) -> Path:
    """Build our own wheel, built pages included, from a copy, so that nothing old slips in."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        source.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy2(ROOT / name, source)
        others = ("console",) if product == EDGE else ("terminal", "board")
        pages = ROOT / "lineside/web_dist"

        def kept(place: str, names: list[str]) -> set[str]:
            left = {"__pycache__"} & set(names)
            return left | (set(others) & set(names) if Path(place) == pages else set())

        shutil.copytree(ROOT / "lineside", source / "lineside", ignore=kept)
        _run(
            [
                *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)),
                str(source),
            ],
            {**os.environ, "SOURCE_DATE_EPOCH": str(MADE_AT)},
        )
    return next(folder.glob("lineside-*.whl"))


def assemble(
    wheels: Path,
    requirements: str,
    *,
    version: str,
    machine: str,
    pythons: Iterable[str],
    product: str = EDGE,
) -> bytes:
    """The package: a shell script with a tar archive behind it.

    Args:
        wheels: Folder with all wheels, pip's among them.
        requirements: Which of them are installed, with hashes.
        version: Name of the release's folder.
        machine: As `uname -m` says it.
        pythons: Versions that the wheels are for, such as 3.11.
        product: What it installs.
    """
    listed = " ".join(pythons)
    members: dict[str, bytes] = {name: (HERE / name).read_bytes() for name in PARTS}
    units = sorted(folder_of(product).glob("lineside-*.*"))
    members |= {unit.name: unit.read_bytes() for unit in units}
    members["PRODUCT"] = product.encode()
    members |= {f"wheels/{file.name}": file.read_bytes() for file in wheels.glob("*.whl")}
    members |= {
        "requirements.txt": requirements.encode(),
        "VERSION": version.encode(),
        "PYTHONS": listed.encode(),
    }
    digest = hashlib.sha256()
    for name, data in sorted(members.items()):
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    members["DIGEST"] = digest.hexdigest().encode()
    archive = _tar(members)
    header = (HERE / "header.sh").read_text()
    words = {
        "NAME": product,
        "VERSION": version,
        "ARCH": machine,
        "PYTHONS": listed,
        "LINES": str(len(header.splitlines())),
        "SHA256": hashlib.sha256(archive).hexdigest(),
    }
    for word, value in words.items():
        header = header.replace(f"@{word}@", value)
    return header.encode() + archive


def _tar(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), MADE_AT, 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def with_hash(wheel: Path, name: str, version: str) -> str:
    """The line of a wheel for requirements with hashes."""
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def sign(file: Path, key: Path) -> Path:
    """Put an Ed25519 signature beside a file; the key is a private one in PEM, without password."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - rarely
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - rarely

    private = load_pem_private_key(key.read_bytes(), None)
    if not isinstance(private, Ed25519PrivateKey):
        sys.exit(f"{key} is not an Ed25519 key")
    signature = file.with_name(file.name + ".sig")
    signature.write_bytes(private.sign(file.read_bytes()))
    return signature


def main() -> None:
    """Build the package."""
    parser = argparse.ArgumentParser(description="Builds the installer of an edge or of central.")
    parser.add_argument("--product", choices=(EDGE, "lineside-central"), default=EDGE)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    parser.add_argument("--python", nargs="+", default=[here], help="versions, such as 3.11 3.12")
    parser.add_argument("--arch", default=os.uname().machine, help="x86_64 or aarch64")
    parser.add_argument("--sign", type=Path, metavar="KEY", help="private Ed25519 key, PEM")
    args = parser.parse_args()
    page = "terminal" if args.product == EDGE else "console"
    if not (ROOT / f"lineside/web_dist/{page}/index.html").is_file():
        sys.exit("The pages are not built: run `make setup` first.")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as scratch:
        wheels = Path(scratch)
        names: set[str] = set()
        for python in args.python:
            wanted = closure([*needs(args.product), "pip"], python, args.arch)
            download(locked(wanted), python, args.arch, wheels)
            names |= wanted
        own = lineside_wheel(wheels, args.product)
        wanted_by = {
            python: closure([*needs(args.product), "pip"], python, args.arch)
            for python in args.python
        }
        everywhere = set.intersection(*wanted_by.values())
        lines = locked(everywhere) + _some_only(names - everywhere, wanted_by)
        lines += with_hash(own, "lineside", version)
        made = assemble(
            wheels,
            lines,
            version=version,
            machine=args.arch,
            pythons=args.python,
            product=args.product,
        )
        count = len(list(wheels.iterdir()))
    args.out.mkdir(parents=True, exist_ok=True)
    file: Path = args.out / f"{args.product}-{version}-{args.arch}.run"
    file.write_bytes(made)
    sys.stdout.write(f"{file}: {len(made) / 1e6:.0f} MB, {count} wheels\n")
    if args.sign is not None:
        sys.stdout.write(f"{sign(file, args.sign)}\n")


def _some_only(names: Iterable[str], wanted_by: Mapping[str, set[str]]) -> str:
    """Lines of packages that only some of the Python versions need."""
    found = ""
    for name in sorted(names):
        those = [python for python, wanted in wanted_by.items() if name in wanted]
        marks = " or ".join(f'python_version == "{python}"' for python in those)
        first, _, rest = locked([name]).partition(" \\\n")
        found += f"{first.partition(' ;')[0]} ; {marks} \\\n{rest}"
    return found


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    if subprocess.run(command, check=False, env=environment).returncode:  # noqa: S603 - our own words
        sys.exit(f"`{' '.join(command[:5])} ...` failed")


if __name__ == "__main__":
    main()
