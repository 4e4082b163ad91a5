"""Write a batch of partners' events: record, claim, check-in and credit in one transaction."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.crediting.domain import Credit, EvidenceAlreadyUsed
from backend.crediting.queries import live_credits_of
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.intake.events.comparing import compare_readings
from backend.intake.events.deciding import Known, Story, plan_stories, stories_of
from backend.intake.events.domain import Became, EventIdReused, EventKey, PartnerEvent, Standing
from backend.intake.events.envelope import read_parked
from backend.intake.events.parked_queries import Parked, lock_waiting, unpark
from backend.intake.events.queries import (
    change_outcomes,
    close_gate,
    counted_changes,
    pass_gate,
    standings,
)
from backend.intake.events.writing import Answer, record_stories, write_plan
from backend.ledger.queries import Locked, lock_accounts
from backend.partners.queries import Customer, linked_accounts
from backend.recycling.queries import find_bags


async def write_events(
    conn: AsyncConnection, events: Sequence[PartnerEvent], rules: Rulebook
) -> list[Answer]:
    """Take events; the same event again answers what it has become, another one is refused.

    A refused event leaves nothing behind. Appends `CreditBooked` and `CreditRestated`.
    """
    known = await _find(conn, events)
    answers: dict[EventKey, Answer] = {}
    fresh: dict[EventKey, PartnerEvent] = {}
    for event in events:
        if event.key not in known:
            fresh.setdefault(event.key, event)
    if fresh:
        waiting = await lock_waiting(conn, {event.story for event in fresh.values()})
        stories = stories_of([*fresh.values(), *_read_again(waiting).events])
        _assert_whole(stories, known)
        answers.update(await write_stories(conn, stories, rules))
        await _assert_not_raced(conn, answers)
    duplicates = await _duplicates(conn, events, known)
    return [_answer(event, fresh.get(event.key), answers, known, duplicates) for event in events]


async def _find(
    conn: AsyncConnection, events: Sequence[PartnerEvent]
) -> Mapping[EventKey, Standing]:
    """Events on record among these and what they are about, read behind the gate."""
    keys = {each.key for each in events}
    stories = {each.story for each in events}
    known = await standings(conn, keys | stories)
    if stories - keys - known.keys():
        await close_gate(conn)
        return await standings(conn, keys | stories)
    await pass_gate(conn)
    return known


def _assert_whole(stories: Mapping[EventKey, Story], known: Mapping[EventKey, Standing]) -> None:
    """A report that was read as waiting and waits no more is somebody else's at this moment."""
    for key, story in stories.items():
        standing = known.get(key)
        if story.report is None and standing is not None and standing.outcome == "parked":
            raise BatchRaced


async def _assert_not_raced(conn: AsyncConnection, answers: Mapping[EventKey, Answer]) -> None:
    """What somebody else claimed while we waited for its account may be this very event."""
    used = [key for key, answer in answers.items() if isinstance(answer, EvidenceAlreadyUsed)]
    if await standings(conn, used):
        raise BatchRaced


class _ReadAgain(NamedTuple):
    """Waiting events as they were told, and those whose type does not take them any more."""

    events: list[PartnerEvent]
    refused: list[EventKey]


def _read_again(waiting: Sequence[Parked]) -> _ReadAgain:
    read = _ReadAgain([], [])
    for each in waiting:
        try:
            event = read_parked(
                each.key,
                each.body,
                waits_for=each.waits_for,
                reported_by=each.reported_by,
                region=each.region,
            )
        except DomainError:
            read.refused.append(each.key)
        else:
            read.events.append(event)
    return read


async def reopen(
    conn: AsyncConnection, parked: Sequence[Parked], rules: Rulebook
) -> Mapping[EventKey, Answer]:
    """Decide waiting events again, with all that waits for them.

    The gate is passed and the rows of `parked` are locked. A second call finds them gone.
    """
    read = _read_again(parked)
    await change_outcomes(conn, [(key, "refused", None) for key in read.refused])
    await unpark(conn, read.refused)
    events = {each.key: each for each in read.events}
    if not events:
        return {}
    stories = {each.story for each in events.values()}
    more = _read_again(await lock_waiting(conn, stories)).events
    events.update({each.key: each for each in more})
    return await write_stories(conn, stories_of(events.values()), rules)


async def write_stories(
    conn: AsyncConnection, stories: Mapping[EventKey, Story], rules: Rulebook
) -> Mapping[EventKey, Answer]:
    """Decide stories and write what they bring; the gate is passed and waiting rows are locked."""
    reported = [story.report for story in stories.values() if story.report is not None]
    customers = [
        Customer(each.key.partner_id, each.subject) for each in reported if each.subject is not None
    ]
    accounts = await linked_accounts(conn, customers)
    before = await standings(conn, [key for key, story in stories.items() if not story.report])
    owners = [each.account_id for each in before.values() if each.account_id]
    codes = [code for each in reported if (code := _bag_of(each))]
    bags = await find_bags(conn, codes) if codes else {}
    owners += [bag.account_id for bag in bags.values() if bag.account_id]
    locked = await lock_accounts(
        conn, [*accounts.values(), *owners], clock_shift_s=rules.clock_shift_s
    )
    known = await _known(conn, accounts, before, locked)
    await compare_readings(conn, stories, locked.now)
    plan = plan_stories(stories, known, rules)
    withdrawn = await write_plan(conn, stories, plan, locked, rules)
    await record_stories(conn, stories, plan.became, withdrawn, locked.now)
    return plan.became


def _bag_of(report: PartnerEvent) -> str | None:
    """The bag whose binding names the member; a deed that cannot be has none, and fails later."""
    if report.kind.has_subject:
        return None
    try:
        return report.kind.deed(report.data).bag
    except DomainError:
        return None


async def _known(
    conn: AsyncConnection,
    accounts: Mapping[Customer, UUID],
    before: Mapping[EventKey, Standing],
    locked: Locked,
) -> Known:
    """What is on record, read again under the locks of the accounts."""
    if not before:
        return Known(accounts, {}, {}, locked.now)
    standing = await standings(conn, before.keys())
    if any(each.account_id not in {None, *locked.points_debt} for each in standing.values()):
        raise BatchRaced
    return Known(accounts, standing, await counted_changes(conn, before.keys()), locked.now)


async def _duplicates(
    conn: AsyncConnection, events: Sequence[PartnerEvent], known: Mapping[EventKey, Standing]
) -> Mapping[UUID, Credit]:
    """What counts now of check-ins that repeated events have become."""
    again = {
        check_in_id
        for each in events
        if each.key in known and (check_in_id := known[each.key].check_in_id)
    }
    return await live_credits_of(conn, sorted(again)) if again else {}


def _answer(
    event: PartnerEvent,
    first: PartnerEvent | None,
    answers: Mapping[EventKey, Answer],
    known: Mapping[EventKey, Standing],
    duplicates: Mapping[UUID, Credit],
) -> Answer:
    """The answer of one event of the batch, which may be there twice itself."""
    if first is event:
        return answers[event.key]
    if first is None:
        standing = known[event.key]
        if standing.sha256 != event.sha256:
            return EventIdReused()
        credit = duplicates.get(standing.check_in_id) if standing.check_in_id else None
        return Became("duplicate", standing.check_in_id, credit)
    answer = answers[first.key]
    if first.sha256 != event.sha256:
        return EventIdReused()
    return answer._replace(status="duplicate") if isinstance(answer, Became) else answer
