"""From the table of routes to an aiohttp application."""

import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from backend.http.cursors import CURSOR_KEY
from backend.http.deadlines import DEADLINES, Deadlines
from backend.http.edge import EDGE, Edge
from backend.http.endpoint import Endpoint
from backend.http.health import HEALTH, Check, Health, answer_livez, answer_readyz
from backend.http.metrics import answer_metrics
from backend.http.openapi import describe
from backend.http.pages import mount_pages
from backend.http.principal import Authenticate
from backend.http.problem import ProblemTable
from backend.http.rates import Rate, RateLimits
from backend.http.refusals import HTTP_PROBLEMS
from backend.http.routes import REQUEST_KEY, Route
from backend.http.upload_slots import UPLOADS, UPLOADS_MAX, UploadSlots

Context = Callable[[web.Application], AsyncIterator[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiInfo:
    """What the API description says about the deployment as a whole."""

    title: str
    version: str
    description: str = ""
    description_zh: str = ""

    def described(self) -> Mapping[str, str]:
        """As OpenAPI writes it; the Chinese words are an extension, as those of the operations."""
        return {
            "title": self.title,
            "version": self.version,
            "description": self.description,
            "x-description-zh": self.description_zh,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """What differs between deployments, tests and benchmarks.

    Attributes:
        cursor_key: Signs cursors and hashes requests; equal in all processes of a deployment, for
            ever, at least 16 bytes.
        rates: Token buckets by name; None switches rate limits off.
        proxy_hops: How many trusted proxies stand before us and write X-Forwarded-For.
        is_passing: Whether what a handler raised is a dependency that is away: 503, not 500.
    """

    cursor_key: bytes
    rates: Mapping[str, Rate] | None = None
    proxy_hops: int = 0
    deadlines: Deadlines = field(default_factory=Deadlines)
    uploads_max: int = UPLOADS_MAX
    is_passing: Callable[[Exception], bool] = lambda _: False


def build_application(
    routes: Sequence[Route[Any, Any]],
    *,
    problem_types: ProblemTable,
    authenticate: Authenticate,
    info: ApiInfo,
    settings: HttpSettings,
    readiness: Mapping[str, Check] | None = None,
    contexts: Sequence[Context] = (),
) -> web.Application:
    """Make the application that serves these routes and describes them.

    `problem_types` adds to the rows of HTTP itself; `contexts` are run around the life of the
    application, in order.

    Raises:
        ValueError: A route names a rate that is not set, or a refusal without a row.
    """
    table = {**HTTP_PROBLEMS, **problem_types}
    limits = RateLimits(settings.rates, proxy_hops=settings.proxy_hops)
    _check(routes, table, settings)
    edge = Edge(table, limits, settings.is_passing)
    app = web.Application(middlewares=[edge.middleware])
    app[EDGE] = edge
    app[HEALTH] = Health(readiness or {})
    app[DEADLINES] = settings.deadlines
    app[CURSOR_KEY] = settings.cursor_key
    app[REQUEST_KEY] = hmac.digest(settings.cursor_key, b"requests", "sha256")
    app[UPLOADS] = UploadSlots(settings.uploads_max)
    app.cleanup_ctx.extend(contexts)
    for route in routes:
        endpoint = Endpoint(route, authenticate=authenticate, limits=limits, edge=edge)
        _mount(app, route, endpoint)
    _mount_operations(app)
    described = partial(describe, routes, info=info.described(), table=table)
    mount_pages(app, describe=described, table=table)
    return app


def _check(routes: Sequence[Route[Any, Any]], table: ProblemTable, settings: HttpSettings) -> None:
    for route in routes:
        if settings.rates is not None and route.rate_class not in settings.rates:
            raise ValueError(f"{route.path}: no rate is set for {route.rate_class}")
        missing = [error.__name__ for error in route.problems if error not in table]
        if missing:
            raise ValueError(f"{route.path}: no problem type for {missing}")


def _mount(app: web.Application, route: Route[Any, Any], endpoint: Endpoint) -> None:
    resource = app.router.add_resource(route.aiohttp_path)
    methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
    for method in methods:
        resource.add_route(method, endpoint.serve, expect_handler=endpoint.expect)


def _mount_operations(app: web.Application) -> None:
    app.router.add_get("/livez", answer_livez)
    app.router.add_get("/readyz", answer_readyz)
    app.router.add_get("/metrics", answer_metrics)
