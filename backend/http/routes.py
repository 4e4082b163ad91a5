"""The shape of a route: what it takes, who may call it, what it answers, what it may refuse.

The same table makes the application and its OpenAPI description, so neither can promise what the
other does not do.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import NoneType
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

import msgspec
from aiohttp import web

from backend.errors import DomainError
from backend.http.forms import Form, FormField, form_bytes_max
from backend.http.principal import Policy, Principal
from backend.http.problem import Language
from backend.http.refusals import Unauthenticated

BODY_BYTES_MAX: Final = 64 * 1024  # our largest JSON body is a trip with taps, under 4 KB
JSON_DEADLINE_S: Final = (
    10.0  # a phone gives up after about that long; the work would be for nobody
)
REQUEST_KEY: Final = web.AppKey("request_key", bytes)  # of the hashes that are kept of requests
UUID_PATTERN: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

Body = TypeVar("Body")
Query = TypeVar("Query")

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_canonical = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class RawBody:
    """A body whose handler reads the bytes itself, as its media type says."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back: a value that msgspec can encode, or bytes with a Content-Type."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def replayed(*, is_replay: bool) -> dict[str, str]:
    """The header that tells a caller that nothing new was made."""
    return {"Idempotency-Replayed": "true"} if is_replay else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Body, Query]):
    """One request, decoded, validated and admitted.

    Attributes:
        caller: The principal, None only on public routes; handlers of others use `principal`.
        path: Parameters of the path as text; UUIDs by `path_id`.
        form: The multipart form, when the client sent one and the route takes one.
        wait_s: How long the client is willing to wait for an outcome, seconds in [0, 10].
        idempotency_key: The client's name for the intended effect, already checked for form.
    """

    request: web.Request
    route: "Route[Any, Any]"
    caller: Principal | None
    document: Body | None
    query: Query
    path: Mapping[str, str]
    form: Form | None
    language: Language
    request_id: str
    wait_s: float
    idempotency_key: str | None

    @property
    def principal(self) -> Principal:
        """The verified caller."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    @property
    def body(self) -> Body:
        """The decoded JSON body; a route that also takes forms looks at `form` first."""
        if self.form is not None:
            raise TypeError("this call carries a form, not JSON")
        return cast(Body, self.document)

    @property
    def app(self) -> web.Application:
        """The application, which holds what was built at start: `call.app[KEY]`."""
        return self.request.app

    def path_id(self, name: str = "id") -> UUID:
        """Give a UUID of the path; the route's pattern has let nothing else through."""
        return UUID(self.path[name])

    @property
    def request_hash(self) -> bytes:
        """HMAC-SHA256 over what the client asked for: method, route, path, canonical JSON body.

        Equal for two requests that differ in white space or member order only. It is kept for ever,
        so it has a key: the names and PINs in bodies are few enough to be tried.
        """
        asked = [self.route.method, self.route.path, dict(self.path), self.document]
        return hmac.digest(self.app[REQUEST_KEY], _canonical.encode(asked), "sha256")


@dataclass(frozen=True, slots=True)
class Route(Generic[Body, Query]):
    """One row of the API.

    Attributes:
        body: JSON body type; a Struct that forbids unknown fields, or a tagged union of such.
        raw: Media types that the handler reads itself, each with the type that describes it; the
            `body` is a `RawBody` then.
        query: Struct of scalars for the query string.
        form: Fields of a multipart form; with `body` too, the content type decides.
        parameters: Patterns of path parameters that are not UUIDs.
        answers: Body type of each status; None means no body, bytes means a file.
        problems: What the handler may refuse with; what HTTP refuses is added by itself.
        idempotency: Whether the client names its effect with an Idempotency-Key.
        waits: Takes `Prefer: wait=N` and `?wait=N`, at most 10 s.
        rate: Which bucket a call draws from; by default `read` for GET, else `write`.
        deadline_s: Time for the handler beside `wait_s`, after which the client gets 503.
        examples: An example body per status, for the API description.
        summary_zh: The summary for Chinese readers of the API page.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[[Call[Body, Query]], Awaitable[Answer]]
    policy: Policy = field(kw_only=True)
    summary: str = field(kw_only=True)
    answers: Mapping[int, Any] = field(kw_only=True)
    body: Any = field(default=None, kw_only=True)
    raw: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    query: type[Query] | None = field(default=None, kw_only=True)
    form: tuple[FormField, ...] = field(default=(), kw_only=True)
    parameters: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    problems: tuple[type[DomainError], ...] = field(default=(), kw_only=True)
    idempotency: Literal["required", "optional"] | None = field(default=None, kw_only=True)
    waits: bool = field(default=False, kw_only=True)
    rate: str | None = field(default=None, kw_only=True)
    body_bytes_max: int = field(default=BODY_BYTES_MAX, kw_only=True)
    deadline_s: float = field(default=JSON_DEADLINE_S, kw_only=True)
    examples: Mapping[int, object] = field(default_factory=dict, kw_only=True)
    summary_zh: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.policy, Policy):
            raise TypeError(f"{self.method} {self.path} has no policy")
        if not self._handler_takes(self.body, self.query):
            raise TypeError(f"{self.method} {self.path}: the handler's Call has other types")
        unknown = set(self.parameters) - set(self.parameter_names)
        if unknown:
            raise ValueError(f"{self.path} has no parameters {sorted(unknown)}")

    def _handler_takes(self, body: object, query: object) -> bool:
        """Compare with the handler's annotation; a checker cannot, when the body is a union."""
        handler = self.handler
        while isinstance(handler, partial):
            handler = handler.func
        hints = get_type_hints(handler).values()
        calls = [get_args(hint) for hint in hints if get_origin(hint) is Call]
        return calls == [(body or NoneType, query or NoneType)]

    @property
    def parameter_names(self) -> list[str]:
        """Names of the path parameters, in order."""
        return [match[1] for match in _PARAMETER.finditer(self.path)]

    def pattern_of(self, parameter: str) -> str:
        """Regular expression that the parameter must match entirely; a UUID unless told."""
        return self.parameters.get(parameter, UUID_PATTERN)

    @property
    def aiohttp_path(self) -> str:
        """The path with its patterns, so that another form of id is simply not found."""
        return _PARAMETER.sub(lambda m: f"{{{m[1]}:{self.pattern_of(m[1])}}}", self.path)

    @property
    def rate_class(self) -> str:
        """Name of the token bucket that a call draws from."""
        return self.rate or ("read" if self.method == "GET" else "write")

    @property
    def bytes_max(self) -> int:
        """Largest body in bytes, forms with their framing included."""
        return form_bytes_max(self.form) if self.form else self.body_bytes_max
