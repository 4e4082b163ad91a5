"""Rows of the authorization matrix for partners and their customers, in its callers' order."""

NOT_THEIRS = (401, 403, 403, 403, 403, 403)

OPERATORS_LIST = (401, 403, 403, 403, 403, 200)
OPERATORS_BODY = (401, 403, 403, 403, 403, 422)

PARTNER_ROUTES = {
    "POST /v1/operator/partners": OPERATORS_BODY,
    "GET /v1/operator/partners": OPERATORS_LIST,
    "PATCH /v1/operator/partners/{id}": OPERATORS_BODY,
    "GET /v1/operator/partners/{id}/changes": (401, 403, 403, 403, 403, 404),
    "POST /v1/operator/partners/{id}/keys": OPERATORS_BODY,
    "GET /v1/operator/partners/{id}/keys": (401, 403, 403, 403, 403, 404),
    "POST /v1/operator/partner-keys/{key}/rotations": OPERATORS_BODY,
    "DELETE /v1/operator/partner-keys/{key}": (401, 403, 403, 403, 403, 404),
    "POST /v1/partner/key/rotations": (401, 403, 403, 422, 403, 403),
    "POST /v1/partner/control-totals": (401, 403, 403, 422, 422, 403),
    "GET /v1/partner/control-totals": (401, 403, 403, 422, 422, 403),
    "GET /v1/partner/control-totals/{id}/differences": (401, 403, 403, 404, 404, 403),
    "GET /v1/operator/partners/{id}/control-totals": (401, 403, 403, 403, 403, 422),
    "GET /v1/operator/partners/{id}/control-totals/{total_id}/differences": (
        *(401, 403, 403, 403, 403, 404),
    ),
    "POST /v1/partner/link-codes": NOT_THEIRS,
    "POST /v1/links": (401, 422, 422, 403, 403, 403),
    "GET /v1/links": (401, 200, 200, 403, 403, 403),
    "DELETE /v1/links/{id}": (401, 404, 404, 403, 403, 403),
}
