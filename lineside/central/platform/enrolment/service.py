"""Rules of enrolment: who gets a certificate, who keeps it, who loses it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from lineside.central.authority import Authority, AuthorityError
from lineside.central.errors import NotFoundError
from lineside.central.ingest import edges
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.platform.enrolment.entities import EdgeCertificate, EdgeInvitation
from lineside.central.platform.enrolment.errors import (
    InvitationRefusedError,
    RenewalRefusedError,
    RequestRefusedError,
)
from lineside.central.platform.enrolment.notices import EdgeInvited
from lineside.central.platform.enrolment.proof import (
    Facts,
    edge_of,
    facts_of,
    key_of_request,
    proved,
)
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.enrolment import Invitation
from lineside.contracts.topics import EDGE_ID

DAY_US = 24 * 3600 * US_PER_SECOND
INVITATION_VALID = DAY_US
EXPIRED_MAX = 30 * DAY_US
SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation, shown once."""

    edge: str
    token: str
    expires_at: Microseconds


@dataclass(frozen=True, slots=True)
class Certified:
    """What an edge gets: its certificate, and everybody whom it shall trust, PEM."""

    edge: str
    certificate: bytes
    authority: bytes
    valid_until: Microseconds


@dataclass(frozen=True, slots=True)
class Denied:
    """Whom the broker must refuse.

    Attributes:
        edges: Ids that may neither publish nor subscribe.
        certificates: Serial number and time of revocation.
    """

    edges: list[str]
    certificates: list[tuple[int, Microseconds]]


def invite(work: UnitOfWork, authority: Authority, edge: str, *, name: str = "") -> Invited:
    """A slot for an edge, new or known; an earlier invitation that nobody used ends.

    Raises:
        EdgeIdError: The id cannot stand in a topic.
    """
    if EDGE_ID.fullmatch(edge) is None:
        raise edges.EdgeIdError(edge)
    secret, now = secrets.token_urlsafe(SECRET_BYTES), work.now()
    work.session.execute(delete(EdgeInvitation).where(EdgeInvitation.edge == edge))
    work.session.add(
        EdgeInvitation(
            token_hash=_hash(secret),
            edge=edge,
            created_at=now,
            expires_at=now + INVITATION_VALID,
            used_by="",
        )
    )
    work.publish(EdgeInvited(edge=edge, name=name))
    token = Invitation(secret, authority.fingerprint).text
    return Invited(edge=edge, token=token, expires_at=now + INVITATION_VALID)


def redeem(
    work: UnitOfWork, authority: Authority, *, secret: str, request: bytes, days: int
) -> Certified:
    """Sign the request of an invited edge.

    Args:
        work: The transaction.
        authority: Who signs.
        secret: Out of the token.
        request: Certificate signing request, PEM.
        days: How long the certificate is valid.

    Raises:
        InvitationRefusedError: The token opens nothing (any more).
        RequestRefusedError: The request is none, or its key is of another kind.
    """
    key = key_of_request(request)
    found = work.session.get(EdgeInvitation, _hash(secret), with_for_update=True)
    if found is None or work.now() >= found.expires_at or found.used_by not in {"", key}:
        raise InvitationRefusedError
    found.used_by = key
    return _certify(work, authority, found.edge, request=request, days=days)


def renew(
    work: UnitOfWork,
    authority: Authority,
    *,
    certificate: bytes,
    request: bytes,
    proof: bytes,
    days: int,
) -> Certified:
    """Sign a new certificate for whoever has the key of the present one.

    Args:
        work: The transaction.
        authority: Who signs.
        certificate: The present one, PEM; it may have expired `EXPIRED_MAX` ago.
        request: Certificate signing request of a new key, PEM.
        proof: The present key's signature, see `proof.proved`.
        days: How long the new one is valid.

    Raises:
        RenewalRefusedError: It says why.
        RequestRefusedError: The request is none, or its key is of another kind.
    """
    facts = proved(authority, certificate=certificate, request=request, proof=proof)
    known = work.session.get(EdgeCertificate, facts.fingerprint)
    if known is None:
        known = _issued_offline(work, certificate, facts)
    if known.revoked_at is not None:
        raise RenewalRefusedError("it was revoked")
    if work.now() > known.valid_until + EXPIRED_MAX:
        raise RenewalRefusedError("it expired more than 30 days ago")
    return _certify(work, authority, known.edge, request=request, days=days)


def _issued_offline(work: UnitOfWork, certificate: bytes, facts: Facts) -> EdgeCertificate:
    """Take up a certificate that `authority edge` has issued without the database.

    Only of an edge that is let in and never had one by invitation: after an edge was revoked and
    invited anew, what it had before must stay worthless.

    Raises:
        RenewalRefusedError: It is not such a certificate.
    """
    edge = edge_of(certificate)
    having = select(EdgeCertificate.edge).where(EdgeCertificate.edge == edge).limit(1)
    let_in = any(
        state.id == edge and state.revoked_at is None for state in edges.list_edges(work.connection)
    )
    if not let_in or work.session.scalar(having) is not None:
        raise RenewalRefusedError("central does not know it")
    found = EdgeCertificate(
        fingerprint=facts.fingerprint,
        serial=facts.serial,
        edge=edge,
        issued_at=work.now(),
        valid_until=facts.valid_until,
        revoked_at=None,
    )
    work.session.add(found)
    return found


def revoke_edge(work: UnitOfWork, edge: str) -> None:
    """Take nothing more from an edge, end its certificates and invitations; what it sent stays.

    Raises:
        NotFoundError: No such edge.
    """
    now = work.now()
    if not edges.revoke(work.connection, edge, now=now):
        raise NotFoundError("edge", edge)
    work.session.execute(delete(EdgeInvitation).where(EdgeInvitation.edge == edge))
    work.session.execute(
        update(EdgeCertificate)
        .where(EdgeCertificate.edge == edge, EdgeCertificate.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def denied(work: UnitOfWork) -> Denied:
    """Whom the broker must refuse now. A certificate that has expired need not be named."""
    certificates = work.session.scalars(
        select(EdgeCertificate)
        .where(EdgeCertificate.revoked_at.is_not(None), EdgeCertificate.valid_until >= work.now())
        .order_by(EdgeCertificate.revoked_at)
    )
    states = edges.list_edges(work.connection)
    return Denied(
        edges=[edge.id for edge in states if edge.revoked_at is not None],
        certificates=[(int(one.serial, 16), one.revoked_at or 0) for one in certificates],
    )


def certificate_ends(work: UnitOfWork) -> dict[str, Microseconds]:
    """End of the newest certificate of each edge that has one."""
    rows = work.session.scalars(
        select(EdgeCertificate)
        .where(EdgeCertificate.revoked_at.is_(None))
        .order_by(EdgeCertificate.valid_until)
    )
    return {row.edge: row.valid_until for row in rows}


def _certify(
    work: UnitOfWork, authority: Authority, edge: str, *, request: bytes, days: int
) -> Certified:
    try:
        issued = authority.sign_edge(request, edge, now=work.now(), days=days)
    except AuthorityError as problem:
        raise RequestRefusedError(str(problem.args[0])) from problem
    facts = facts_of(issued.certificate)
    work.session.add(
        EdgeCertificate(
            fingerprint=facts.fingerprint,
            serial=facts.serial,
            edge=edge,
            issued_at=work.now(),
            valid_until=facts.valid_until,
            revoked_at=None,
        )
    )
    edges.certify(work.connection, edge, fingerprint=facts.fingerprint)
    return Certified(edge, issued.certificate, authority.certificate, facts.valid_until)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
