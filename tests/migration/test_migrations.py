"""The schema from nothing: what it is, who may do what, and that it never queues behind a lock."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from backend.db import fetch, fetch_one, make_engine, metadata, run
from backend.migrations import LOCK_TIMEOUT, alembic_config, is_current, migrate
from tests.builders import saved_account
from tests.busy_database import credit, make_claimed_order

HISTORY = ("transfer", "credit", "claim", "reversal")


async def test_upgrading_from_nothing_gives_the_tables_of_the_code(empty):
    await migrate(empty)
    engine = make_engine(empty)
    async with engine.connect() as conn:
        assert await is_current(conn)
        differences = await conn.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"compare_type": True}), metadata
            )
        )
    await engine.dispose()
    assert differences == []


async def test_a_busy_machine_has_time_between_two_statements(empty):
    engine = make_engine(empty, isolation_level="AUTOCOMMIT")
    name = empty.partition("?")[0].rpartition("/")[2]
    async with engine.connect() as conn:
        await run(conn, f'ALTER DATABASE "{name}" SET idle_in_transaction_session_timeout = 1')
    await engine.dispose()
    await migrate(empty)


async def test_a_schema_of_a_newer_version_is_left_alone_and_named(empty):
    await migrate(empty)
    engine = make_engine(empty)
    async with engine.begin() as conn:
        await run(conn, "UPDATE alembic_version SET version_num = '9999'")
    await engine.dispose()
    before = await schema_of(empty)
    with pytest.raises(SystemExit, match=r"9999.*newer"):
        await migrate(empty)
    assert await schema_of(empty) == before


async def schema_of(url):
    """Columns, constraints, indexes and rights, and when the revision was written."""
    engine = make_engine(url)
    async with engine.connect() as conn:
        parts = [
            await fetch(
                conn,
                "SELECT table_name, column_name, data_type, is_nullable, column_default"
                " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
            ),
            await fetch(
                conn,
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2",
            ),
            await fetch(conn, "SELECT relname, relacl::text, reloptions FROM pg_class ORDER BY 1"),
            await fetch(conn, "SELECT xmin::text, version_num FROM alembic_version"),
        ]
    await engine.dispose()
    return parts


async def test_a_second_migration_changes_nothing(empty):
    await migrate(empty)
    first = await schema_of(empty)
    await migrate(empty)
    assert await schema_of(empty) == first


async def test_each_revision_runs_under_a_lock_timeout(empty):
    """Revision by revision, as `migrate` runs them, and without changing the limit itself."""
    script = ScriptDirectory.from_config(alembic_config())
    revisions = list(script.walk_revisions())
    assert len(revisions) >= 2
    statements = []
    engine = make_engine(empty)
    async with engine.begin() as conn:
        listened = conn.sync_connection
        event.listen(listened, "before_cursor_execute", lambda *given: statements.append(given[2]))
        await conn.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        await conn.run_sync(upgrade)
        row = await fetch_one(conn, "SELECT current_setting('lock_timeout') AS limit_at_the_end")
    await engine.dispose()
    assert row.limit_at_the_end == LOCK_TIMEOUT
    assert [each for each in statements[1:-1] if "lock_timeout" in each] == []
    assert [each for each in statements if each.strip() in {"COMMIT", "ROLLBACK"}] == []


def upgrade(sync):
    from alembic import command

    command.upgrade(alembic_config(sync), "head")


async def test_a_migration_gives_up_rather_than_queue_behind_a_lock(empty):
    await migrate(empty)
    engine = make_engine(empty)
    async with engine.begin() as holder:
        await run(holder, "UPDATE alembic_version SET version_num = '0001'")
        await run(holder, "DROP OWNED BY tanhui_app")
    async with engine.begin() as holder:
        await run(holder, "LOCK TABLE account IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(8):
            with pytest.raises(DBAPIError, match="lock timeout"):
                await migrate(empty)
    await engine.dispose()


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("change", ["UPDATE", "DELETE", "TRUNCATE"])
async def test_history_can_neither_be_changed_nor_deleted_by_the_service(engine, table, change):
    account_id = await saved_account(engine)
    await credit(engine, make_claimed_order(account_id))
    statement = {
        "UPDATE": f"UPDATE {table} SET {first_column(table)} = {first_column(table)}",
        "DELETE": f"DELETE FROM {table}",
        "TRUNCATE": f"TRUNCATE {table}",
    }[change]
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as conn:
            await run(conn, statement)


def first_column(table):
    return metadata.tables[table].columns[0].name


@pytest.mark.parametrize("change", ["DELETE FROM", "TRUNCATE"])
async def test_a_check_in_moves_on_and_never_goes_away(engine, change):
    async with engine.begin() as conn:
        await run(conn, "UPDATE check_in SET reason = reason")
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as conn:
            await run(conn, f"{change} check_in")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE transfer",
        "ALTER TABLE account_lot DROP CONSTRAINT ck_account_lot_available_not_negative",
        "CREATE TABLE mine (id int)",
        "UPDATE alembic_version SET version_num = 'x'",
        "DELETE FROM account",
        "DELETE FROM account_lot",
        "UPDATE account_delta SET amount = 1",
        "UPDATE hold_line SET amount = 1",
        "DELETE FROM idempotency_key",
        "UPDATE idempotency_key SET key = key",
    ],
)
async def test_the_service_owns_nothing(engine, statement):
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with engine.begin() as conn:
            await run(conn, statement)


async def test_the_application_role_has_the_rights_of_decision_1_and_no_others(engine):
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS rights"
            " FROM information_schema.role_table_grants WHERE grantee = 'tanhui_app'"
            " GROUP BY table_name",
        )
        everyone = await fetch(
            conn,
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'PUBLIC' AND table_schema = 'public'",
        )
        tables = await fetch(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rights = {row.table_name: row.rights for row in rows}
    assert everyone == []
    assert set(rights) == {row.tablename for row in tables}
    assert {rights[table] for table in (*HISTORY, "partner_change")} == {"INSERT SELECT"}
    may_delete = {table for table, kinds in rights.items() if "DELETE" in kinds}
    assert may_delete == {
        *("account_delta", "hold", "hold_line", "work"),  # finished, and explained elsewhere
        "pending_points",  # vested or cancelled, and explained by transfers
        "review_lease",  # a reviewer's place in the queue, gone with the decision
        "member_code",
        "parked_event",  # decided, or waited in vain; what it became stays in partner_event
        "control_event",  # a part that a partner sends again takes the place of what it listed
        *("ended_link", "link_code"),  # erasure; codes that are over
        *("webhook_delivery", "webhook_secret"),  # the log's time is over; ended by a rotation
        *("account_secret", "edit_hint", "member", "partner_link", "photo_fingerprint"),  # erasure
        "tree_holder",  # what is kept of a name, until erasure
        "photo_thumbnail",
    }
    assert {
        kinds for kinds in rights.values() if "TRUNCATE" in kinds or "TRIGGER" in kinds
    } == set()
