"""Alembic's entry: runs the migrations on the connection it is given."""

from __future__ import annotations

from alembic import context

from adw.store.tables.catalogue import metadata

OWN_TABLES = frozenset(metadata.tables)


def _is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:  # noqa: FBT001 # the signature is Alembic's
    return kind != "table" or name in OWN_TABLES


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=_is_ours,
    transaction_per_migration=True,
    version_table="adw_alembic_version",
)
with context.begin_transaction():
    context.run_migrations()
