"""Write what came of attempts: one transaction for many, each fenced by its attempt number."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.webhooks.attempt_queries import (
    Closing,
    close_attempts,
    lock_endpoints,
    mark_failing,
    stop_endpoints,
)
from backend.webhooks.domain import Attempt, Result, Stop, due_again, stop_of
from backend.webhooks.endpoint_queries import clock

_attempts = Counter("tanhui_webhook_attempts", "Attempts by what came of them", ["outcome"])
_given_up = Counter("tanhui_webhook_given_up", "Deliveries that were given up")
_disabled = Counter("tanhui_webhook_disabled", "Endpoints that were disabled", ["reason"])
_seconds = Histogram(
    "tanhui_webhook_seconds",
    "Time from dialling to the receiver's status",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)


class Finished(NamedTuple):
    """An attempt and what came of it."""

    attempt: Attempt
    result: Result


async def write_results(conn: AsyncConnection, finished: Sequence[Finished]) -> list[bool]:
    """Close attempts, and note how their endpoints are doing; False for a lease that was lost.

    A second call closes nothing: the lease is gone with the first.
    """
    failing = dict(
        await lock_endpoints(conn, sorted({each.attempt.endpoint_id for each in finished}))
    )
    before = dict(failing)
    now = await clock(conn)
    closings = [_closing(each, now) for each in finished]
    ours = await close_attempts(conn, closings)
    stops: dict[UUID, Stop] = {}
    answers = []
    for each, closing in zip(finished, closings, strict=True):
        is_ours = each.attempt.delivery_id in ours
        answers.append(is_ours)
        if is_ours:
            _note(each, failing, stops, now)
            _count(each, closing)
    if changed := {id: since for id, since in failing.items() if since != before[id]}:
        await mark_failing(conn, changed)
    if stops and await stop_endpoints(conn, stops, now):
        for reason in stops.values():
            _disabled.labels(str(reason)).inc()
    return answers


def _closing(finished: Finished, now: datetime) -> Closing:
    attempt, result = finished
    due_at = None if result.error is None else due_again(attempt, result, now)
    failed = "pending" if due_at else "failed"
    return Closing(
        attempt.delivery_id,
        attempt.attempts,
        failed if result.error else "delivered",
        due_at or now,
        result.response_code,
        result.duration_ms,
        result.error,
    )


def _note(
    finished: Finished,
    failing: dict[UUID, datetime | None],
    stops: dict[UUID, Stop],
    now: datetime,
) -> None:
    """A success ends a series of failures; a failure begins one, or is the last straw."""
    attempt, result = finished
    if result.error is None:
        failing[attempt.endpoint_id] = None
        return
    since = failing[attempt.endpoint_id]
    failing[attempt.endpoint_id] = since or now
    if stop := stop_of(attempt, result, since, now):
        stops[attempt.endpoint_id] = stop


def _count(finished: Finished, closing: Closing) -> None:
    _attempts.labels(finished.result.error or "delivered").inc()
    _seconds.observe(finished.result.duration_ms / 1_000)
    if closing.status == "failed":
        _given_up.inc()
