"""`service` runs API and processor in this process; `api_alone` has no processor beside it."""

import pytest

from tests.acceptance.running_service import serving


@pytest.fixture
async def service(engine, tmp_path):
    async with serving(engine, tmp_path) as served:
        yield served


@pytest.fixture
async def api_alone(engine, tmp_path):
    async with serving(engine, tmp_path, parts="api") as served:
        yield served
