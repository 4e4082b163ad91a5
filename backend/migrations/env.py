"""Alembic's entry: runs revisions on the connection that `migrate` hands over."""

import importlib

from alembic import context

from backend.db import metadata

# Importing a room's tables registers them; a revision is compared with all of them.
TABLES = (
    "backend.campaigns.tables",
    "backend.canteens.tables",
    "backend.canteens.waste_tables",
    "backend.cards.tables",
    "backend.checkins.evidence_tables",
    "backend.checkins.tables",
    "backend.crediting.tables",
    "backend.idempotency",
    "backend.intake.controls.tables",
    "backend.intake.events.tables",
    "backend.intake.tables",
    "backend.ledger.tables",
    "backend.marine.tables",
    "backend.members.tables",
    "backend.meters.tables",
    "backend.methodologies.tables",
    "backend.notices.tables",
    "backend.outbox",
    "backend.partners.card_tables",
    "backend.partners.device_tables",
    "backend.partners.tables",
    "backend.recycling.pickup_tables",
    "backend.recycling.tables",
    "backend.reports.tables",
    "backend.rewards.call_tables",
    "backend.rewards.pool_tables",
    "backend.rewards.stock_alert_tables",
    "backend.rewards.statement_tables",
    "backend.rewards.tables",
    "backend.rewards.voucher_tables",
    "backend.trees.tables",
    "backend.webhooks.tables",
    "backend.review.tables",
)

for module in TABLES:
    importlib.import_module(module)

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
