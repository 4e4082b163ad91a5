"""The life of a version on the real database: who may do what, in which order, and what counts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from backend.batches import run_batch
from backend.crediting.domain import ActivityNotCovered
from backend.crediting.steps import Rulebook, credit_batch
from backend.db import fetch, run
from backend.errors import NotFound, SecondPersonNeeded
from backend.idempotency import IdempotencyKeyReused, Intention
from backend.ids import uuid7
from backend.ledger.queries import lock_accounts
from backend.methodologies.domain import (
    ConsultationTooShort,
    FileStillDraft,
    FirstDayPassed,
    NotSimulated,
    ProposalDecided,
    ProposalOpen,
    Status,
    StatusMoveNotAllowed,
    SuccessionNotPossible,
    VersionNotInstalled,
)
from backend.methodologies.launch import LAUNCH
from backend.methodologies.queries import find_version, history_of, standings
from backend.methodologies.register import (
    CreditingCatalogue,
    catalogue_on_record,
    open_catalogue,
    synchronise,
)
from backend.methodologies.steps import Asked, Decided, decide, propose
from backend.units import shanghai_day
from scoring.methodology import Catalogue, load_catalogue
from tests.builders import NOON, SECRET, make_order, saved_account

PACKAGED = load_catalogue()
PLATE = PACKAGED.version_on("TPH-FOOD-01", date(2026, 11, 20))
TODAY = shanghai_day(datetime.now(UTC))
HASH = "ab" * 32


def make_successor(**changes):
    """The next version of the clean plate, from the day after tomorrow, with another content."""
    values = {"version": "1.1.0", "hash": HASH, "valid_from": TODAY + timedelta(days=2)}
    return replace(PLATE, **{**values, **changes})


def with_successor(*successors):
    return Catalogue([*PACKAGED, *PACKAGED.drafts, *(successors or (make_successor(),))])


async def asks(engine, packaged, to, *, hash=HASH, by="li", key=None, reason="because"):
    intention = Intention(by, key or str(uuid7()), b"h" * 32)
    asked = Asked(by, hash, Status(to), reason, intention)

    async def write(conn, items):
        return await propose(conn, items, packaged=packaged, clock_shift_s=0)

    [answer] = await run_batch(engine, write, [asked])
    return answer


async def decides(engine, packaged, proposal_id, *, by="wang", is_approval=True):
    async def write(conn, items):
        return await decide(conn, items, packaged=packaged, clock_shift_s=0)

    [answer] = await run_batch(engine, write, [Decided(by, proposal_id, is_approval)])
    return answer


async def execute(engine, sql, **values):
    async with engine.begin() as conn:
        await run(conn, sql, **values)


async def simulated(engine, hash=HASH):
    await execute(
        engine,
        "INSERT INTO simulation (id, requested_by, requested_at, methodology_id, version,"
        " version_hash, toml, factor_files, since, until, status, result) VALUES (:id, 'li', now(),"
        " 'TPH-FOOD-01', '1.1.0', :hash, '', '{}', '2026-11-01', '2026-11-02', 'done', '{}')",
        id=uuid7(),
        hash=hash,
    )


async def consulted(engine, packaged, hash=HASH):
    """Bring a version to the end of its consultation."""
    await open_catalogue(engine, packaged)
    await asks(engine, packaged, "dry_run", hash=hash)
    await simulated(engine, hash)
    await asks(engine, packaged, "consultation", hash=hash)
    await execute(
        engine,
        "UPDATE methodology_version SET status_since = status_since - interval '11 days'"
        " WHERE hash = :hash",
        hash=hash,
    )


async def published(engine, packaged, hash=HASH):
    await consulted(engine, packaged, hash)
    asked = await asks(engine, packaged, "published", hash=hash)
    return await decides(engine, packaged, asked.proposal.id)


async def on_record(engine, hash=HASH):
    async with engine.connect() as conn:
        return await find_version(conn, hash)


async def statuses(engine):
    async with engine.connect() as conn:
        return {(each.methodology_id, each.version): each.status for each in await standings(conn)}


def test_the_packaged_files_are_those_that_were_published():
    packaged = {(each.methodology_id, each.version): each.hash for each in PACKAGED}
    assert {number: packaged.get(number) for number in LAUNCH} == LAUNCH


async def test_a_new_database_has_the_first_catalogue_published_and_drafts_registered(engine):
    found = await statuses(engine)
    expected = dict.fromkeys(LAUNCH, "published")
    expected |= {(each.methodology_id, each.version): "draft" for each in PACKAGED.drafts}
    assert found == expected
    plate = await on_record(engine, PLATE.hash)
    assert (plate.published_by, plate.approved_by) == ("catalogue v1.0", "installation")


async def test_a_second_start_registers_nothing_again(engine):
    async with engine.begin() as conn:
        before = await fetch(conn, "SELECT * FROM methodology_change ORDER BY id")
        await synchronise(conn, PACKAGED)
        assert await fetch(conn, "SELECT * FROM methodology_change ORDER BY id") == before


async def test_an_unknown_version_is_registered_as_a_draft_that_does_not_count(engine):
    catalogue = await open_catalogue(engine, with_successor())
    assert (await on_record(engine)).status is Status.DRAFT
    assert HASH not in {each.hash for each in catalogue}
    assert catalogue.version_on("TPH-FOOD-01", TODAY + timedelta(days=9)).hash == PLATE.hash


async def test_a_service_whose_published_file_was_edited_does_not_start(engine):
    edited = [each if each.hash != PLATE.hash else replace(PLATE, hash=HASH) for each in PACKAGED]
    with pytest.raises(SystemExit, match=r"(?s)TPH-FOOD-01 1\.0\.0.*abababababab.*Put the file"):
        await open_catalogue(engine, Catalogue(edited))
    gone = [each for each in PACKAGED if each.hash != PLATE.hash]
    with pytest.raises(SystemExit, match="gone"):
        await open_catalogue(engine, Catalogue(gone))
    assert await on_record(engine) is None


async def test_a_version_is_published_by_two_and_supersedes_the_one_before(engine):
    packaged = with_successor()
    done = await published(engine, packaged)
    assert (done.proposal.outcome, done.proposal.decided_by) == ("approved", "wang")
    new, old = await on_record(engine), await on_record(engine, PLATE.hash)
    assert (new.status, new.published_by, new.approved_by) == ("published", "li", "wang")
    assert new.previous_hash == PLATE.hash
    assert old.status is Status.SUPERSEDED
    # One day of late photos and sixty for reviews and appeals after the successor's first day.
    assert old.grace_until == new.valid_from + timedelta(days=61)
    async with engine.connect() as conn:
        history = [(each.to_status, each.approved_by) for each in await history_of(conn, HASH)]
    assert history == [
        ("draft", None), ("dry_run", None), ("consultation", None), ("published", "wang"),
    ]  # fmt: skip


async def test_activities_of_their_days_go_by_their_version(engine):
    packaged = with_successor()
    await published(engine, packaged)
    catalogue = await open_catalogue(engine, packaged)
    first = TODAY + timedelta(days=2)
    assert catalogue.version_on("TPH-FOOD-01", first).hash == HASH
    assert catalogue.version_on("TPH-FOOD-01", first - timedelta(days=1)).hash == PLATE.hash
    assert catalogue.closed == frozenset()


async def test_a_running_catalogue_adopts_what_was_published_elsewhere(engine):
    packaged = with_successor()
    running = await open_catalogue(engine, packaged)
    await published(engine, packaged)
    async with engine.connect() as conn:
        newer = await catalogue_on_record(conn, packaged)
    assert running.adopt(newer)
    assert not running.adopt(newer)
    assert running.version_on("TPH-FOOD-01", TODAY + timedelta(days=2)).hash == HASH


async def test_nobody_approves_an_own_proposal(engine):
    packaged = with_successor()
    await consulted(engine, packaged)
    asked = await asks(engine, packaged, "published", by="li")
    assert asked.proposal.outcome is None
    assert isinstance(
        await decides(engine, packaged, asked.proposal.id, by="li"), SecondPersonNeeded
    )
    with pytest.raises(DBAPIError, match="two_persons"):
        await execute(
            engine,
            "UPDATE methodology_proposal SET outcome = 'approved', decided_by = 'li',"
            " decided_at = now() WHERE id = :id",
            id=asked.proposal.id,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE methodology_version SET status = 'published' WHERE hash = :hash",
        (
            "UPDATE methodology_version SET status = 'published', published_at = now(),"
            " published_by = 'li', approved_by = 'li' WHERE hash = :hash"
        ),
        "UPDATE methodology_version SET published_by = 'li' WHERE hash = :hash",
        (
            "INSERT INTO methodology_change SELECT gen_random_uuid(), :hash, 'draft', 'published',"
            " 'li', NULL, 'why', now()"
        ),
        (
            "INSERT INTO methodology_change SELECT gen_random_uuid(), :hash, 'draft', 'published',"
            " 'li', 'li', 'why', now()"
        ),
        (
            "INSERT INTO methodology_proposal SELECT gen_random_uuid(), :hash, 'consultation',"
            " 'published', 'why', 'li', now(), 'applied', 'li', now()"
        ),
    ],
)
async def test_the_database_itself_asks_for_two_persons(engine, statement):
    await open_catalogue(engine, with_successor())
    with pytest.raises(DBAPIError, match="violates check constraint"):
        await execute(engine, statement, hash=HASH)


@pytest.mark.parametrize("change", ["UPDATE {} SET hash = hash", "DELETE FROM {}"])
async def test_the_history_is_only_added_to(engine, change):
    with pytest.raises(DBAPIError, match="permission denied"):
        await execute(engine, change.format("methodology_change"))


async def test_steps_follow_one_another(engine):
    packaged = with_successor()
    await open_catalogue(engine, packaged)
    for to in ("published", "consultation", "superseded", "draft"):
        assert isinstance(await asks(engine, packaged, to), StatusMoveNotAllowed), to
    assert (await asks(engine, packaged, "dry_run")).proposal.outcome == "applied"
    assert isinstance(await asks(engine, packaged, "consultation"), NotSimulated)
    await simulated(engine)
    assert (await asks(engine, packaged, "consultation")).proposal.outcome == "applied"
    early = await asks(engine, packaged, "published")
    assert isinstance(await decides(engine, packaged, early.proposal.id), ConsultationTooShort)
    assert isinstance(await asks(engine, packaged, "withdrawn"), ProposalOpen)
    declined = await decides(engine, packaged, early.proposal.id, by="li", is_approval=False)
    assert declined.proposal.outcome == "declined"
    assert (await asks(engine, packaged, "withdrawn")).proposal.outcome == "applied"
    assert isinstance(await asks(engine, packaged, "draft"), StatusMoveNotAllowed)


async def test_a_first_day_that_has_come_is_too_late_to_publish(engine):
    packaged = with_successor(make_successor(valid_from=TODAY))
    await consulted(engine, packaged)
    asked = await asks(engine, packaged, "published")
    assert isinstance(await decides(engine, packaged, asked.proposal.id), FirstDayPassed)


async def test_a_file_that_says_it_is_a_draft_is_not_published(engine):
    draft = make_successor(draft_reason={"zh": "来源不足", "en": "needs a source"})
    await consulted(engine, with_successor(draft))
    asked = await asks(engine, with_successor(draft), "published")
    refused = await decides(engine, with_successor(draft), asked.proposal.id)
    assert isinstance(refused, FileStillDraft)
    assert isinstance(await decides(engine, PACKAGED, asked.proposal.id), VersionNotInstalled)
    # The table [draft] is no part of the content: without it the same hash is published.
    done = await decides(engine, with_successor(), asked.proposal.id)
    assert done.proposal.outcome == "approved"


async def test_a_version_that_would_leave_a_gap_is_not_published(engine):
    days = [TODAY + timedelta(days=number) for number in range(9)]
    versions = [each for each in PACKAGED if each.hash != PLATE.hash]
    between = make_successor(valid_from=days[4], valid_until=days[5], hash="cd" * 32)
    later = make_successor(valid_from=days[6], version="1.2.0")
    packaged = Catalogue([*versions, replace(PLATE, valid_until=days[3]), between, later])
    await consulted(engine, packaged)
    asked = await asks(engine, packaged, "published")
    refused = await decides(engine, packaged, asked.proposal.id)
    assert isinstance(refused, SuccessionNotPossible)


async def test_a_repeated_request_is_one_proposal_and_a_repeated_decision_one_decision(engine):
    packaged = with_successor()
    await consulted(engine, packaged)
    first = await asks(engine, packaged, "published", key="once-and-only-once")
    again = await asks(engine, packaged, "published", key="once-and-only-once")
    assert again == (first.proposal, True)
    await decides(engine, packaged, first.proposal.id)
    assert (await decides(engine, packaged, first.proposal.id)).is_replay
    other = await decides(engine, packaged, first.proposal.id, by="zhao")
    assert isinstance(other, ProposalDecided)


async def test_what_does_not_exist_is_not_found(engine):
    assert isinstance(await asks(engine, PACKAGED, "dry_run", hash="0" * 64), NotFound)
    assert isinstance(await decides(engine, PACKAGED, uuid7()), NotFound)


async def test_a_key_of_another_request_is_refused(engine):
    packaged = with_successor()
    await open_catalogue(engine, packaged)
    await asks(engine, packaged, "dry_run", key="k" * 16)

    async def write(conn, items):
        return await propose(conn, items, packaged=packaged, clock_shift_s=0)

    other = Asked("li", HASH, Status.WITHDRAWN, "x", Intention("li", "k" * 16, b"o" * 32))
    [answer] = await run_batch(engine, write, [other])
    assert isinstance(answer, IdempotencyKeyReused)


async def test_withdrawing_before_the_first_day_puts_the_old_rule_back(engine):
    packaged = with_successor()
    await published(engine, packaged)
    asked = await asks(engine, packaged, "withdrawn")
    assert asked.proposal.outcome is None  # what counts ends with two persons as well
    await decides(engine, packaged, asked.proposal.id)
    assert (await on_record(engine)).status is Status.WITHDRAWN
    assert (await on_record(engine, PLATE.hash)).status is Status.PUBLISHED
    catalogue = await open_catalogue(engine, packaged)
    assert catalogue.version_on("TPH-FOOD-01", TODAY + timedelta(days=9)).hash == PLATE.hash


async def credit(engine, catalogue, order):
    rules = Rulebook(catalogue, SECRET)

    async def write(conn, orders):
        locked = await lock_accounts(conn, [each.account_id for each in orders])
        return await credit_batch(conn, orders, locked, rules)

    [answer] = await run_batch(engine, write, [order])
    return answer


async def withdrawn(engine, packaged, hash):
    asked = await asks(engine, packaged, "withdrawn", hash=hash)
    assert (await decides(engine, packaged, asked.proposal.id)).proposal.outcome == "approved"


async def test_withdrawing_two_successors_one_after_the_other_puts_the_old_rule_back(engine):
    later = "cd" * 32
    day = TODAY + timedelta(days=9)
    packaged = with_successor(
        make_successor(), make_successor(version="1.2.0", hash=later, valid_from=day)
    )
    await published(engine, packaged)
    await published(engine, packaged, later)
    before = await on_record(engine, PLATE.hash)
    await withdrawn(engine, packaged, HASH)
    old = await on_record(engine, PLATE.hash)
    assert old.status is Status.SUPERSEDED
    assert old.grace_until - before.grace_until == day - make_successor().valid_from
    await withdrawn(engine, packaged, later)
    assert (await on_record(engine, PLATE.hash)).status is Status.PUBLISHED
    async with engine.connect() as conn:
        last = (await history_of(conn, PLATE.hash))[-1]
    assert last.reason == "its successor 1.2.0 was withdrawn before its first day"


async def test_a_withdrawn_version_takes_no_new_bookings_and_keeps_its_old_ones(engine):
    account = await saved_account(engine)
    catalogue = await open_catalogue(engine, PACKAGED)
    first = make_order(account)
    assert (await credit(engine, catalogue, first)).credit.grams == 125
    asked = await asks(engine, PACKAGED, "withdrawn", hash=PLATE.hash)
    await decides(engine, PACKAGED, asked.proposal.id)
    catalogue = await open_catalogue(engine, PACKAGED)
    assert catalogue.closed == {PLATE.hash}
    refused = await credit(engine, catalogue, make_order(account, natural_key="2"))
    assert isinstance(refused, ActivityNotCovered)
    # A ride of the same day is credited: what the withdrawn version booked can be computed again.
    ride = {"action": "metro", "methodology_id": "TPH-MOB-05", "quantities": {"distance_m": 1_000}}
    assert (await credit(engine, catalogue, make_order(account, **ride))).credit.grams == 46


async def test_after_its_grace_a_superseded_version_takes_no_new_bookings(engine):
    packaged = with_successor()
    await published(engine, packaged)
    async with engine.connect() as conn:
        recorded = await standings(conn)
    grace = (await on_record(engine, PLATE.hash)).grace_until
    within = CreditingCatalogue(packaged, recorded, today=grace)
    after = CreditingCatalogue(packaged, recorded, today=grace + timedelta(days=1))
    assert (within.closed, after.closed) == (frozenset(), {PLATE.hash})
    account = await saved_account(engine)
    assert (await credit(engine, within, make_order(account))).credit.grams == 125
    late = await credit(engine, after, make_order(account, occurred_at=NOON, natural_key="2"))
    assert isinstance(late, ActivityNotCovered)
