"""Invitations and certificates of edges."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base


class EdgeInvitation(Base):
    """A slot for one edge, known only by the SHA-256 of its token.

    Attributes:
        used_by: SHA-256 of the public key that used it; empty: nobody has.
    """

    __tablename__ = "edge_invitation"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    edge: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[int]
    expires_at: Mapped[int]
    used_by: Mapped[str] = mapped_column(default="")


class EdgeCertificate(Base):
    """A certificate that was signed here; `serial` is hexadecimal, too long for a bigint."""

    __tablename__ = "edge_certificate"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    serial: Mapped[str]
    edge: Mapped[str] = mapped_column(index=True)
    issued_at: Mapped[int]
    valid_until: Mapped[int]
    revoked_at: Mapped[int | None]
