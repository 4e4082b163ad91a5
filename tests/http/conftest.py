from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.http.sample_api import Server, make_app, start


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    app = make_app()
    runner, port = await start(app)
    yield Server(app, port)
    await runner.cleanup()
