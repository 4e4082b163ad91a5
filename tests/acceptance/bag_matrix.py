"""Rows of the authorization matrix for bags, in the order of its callers."""

BAG_ROUTES = {
    "POST /v1/bags/{code}/weighings": (401, 403, 403, 403, 422, 403),
    "POST /v1/bags/photos": (401, 422, 422, 403, 403, 403),
    "POST /v1/bags/{code}/hand-ins": (401, 403, 403, 403, 409, 403),  # it was weighed
    "GET /v1/bags/{code}": (401, 200, 404, 403, 403, 200),
    "POST /v1/bags/{code}/loss": (401, 409, 404, 403, 403, 403),
    "POST /v1/operator/bag-batches": (401, 403, 403, 403, 403, 422),
    "GET /v1/operator/bag-batches": (401, 403, 403, 403, 403, 200),
    "GET /v1/operator/bag-batches/{id}/sheet": (401, 403, 403, 403, 403, 404),
    "GET /v1/operator/bags": (401, 403, 403, 403, 403, 200),
    "GET /v1/operator/bag-doubts": (401, 403, 403, 403, 403, 200),
    "POST /v1/operator/bag-doubts/{id}/decisions": (401, 403, 403, 403, 403, 422),
    "POST /v1/pickups": (401, 422, 422, 403, 403, 403),
    "GET /v1/pickups": (401, 200, 200, 403, 403, 403),
    "GET /v1/pickups/{id}": (401, 404, 404, 403, 403, 403),
    "POST /v1/pickups/{id}/cancel": (401, 404, 404, 403, 403, 403),
    "POST /v1/pickups/{id}/reschedule": (401, 422, 422, 403, 403, 403),
    "GET /v1/pickup-slots": (401, 200, 200, 403, 403, 403),
    "GET /v1/operator/pickup-capacities": (401, 403, 403, 403, 403, 200),
    "PUT /v1/operator/pickup-capacities/{region}/{slot}": (401, 403, 403, 403, 403, 422),
    "DELETE /v1/operator/pickup-capacities/{region}/{slot}": (401, 403, 403, 403, 403, 204),
    "GET /v1/operator/pickups": (401, 403, 403, 403, 403, 200),
    "PUT /v1/operator/pickups/{id}/collector": (401, 403, 403, 403, 403, 422),
    "GET /v1/collector/pickups": (401, 403, 403, 403, 403, 403),
    "POST /v1/collector/reports": (401, 403, 403, 403, 403, 403),
}
