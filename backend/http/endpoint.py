"""One route at work: admit, read, call, answer, in an order that costs an attacker most.

Who may not call is refused before a byte of the body is read.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11

from backend.http.edge import REQUEST_ID, Edge, retry_after
from backend.http.forms import Form, read_form
from backend.http.json_body import decode_body
from backend.http.negotiation import language_of, require_json, wait_of
from backend.http.principal import Authenticate, Principal
from backend.http.query import QueryReader, split_query
from backend.http.rates import PARTNER_RATE, RateLimits
from backend.http.reading import check_encoding, check_size, read_body
from backend.http.refusals import (
    ExpectationFailed,
    Forbidden,
    IdempotencyKeyMissing,
    Overloaded,
    PayloadTooLarge,
    SignatureNotValid,
    SignatureStale,
    Unauthenticated,
    UnsupportedMediaType,
)
from backend.http.routes import Answer, Call, RawBody, Route
from backend.http.signed import BODY_BYTES_MAX, SIGNED_ID
from backend.http.upload_slots import UPLOADS

_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}")
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)
_MEDIA_TYPE = re.compile(r'([\w.+-]+/[\w.+-]+)(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)
_FORM_TYPE = re.compile(r"multipart/form-data\s*;", re.IGNORECASE)
_NO_QUERY: Final[dict[str, str]] = {}
_encode = msgspec.json.Encoder().encode


class Endpoint:
    """A route with what it needs of the application."""

    def __init__(
        self,
        route: Route[Any, Any],
        *,
        authenticate: Authenticate,
        limits: RateLimits,
        edge: Edge,
    ) -> None:
        self._route = route
        self._authenticate = authenticate
        self._limits = limits
        self._edge = edge
        self._query = QueryReader(route.query)
        self._is_json = bytes not in route.answers.values()

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request of this route."""
        if self._is_json:
            require_json(request)
        caller = await self._admit(request)
        fields = self._limits.admit(caller.id, self._rate_of(caller)) if caller else {}
        if self._route.form and _FORM_TYPE.match(request.headers.get(hdrs.CONTENT_TYPE, "")):
            return await self._serve_form(request, caller, fields)
        document = await self._read_document(request)
        return await self._answer(request, caller, document, None, fields)

    async def expect(self, request: web.Request) -> web.StreamResponse | None:
        """Answer `Expect: 100-continue` after a look at what is coming, not before."""
        if request.headers[hdrs.EXPECT].lower() != "100-continue":
            return self._edge.refuse_early(request, ExpectationFailed())
        try:
            check_size(request, self._route.bytes_max)
        except PayloadTooLarge as error:
            return self._edge.refuse_early(request, error)
        if request.version == HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # else aiohttp takes the answer for begun
        return None

    async def _admit(self, request: web.Request) -> Principal | None:
        policy = self._route.policy
        if policy.everybody:
            return None
        if self._route.body is not None:
            request[BODY_BYTES_MAX] = self._route.body_bytes_max
        try:
            caller = await self._authenticate(request)
        except (SignatureNotValid, SignatureStale) as refusal:
            raise self._limits.count_failure(request) or refusal from None
        except Unauthenticated:
            caller = None
        if caller is None:
            raise self._limits.count_failure(request) or Unauthenticated()
        if not policy.allows(caller):
            raise Forbidden
        return caller

    def _rate_of(self, caller: Principal) -> str:
        """Systems that report for many people have a bucket of their own."""
        return self._route.rate_class if caller.partner_id is None else PARTNER_RATE

    async def _read_document(self, request: web.Request) -> object:
        if self._route.body is None:
            return None
        # CloudEvents clients leave the type of their data out where it is JSON.
        default = "application/json" if self._route.raw else ""
        content_type = request.headers.get(hdrs.CONTENT_TYPE, default)
        media_type = _media_type(content_type) if self._route.raw else ""
        if self._route.raw and media_type not in self._route.raw:
            raise UnsupportedMediaType(f"This route takes {', '.join(self._route.raw)} in UTF-8.")
        if not self._route.raw and not _JSON_TYPE.fullmatch(content_type):
            raise UnsupportedMediaType("This route takes application/json in UTF-8.")
        check_encoding(request)
        check_size(request, self._route.body_bytes_max)
        body = await read_body(request, self._route.body_bytes_max)
        if self._route.raw:
            return RawBody(media_type, body)
        return decode_body(body, self._route.body)

    async def _serve_form(
        self, request: web.Request, caller: Principal | None, fields: Mapping[str, str]
    ) -> web.Response:
        """Hold an upload slot from the first byte until the handler needs the bytes no more."""
        with ExitStack() as slot:
            slot.enter_context(request.app[UPLOADS].hold(caller))
            form = replace(await read_form(request, self._route.form), slot=slot)
            return await self._answer(request, caller, None, form, fields)

    async def _answer(
        self,
        request: web.Request,
        caller: Principal | None,
        document: object,
        form: Form | None,
        fields: Mapping[str, str],
    ) -> web.Response:
        call = self._call(request, caller, document, form)
        deadline = asyncio.timeout(self._route.deadline_s + call.wait_s)
        try:
            async with deadline:
                answer = await self._route.handler(call)
        except TimeoutError:
            if not deadline.expired():
                raise  # the handler's own bug, not ours to rename
            raise Overloaded(headers=retry_after()) from None
        return self._response(answer, fields)

    def _call(
        self,
        request: web.Request,
        caller: Principal | None,
        document: object,
        form: Form | None,
    ) -> Call[Any, Any]:
        query_string = request.rel_url.raw_query_string
        parameters = split_query(query_string) if query_string else dict(_NO_QUERY)
        wait_s = wait_of(request, parameters) if self._route.waits else 0.0
        return Call(
            request=request,
            route=self._route,
            caller=caller,
            document=document,
            query=self._query.read(parameters),
            path=request.match_info,
            form=form,
            language=language_of(request.headers.get(hdrs.ACCEPT_LANGUAGE, "")),
            request_id=request[REQUEST_ID],
            wait_s=wait_s,
            idempotency_key=self._idempotency_key(request),
        )

    def _idempotency_key(self, request: web.Request) -> str | None:
        if self._route.idempotency is None:
            return None
        keys = request.headers.getall("Idempotency-Key", [])
        if SIGNED_ID in request:
            # Nobody signs this field, so the id that is signed stands for it.
            if keys not in ([], [request[SIGNED_ID]]):
                raise IdempotencyKeyMissing("A signed request's Idempotency-Key is its webhook-id.")
            keys = [request[SIGNED_ID]]
        if not keys and self._route.idempotency == "optional":
            return None
        if len(keys) != 1 or not _IDEMPOTENCY_KEY.fullmatch(keys[0]):
            raise IdempotencyKeyMissing
        return keys[0]

    def _response(self, answer: Answer, fields: Mapping[str, str]) -> web.Response:
        if answer.status not in self._route.answers:
            raise RuntimeError(f"{self._route.path} answers {answer.status} without saying so")
        headers = {**answer.headers, **fields} if fields or answer.headers else None
        if isinstance(answer.body, bytes):
            return web.Response(body=answer.body, status=answer.status, headers=headers)
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        return web.Response(
            body=_encode(answer.body),
            status=answer.status,
            headers=headers,
            content_type="application/json",
        )


def _media_type(content_type: str) -> str:
    """The type without its charset; empty where that is another one than UTF-8, or none is said."""
    found = _MEDIA_TYPE.fullmatch(content_type)
    return found[1].lower() if found else ""
