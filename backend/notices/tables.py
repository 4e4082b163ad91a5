"""Notices: what a member should know, kept until it is read and after."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import metadata

notice = Table(
    "notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # What it is about; a step that runs twice writes the same subject and nothing more.
    Column("subject", Text, nullable=False),
    # Numbers and codes alone: the words are made when it is read, in the reader's language.
    Column("arguments", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    UniqueConstraint("account_id", "kind", "subject"),
    CheckConstraint("read_at >= created_at", name="read_after_it_was_made"),
    Index("ix_notice_account_id_id", "account_id", "id"),
)
