"""The socket side: aiohttp's server with our problems, our deadlines and a graceful end.

aiohttp answers broken requests in plain text, as HTTP/1.0, repeating what it was sent, and waits
for headers for ever. Subclasses of its own classes change these three things.
"""

import asyncio
import signal
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler
from aiohttp.web_server import Server

from backend.errors import DomainError
from backend.http.deadlines import DEADLINES
from backend.http.edge import EDGE, UNREADABLE, Edge
from backend.http.health import HEALTH
from backend.http.refusals import (
    HeadersTooLarge,
    Internal,
    MalformedRequest,
    RequestTimeout,
    UriTooLong,
)

LINE_BYTES_MAX: Final = 4_096  # the longest address of ours has under 300
FIELD_BYTES_MAX: Final = 8_192  # a token has 1 to 4 KB
FIELDS_MAX: Final = 64  # browsers behind two proxies send about 30
LINGER_S: Final = 2.0  # lets a refused client read the answer before the connection is reset
DRAIN_S: Final = 25.0  # Kubernetes kills after 30

_log = structlog.get_logger(__name__)


class Connection(RequestHandler):
    """One connection; answers broken and slow requests with problems."""

    __slots__ = ("_edge", "_headers_s", "_headers_timer")

    def __init__(self, manager: Server, *, edge: Edge, headers_s: float, **options: Any) -> None:
        super().__init__(manager, **options)
        self._edge = edge
        self._headers_s = headers_s
        self._headers_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and keep a clock running while headers are incomplete."""
        super().data_received(data)
        waiting = self._waiter is not None and not self._waiter.done()
        if not waiting or self._messages:
            self._stop_timer()
        elif self._headers_timer is None:
            self._headers_timer = self._loop.call_later(self._headers_s, self._refuse_slow_headers)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the clock with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it repeats what the client sent
    ) -> web.StreamResponse:
        """Answer what never reached the application, without repeating any of it."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request failed outside the application", exc_info=exc)
        else:
            _log.info("request refused by the parser", reason=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("part of another answer has been sent")
        return self._edge.refuse_early(request, _refusal_of(exc, status))

    def _stop_timer(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _refuse_slow_headers(self) -> None:
        """Answer 408 by hand: there is no request object before the headers are complete."""
        if self.transport is None or self._force_close:
            return
        self.transport.write(self._edge.raw_refusal(RequestTimeout()))
        self.force_close()


class ConnectionFactory(Server):
    """Makes a Connection for each client."""

    def __init__(self, server: Server, *, edge: Edge, headers_s: float) -> None:
        # aiohttp offers no public way to use another protocol class.
        options = {**server._kwargs, "edge": edge, "headers_s": headers_s}  # noqa: SLF001
        super().__init__(
            server.request_handler,
            request_factory=_with_version(server.request_factory),
            loop=server._loop,  # noqa: SLF001
            **options,
        )

    def __call__(self) -> Connection:
        """Answer the event loop's call for a new client."""
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application of `build_application` on our kind of server."""

    def __init__(self, app: web.Application, *, drain_s: float = DRAIN_S) -> None:
        super().__init__(
            app,
            access_log=None,
            auto_decompress=False,  # compressed bodies are refused, never expanded
            keepalive_timeout=app[DEADLINES].keep_alive_s,
            lingering_time=LINGER_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=FIELD_BYTES_MAX,
            max_headers=FIELDS_MAX,
            shutdown_timeout=drain_s,
        )

    async def _make_server(self) -> Server:
        server = await super()._make_server()
        return ConnectionFactory(
            server, edge=self.app[EDGE], headers_s=self.app[DEADLINES].headers_s
        )


async def serve(
    app: web.Application,
    *,
    host: str,
    port: int,
    reuse_port: bool = False,
    started: Callable[[int], None] | None = None,
    notice_s: float = 0.0,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until told to stop; then refuse readiness, finish what runs, end.

    A caller that brings `stop` handles signals itself; without it SIGTERM and SIGINT set it.
    `started` is told the port, which matters when `port` is 0. `notice_s` is the time between the
    first refused probe and the closed door, for load balancers that must notice.

    Raises:
        SystemExit: Nobody can listen there.
    """
    stop = stop or _stopped_by_signal()
    runner = Runner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, reuse_port=reuse_port or None, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise SystemExit(f"Nobody can listen on {host}:{port}: {error.strerror}.") from None
        if started:
            started(site.port)
        await stop.wait()
        app[HEALTH].draining = True
        await asyncio.sleep(notice_s)
    finally:
        await runner.cleanup()


def _stopped_by_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


_RequestFactory = Callable[
    [
        RawRequestMessage,
        StreamReader,
        RequestHandler,
        AbstractStreamWriter,
        "asyncio.Task[None]",
    ],
    web.BaseRequest,
]


def _with_version(make: _RequestFactory) -> _RequestFactory:
    """Answer broken requests as HTTP/1.1; aiohttp's stand-in message says HTTP/1.0.

    The parser also lets HTTP/0.9 pass, which has neither fields nor status.
    """
    stand_in = ERROR._replace(version=HttpVersion11)

    def make_request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        if message is ERROR:
            return make(stand_in, payload, protocol, writer, task)
        if message.version < HttpVersion10:
            request = make(stand_in, payload, protocol, writer, task)
            request[UNREADABLE] = True
            return request
        return make(message, payload, protocol, writer, task)

    return make_request


def _refusal_of(error: BaseException | None, status: int) -> DomainError:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Internal()
    if isinstance(error, LineTooLong):
        return UriTooLong() if error.args[1] == LINE_BYTES_MAX else HeadersTooLarge()
    if isinstance(error, BadHttpMessage) and error.message.startswith("Too many headers"):
        return HeadersTooLarge()
    return MalformedRequest()
