"""What a member can do here and now: the rule, what is left today, the points, the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.campaigns.budgets import FundState, fund_state
from backend.campaigns.domain import PointsRules
from backend.campaigns.points_rules import points_rules
from backend.checkins.domain import MealWindow, WindowUse, next_window, window_at
from backend.checkins.queries import count_in_window, meal_windows
from backend.crediting.domain import Booked
from backend.crediting.queries import live_credits
from backend.crediting.steps import Rulebook
from backend.db import clock
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.intake.actions import Offer, caps_left, offers, period_keys, without_closed
from backend.intake.bodies import Region
from backend.intake.client_config import INLETS
from backend.intake.queries import live_sources
from backend.methodologies.wording import cap_words, formula_words, quantity_words
from backend.units import shanghai_day
from scoring.methodology.quantities import quantity_of


class ActionsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the member is, six digits (GB/T 2260); by default the programme's region."""

    region: Region | None = None


class CapLeftAnswer(msgspec.Struct, kw_only=True):
    """A cap and what the member has left of it, in base units `unit`."""

    quantity: str
    unit: str
    unit_name: str
    most: int
    left: int
    period: str
    text: str


class BudgetAnswer(msgspec.Struct, kw_only=True):
    """The money behind the points: open, short or ended; `stops_on` once it is announced."""

    state: str
    stops_on: date | None


class MealAnswer(msgspec.Struct, kw_only=True):
    """The meal window of now: `window` is null between meals, then `opens_at` says when."""

    window: str | None
    name: str | None
    opens_at: datetime | None
    is_counted: bool
    has_retries_left: bool


class ActionAnswer(msgspec.Struct, kw_only=True):
    """One action: how it is reported, by which rule it counts, and what it brings today.

    `tier` is the best that its evidence can be here; `points_today` are those of that tier, if the
    activity has grams. `meal` is there for photos of plates alone.
    """

    action: str
    name: str
    inlet: str
    tier: str
    is_open: bool
    methodology_id: str
    methodology_version: str
    applies: str
    rule: list[str]
    caps: list[CapLeftAnswer]
    points_today: int
    points_rule: str
    budget: BudgetAnswer
    meal: MealAnswer | None


class ActionsAnswer(msgspec.Struct, kw_only=True):
    """Everything that the member can do; what has no live evidence source is not in it."""

    as_of: datetime
    region: str
    items: list[ActionAnswer]


@dataclass(frozen=True, slots=True)
class _Situation:
    """What was loaded for one member at one moment."""

    now: datetime
    today: date
    region: str
    booked: Sequence[Booked]
    rules: PointsRules
    funds: Mapping[UUID, FundState]
    windows: Sequence[MealWindow]
    use: WindowUse


@dataclass(frozen=True, slots=True)
class Actions:
    """What telling a member's possibilities needs."""

    engine: AsyncEngine
    rules: Rulebook
    region: str

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the member's actions."""
        return [
            Route(
                "GET",
                "/v1/actions",
                self.list_actions,
                policy=roles("member"),
                summary="See what I can do here and now, and what it brings",
                summary_zh="我现在可以做什么",
                query=ActionsQuery,
                answers={200: ActionsAnswer},
            )
        ]

    async def list_actions(self, call: Call[None, ActionsQuery]) -> Answer:
        """Answer the actions of this moment, all from one snapshot."""
        account_id = call.principal.own_account
        async with self.engine.connect() as fresh:
            conn = await fresh.execution_options(isolation_level="REPEATABLE READ")
            live = await live_sources(conn, account_id)
            now = await clock(conn, self.rules.clock_shift_s)
            found = offers(self.rules.catalogue, INLETS, live, shanghai_day(now))
            found = without_closed(found, self.rules.closed)
            here = call.query.region or self.region
            situation = await _situation(conn, account_id, here, now, found)
        return Answer(
            ActionsAnswer(
                as_of=now,
                region=here,
                items=[_render(each, situation, call) for each in found],
            ),
            headers={"Cache-Control": "private, no-store"},
        )


async def _situation(
    conn: AsyncConnection, account_id: UUID, region: str, now: datetime, found: Sequence[Offer]
) -> _Situation:
    today = shanghai_day(now)
    periods = [(account_id, period) for period in period_keys(today)]
    booked = [each for some in (await live_credits(conn, periods)).values() for each in some]
    rules = await points_rules(conn, now)
    funds = {_price(rules, each, region, today).fund_id for each in found}
    windows = await meal_windows(conn)
    use = WindowUse()
    if window := window_at(now, windows):
        use = (await count_in_window(conn, [(account_id, window)]))[account_id, window]
    return _Situation(
        now=now,
        today=today,
        region=region,
        booked=booked,
        rules=rules,
        funds={fund_id: await fund_state(conn, today, fund_id) for fund_id in sorted(funds)},
        windows=windows,
        use=use,
    )


def _price(rules: PointsRules, offer: Offer, region: str, today: date) -> Any:
    return rules.price(offer.action, region, today, is_documented=offer.is_documented)


def _render(offer: Offer, situation: _Situation, call: Call[Any, Any]) -> ActionAnswer:
    version, language = offer.version, call.language
    price = _price(situation.rules, offer, situation.region, situation.today)
    fund = situation.funds[price.fund_id]
    meal = _meal(situation, call) if offer.inlet == "photo" else None
    return ActionAnswer(
        action=offer.action,
        name=version.title[language],
        inlet=offer.inlet,
        tier="documented" if offer.is_documented else "self_declared",
        is_open=meal is None or (meal.window is not None and not meal.is_counted),
        methodology_id=version.methodology_id,
        methodology_version=version.hash,
        applies=version.narrative[f"applies_{language}"],
        rule=formula_words(version, language),
        caps=_caps(offer, situation, call),
        points_today=price.points,
        points_rule=price.rule,
        budget=BudgetAnswer(state=fund.state, stops_on=fund.stops_on),
        meal=meal,
    )


def _caps(offer: Offer, situation: _Situation, call: Call[Any, Any]) -> list[CapLeftAnswer]:
    version = offer.version
    return [
        CapLeftAnswer(
            quantity=cap.quantity,
            unit=quantity_of(cap.quantity).unit,
            unit_name=quantity_words(cap.quantity, call.language),
            most=cap.most,
            left=left,
            period=version.period,
            text=cap_words(cap, version.period, call.language),
        )
        for cap, left in caps_left(version, situation.booked, situation.today)
    ]


def _meal(situation: _Situation, call: Call[Any, Any]) -> MealAnswer:
    key = window_at(situation.now, situation.windows)
    opening = None if key else next_window(situation.now, situation.windows)
    window_id = key.partition("/")[2] if key else None
    window = next((each for each in situation.windows if each.id == window_id), None)
    return MealAnswer(
        window=window_id,
        name=(window.name_zh if call.language == "zh" else window.name_en) if window else None,
        opens_at=opening.opens_at if opening else None,
        is_counted=bool(situation.use.credited),
        has_retries_left=situation.use.has_retries_left,
    )
