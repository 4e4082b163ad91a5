"""The rights of the application role, and the rows that every programme has."""

from collections.abc import Mapping, Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# What is history can be read and added to. Balances and life cycles also change. Only what is
# finished and explained elsewhere (deltas, work, holds) goes away.
RIGHTS: Mapping[str, str] = {
    "account": "SELECT, INSERT, UPDATE",
    "account_delta": "SELECT, INSERT, DELETE",
    "account_lot": "SELECT, INSERT, UPDATE",
    "account_secret": "SELECT, INSERT, DELETE",
    "alembic_version": "SELECT",
    "bag": "SELECT, INSERT, UPDATE",
    "capture": "SELECT, INSERT",
    "check_in": "SELECT, INSERT, UPDATE",
    "claim": "SELECT, INSERT",
    "credit": "SELECT, INSERT",
    "daily_total": "SELECT, INSERT, UPDATE",
    "fund": "SELECT, INSERT, UPDATE",
    "fund_slice": "SELECT, INSERT, UPDATE",
    "hold": "SELECT, INSERT, DELETE",
    "hold_line": "SELECT, INSERT, DELETE",
    "idempotency_key": "SELECT, INSERT",
    "lot": "SELECT, INSERT",
    "meal_window": "SELECT, INSERT, UPDATE",
    "member": "SELECT, INSERT, DELETE",
    "near_match": "SELECT, INSERT",
    "partner": "SELECT, INSERT",
    "partner_key": "SELECT, INSERT, UPDATE",
    "partner_link": "SELECT, INSERT, DELETE",
    "photo_fingerprint": "SELECT, INSERT, DELETE",
    "reversal": "SELECT, INSERT",
    "score": "SELECT, INSERT",
    "transfer": "SELECT, INSERT",
    "work": "SELECT, INSERT, UPDATE, DELETE",
}

ISSUANCE = "00000000-0000-7000-8000-000000000001"
PROGRAMME_FUND = "00000000-0000-7000-8000-000000000002"


def upgrade() -> None:
    """Apply."""
    # A managed database makes the role beforehand, with a password that no migration should know.
    op.execute(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tanhui_app') THEN"
        " CREATE ROLE tanhui_app LOGIN; END IF; END $$"
    )
    op.execute("GRANT USAGE ON SCHEMA public TO tanhui_app")
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tanhui_app")
    op.execute(f"INSERT INTO account (id, kind) VALUES ('{ISSUANCE}', 'issuance')")
    op.execute(f"INSERT INTO account (id, kind) VALUES ('{PROGRAMME_FUND}', 'fund')")
    op.execute(
        "INSERT INTO fund (id, name_zh, name_en, budget)"
        f" VALUES ('{PROGRAMME_FUND}', '项目活动经费', 'Programme budget', 0)"
    )
    op.execute(
        "INSERT INTO fund_slice (fund_id, slice, available)"
        f" SELECT '{PROGRAMME_FUND}', number, 0 FROM generate_series(0, 7) AS number"
    )
    op.execute(
        "INSERT INTO meal_window (id, name_zh, name_en, opens_minute, closes_minute) VALUES"
        " ('breakfast', '早餐', 'breakfast', 360, 570),"
        " ('lunch', '午餐', 'lunch', 630, 840),"
        " ('dinner', '晚餐', 'dinner', 990, 1230)"
    )
