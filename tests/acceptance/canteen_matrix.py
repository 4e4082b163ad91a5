"""Rows of the authorization matrix for canteens and devices, in the order of its callers."""

OPERATORS_LIST = (401, 403, 403, 403, 403, 200)
OPERATORS_BODY = (401, 403, 403, 403, 403, 422)

CANTEEN_ROUTES = {
    "POST /v1/operator/canteens": OPERATORS_BODY,
    "GET /v1/operator/canteens": OPERATORS_LIST,
    "POST /v1/operator/devices": OPERATORS_BODY,
    "GET /v1/operator/devices": OPERATORS_LIST,
    "POST /v1/operator/devices/{id}/codes": (401, 403, 403, 403, 403, 400),
    "POST /v1/operator/devices/{id}/changes": OPERATORS_BODY,
    "GET /v1/operator/devices/{id}/changes": (401, 403, 403, 403, 403, 404),
    "PUT /v1/operator/canteens/{id}/waste/{day}": OPERATORS_BODY,
    "GET /v1/operator/canteens/{id}/waste/{day}": (401, 403, 403, 403, 403, 404),
    "GET /v1/operator/canteens/{id}/days": (401, 403, 403, 403, 403, 404),
    "POST /v1/device/enrolments": (422, 422, 422, 422, 422, 422),
    "POST /v1/device/heartbeat": (401, 403, 403, 403, 403, 403),
    "POST /v1/device/meals": (401, 403, 403, 403, 403, 403),
    "POST /v1/tray-claims": (401, 422, 422, 403, 403, 403),
}

_DESK_BODY = (401, 403, 403, 403, 403, 422)

CARD_ROUTES = {
    "POST /v1/desk/cards": _DESK_BODY,
    "GET /v1/desk/cards": OPERATORS_LIST,
    "GET /v1/desk/cards/{id}/changes": (401, 403, 403, 403, 403, 404),
    "POST /v1/desk/cards/{id}/changes": _DESK_BODY,
    "POST /v1/desk/cards/{id}/pin": _DESK_BODY,
    "POST /v1/desk/cards/{id}/replacements": _DESK_BODY,
    "POST /v1/desk/card-balances": _DESK_BODY,
    "POST /v1/card-requests": (401, 403, 403, 403, 403, 403),
    "POST /v1/card-requests/{id}/pin": (401, 403, 403, 403, 403, 403),
}
