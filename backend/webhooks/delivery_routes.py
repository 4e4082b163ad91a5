"""The log of an endpoint over HTTP: look, ping, send again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.problem import Fault
from backend.http.refusals import ValidationFailed
from backend.http.routes import Answer, Call, Route
from backend.webhooks.bodies import (
    DeliveryAnswer,
    DeliveryDetailAnswer,
    DeliveryPage,
    DeliveryQuery,
    ReplayAnswer,
    ReplayBody,
    delivery_members,
)
from backend.webhooks.delivery_queries import find_delivery, list_deliveries
from backend.webhooks.domain import (
    REPLAY_ROWS_MAX,
    WebhookEndpointDisabled,
    WebhookPingsUsedUp,
)
from backend.webhooks.endpoint_routes import own_endpoint, write_one
from backend.webhooks.endpoint_steps import Replaying, ping, send_again
from backend.webhooks.owners import LOOKS, MANAGES


@dataclass(frozen=True, slots=True)
class DeliveryDesk:
    """What looking at deliveries needs."""

    engine: AsyncEngine

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of deliveries."""
        return [*self._log_routes(), *self._sending_routes()]

    def _log_routes(self) -> Sequence[Route[Any, Any]]:
        path = "/v1/webhook-endpoints/{id}/deliveries"
        return [
            Route(
                "GET",
                path,
                self.list_deliveries,
                policy=LOOKS,
                summary="List what was sent or waits, newest first",
                summary_zh="发送记录",
                query=DeliveryQuery,
                answers={200: DeliveryPage},
                problems=(NotFound,),
            ),
            Route(
                "GET",
                f"{path}/{{delivery_id}}",
                self.get_delivery,
                policy=LOOKS,
                summary="See one delivery with its body",
                summary_zh="查看一条发送记录",
                answers={200: DeliveryDetailAnswer},
                problems=(NotFound,),
            ),
        ]

    def _sending_routes(self) -> Sequence[Route[Any, Any]]:
        path = "/v1/webhook-endpoints/{id}"
        return [
            Route(
                "POST",
                f"{path}/pings",
                self.post_ping,
                policy=MANAGES,
                summary="Send a test message",
                summary_zh="发送一条测试消息",
                answers={202: DeliveryDetailAnswer},
                problems=(NotFound, WebhookEndpointDisabled, WebhookPingsUsedUp, *BUSY),
            ),
            Route(
                "POST",
                f"{path}/replays",
                self.post_replay,
                policy=MANAGES,
                summary="Send one delivery again, or all since a time, under the same ids",
                summary_zh="重新发送一条或某一时刻以来的消息",
                body=ReplayBody,
                answers={202: ReplayAnswer},
                problems=(NotFound, WebhookEndpointDisabled, *BUSY),
            ),
        ]

    async def list_deliveries(self, call: Call[None, DeliveryQuery]) -> Answer:
        """Answer one page of the log."""
        position, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
            rows = await list_deliveries(
                conn,
                endpoint.id,
                status=call.query.status,
                event_type=call.query.event_type,
                before=position,
                limit=limit + 1,
            )
        page = rows[:limit]
        items = [DeliveryAnswer(**delivery_members(row, call.language)) for row in page]
        after = cursor_at(call, page[-1].id) if len(rows) > limit else None
        return Answer(DeliveryPage(items=items, next_cursor=after))

    async def get_delivery(self, call: Call[None, None]) -> Answer:
        """Answer one delivery."""
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
            row = await find_delivery(conn, endpoint.id, call.path_id("delivery_id"))
        if row is None:
            raise NotFound
        return Answer(DeliveryDetailAnswer(**delivery_members(row, call.language)))

    async def post_ping(self, call: Call[None, None]) -> Answer:
        """Make a ping; the answer names its delivery, whose outcome the log shows."""
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
        delivery_id = await write_one(self.engine, ping, endpoint.id)
        async with self.engine.connect() as conn:
            row = await find_delivery(conn, endpoint.id, delivery_id)
        return Answer(
            DeliveryDetailAnswer(**delivery_members(row, call.language)),
            202,
            {"Location": f"/v1/webhook-endpoints/{endpoint.id}/deliveries/{delivery_id}"},
        )

    async def post_replay(self, call: Call[ReplayBody, None]) -> Answer:
        """Put deliveries back to work; what is on its way is left alone."""
        body = call.body
        if (body.delivery_id is None) == (body.since is None):
            raise ValidationFailed(errors=(Fault("/since", "either_delivery_id_or_since"),))
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
            if body.delivery_id and not await find_delivery(conn, endpoint.id, body.delivery_id):
                raise NotFound
        since = _in_utc(body.since) if body.since else None
        asked = Replaying(endpoint.id, body.delivery_id, since, body.after)
        replayed = await write_one(self.engine, send_again, asked)
        after = replayed[-1] if len(replayed) == REPLAY_ROWS_MAX else None
        return Answer(ReplayAnswer(deliveries=len(replayed), after=after), 202)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # an offset that leads out of the years 1 to 9999
        raise ValidationFailed(errors=(Fault("/since", "out_of_range"),)) from None
