"""One attempt: sign, send, and say in a code what came of it.

Nothing is read of the answer's body: its status is all that counts.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from aiohttp import hdrs

from backend.calling.faults import SECRET_LOST, code_of
from backend.calling.signing import headers_of
from backend.sealing import Sealer
from backend.webhooks.domain import Attempt, Result, error_of

_ASKS_TO_WAIT: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending needs: a guarded session, and what opens the secrets."""

    session: aiohttp.ClientSession
    sealer: Sealer

    async def send(self, attempt: Attempt) -> Result:
        """Send one message; whatever goes wrong with the receiver is a result."""
        sealed = ((each, secret_place(str(id))) for id, each in attempt.sealed_secrets)
        secrets = self.sealer.unseal_what_opens(sealed)
        if not secrets:
            return Result(None, 0, SECRET_LOST)
        return await self._post(attempt, secrets)

    async def _post(self, attempt: Attempt, secrets: list[bytes]) -> Result:
        body = attempt.body.encode()
        stamp = int(attempt.leased_at.timestamp())
        headers = {
            **headers_of(str(attempt.delivery_id), stamp, body, secrets),
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.USER_AGENT: "tanhui-webhooks",
        }
        began = time.monotonic()
        try:
            async with self.session.post(
                attempt.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                code, wait_s = response.status, _retry_after(response, attempt.leased_at)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Result(None, _milliseconds_since(began), code_of(error))
        return Result(code, _milliseconds_since(began), error_of(code), wait_s)


def secret_place(secret_id: str) -> str:
    """Where a sealed secret stands: it opens in no other row."""
    return f"webhook_secret/{secret_id}"


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)


def _retry_after(response: aiohttp.ClientResponse, now: datetime) -> int | None:
    """Seconds that the receiver asks us to wait (RFC 9110, Retry-After), or None."""
    text = response.headers.get(hdrs.RETRY_AFTER, "")
    if response.status not in _ASKS_TO_WAIT or not text:
        return None
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter of a day with twenty digits
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0, round((until - now).total_seconds()))
