"""Rows of the authorization matrix for partners and their customers, in its callers' order."""

NOT_THEIRS = (401, 403, 403, 403, 403, 403)

PARTNER_ROUTES = {
    "POST /v1/partner/link-codes": NOT_THEIRS,
    "POST /v1/links": (401, 422, 422, 403, 403, 403),
    "GET /v1/links": (401, 200, 200, 403, 403, 403),
    "DELETE /v1/links/{id}": (401, 404, 404, 403, 403, 403),
}
