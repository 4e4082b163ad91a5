"""The batches that write trays, and give waiting ones to their members.

A tray whose member is known becomes a check-in at once and takes the way of every photo: its score
is ours. One whose member is not known waits, with its evidence among the device's, until her card
is linked or her scan arrives.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.canteens.domain import Meal, Tray, check_in_of, joined, tray_of
from backend.canteens.queries import (
    insert_trays,
    places_of,
    settle_trays,
    trays_by_code,
    trays_by_id,
    trays_by_key,
)
from backend.canteens.refusals import TrayCodeUsed, TraySequenceUsed
from backend.checkins.domain import RETRIES_PER_WINDOW, CheckIn, WindowUse
from backend.checkins.queries import count_in_window, insert_check_ins, meal_windows
from backend.crediting.domain import EvidenceAlreadyUsed, claim_key
from backend.crediting.queries import Claim, claimed, insert_claims
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.events import CHECK_IN_RECEIVED, Event
from backend.intake.domain import RetriesUsedUp
from backend.ledger.queries import lock_accounts
from backend.outbox import append
from backend.partners.queries import record_reports


class Seen(NamedTuple):
    """A tray as the batch has written it; a replay names the earlier one."""

    tray: Tray
    is_replay: bool = False


class Joining(NamedTuple):
    """A waiting tray whose member is known by now; its evidence lies among hers already."""

    tray_id: UUID
    account_id: UUID


Answer = Seen | DomainError


async def write_trays(
    conn: AsyncConnection, meals: Sequence[Meal], rules: Rulebook
) -> list[Answer]:
    """Write trays; the same device and sequence with the same content is the same tray.

    Appends `CheckInReceived` for those whose member is known.
    """
    owners = [each.account_id for each in meals if each.account_id]
    locked = await lock_accounts(conn, owners, clock_shift_s=rules.clock_shift_s)
    before = dict(await trays_by_key(conn, [_key(each) for each in meals]))
    codes = set(await trays_by_code(conn, [each.code_sha256 for each in meals if each.code_sha256]))
    windows = await meal_windows(conn)
    fresh = {each: tray_of(each, windows, locked.now) for each in meals if _key(each) not in before}
    asked = [
        (tray, each.account_id)
        for each, tray in fresh.items()
        if isinstance(tray, Tray) and each.account_id
    ]
    ledger = await _load(conn, asked, rules)
    answers: list[Answer] = []
    made: list[tuple[Tray, CheckIn | None, UUID]] = []
    for each in meals:
        answer = _seen_before(each, before, codes) or _receive(
            each, fresh[each], ledger, locked.now
        )
        if isinstance(answer, _Received):
            before[_key(each)] = answer.tray
            codes.update({each.code_sha256} if each.code_sha256 else ())
            made.append((answer.tray, answer.check_in, each.device.partner_id))
            answer = Seen(answer.tray)
        answers.append(answer)
    await insert_trays(conn, [tray for tray, _, _ in made])
    written = [_Written(tray, c, partner) for tray, c, partner in made if c]
    await _write(conn, written, ledger, locked.now)
    return answers


async def write_joinings(
    conn: AsyncConnection, joinings: Sequence[Joining], rules: Rulebook
) -> list[Answer]:
    """Make check-ins of waiting trays; one that does not wait any more stays what it is.

    Appends `CheckInReceived`. A tray that is refused by the rules of photos is refused for good.
    """
    locked = await lock_accounts(
        conn, [each.account_id for each in joinings], clock_shift_s=rules.clock_shift_s
    )
    trays = await trays_by_id(conn, [each.tray_id for each in joinings])
    return await join(conn, [(trays[e.tray_id], e.account_id) for e in joinings], rules, locked.now)


async def join(
    conn: AsyncConnection, pairs: Sequence[tuple[Tray, UUID]], rules: Rulebook, now: datetime
) -> list[Answer]:
    """Make check-ins of those of these trays that wait, for accounts that are locked.

    Raises:
        BatchRaced: Somebody else moved one of them in between.
    """
    ledger = await _load(conn, pairs, rules)
    places = await places_of(conn, [tray for tray, _ in pairs])
    answers: list[Answer] = []
    settled: dict[UUID, Tray] = {}
    made: list[_Written] = []
    for tray, account_id in pairs:
        tray = settled.get(tray.id, tray)  # noqa: PLW2901  # a batch may name one twice
        if tray.status != "waiting":
            answers.append(Seen(tray, is_replay=True))
            continue
        place = places[tray.canteen_id]
        check_in = ledger.admit(tray, account_id, place.region, now)
        if isinstance(check_in, DomainError):
            settled[tray.id] = tray._replace(status="refused", subject_token=None)
            answers.append(check_in)
            continue
        settled[tray.id] = joined(tray, check_in.id)
        made.append(_Written(tray, check_in, place.partner_id))
        answers.append(Seen(settled[tray.id]))
    if await settle_trays(conn, list(settled.values())) != len(settled):
        raise BatchRaced
    await _write(conn, made, ledger, now)
    return answers


class _Received(NamedTuple):
    tray: Tray
    check_in: CheckIn | None


class _Written(NamedTuple):
    """A tray's new check-in, and whose device reported it."""

    tray: Tray
    check_in: CheckIn
    partner_id: UUID


