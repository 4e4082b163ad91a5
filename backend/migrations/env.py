"""Alembic's entry: runs revisions on the connection that `migrate` hands over."""

from alembic import context

from backend.db import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
