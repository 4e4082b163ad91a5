"""Who may call the routes of methodologies; see `test_authorization`."""

OPERATORS = (401, 403, 403, 403, 403)

METHODOLOGY_ROUTES = {
    "GET /v1/actions": (401, 200, 200, 403, 403, 403),
    "GET /v1/methodologies": (200, 200, 200, 200, 200, 200),
    "GET /v1/methodologies/{id}": (404, 404, 404, 404, 404, 404),  # the id of a check-in
    "GET /v1/operator/methodology-versions": (*OPERATORS, 200),
    "GET /v1/operator/methodology-versions/{hash}": (*OPERATORS, 404),
    "GET /v1/operator/methodology-proposals": (*OPERATORS, 200),
    "POST /v1/operator/methodology-versions/{hash}/proposals": (*OPERATORS, 422),
    "POST /v1/operator/methodology-proposals/{id}/decision": (*OPERATORS, 422),
    "POST /v1/operator/simulations": (*OPERATORS, 422),
    "GET /v1/operator/simulations": (*OPERATORS, 200),
    "GET /v1/operator/simulations/{id}": (*OPERATORS, 404),
}
