"""Endpoints over HTTP: register, list, look at, change, delete, rotate the secret."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, run_batch
from backend.calling.addresses import UrlForbidden, read_url
from backend.errors import DomainError, NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.refusals import IdempotencyKeyMissing
from backend.http.routes import Answer, Call, Route, replayed
from backend.idempotency import IdempotencyKeyReused, Intention
from backend.sealing import Sealer
from backend.webhooks.bodies import (
    EndpointAnswer,
    EndpointBody,
    EndpointChangeBody,
    EndpointDetailAnswer,
    EndpointPage,
    EndpointQuery,
    RegisteredAnswer,
    RotatedAnswer,
    RotationBody,
    SecretAnswer,
    endpoint_members,
)
from backend.webhooks.domain import (
    TYPES_OF,
    Endpoint,
    Status,
    WebhookEndpointDisabled,
    WebhookEndpointExists,
    WebhookEndpointsUsedUp,
    WebhookOwnerMissing,
    WebhookSecretsUsedUp,
    WebhookTypeForeign,
)
from backend.webhooks.endpoint_queries import (
    EndpointFilter,
    find_endpoint,
    list_endpoints,
    secrets_of,
)
from backend.webhooks.endpoint_steps import (
    Alteration,
    Registration,
    Rotation,
    alter,
    register,
    rotate,
)
from backend.webhooks.owners import LOOKS, MANAGES, owner_named, owner_of, stopped_by

Item = TypeVar("Item")
Done = TypeVar("Done")
Write = Callable[[AsyncConnection, Sequence[Item]], Awaitable[Sequence[Done | DomainError]]]


async def write_one(engine: AsyncEngine, write: Write[Item, Done], item: Item) -> Done:
    """Run a batch of one; its refusal is raised."""
    [answer] = await run_batch(engine, write, [item])
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def own_endpoint(conn: AsyncConnection, call: Call[Any, Any]) -> Endpoint:
    """The endpoint of the path, if it is the caller's.

    Raises:
        NotFound: There is none, or it is somebody else's.
    """
    owner = await owner_of(conn, call.principal)
    endpoint = await find_endpoint(conn, call.path_id())
    if endpoint is None:
        raise NotFound
    if owner is not None and owner != (endpoint.owner_kind, endpoint.owner_id):
        raise NotFound
    return endpoint


@dataclass(frozen=True, slots=True)
class EndpointDesk:
    """What managing endpoints needs.

    Attributes:
        is_anywhere: Tests and the demo send to this machine.
    """

    engine: AsyncEngine
    sealer: Sealer
    is_anywhere: bool

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of endpoints."""
        return [*self._collection_routes(), *self._member_routes(), self._rotation_route()]

    def _collection_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/webhook-endpoints",
                self.post_endpoint,
                policy=MANAGES,
                summary="Register a URL for events; the answer shows the signing secret once",
                summary_zh="登记接收事件的地址,签名密钥只显示一次",
                body=EndpointBody,
                answers={200: RegisteredAnswer, 201: RegisteredAnswer},
                problems=(
                    *(UrlForbidden, WebhookTypeForeign, WebhookOwnerMissing),
                    *(WebhookEndpointExists, WebhookEndpointsUsedUp, *BUSY),
                ),
            ),
            Route(
                "GET",
                "/v1/webhook-endpoints",
                self.list_endpoints,
                policy=LOOKS,
                summary="List webhook endpoints, newest first",
                summary_zh="事件接收地址列表",
                query=EndpointQuery,
                answers={200: EndpointPage},
            ),
        ]

    def _member_routes(self) -> Sequence[Route[Any, Any]]:
        path = "/v1/webhook-endpoints/{id}"
        return [
            Route(
                "GET",
                path,
                self.get_endpoint,
                policy=LOOKS,
                summary="See one webhook endpoint, and which secrets sign",
                summary_zh="查看一个事件接收地址",
                answers={200: EndpointDetailAnswer},
                problems=(NotFound,),
            ),
            Route(
                "PATCH",
                path,
                self.patch_endpoint,
                policy=MANAGES,
                summary="Change the event types, or disable and enable",
                summary_zh="修改事件类型,停用或启用",
                body=EndpointChangeBody,
                answers={200: EndpointAnswer},
                problems=(NotFound, WebhookTypeForeign, WebhookEndpointDisabled, *BUSY),
            ),
            Route(
                "DELETE",
                path,
                self.delete_endpoint,
                policy=MANAGES,
                summary="Delete; what waits for it is not sent",
                summary_zh="删除事件接收地址",
                answers={204: None},
                problems=(NotFound, *BUSY),
            ),
        ]

    def _rotation_route(self) -> Route[Any, Any]:
        return Route(
            "POST",
            "/v1/webhook-endpoints/{id}/secrets",
            self.post_secret,
            policy=MANAGES,
            summary="Rotate the signing secret; the earlier ones sign on for a while",
            summary_zh="更换签名密钥,旧密钥在重叠期内仍有效",
            body=RotationBody,
            answers={200: RotatedAnswer, 201: RotatedAnswer},
            problems=(NotFound, WebhookSecretsUsedUp, IdempotencyKeyReused, *BUSY),
            idempotency="required",
        )

    async def post_endpoint(self, call: Call[EndpointBody, None]) -> Answer:
        """Register; the same owner, URL and types again answer 200 without the secret."""
        url = read_url(call.body.url, is_anywhere=self.is_anywhere)
        async with self.engine.connect() as conn:
            owner = await owner_named(conn, call.principal, call.body.owner)
        _check_types(owner.kind, call.body.event_types)
        asked = Registration(owner, url, call.body.event_types, call.principal.id)
        done = await write_one(self.engine, partial(register, sealer=self.sealer), asked)
        return Answer(
            RegisteredAnswer(
                **endpoint_members(done.endpoint, call.language),
                secret=done.secret,
            ),
            201 if done.secret else 200,
            {"Location": f"/v1/webhook-endpoints/{done.endpoint.id}"},
        )

    async def list_endpoints(self, call: Call[None, EndpointQuery]) -> Answer:
        """Answer one page of the caller's endpoints, or of all for officials."""
        position = position_of(call, UUID)
        limit = call.query.limit
        async with self.engine.connect() as conn:
            owner = await owner_of(conn, call.principal)
            wanted = EndpointFilter(owner, call.query.owner_id, call.query.status)
            found = await list_endpoints(conn, wanted, before=position, limit=limit + 1)
        page = found[:limit]
        items = [EndpointAnswer(**endpoint_members(each, call.language)) for each in page]
        after = cursor_at(call, page[-1].id) if len(found) > limit else None
        return Answer(EndpointPage(items=items, next_cursor=after))

    async def get_endpoint(self, call: Call[None, None]) -> Answer:
        """Answer one endpoint."""
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
            secrets = await _secrets(conn, endpoint.id)
        members = endpoint_members(endpoint, call.language)
        return Answer(EndpointDetailAnswer(**members, secrets=secrets))

    async def patch_endpoint(self, call: Call[EndpointChangeBody, None]) -> Answer:
        """Change what is named."""
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
        _check_types(endpoint.owner_kind, call.body.event_types or ())
        status = Status(call.body.status) if call.body.status else None
        asked = Alteration(endpoint.id, call.body.event_types, status, stopped_by(call.principal))
        altered = await write_one(self.engine, alter, asked)
        return Answer(EndpointAnswer(**endpoint_members(altered, call.language)))

    async def delete_endpoint(self, call: Call[None, None]) -> Answer:
        """Delete; its log stays for as long as logs do."""
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
        asked = Alteration(endpoint.id, None, Status.DELETED, stopped_by(call.principal))
        await write_one(self.engine, alter, asked)
        return Answer(None, 204)

    async def post_secret(self, call: Call[RotationBody, None]) -> Answer:
        """Make a new secret and let the others end."""
        if call.idempotency_key is None:
            raise IdempotencyKeyMissing
        async with self.engine.connect() as conn:
            endpoint = await own_endpoint(conn, call)
        intention = Intention(call.principal.id, call.idempotency_key, call.request_hash)
        asked = Rotation(endpoint.id, call.body.overlap_s, intention)
        done = await write_one(self.engine, partial(rotate, sealer=self.sealer), asked)
        async with self.engine.connect() as conn:
            secrets = await _secrets(conn, endpoint.id)
        return Answer(
            RotatedAnswer(id=done.secret_id, secret=done.secret, secrets=secrets),
            201 if done.secret else 200,
            replayed(is_replay=not done.secret),
        )


def _check_types(owner_kind: str, event_types: Sequence[str]) -> None:
    if foreign := set(event_types) - TYPES_OF[owner_kind]:
        raise WebhookTypeForeign(event_types=sorted(foreign), allowed=sorted(TYPES_OF[owner_kind]))


async def _secrets(conn: AsyncConnection, endpoint_id: UUID) -> list[SecretAnswer]:
    return [
        SecretAnswer(id=row.id, created_at=row.created_at, expires_at=row.expires_at)
        for row in await secrets_of(conn, endpoint_id)
    ]
