"""Canteens, their devices, and the trays that cameras saw."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "canteen": "SELECT, INSERT",
    "device": "SELECT, INSERT, UPDATE",
    "device_change": "SELECT, INSERT",
    "tray": "SELECT, INSERT, UPDATE",
    "tray_claim": "SELECT, INSERT",
}


def upgrade() -> None:
    """Apply."""
    _create_canteens()
    _create_devices()
    _create_trays()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")


def _create_canteens() -> None:
    op.create_table(
        "canteen",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_canteen_region")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_canteen_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen")),
    )


def _create_devices() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("code_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("is_code_used", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_offset_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("queue_length", sa.Integer(), nullable=True),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('tray_return')", name=op.f("ck_device_kind")),
        sa.CheckConstraint(
            "status <> 'active' OR key_id IS NOT NULL", name=op.f("ck_device_active_has_key")
        ),
        sa.CheckConstraint(
            "status <> 'waiting' OR key_id IS NULL", name=op.f("ck_device_waiting_has_no_key")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'active', 'suspended')", name=op.f("ck_device_status")
        ),
        sa.CheckConstraint(
            "(code_sha256 IS NULL) = (code_expires_at IS NULL)", name=op.f("ck_device_code_expires")
        ),
        sa.CheckConstraint(
            "(key_id IS NULL) = (enrolled_at IS NULL)", name=op.f("ck_device_key_has_day")
        ),
        sa.CheckConstraint("queue_length >= 0", name=op.f("ck_device_queue_length")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["partner_key.id"], name=op.f("fk_device_key_id_partner_key")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_device_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("key_id", name=op.f("uq_device_key_id")),
    )
    op.create_index("ix_device_place_id", "device", ["place_id"], unique=False)
    op.create_index("uq_device_code_sha256", "device", ["code_sha256"], unique=True)
    op.create_table(
        "device_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "what IN ('added', 'code_made', 'enrolled', 'suspended', 'resumed')",
            name=op.f("ck_device_change_what"),
        ),
        sa.CheckConstraint("char_length(note) <= 500", name=op.f("ck_device_change_note_length")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_change_device_id_device")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_change")),
    )
    op.create_index(
        "ix_device_change_device_id_id", "device_change", ["device_id", "id"], unique=False
    )


def _create_trays() -> None:
    op.create_table(
        "tray",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("canteen_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("meal_window", sa.Text(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=False),
        sa.Column("pixel_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("subject_token", sa.Text(), nullable=True),
        sa.Column("code_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'joined') = (check_in_id IS NOT NULL)",
            name=op.f("ck_tray_joined_has_check_in"),
        ),
        sa.CheckConstraint(
            "status = 'waiting' OR subject_token IS NULL", name=op.f("ck_tray_token_while_waiting")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'joined', 'refused', 'lapsed')", name=op.f("ck_tray_status")
        ),
        sa.CheckConstraint(
            "octet_length(content_sha256) = 32", name=op.f("ck_tray_content_length")
        ),
        sa.CheckConstraint("octet_length(pixel_sha256) = 32", name=op.f("ck_tray_pixel_length")),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_tray_sequence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tray")),
        sa.UniqueConstraint("check_in_id", name=op.f("uq_tray_check_in_id")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_tray_code_sha256")),
        sa.UniqueConstraint("device_id", "sequence", name=op.f("uq_tray_device_id_sequence")),
    )
    op.create_index("ix_tray_canteen_id_taken_at", "tray", ["canteen_id", "taken_at"], unique=False)
    op.create_index(
        "ix_tray_waiting",
        "tray",
        ["taken_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "tray_claim",
        sa.Column("code_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "octet_length(code_sha256) = 32", name=op.f("ck_tray_claim_code_length")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_tray_claim_account_id_account")
        ),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_tray_claim")),
    )
