import pytest_asyncio

from tests.http.sample_api import Server, make_app, start


@pytest_asyncio.fixture
async def server():
    app = make_app()
    runner, port = await start(app)
    yield Server(app, port)
    await runner.cleanup()
