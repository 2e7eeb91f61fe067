"""Users, tokens, people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base


class UserAccount(Base):
    """Somebody who signs in; `password_hash` is Argon2id in its standard text form."""

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    roles: Mapped[list[str]]
    grants: Mapped[list[str]]
    person: Mapped[str] = mapped_column(default="")
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)


class AccessToken(Base):
    """A bearer token, known only by its SHA-256."""

    __tablename__ = "access_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)


class LoginFailure(Base):
    """Wrong passwords in a row for a name, whether the name exists or not."""

    __tablename__ = "login_failure"

    name: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    rests_until: Mapped[int]
    last_at: Mapped[int] = mapped_column(index=True)


class FirstRunCode(Base):
    """The one-time code that creates the first administrator, known only by its SHA-256."""

    __tablename__ = "first_run_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[int]


class PersonRecord(Base):
    """Somebody who works here. `id` is opaque and in events; the rest is forgotten on demand."""

    __tablename__ = "person"
    __table_args__ = (
        Index(
            "uq_person_badge",
            "badge",
            unique=True,
            postgresql_where="badge <> '' AND active",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    badge: Mapped[str]
    name: Mapped[str]
    roles: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
