"""The migrations make exactly the tables that the program declares."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from lineside.central import tables
from lineside.central.errors import NotReadyError
from lineside.central.migrate import check_migrated, current_revision, expected_revision, migrate


def test_metadata_and_migrations_agree(engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_migrating_again_changes_nothing(engine) -> None:
    before, after = migrate(engine)
    assert before == after == expected_revision() == current_revision(engine)


def test_a_database_of_another_version_is_refused(engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    try:
        with pytest.raises(NotReadyError, match=r"older.*lineside-central migrate"):
            check_migrated(engine)
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = :head"),
                {"head": expected_revision()},
            )