def _key(meal: Meal) -> tuple[UUID, int]:
    return meal.device.id, meal.sequence


def _seen_before(
    meal: Meal, before: Mapping[tuple[UUID, int], Tray], codes: set[bytes]
) -> Answer | None:
    """The answer for a tray that stands already, or whose code does; None for a new one."""
    earlier = before.get(_key(meal))
    if earlier is None:
        return TrayCodeUsed() if meal.code_sha256 in codes else None
    if earlier.content_sha256 != meal.content_sha256:
        return TraySequenceUsed(received_at=earlier.received_at.isoformat())
    return Seen(earlier, is_replay=True)


def _receive(
    meal: Meal, tray: Tray | DomainError, ledger: "_Photos", now: datetime
) -> "_Received | DomainError":
    if isinstance(tray, DomainError):
        return tray
    if meal.account_id is None:
        return _Received(tray, None)
    check_in = ledger.admit(tray, meal.account_id, meal.region, now)
    if isinstance(check_in, DomainError):
        return check_in
    return _Received(joined(tray, check_in.id), check_in)


class _Photos(NamedTuple):
    """What is known of the meals and pixels of a batch; grows with it.

    Attributes:
        keys: The claims of each tray, by its id: two photos may come under one sequence.
    """

    uses: dict[tuple[UUID, str], WindowUse]
    taken: set[bytes]
    keys: Mapping[UUID, tuple[bytes, bytes]]

    def admit(
        self, tray: Tray, account_id: UUID, region: str, now: datetime
    ) -> CheckIn | DomainError:
        """The check-in of a tray, which later trays of the batch then see, or why not."""
        meal = (account_id, tray.meal_window)
        keys = self.keys[tray.id]
        if not self.uses[meal].has_retries_left:
            return RetriesUsedUp(retries=RETRIES_PER_WINDOW)
        if not self.taken.isdisjoint(keys):
            return EvidenceAlreadyUsed()
        self.taken.update(keys)
        self.uses[meal] = self.uses[meal]._replace(undecided=self.uses[meal].undecided + 1)
        return check_in_of(tray, account_id, region, now)


async def _load(
    conn: AsyncConnection, pairs: Iterable[tuple[Tray, UUID]], rules: Rulebook
) -> _Photos:
    asked = list(pairs)
    keys = {tray.id: _claims(tray, rules) for tray, _ in asked}
    meals = [(account_id, tray.meal_window) for tray, account_id in asked]
    return _Photos(
        dict(await count_in_window(conn, meals)),
        set(await claimed(conn, sorted(key for pair in keys.values() for key in pair))),
        keys,
    )


def _claims(tray: Tray, rules: Rulebook) -> tuple[bytes, bytes]:
    """A camera sees the same bowls all day, so only the same pixels are the same photo."""
    return (
        claim_key(rules.claim_secret, "tray", str(tray.device_id), str(tray.sequence)),
        claim_key(rules.claim_secret, "pixels", tray.pixel_sha256.hex()),
    )


async def _write(
    conn: AsyncConnection, made: Sequence[_Written], ledger: _Photos, now: datetime
) -> None:
    claims = [Claim(key, each.check_in.id) for each in made for key in ledger.keys[each.tray.id]]
    await insert_claims(conn, claims, now)
    await insert_check_ins(conn, [each.check_in for each in made])
    await record_reports(conn, [(each.check_in.id, each.partner_id) for each in made], now)
    await append(conn, [Event(CHECK_IN_RECEIVED, [each.check_in.id]) for each in made])
