"""Prometheus figures by route template, never by raw path: a path holds ids of people."""

import asyncio
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest

# The answer times that matter: 100 ms is the target for JSON, 1 s for a photo's outcome.
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_seconds = Histogram(
    "tanhui_http_request_seconds",
    "Time from the end of the headers to the answer.",
    ("method", "route", "status"),
    buckets=BUCKETS_S,
)
_children: dict[tuple[str, str, int], Histogram] = {}


def observe(request: web.Request, status: int, seconds: float) -> None:
    """Record one answered request."""
    resource = request.match_info.route.resource
    template = resource.canonical if resource is not None else "unmatched"
    method = request.method if request.method in METHODS else "other"
    child = _children.get((method, template, status))
    if child is None:
        child = _children[method, template, status] = _seconds.labels(method, template, status)
    child.observe(seconds)


async def answer_metrics(_: web.Request) -> web.Response:
    """Give all figures of this process in the text format."""
    # In a thread: the collector of process figures reads files of /proc.
    text = await asyncio.to_thread(generate_latest)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
