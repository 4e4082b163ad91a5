"""The description of the real API: valid, complete, and kept by the server under odd requests."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from backend.partners.domain import SCOPES

EXAMPLES_MAX = 6  # per operation, of which there are more than a hundred
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


async def described(service):
    return (await service.nobody.get("/openapi.json")).json()


def problems_of(description, path, method, status):
    content = description["paths"][path][method]["responses"][str(status)]["content"]
    return set(content["application/problem+json"].get("examples", ()))


async def test_the_description_is_valid_openapi(service):
    description = await described(service)
    assert description["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(description).validate()


async def test_keys_can_have_the_scopes_that_routes_ask_for_and_no_others(service):
    asked = {
        grant
        for methods in (await described(service))["paths"].values()
        for operation in methods.values()
        for each in operation["security"]
        for grant in each["bearer"]
        if "." in grant
    }
    assert asked == SCOPES


async def test_what_a_report_may_refuse_is_listed(service):
    description = await described(service)
    assert problems_of(description, "/v1/check-ins", "post", 409) == {
        *("evidence-already-used", "capture-used", "bag-already-bound", "day-reversed"),
        *("bag-used", "bag-lapsed", "bag-lost"),
    }
    assert problems_of(description, "/v1/check-ins", "post", 422) >= {
        *("capture-expired", "retries-used-up", "photo-unreadable", "time-not-plausible"),
        *("evidence-too-late", "distance-needed", "distance-not-plausible", "activity-not-covered"),
        *("subject-token-misplaced", "idempotency-key-reused", "validation"),
    }
    assert "photo-type" in problems_of(description, "/v1/check-ins", "post", 415)
    assert "idempotency-key-missing" in problems_of(description, "/v1/check-ins", "post", 400)
    assert problems_of(description, "/v1/bags/{code}/weighings", "post", 409) == {
        *("bag-not-bound", "bag-already-weighed", "bag-lapsed", "evidence-already-used"),
        *("bag-lost", "bag-already-sorted", "not-credited"),
    }
    assert "outside-meal-window" in problems_of(description, "/v1/captures", "post", 422)
    assert "nothing-calculated" in problems_of(
        description, "/v1/check-ins/{id}/calculation", "get", 404
    )


async def test_every_listed_problem_has_its_page(service):
    description = await described(service)
    listed = {
        slug
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        for status in operation["responses"]
        if status.startswith(("4", "5"))
        for slug in problems_of(description, path, method, status)
    }
    for slug in listed:
        assert (await service.nobody.get(f"/problems/{slug}")).status == 200, slug


def odd_cases(operation):
    """Requests that follow the description, and requests that break it somewhere."""
    return operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(
        GenerationMode.NEGATIVE
    )


@pytest.mark.timeout(400)
async def test_odd_requests_are_answered_as_described(service):
    description = await described(service)
    bearers = {
        "/v1/operator/": (await service.caller("op", "operator")).bearer,
        "/v1/review/": (await service.caller("rev", "reviewer")).bearer,
        "/v1/bags/{code}/weighings": service.keys["scale"],
        "/": (await service.member()).bearer,
    }
    schema = schemathesis.openapi.from_dict(description)

    def ask_all_oddly():
        for operation in [result.ok() for result in schema.get_all_operations()]:
            bearer = next(bearers[start] for start in bearers if operation.path.startswith(start))
            ask_oddly(operation, service.base, {"Authorization": f"Bearer {bearer}"})

    await asyncio.to_thread(ask_all_oddly)
    assert (await service.nobody.get("/readyz")).status == 200


def ask_oddly(operation, base, headers):
    @given(odd_cases(operation))
    @settings(
        max_examples=EXAMPLES_MAX,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case):
        case.call_and_validate(base_url=base, headers=headers, checks=CHECKS)

    ask()
