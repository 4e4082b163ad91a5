"""What was stopped before there were reviewers comes into the queue, or can be appealed."""

from datetime import timedelta

from backend.db import fetch, make_engine, run
from backend.migrations import migrate

REJECTED = ("leftovers", "no_plate", "meal_already_counted")


async def stop(conn, status, reason):
    await run(
        conn,
        "INSERT INTO check_in (id, account_id, action, status, reason, tier, reported_by, region,"
        " occurred_at, received_at, stopped_at, quantities, natural_key, evidence_sha256)"
        " VALUES (uuidv7(), uuidv7(), 'clean_plate', :status, :reason, 'documented', 'member',"
        " '330100', now(), now(), now(), '{}', :reason, 'x')",
        status=status,
        reason=reason,
    )


async def test_the_first_version_keeps_its_stopped_photos(database_at):
    address = await database_at("0002")
    engine = make_engine(address)
    async with engine.begin() as conn:
        await stop(conn, "in_review", "uncertain")
        for reason in REJECTED:
            await stop(conn, "rejected", reason)
    await engine.dispose()
    await migrate(address)
    engine = make_engine(address)
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT reason, in_review_since = stopped_at, appeal_until - stopped_at,"
            " evidence_until - stopped_at FROM check_in",
        )
    await engine.dispose()
    week, kept = timedelta(days=7), timedelta(hours=22)
    assert {row[0]: tuple(row[1:]) for row in rows} == {
        "uncertain": (True, None, None),
        "leftovers": (None, week, None),
        "no_plate": (None, kept, kept),
        "meal_already_counted": (None, None, None),
    }
