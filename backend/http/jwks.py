"""The signing keys of an issuer, kept for a while: one fetch at a time, never one per request.

When the issuer is down, known keys stay good: an outage of sign-in must not sign everybody out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

TTL_S: Final = 600.0  # issuers publish the next key hours before they sign with it
FLOOR_S: Final = 30.0  # between fetches, however many unknown key ids arrive
FETCH_S: Final = 5.0  # a request waits for this one; longer is an outage
DOCUMENT_BYTES_MAX: Final = 256 * 1024  # a set of ten RSA keys has 20 KB

Fetch = Callable[[], Awaitable[bytes]]
_log = structlog.get_logger(__name__)


class JwksCache:
    """Public keys by key id.

    Attributes:
        fetch: Gives the JSON Web Key Set as bytes.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Callable[[], float],
        ttl_s: float = TTL_S,
        floor_s: float = FLOOR_S,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._ttl_s = ttl_s
        self._floor_s = floor_s
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._flight = asyncio.Lock()

    async def find(self, key_id: str) -> Key | None:
        """Give the key, fetching the set when it is old or does not know this id."""
        if self._is_fresh() and key_id in self._keys:
            return self._keys[key_id]
        async with self._flight:
            is_wanted = not (self._is_fresh() and key_id in self._keys)
            if is_wanted and self._clock() - self._tried_at >= self._floor_s:
                await self._refresh()
        return self._keys.get(key_id)

    def _is_fresh(self) -> bool:
        return self._clock() - self._fetched_at < self._ttl_s

    async def _refresh(self) -> None:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(FETCH_S):
                self._keys = _read_keys(await self._fetch())
        except (TimeoutError, aiohttp.ClientError, OSError, KeyError, ValueError, TypeError):
            _log.warning("signing keys not fetched, known ones stay", exc_info=True)
            return
        self._fetched_at = self._clock()


def fetch_over_http(session: aiohttp.ClientSession, url: str) -> Fetch:
    """Make a fetch of `url` that follows no redirect and reads no more than a key set holds."""

    async def fetch() -> bytes:
        async with session.get(url, allow_redirects=False) as response:
            response.raise_for_status()
            document = await response.content.read(DOCUMENT_BYTES_MAX + 1)
            while len(document) <= DOCUMENT_BYTES_MAX and not response.content.at_eof():
                document += await response.content.read(DOCUMENT_BYTES_MAX)
        if len(document) > DOCUMENT_BYTES_MAX:
            raise ValueError("the key set is too large")
        return document

    return fetch


def _read_keys(document: bytes) -> dict[str, Key]:
    """Keep public signature keys; a symmetric one in a public set would be everybody's."""
    key_set = msgspec.json.decode(document, type=dict[str, Any])
    keys = [_read_key(entry) for entry in key_set["keys"] if isinstance(entry, dict)]
    return {key.kid: key for key in keys if key is not None and key.kid}


def _read_key(entry: dict[str, Any]) -> Key | None:
    """Read one key; kinds that we do not take are left out, whatever else the set holds."""
    try:
        key = import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):  # the last of a curve that nobody knows
        return None
    is_signing = isinstance(key, RSAKey | ECKey | OKPKey) and key.get("use", "sig") == "sig"
    return key if is_signing else None
