"""Alembic's entry: runs revisions on the connection that `migrate` hands over."""

from alembic import context

import backend.campaigns.tables
import backend.checkins.tables
import backend.crediting.tables
import backend.idempotency
import backend.intake.tables
import backend.ledger.tables
import backend.members.tables
import backend.outbox
import backend.partners.tables
import backend.recycling.tables
import backend.reports.tables
from backend.db import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
