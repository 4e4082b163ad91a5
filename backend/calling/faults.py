"""What goes wrong with a call, as stable codes: a sentence of an error may name inner addresses."""

import ssl
from typing import Final

import aiohttp

from backend.calling.dialling import AddressRefused

# The reference of webhooks explains them to those whose system is called.
TIMED_OUT: Final = "timed_out"
NOT_CONNECTED: Final = "not_connected"
TLS_FAILED: Final = "tls_failed"
NAME_UNKNOWN: Final = "name_unknown"
ADDRESS_REFUSED: Final = "address_refused"
NOT_HTTP: Final = "not_http"
REDIRECTED: Final = "redirected"
STATUS_REFUSED: Final = "status_refused"
SECRET_LOST: Final = "secret_lost"  # noqa: S105  # a code, not a secret


def code_of(error: Exception) -> str:
    """The stable code of what went wrong."""
    if _is_caused_by_refusal(error):
        return ADDRESS_REFUSED
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NAME_UNKNOWN
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return TLS_FAILED
    if isinstance(error, (aiohttp.ClientOSError, OSError)):
        return NOT_CONNECTED
    return NOT_HTTP


def _is_caused_by_refusal(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, AddressRefused):
            return True
        inner = getattr(error, "os_error", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__
    return False
