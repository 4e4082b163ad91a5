"""Bags over HTTP: stations weigh, sort and take them in; members and operators follow them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, Batcher
from backend.crediting.answers import CheckInAnswer
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed, NotCredited
from backend.crediting.routes import load_answer
from backend.errors import NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import Principal, roles, scopes
from backend.http.routes import Answer, Call, Route, replayed
from backend.intake.bag_bodies import (
    BagAnswer,
    BagPage,
    BagQuery,
    HandInBody,
    WeighingBody,
    render_bag,
)
from backend.intake.domain import Received, Weighing, in_utc, quantities_of_bag
from backend.intake.handing_over import HandOver, Loss
from backend.partners.domain import RegionNotGranted
from backend.recycling.codes import why_unknown
from backend.recycling.custody_queries import custody_of, list_bags, partner_names
from backend.recycling.domain import (
    BAG_CODE_PATTERN,
    MASS_G_MAX,
    Actor,
    Bag,
    BagAlreadySorted,
    BagAlreadyWeighed,
    BagCodeMistyped,
    BagForeign,
    BagLapsed,
    BagLost,
    BagNotBound,
    BagNotLosable,
    BagUnknown,
    BagUsed,
    By,
    SortingNotFitting,
    Step,
)
from backend.recycling.queries import find_bags

BAG_WEIGH = "bag.weigh"
NO_SUCH_BAG = (BagUnknown, BagForeign, BagCodeMistyped)
_MAY_LOOK_AT_ALL = roles("operator", "auditor")
_NAMED = {"code": BAG_CODE_PATTERN}


class WeighingNotClear(BagUnknown):
    """A weighing has either one mass or what sorting found, and no more than 50 kg together."""


@dataclass(frozen=True, slots=True)
class BagDesk:
    """What following bags needs; one per process."""

    engine: AsyncEngine
    weighings: Batcher[Weighing, Received]
    hand_overs: Batcher[HandOver, Received]
    losses: Batcher[Loss, Received]
    secret: bytes

    @property
    def batchers(self) -> Sequence[Batcher[Any, Any]]:
        """What must be served for these routes to answer."""
        return (self.weighings, self.hand_overs, self.losses)

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of bags but for binding, which makes a check-in."""
        return [self._weighing_route(), self._hand_in_route(), *self._own_routes(), self._list()]

    def _weighing_route(self) -> Route[WeighingBody, None]:
        return Route(
            "POST",
            "/v1/bags/{code}/weighings",
            self.post_weighing,
            policy=scopes(BAG_WEIGH),
            summary="Report the weight of a bound bag, which credits it, or how it was sorted",
            summary_zh="上报已绑定回收袋的重量并入账,或上报分拣结果",
            body=WeighingBody,
            parameters=_NAMED,
            answers={200: CheckInAnswer, 201: CheckInAnswer, 202: CheckInAnswer},
            problems=(
                *(*NO_SUCH_BAG, BagNotBound, BagAlreadyWeighed, BagAlreadySorted, BagLapsed),
                *(BagLost, SortingNotFitting, WeighingNotClear, NotCredited, RegionNotGranted),
                *(ActivityNotCovered, EvidenceAlreadyUsed, *BUSY),
            ),
        )

    def _hand_in_route(self) -> Route[HandInBody, None]:
        return Route(
            "POST",
            "/v1/bags/{code}/hand-ins",
            self.post_hand_in,
            policy=scopes(BAG_WEIGH),
            summary="Report that a member handed her bag in at a station",
            summary_zh="上报居民已在站点交投回收袋",
            body=HandInBody,
            parameters=_NAMED,
            answers={200: BagAnswer, 201: BagAnswer},
            problems=(
                *(*NO_SUCH_BAG, BagNotBound, RegionNotGranted, BagUsed, BagLapsed, BagLost),
                *BUSY,
            ),
        )

    def _own_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/bags/{code}",
                self.get_bag,
                policy=roles("member") | _MAY_LOOK_AT_ALL,
                summary="Follow one of my bags: who had it when, and what it weighed",
                summary_zh="查看回收袋的流转记录",
                parameters=_NAMED,
                answers={200: BagAnswer},
                problems=(NotFound, *NO_SUCH_BAG),
            ),
            Route(
                "POST",
                "/v1/bags/{code}/loss",
                self.post_loss,
                policy=roles("member"),
                summary="Report one of my bags lost, before it is handed in",
                summary_zh="报告回收袋丢失",
                parameters=_NAMED,
                answers={200: BagAnswer},
                problems=(NotFound, *NO_SUCH_BAG, BagUsed, BagNotLosable, BagLapsed, *BUSY),
            ),
        ]

    def _list(self) -> Route[None, BagQuery]:
        return Route(
            "GET",
            "/v1/operator/bags",
            self.list_all,
            policy=_MAY_LOOK_AT_ALL,
            summary="List bags with their chains of custody",
            summary_zh="回收袋及其流转记录列表",
            query=BagQuery,
            answers={200: BagPage},
        )

    async def post_weighing(self, call: Call[WeighingBody, None]) -> Answer:
        """Credit a bag with its weight or its materials; 202 when a person must look first."""
        weighing = weighing_of(call.path["code"], call.body, call.principal)
        received = await self.weighings.submit(weighing)
        answer = await load_answer(self.engine, received.check_in_id, call)
        done = 200 if received.is_replay else 201
        return Answer(
            answer, 202 if received.waits else done, replayed(is_replay=received.is_replay)
        )

    async def post_hand_in(self, call: Call[HandInBody, None]) -> Answer:
        """Take a bag in; the same report again changes nothing."""
        body, key = call.body, call.principal
        by = By(actor_of(key), key.partner_id, body.place)
        at = in_utc(body.handed_in_at) if body.handed_in_at else None
        told = HandOver(call.path["code"], Step.HANDED_IN, by, at, body.mass_g, key.reach)
        received = await self.hand_overs.submit(told)
        answer = await self._shown(call, await self._bag(call.path["code"]))
        return Answer(
            answer, 200 if received.is_replay else 201, replayed(is_replay=received.is_replay)
        )

    async def get_bag(self, call: Call[None, None]) -> Answer:
        """Answer one bag; a member sees her own alone."""
        bag = await self._bag(call.path["code"])
        is_own = bag.account_id is not None and bag.account_id == call.principal.account_id
        if not is_own and not _MAY_LOOK_AT_ALL.allows(call.principal):
            raise NotFound
        return Answer(await self._shown(call, bag))

    async def post_loss(self, call: Call[None, None]) -> Answer:
        """End a bag; a second report changes nothing."""
        loss = Loss(call.principal.own_account, call.path["code"])
        received = await self.losses.submit(loss)
        answer = await self._shown(call, await self._bag(call.path["code"]))
        return Answer(answer, headers=replayed(is_replay=received.is_replay))

    async def list_all(self, call: Call[None, BagQuery]) -> Answer:
        """Answer one page of bags."""
        after, query = position_of(call, str), call.query
        async with self.engine.connect() as conn:
            found = await list_bags(
                conn,
                batch_id=query.batch,
                stage=query.stage,
                after=after or "",
                limit=query.limit + 1,
            )
            page = found[: query.limit]
            items = await _rendered(conn, page, call)
        more = cursor_at(call, page[-1].code) if len(found) > query.limit else None
        return Answer(BagPage(items=items, next_cursor=more))

    async def _bag(self, code: str) -> Bag:
        async with self.engine.connect() as conn:
            bag = (await find_bags(conn, [code])).get(code)
        if bag is None:
            raise why_unknown(self.secret, code)
        return bag

    async def _shown(self, call: Call[Any, Any], bag: Bag) -> BagAnswer:
        async with self.engine.connect() as conn:
            return (await _rendered(conn, [bag], call))[0]


