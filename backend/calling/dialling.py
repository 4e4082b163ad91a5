"""Connections to addresses that were checked, and to no others.

A name is resolved once per attempt, every address of the answer is checked, and the socket goes to
one of exactly these; the factory of the socket checks the address once more, which covers a URL
that names an address. Between the check and the connection nobody resolves again, so a name that
changes its answer gains nothing.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from backend.calling.addresses import is_public

RESOLVE_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 5.0
TOTAL_TIMEOUT_S: Final = 15.0  # Standard Webhooks asks for 15 to 30 s
# Threads of its own: a name server that hangs must not hold up the files of evidence.
RESOLVERS: Final = 32
HEADER_BYTES_MAX: Final = 8_190
# What a receiver says beyond its status is not ours to keep, so no more than this is ever buffered.
RESPONSE_BYTES_MAX: Final = 4_096

Lookup = Callable[..., Sequence[tuple[Any, ...]]]
IsAllowed = Callable[[str], bool]


class AddressRefused(OSError):
    """The address is not one that may be called."""


@dataclass(frozen=True, slots=True)
class GuardedResolver(AbstractResolver):
    """Resolves a name, and refuses the whole answer when one address of it may not be dialled."""

    is_allowed: IsAllowed = is_public
    lookup: Lookup = socket.getaddrinfo
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(RESOLVERS, "call-names")
    )

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of a name, all of them allowed.

        Raises:
            AddressRefused: One of them is not.
            OSError: The name is unknown.
            TimeoutError: The name server did not answer in time.
        """
        look = partial(self.lookup, host, port, family=family, type=socket.SOCK_STREAM)
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        refuse_unless_all(self.is_allowed, [sockaddr[0] for *_, sockaddr in found])
        return [
            ResolveResult(
                hostname=host,
                host=sockaddr[0],
                port=port,
                family=family,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, _, proto, _, sockaddr in found
        ]

    async def close(self) -> None:
        """Let the threads end when their name servers answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def refuse_unless_all(is_allowed: IsAllowed, addresses: Sequence[str]) -> None:
    """Refuse an answer with any address that may not be dialled, or with none."""
    if not addresses or not all(is_allowed(address) for address in addresses):
        raise AddressRefused("The name leads to an address that may not be called.")


def guarded_session(resolver: GuardedResolver) -> aiohttp.ClientSession:
    """A client that dials only what the resolver allows; it keeps no cookies and no connections."""

    def make_socket(target: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _, sockaddr = target
        refuse_unless_all(resolver.is_allowed, [sockaddr[0]])
        return socket.socket(family=family, type=kind, proto=proto)

    connector = aiohttp.TCPConnector(
        resolver=resolver,
        use_dns_cache=False,  # every attempt is checked by what the name means then
        socket_factory=make_socket,
        force_close=True,
        limit=0,  # whoever calls counts
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # a proxy would resolve by itself
        auto_decompress=False,
        raise_for_status=False,
        timeout=aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S),
        read_bufsize=RESPONSE_BYTES_MAX,
        max_line_size=HEADER_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
    )
