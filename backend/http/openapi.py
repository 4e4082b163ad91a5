"""The OpenAPI 3.1 description, made from the same table that serves the requests."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from backend.errors import DomainError, NotFound
from backend.http.forms import FormField
from backend.http.problem import Problem, ProblemTable, ProblemType, problem_type_of
from backend.http.refusals import (
    Forbidden,
    IdempotencyKeyMissing,
    MalformedJson,
    MalformedMultipart,
    MalformedRequest,
    NotAcceptable,
    Overloaded,
    PayloadTooLarge,
    RateLimited,
    TooManyUploads,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)
from backend.http.routes import UUID_PATTERN, RawBody, Route

Schema = dict[str, Any]
REF: Final = "#/components/schemas/{name}"
_WORD = re.compile(r"[A-Za-z0-9]+")

SHARED_PARAMETERS: Final[Schema] = {
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "description": "Language of problems: zh-CN (default) or en.",
        "x-description-zh": "问题说明的语言:zh-CN(默认)或 en。",
        "schema": {"type": "string"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N`: wait up to N seconds (at most 10) for the outcome. RFC 7240.",
        "x-description-zh": "`wait=N`:最多等待 N 秒(不超过 10 秒)以取得结果。RFC 7240。",
        "schema": {"type": "string"},
        "example": "wait=3",
    },
    "Wait": {
        "name": "wait",
        "in": "query",
        "description": "Like `Prefer: wait=N`, for clients that cannot set header fields.",
        "x-description-zh": "同 `Prefer: wait=N`,供不能设置请求头的客户端使用。",
        "schema": {"type": "integer"},
    },
}


def describe(
    routes: Sequence[Route[Any, Any]], *, info: Mapping[str, str], table: ProblemTable
) -> Schema:
    """Make the whole description; `info` has title, version and description."""
    described = _Described(routes)
    paths: Schema = {}
    for route in routes:
        operation = _operation(route, described, table)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": dict(info),
        "paths": paths,
        "components": {
            "schemas": described.components,
            "parameters": SHARED_PARAMETERS,
            "responses": {"Problem": _problem_response({})},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


class _Described:
    """The schemas of all types of all routes, made in one go so that equal names are told apart."""

    def __init__(self, routes: Sequence[Route[Any, Any]]) -> None:
        kinds: list[Any] = [Problem]
        for route in routes:
            kinds += [kind for kind in (route.body, route.query) if kind not in {None, RawBody}]
            kinds += route.raw.values()
            kinds += [kind for kind in route.answers.values() if kind not in {None, bytes}]
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template=REF)
        self._pairs = list(zip(kinds, schemas, strict=True))
        self._query_properties = {
            query: self._taken_apart(query) for query in {r.query for r in routes if r.query}
        }

    def schema(self, kind: object) -> Schema:
        return next(schema for known, schema in self._pairs if known == kind)

    def properties(self, query: type[Any]) -> Mapping[str, Schema]:
        return self._query_properties[query]

    def _taken_apart(self, query: type[Any]) -> Mapping[str, Schema]:
        """Give the fields of a query type; it is no component, because it is never a body."""
        name = self.schema(query)["$ref"].rpartition("/")[2]
        properties: Mapping[str, Schema] = self.components.pop(name)["properties"]
        return properties


def _operation(route: Route[Any, Any], described: _Described, table: ProblemTable) -> Schema:
    words = _WORD.findall(route.path)
    operation: Schema = {
        "operationId": route.method.lower() + "".join(word.title() for word in words),
        "summary": route.summary,
        "tags": [next((word for word in route.path.split("/") if word not in {"", "v1"}), "api")],
        "parameters": _parameters(route, described),
        "responses": _answers(route, described) | _problems(route, table),
        "security": [] if route.policy.everybody else [{"bearer": _grants(route)}],
    }
    if route.summary_zh:
        operation["x-summary-zh"] = route.summary_zh
    if content := _request_content(route, described):
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _grants(route: Route[Any, Any]) -> list[str]:
    return sorted(route.policy.roles | route.policy.scopes)


def _parameters(route: Route[Any, Any], described: _Described) -> list[Schema]:
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(route, name)}
        for name in route.parameter_names
    ]
    if route.query is not None:
        parameters += [
            {"name": name, "in": "query", "schema": schema}
            for name, schema in described.properties(route.query).items()
        ]
    if route.idempotency is not None:
        parameters.append(_idempotency_key(is_required=route.idempotency == "required"))
    shared = ["Wait", "Prefer", "AcceptLanguage"] if route.waits else ["AcceptLanguage"]
    return parameters + [{"$ref": f"#/components/parameters/{name}"} for name in shared]


def _path_schema(route: Route[Any, Any], name: str) -> Schema:
    pattern = route.pattern_of(name)
    schema: Schema = {"type": "string", "pattern": f"^{pattern}$"}
    return schema | ({"format": "uuid"} if pattern == UUID_PATTERN else {})


def _idempotency_key(*, is_required: bool) -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": is_required,
        "description": "The client's own name for one intended effect; kept when it retries.",
        "x-description-zh": "客户端为一次操作取的名字;重试时保持不变。",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,128}$"},
    }


def _request_content(route: Route[Any, Any], described: _Described) -> Schema:
    content: Schema = {}
    for media_type, kind in route.raw.items():
        content[media_type] = {"schema": described.schema(kind)}
    if route.body is not None and not route.raw:
        content["application/json"] = {"schema": described.schema(route.body)}
    if route.form:
        content["multipart/form-data"] = {"schema": _form_schema(route.form)}
    return content


def _form_schema(fields: Sequence[FormField]) -> Schema:
    return {
        "type": "object",
        "properties": {field.name: _part_schema(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _part_schema(field: FormField) -> Schema:
    if field.is_file:
        return {
            "contentMediaType": "application/octet-stream",
            "description": f"At most {field.bytes_max} bytes.",
        }
    return {"type": "string", "maxLength": field.bytes_max}


def _answers(route: Route[Any, Any], described: _Described) -> Schema:
    answers: Schema = {}
    for status, kind in route.answers.items():
        answer = _described_as(route.summary, route.summary_zh)
        if kind is bytes:
            answer["content"] = {"application/octet-stream": {}}
        elif kind is not None:
            media: Schema = {"schema": described.schema(kind)}
            if status in route.examples:
                media["example"] = msgspec.to_builtins(route.examples[status])
            answer["content"] = {"application/json": media}
        answers[str(status)] = answer
    return answers


def _problems(route: Route[Any, Any], table: ProblemTable) -> Schema:
    """Group by status; `default` stands for what any server may answer at any time."""
    by_status: dict[int, dict[str, ProblemType]] = {}
    for refusal in (*_refusals_of_http(route), *route.problems):
        kind = problem_type_of(refusal, table)
        if kind is not None:
            by_status.setdefault(kind.status, {})[kind.slug] = kind
    responses: Schema = {}
    for status, kinds in sorted(by_status.items()):
        if status not in route.answers:
            responses[str(status)] = _problem_response(kinds)
    return responses | {"default": {"$ref": "#/components/responses/Problem"}}


def _refusals_of_http(route: Route[Any, Any]) -> list[type[DomainError]]:
    refusals: list[type[DomainError]] = [
        MalformedRequest,
        NotAcceptable,
        ValidationFailed,
        Overloaded,
    ]
    if not route.policy.everybody:
        refusals += [Unauthenticated, Forbidden, RateLimited]
    if route.parameter_names:
        refusals.append(NotFound)
    if route.body is not None:
        refusals += [MalformedJson, PayloadTooLarge, UnsupportedMediaType]
    if route.form:
        refusals += [MalformedMultipart, PayloadTooLarge, TooManyUploads]
    if route.idempotency is not None:
        refusals.append(IdempotencyKeyMissing)
    return refusals


def _described_as(words_en: str, words_zh: str) -> Schema:
    """Words in both languages; OpenAPI has room for one."""
    return {"description": words_en} | ({"x-description-zh": words_zh} if words_zh else {})


def _problem_response(kinds: Mapping[str, ProblemType]) -> Schema:
    titles_en = "; ".join(kind.title_en for kind in kinds.values()) or "Any other problem."
    titles_zh = ";".join(kind.title_zh for kind in kinds.values()) or "其他问题。"
    media: Schema = {"schema": {"$ref": REF.format(name="Problem")}}
    if kinds:
        media["examples"] = {slug: {"value": _example(kind)} for slug, kind in kinds.items()}
    content = {"application/problem+json": media}
    return {**_described_as(titles_en, titles_zh), "content": content}


def _example(kind: ProblemType) -> Schema:
    return {
        "type": kind.uri,
        "title": kind.title_en,
        "status": kind.status,
        "detail": kind.title_en,
        "next": kind.next_en,
        "request_id": "6f1c2a9be0d4-1f",
    }
