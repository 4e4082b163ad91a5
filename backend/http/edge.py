"""The outermost layer of every request: its id, its admission, its problem if there is one.

Nothing leaves the process without the security headers, and nothing but a problem leaves it when
something goes wrong.
"""

import itertools
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from backend.errors import DomainError, NotFound
from backend.http.metrics import observe
from backend.http.negotiation import asks_for_page, language_of
from backend.http.problem import (
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    PAGE_TYPE,
    ProblemTable,
    ProblemType,
    Refusal,
    draw_problem,
    problem_type_of,
    render_problem,
)
from backend.http.rates import RateLimits
from backend.http.refusals import (
    ExpectationFailed,
    Internal,
    MalformedRequest,
    MethodNotAllowed,
    Overloaded,
    PayloadTooLarge,
)

IN_FLIGHT_MAX: Final = 1_000  # waiting calls cost a few kB each; beyond it answers come too late
PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})  # never shed: a probe would restart us
RETRY_AFTER_S: Final = 3  # upper end of the jitter, so that clients do not return all at once

REQUEST_ID: Final = web.RequestKey("request_id", str)
UNREADABLE: Final = web.RequestKey("unreadable", bool)  # set by the server: not a request of HTTP/1

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Server": "tanhui",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
API_HEADERS: Final = CIMultiDict(
    {
        **SECURITY_HEADERS,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
)
PAGE_HEADERS: Final = CIMultiDict(SECURITY_HEADERS)

# Refusals after which the client is still sending: what follows on the connection is unread.
_CLOSING: Final = frozenset({408, 413, 415, 417, 431})

_log = structlog.get_logger(__name__)


def make_request_ids() -> Iterator[str]:
    """Give ids that differ between processes and never come from the client."""
    prefix = secrets.token_hex(6)
    return (f"{prefix}-{number:x}" for number in itertools.count(1))


def retry_after() -> dict[str, str]:
    """Make the Retry-After field of an overloaded answer, with jitter."""
    return {"Retry-After": str(1 + secrets.randbelow(RETRY_AFTER_S))}


def secure(response: web.StreamResponse) -> None:
    """Add the fields that every answer carries; pages and files bring a policy of their own."""
    headers = response.headers
    headers.extend(PAGE_HEADERS if hdrs.CONTENT_SECURITY_POLICY in headers else API_HEADERS)
    if hdrs.CACHE_CONTROL not in headers:
        headers[hdrs.CACHE_CONTROL] = "no-store"


class Edge:
    """The middleware and its state: the problem table, the requests under way."""

    def __init__(
        self,
        table: ProblemTable,
        limits: RateLimits,
        is_passing: Callable[[Exception], bool] = lambda _: False,
    ) -> None:
        self._table = table
        self._limits = limits
        self._is_passing = is_passing
        self._ids = make_request_ids()
        self._in_flight = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request, whatever happens."""
        request_id = request[REQUEST_ID] = next(self._ids)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started_at = time.perf_counter()
        self._in_flight += 1
        try:
            response = await self._answer(request, handler)
        finally:
            self._in_flight -= 1
        secure(response)
        response.headers["X-Request-Id"] = request_id
        observe(request, response.status, time.perf_counter() - started_at)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._in_flight > IN_FLIGHT_MAX and request.path not in PROBES:
            return self.refuse(request, Overloaded(headers=retry_after()))
        if UNREADABLE in request:
            return self.refuse(request, MalformedRequest())
        try:
            return await handler(request)
        except DomainError as error:
            return self.refuse(request, error)
        except web.HTTPException as error:
            return self.refuse(request, self._translate(request, error))
        except Exception as error:  # noqa: BLE001 - the last resort, every bug answers as a problem
            if isinstance(error, ConnectionError) and request.transport is None:
                # The client has gone: nobody reads this, and it is no fault of ours to log.
                return self.refuse(request, MalformedRequest())
            if self._is_passing(error):
                _log.warning("dependency_away", error=type(error).__name__)
                return self.refuse(request, Overloaded(headers=retry_after()))
            _log.exception("request failed", request_id=request[REQUEST_ID], method=request.method)
            return self.refuse(request, Internal())

    def refuse(self, request: web.BaseRequest, error: DomainError) -> web.Response:
        """Render a refusal as its problem; one without a row is a bug, and answers as one."""
        error, kind, request_id = self._row_of(request, error)
        language = language_of(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        is_page = asks_for_page(request.headers.get(hdrs.ACCEPT, ""))
        render = draw_problem if is_page else render_problem
        response = web.Response(
            body=render(kind, error=error, language=language, request_id=request_id),
            status=kind.status,
            content_type=PAGE_TYPE if is_page else CONTENT_TYPE,
            charset="utf-8" if is_page else None,
            headers={
                **kind.headers,
                **(error.headers if isinstance(error, Refusal) else {}),
            },
        )
        response.headers[hdrs.CONTENT_LANGUAGE] = CONTENT_LANGUAGE[language]
        response.headers[hdrs.VARY] = "Accept, Accept-Language"
        if kind.status in _CLOSING:
            response.force_close()
        return response

    def describe_part(self, request: web.BaseRequest, error: DomainError) -> tuple[int, bytes]:
        """Status and problem of one of many things in a request, whose answer holds them all."""
        error, kind, request_id = self._row_of(request, error)
        language = language_of(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        problem = render_problem(kind, error=error, language=language, request_id=request_id)
        return kind.status, problem

    def _row_of(
        self, request: web.BaseRequest, error: DomainError
    ) -> tuple[DomainError, ProblemType, str]:
        request_id = request.get(REQUEST_ID) or next(self._ids)
        kind = problem_type_of(type(error), self._table)
        if kind is not None:
            return error, kind, request_id
        _log.error("refusal without a row", error=type(error).__name__, request_id=request_id)
        return Internal(), self._table[Internal], request_id

    def refuse_early(self, request: web.BaseRequest, error: DomainError) -> web.Response:
        """Refuse outside the middleware, and end the connection: what follows cannot be trusted."""
        response = self.refuse(request, error)
        secure(response)
        response.force_close()
        return response

    def raw_refusal(self, error: DomainError) -> bytes:
        """Make the whole answer as bytes, for connections that have no request yet."""
        kind = self._table[type(error)]
        request_id = next(self._ids)
        body = render_problem(kind, error=error, language="zh", request_id=request_id)
        fields = {
            **API_HEADERS,
            "Cache-Control": "no-store",
            "Content-Type": CONTENT_TYPE,
            "Content-Length": str(len(body)),
            "X-Request-Id": request_id,
            "Connection": "close",
        }
        head = f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{head}{lines}\r\n".encode() + body

    def _translate(self, request: web.Request, error: web.HTTPException) -> DomainError:
        """Give aiohttp's own answers a refusal of ours; unknown paths count as failures."""
        if isinstance(error, web.HTTPMethodNotAllowed):
            return MethodNotAllowed(headers={"Allow": error.headers["Allow"]})
        if isinstance(error, web.HTTPNotFound):
            return self._limits.count_failure(request) or NotFound()
        if isinstance(error, web.HTTPRequestEntityTooLarge):
            return PayloadTooLarge()
        if isinstance(error, web.HTTPExpectationFailed):
            return ExpectationFailed()
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return MalformedRequest()
        _log.error("request failed", request_id=request[REQUEST_ID], status=error.status)
        return Internal()


EDGE: Final = web.AppKey("edge", Edge)
