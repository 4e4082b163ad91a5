"""Rows of the authorization matrix for trees; what partners that plant may is in test_trees."""

NOT_THEIRS = (401, 403, 403, 403, 403, 403)
MEMBERS_LIST = (401, 200, 200, 403, 403, 403)
NOBODYS = (404, 404, 404, 404, 404, 404)

TREE_ROUTES = {
    "POST /v1/operator/tree-projects": (401, 403, 403, 403, 403, 422),
    "GET /v1/tree-projects": (200, 200, 200, 200, 200, 200),
    "POST /v1/trees/pledges": (401, 422, 422, 403, 403, 403),
    "GET /v1/trees/pledges": MEMBERS_LIST,
    "GET /v1/trees/open-pledges": NOT_THEIRS,
    "POST /v1/trees/pledges/{id}/fulfilments": NOT_THEIRS,
    "POST /v1/trees/plantings/{id}/deaths": NOT_THEIRS,
    "GET /v1/trees/certificates": MEMBERS_LIST,
    "GET /v1/trees/certificates/{number}": NOBODYS,
    "POST /v1/trees/certificates/{number}/print": NOBODYS,
    "GET /v1/public/certificates/{number}": NOBODYS,
    "GET /certificates/{number}": NOBODYS,
}
