"""The files by which a broker refuses revoked edges."""

from __future__ import annotations

from pathlib import Path

from lineside.central.authority import Authority
from lineside.central.broker import access_list
from lineside.central.certificates import write_whole
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.platform.enrolment.service import denied

REVOKED = "revoked.crl"
ACCESS = "broker.acl"


def write_deny_list(work: UnitOfWork, authority: Authority, folder: Path) -> tuple[Path, Path]:
    """Write what the broker reads: revoked certificates, and topics by identity.

    The list refuses new connections, the topics end what a connection that stands may do; ingest
    itself refuses revoked edges whatever the broker does.

    Args:
        work: A transaction that sees the revocations.
        authority: Signs the list.
        folder: Where both files go.

    Returns:
        Paths of both.
    """
    found = denied(work)
    lists = authority.revocations(found.certificates, now=work.now())
    write_whole(folder / REVOKED, lists)
    write_whole(folder / ACCESS, access_list(found.edges).encode())
    (folder / ACCESS).chmod(0o600)
    return folder / REVOKED, folder / ACCESS
