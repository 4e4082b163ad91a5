"""One attempt to have a voucher fulfilled: ask what became of it, or do it, signed, once.

The first attempt is a POST. Every later one asks first, because the partner may have done it and
its answer may have been lost; only a partner that does not know the voucher gets the same POST
again, under the same key.
"""

from dataclasses import dataclass
from datetime import UTC
from typing import Final

import aiohttp
import msgspec
from aiohttp import hdrs
from yarl import URL

from backend.calling.dialling import RESPONSE_BYTES_MAX
from backend.calling.faults import SECRET_LOST, STATUS_REFUSED, code_of
from backend.calling.signing import headers_of
from backend.rewards.call_domain import NOT_UNDERSTOOD, Call, Outcome, Said, read_answer
from backend.sealing import SealBroken, Sealer

MESSAGE_TYPE: Final = "voucher.fulfil"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Asker:
    """What asking needs: a guarded session, and what opens secrets and recipients."""

    session: aiohttp.ClientSession
    sealer: Sealer

    async def ask(self, call: Call) -> Outcome:
        """Make one attempt; whatever goes wrong on the way leaves it unknown."""
        place = secret_place(str(call.merchant_id))
        secrets = self.sealer.unseal_what_opens((each, place) for each in call.secrets)
        try:
            body = _body(call, self._recipient(call))
        except SealBroken:
            return Outcome(Said.UNKNOWN, error=SECRET_LOST)
        if not secrets:
            return Outcome(Said.UNKNOWN, error=SECRET_LOST)
        if not call.is_first:
            found = await self._send(hdrs.METH_GET, call, b"", secrets)
            if found.said is not Said.ABSENT:
                return found
        done = await self._send(hdrs.METH_POST, call, body, secrets)
        if done.said is Said.ABSENT:
            return Outcome(Said.UNKNOWN, done.response_code, error=STATUS_REFUSED)
        return done

    def _recipient(self, call: Call) -> str | None:
        if call.recipient is None:
            return None
        place = recipient_place(str(call.account_id))
        return self.sealer.unseal(call.recipient, place=place).decode()

    async def _send(self, method: str, call: Call, body: bytes, secrets: list[bytes]) -> Outcome:
        id = str(call.voucher_id)
        headers = {
            **headers_of(id, int(call.leased_at.timestamp()), body, secrets),
            "Idempotency-Key": id,
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.ACCEPT_ENCODING: "identity",
            hdrs.USER_AGENT: "tanhui-partner-calls",
        }
        url = URL(call.url) / id if method == hdrs.METH_GET else URL(call.url)
        try:
            async with self.session.request(
                method, url, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                read = await _read(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(Said.UNKNOWN, error=code_of(error))
        if read is None:
            return Outcome(Said.UNKNOWN, response.status, error=NOT_UNDERSTOOD)
        return read_answer(response.status, read)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body; None when it is longer than an answer has any reason to be."""
    read = b""
    async for part in response.content.iter_any():
        read += part
        if len(read) > RESPONSE_BYTES_MAX:
            return None
    return read


def _body(call: Call, recipient: str | None) -> bytes:
    """The same bytes at every attempt."""
    data = {
        "voucher_id": call.voucher_id,
        "reward_id": call.reward_id,
        "points": {"amount": call.points, "unit": "points"},
        "recipient": recipient,
    }
    at = call.created_at.astimezone(UTC)
    return _encode({"type": MESSAGE_TYPE, "timestamp": at, "data": data})


def secret_place(merchant_id: str) -> str:
    """Where a sealed secret stands: it opens in no other row."""
    return f"call_endpoint/{merchant_id}"


def recipient_place(account_id: str) -> str:
    """Where a sealed recipient stands; it is sealed before its voucher has an id."""
    return f"partner_call recipient/{account_id}"
