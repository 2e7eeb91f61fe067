"""Brings a database to the tables that this program expects, and says whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from lineside.central.errors import NotReadyError

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_NAME = 7_215_001  # one migration at a time, whoever starts it
LOCK_TIMEOUT = "10s"


def alembic_config() -> Config:
    """Alembic's configuration; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    return config


def expected_revision() -> str:
    """The revision that this program is written for."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def current_revision(engine: Engine) -> str:
    """The revision of a database; empty when it has none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def migrate(engine: Engine) -> tuple[str, str]:
    """Apply what is missing, in one transaction; a database that is there already is left alone.

    Returns:
        Revision before and after.
    """
    before = current_revision(engine)
    config = alembic_config()
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": LOCK_NAME})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, current_revision(engine)


def check_migrated(engine: Engine) -> None:
    """Refuse to work on tables of another version.

    Raises:
        NotReadyError: The database has another revision.
    """
    found, wanted = current_revision(engine), expected_revision()
    if found != wanted:
        raise NotReadyError(
            f"The database has revision {found or 'none'}, this program needs {wanted}.",
            hint="Run `lineside-central migrate`.",
        )