async def _rendered(
    conn: AsyncConnection, bags: Sequence[Bag], call: Call[Any, Any]
) -> list[BagAnswer]:
    chains = await custody_of(conn, [bag.code for bag in bags])
    named = {link.partner_id for chain in chains.values() for link in chain if link.partner_id}
    partners = await partner_names(conn, sorted(named))
    return [render_bag(bag, chains.get(bag.code, ()), partners, call.language) for bag in bags]


def weighing_of(code: str, body: WeighingBody, principal: Principal) -> Weighing:
    """The weighing that a station reports.

    Raises:
        WeighingNotClear: Not exactly one of mass and sorting, or more than 50 kg together.
    """
    is_sorting = bool(body.materials or body.residue_g)
    if (body.mass_g is None) != is_sorting or (body.loss_g is not None and not is_sorting):
        raise WeighingNotClear
    weighing = Weighing(
        code,
        quantities_of_bag(body.mass_g, body.materials),
        principal.partner_id,
        actor_of(principal),
        body.place,
        body.residue_g,
        in_utc(body.weighed_at) if body.weighed_at else None,
        reach=principal.reach,
        loss_g=body.loss_g,
    )
    if weighing.mass_g > MASS_G_MAX:
        raise WeighingNotClear
    return weighing


def actor_of(principal: Principal) -> Actor:
    """A key of a device is the device's own; any other is a partner's server."""
    return Actor.DEVICE if "device" in principal.roles else Actor.PARTNER
