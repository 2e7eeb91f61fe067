"""Alembic's entry: runs on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from lineside.central import tables

only = context.config.attributes.get("only")


def _wanted(*about: object) -> bool:
    """Whether a table takes part; all do but while a first set is cut into several files."""
    _part, name, kind, _reflected, _other = about
    return kind != "table" or only is None or name in only


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    include_object=_wanted,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
