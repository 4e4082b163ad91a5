"""The member's account: what is on it, and every transfer that explains it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.campaigns.budgets import fund_state
from backend.campaigns.domain import BudgetState
from backend.campaigns.pending import points_pending
from backend.crediting.answers import Grams, Points
from backend.crediting.queries import causes_of
from backend.db import clock
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.problem import Fault
from backend.http.refusals import ValidationFailed
from backend.http.routes import Answer, Call, Route
from backend.ledger.queries import balances_at, grams_balance, point_lots, points_debt, transfers_of
from backend.units import format_reduction, shanghai_day


class LotAnswer(msgspec.Struct, kw_only=True):
    """Points that expire on one day."""

    expires_on: date
    available: Points
    held: Points


class BudgetAnswer(msgspec.Struct, kw_only=True):
    """The money behind the points: open, short (points may wait), or ended from `stops_on` on."""

    state: BudgetState
    stops_on: date | None


class AccountAnswer(msgspec.Struct, kw_only=True):
    """A personal carbon account.

    `points` are available now; `pending` ones are not yet: those of a photo for a day, those of a
    short budget until it has money; `held` ones are set aside for vouchers; a debt is repaid by the
    next points, those that come back from a voucher too. `budget` is the state of the programme's
    budget. `grams` are a record and are never spent.
    """

    account_id: UUID
    grams: Grams
    reduction_text: str
    points: Points
    points_pending: Points
    points_held: Points
    points_debt: Points
    lots: list[LotAnswer]
    budget: BudgetAnswer


class PastBalanceAnswer(msgspec.Struct, kw_only=True):
    """What the transfers booked up to a moment explain; held points are included."""

    account_id: UUID
    at: datetime
    grams: Grams
    points: Points


class BalanceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The moment whose balance is asked for (RFC 3339 with offset)."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]


class TransferAnswer(msgspec.Struct, kw_only=True):
    """One transfer; `amount` is in `unit`, positive when the account received it."""

    cause_id: UUID
    purpose: str
    unit: str
    amount: int
    occurred_on: date
    booked_at: datetime
    check_in_id: UUID | None
    action: str | None
    rule: str | None


class TransferPage(msgspec.Struct, kw_only=True):
    """One page of transfers, newest cause first."""

    items: list[TransferAnswer]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class AccountReader:
    """What reading an account needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the member's account and its transfers."""
        return [
            Route(
                "GET",
                "/v1/account",
                self.get_account,
                policy=roles("member"),
                summary="See my carbon account",
                summary_zh="我的碳账户",
                answers={200: AccountAnswer},
            ),
            Route(
                "GET",
                "/v1/account/balance",
                self.get_balance,
                policy=roles("member"),
                summary="See what was on my account at a past moment",
                summary_zh="查看过去某一时刻的余额",
                query=BalanceQuery,
                answers={200: PastBalanceAnswer},
            ),
            Route(
                "GET",
                "/v1/account/transfers",
                self.list_transfers,
                policy=roles("member"),
                summary="List the transfers that explain my balances",
                summary_zh="账户明细",
                query=PageQuery,
                answers={200: TransferPage},
            ),
        ]

    async def get_balance(self, call: Call[None, BalanceQuery]) -> Answer:
        """Answer the balances that the transfers booked up to a moment explain."""
        account_id, at = call.principal.own_account, _in_utc(call.query.at)
        async with self.engine.connect() as conn:
            grams, points = await balances_at(conn, account_id, at)
        return Answer(PastBalanceAnswer(account_id=account_id, at=at, grams=grams, points=points))

    async def get_account(self, call: Call[None, None]) -> Answer:
        """Answer the balances of the caller's account."""
        account_id = call.principal.own_account
        async with self.engine.connect() as conn:
            today = shanghai_day(await clock(conn, self.clock_shift_s))
            grams = await grams_balance(conn, account_id)
            there = (await point_lots(conn, [account_id]))[account_id]
            debt = await points_debt(conn, account_id)
            pending = await points_pending(conn, account_id)
            budget = await fund_state(conn, today)
        lots = [lot for lot in there if lot.spendable_on(today) or lot.held]
        return Answer(
            AccountAnswer(
                account_id=account_id,
                grams=grams,
                reduction_text=format_reduction(grams, call.language),
                points=sum(lot.spendable_on(today) for lot in lots),
                points_pending=pending,
                points_held=sum(lot.held for lot in lots),
                points_debt=debt,
                lots=[
                    LotAnswer(
                        expires_on=lot.expires_on,
                        available=lot.spendable_on(today),
                        held=lot.held,
                    )
                    for lot in lots
                ],
                budget=BudgetAnswer(state=budget.state, stops_on=budget.stops_on),
            )
        )

    async def list_transfers(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's transfers, each with the check-in behind it."""
        position = position_of(call, tuple[UUID, str, int])
        account_id, limit = call.principal.own_account, call.query.limit
        async with self.engine.connect() as conn:
            rows = await transfers_of(conn, account_id, before=position, limit=limit + 1)
            page = rows[:limit]
            causes = await causes_of(conn, [row.cause_id for row in page])
        items = []
        for row in page:
            cause = causes.get(row.cause_id)
            items.append(
                TransferAnswer(
                    cause_id=row.cause_id,
                    purpose=row.purpose,
                    unit="gCO2e" if row.lot_id == 0 else "points",
                    amount=row.amount if row.is_received else -row.amount,
                    occurred_on=row.occurred_on,
                    booked_at=row.booked_at,
                    check_in_id=cause.check_in_id if cause else None,
                    action=cause.action if cause else None,
                    rule=cause.rule if cause else None,
                )
            )
        last = page[-1] if len(rows) > limit else None
        after = cursor_at(call, (last.cause_id, last.purpose, last.lot_id)) if last else None
        return Answer(TransferPage(items=items, next_cursor=after))


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # an offset that leads out of the years 1 to 9999
        raise ValidationFailed(errors=(Fault("/at", "out_of_range"),)) from None
