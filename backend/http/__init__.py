"""HTTP foundations: typed routes, sign-in, problems, limits. Knows no room."""

from backend.http.application import ApiInfo, HttpSettings, build_application
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.deadlines import Deadlines
from backend.http.forms import Form, file_field, text_field
from backend.http.principal import (
    PUBLIC,
    Authenticate,
    Policy,
    Principal,
    roles,
    scopes,
)
from backend.http.problem import Fault, ProblemTable, ProblemType, Refusal
from backend.http.rates import DEFAULT_RATES, Rate
from backend.http.refusals import HTTP_PROBLEMS
from backend.http.routes import Answer, Call, Route
from backend.http.server import serve

__all__ = [
    "DEFAULT_RATES",
    "HTTP_PROBLEMS",
    "PUBLIC",
    "Answer",
    "ApiInfo",
    "Authenticate",
    "Call",
    "Deadlines",
    "Fault",
    "Form",
    "HttpSettings",
    "PageQuery",
    "Policy",
    "Principal",
    "ProblemTable",
    "ProblemType",
    "Rate",
    "Refusal",
    "Route",
    "build_application",
    "cursor_at",
    "file_field",
    "position_of",
    "roles",
    "scopes",
    "serve",
    "text_field",
]
