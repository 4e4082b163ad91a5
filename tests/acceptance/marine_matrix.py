"""Rows of the authorization matrix for marine plastic, in the order of its callers.

The keys of the matrix carry other scopes: what stations and recyclers may is in
test_plastic_from_shore_to_product.
"""

NOT_THEIRS = (401, 403, 403, 403, 403, 403)
MEMBERS_LIST = (401, 200, 200, 403, 403, 403)
OPERATORS_LIST = (401, 403, 403, 403, 403, 200)

MARINE_ROUTES = {
    "POST /v1/operator/marine/sites": (401, 403, 403, 403, 403, 422),
    "GET /v1/marine/sites": OPERATORS_LIST,
    "GET /v1/marine/sites/{id}/hand-ins": NOT_THEIRS,
    "POST /v1/marine/hand-ins": (401, 422, 422, 403, 403, 403),
    "GET /v1/marine/hand-ins": MEMBERS_LIST,
    "GET /v1/marine/hand-ins/{id}": (401, 404, 404, 403, 403, 403),
    "POST /v1/marine/weighings": NOT_THEIRS,
    "POST /v1/marine/lots": NOT_THEIRS,
    "GET /v1/marine/lots": OPERATORS_LIST,
    "GET /v1/marine/lots/{code}": (404, 404, 404, 404, 404, 404),
    "POST /v1/marine/steps": NOT_THEIRS,
    "GET /v1/marine/steps": OPERATORS_LIST,
    "POST /v1/operator/marine/steps/{id}/withdrawal": (401, 403, 403, 403, 403, 422),
    "POST /v1/marine/hand-ins/{id}/payout": NOT_THEIRS,
    "GET /v1/marine/payouts": (401, 403, 403, 403, 403, 422),
    "GET /v1/marine/payouts/totals": (401, 403, 403, 403, 403, 422),
    "GET /v1/marine/payouts.csv": (401, 403, 403, 403, 403, 422),
    "GET /v1/public/trace/{code}": (404, 404, 404, 404, 404, 404),
    "GET /trace/{code}": (404, 404, 404, 404, 404, 404),
}
