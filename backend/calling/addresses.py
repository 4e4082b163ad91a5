"""Which addresses may be called: pure rules about URLs and about what is really dialled.

A URL that looks harmless proves nothing, because its name may resolve to another address at every
look. So the rule about addresses is applied to the socket address that is about to be dialled
(`dialling`); the rule about URLs only tells honest owners early.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from yarl import URL

from backend.errors import DomainError

URL_CHARACTERS_MAX: Final = 2_048  # what receivers and proxies take
HTTPS_PORT: Final = 443  # other ports are those of databases and of consoles

# One DNS label, RFC 1123; IDN arrives as its ASCII form.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")
_TEXT = re.compile(r"[!-~]+")
# Names that only mean something inside a machine or a network: RFC 6761, 6762, 8375, ICANN 2024.
_INNER_NAMES: Final = (
    *(".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa"),
    *(".corp", ".home", ".private", ".cluster.local", ".svc", ".invalid", ".test", ".onion"),
)

# Beside what the standard library calls private (RFC 1918 among it).
# Source: IANA special-purpose address registries, IPv4 and IPv6 (read 2026-11-21), what is not
# globally reachable; multicast; and the addresses at which clouds serve credentials that are not in
# one of those blocks.
_REFUSED_V4: Final = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # the platform of Azure, reachable from its machines alone
    )
)
# Of IPv6 only global unicast, and of that not what wraps another address: an IPv4 address inside
# 6to4 or Teredo would be dialled by a gateway that does not know our rule.
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(
    IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


class UrlForbidden(DomainError):
    """We call https on port 443 of a public name, without credentials or fragment."""


def is_public(address: str) -> bool:
    """Whether this IP address may be dialled; what cannot be read may not."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        return _is_public_v6(parsed)
    return _is_public_v4(parsed)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.ipv4_mapped is not None:
        return _is_public_v4(address.ipv4_mapped)
    return address in _GLOBAL_V6 and not any(address in block for block in _REFUSED_V6)


def _is_public_v4(address: IPv4Address) -> bool:
    return not address.is_private and not any(address in block for block in _REFUSED_V4)


def read_url(text: str, *, is_anywhere: bool = False) -> str:
    """The URL as it will be called.

    Args:
        text: What the owner wrote.
        is_anywhere: Also plain http, any port and addresses of this machine: tests and the demo.

    Raises:
        UrlForbidden: Says which rule it breaks.
    """
    if not _TEXT.fullmatch(text) or len(text) > URL_CHARACTERS_MAX:
        raise UrlForbidden("The URL is longer than 2,048 characters or not plain ASCII.")
    try:
        url = URL(text)
    except ValueError:
        raise UrlForbidden("The URL cannot be read.") from None
    if "#" in text or "@" in text.partition("://")[2].partition("/")[0]:
        raise UrlForbidden("The URL has credentials or a fragment.")
    if is_anywhere and url.scheme in {"http", "https"} and url.host:
        return str(url)
    _refuse_inner(url)
    return str(url)


def _refuse_inner(url: URL) -> None:
    host = (url.raw_host or "").lower()
    if url.scheme != "https":
        raise UrlForbidden("The URL does not begin with https://.")
    if url.port != HTTPS_PORT:
        raise UrlForbidden("The port is not 443.")
    if not _NAME.fullmatch(host) or host.endswith(_INNER_NAMES):
        raise UrlForbidden("The host is not a public name.")
