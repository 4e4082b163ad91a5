"""Rows of the authorization matrix for merchants and vouchers, in the order of its callers."""

NOT_THEIRS = (401, 403, 403, 403, 403, 403)
MEMBERS_LIST = (401, 200, 200, 403, 403, 403)
MEMBERS_ONE = (401, 404, 404, 403, 403, 403)
OPERATORS_LIST = (401, 403, 403, 403, 403, 200)
OPERATORS_BODY = (401, 403, 403, 403, 403, 422)

REWARD_ROUTES = {
    "POST /v1/operator/merchants": OPERATORS_BODY,
    "GET /v1/operator/merchants": OPERATORS_LIST,
    "GET /v1/merchant": NOT_THEIRS,
    "POST /v1/merchant/stores": NOT_THEIRS,
    "GET /v1/merchant/stores": NOT_THEIRS,
    "POST /v1/merchant/staff": NOT_THEIRS,
    "GET /v1/merchant/staff": NOT_THEIRS,
    "POST /v1/merchant/tills": NOT_THEIRS,
    "GET /v1/merchant/tills": NOT_THEIRS,
    "POST /v1/tills/enrolments": NOT_THEIRS,
    "POST /v1/merchant/rewards": NOT_THEIRS,
    "GET /v1/merchant/rewards": NOT_THEIRS,
    "POST /v1/merchant/rewards/{id}/changes": NOT_THEIRS,
    "GET /v1/rewards": MEMBERS_LIST,
    "GET /v1/rewards/{id}": MEMBERS_ONE,
    "POST /v1/redemptions": (401, 422, 422, 403, 403, 403),
    "GET /v1/vouchers": MEMBERS_LIST,
    "GET /v1/vouchers/{id}": MEMBERS_ONE,
    "GET /v1/vouchers/{id}/qr.svg": MEMBERS_ONE,
    "GET /v1/vouchers/{id}/qr.png": MEMBERS_ONE,
    "POST /v1/vouchers/{id}/void": MEMBERS_ONE,
    "GET /v1/member-code": MEMBERS_LIST,
    "POST /v1/settlement-requests": NOT_THEIRS,
    "GET /v1/settlement-requests": MEMBERS_LIST,
    "GET /v1/settlement-requests/{id}": MEMBERS_ONE,
    "POST /v1/settlement-requests/{id}/confirm": MEMBERS_ONE,
    "POST /v1/settlement-requests/{id}/decline": MEMBERS_ONE,
    "POST /v1/settlements": NOT_THEIRS,
    "GET /v1/settlements": NOT_THEIRS,
    "GET /v1/settlements/{id}": NOT_THEIRS,
    "POST /v1/settlements/{id}/undo": NOT_THEIRS,
    "POST /v1/operator/settlements/{id}/undo": OPERATORS_BODY,
    "POST /v1/pos/settlements": NOT_THEIRS,
    "GET /v1/pos/settlements/{ticket}": NOT_THEIRS,
}
