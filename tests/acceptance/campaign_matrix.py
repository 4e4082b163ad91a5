"""Rows of the authorization matrix for campaigns, funds and notices, in its order of callers."""

OPERATORS_LIST = (401, 403, 403, 403, 403, 200)
OPERATORS_BODY = (401, 403, 403, 403, 403, 422)
OPERATORS_ONE = (401, 403, 403, 403, 403, 404)

CAMPAIGN_ROUTES = {
    "GET /v1/operator/campaigns": OPERATORS_LIST,
    "POST /v1/operator/campaigns": OPERATORS_BODY,
    "POST /v1/operator/campaigns/{id}/approve": OPERATORS_ONE,
    "POST /v1/operator/campaigns/{id}/end": OPERATORS_ONE,
    "GET /v1/operator/funds": OPERATORS_LIST,
    "GET /v1/operator/fund-alerts": OPERATORS_LIST,
    "GET /v1/operator/fund-changes": OPERATORS_LIST,
    "POST /v1/operator/funds/{id}/changes": OPERATORS_BODY,
    "POST /v1/operator/fund-changes/{id}/approve": OPERATORS_ONE,
    "GET /v1/operator/liability": OPERATORS_LIST,
    "GET /v1/notices": (401, 200, 200, 403, 403, 403),
    "POST /v1/notices/{id}/read": (401, 404, 404, 403, 403, 403),
}
