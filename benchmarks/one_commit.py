"""A server process of the `api` benchmark: group commit as shipped, or one commit per request.

Run as `python -m benchmarks.one_commit ours|rival`, with the settings in the environment; prints
the port as its only line, and serves until SIGTERM.
"""

import asyncio
import sys
from typing import Any

import uvloop

from backend.batches import Batcher, run_batch
from backend.deployment import open_deployment
from backend.errors import DomainError
from backend.serving import configure_logs, serve_deployment, spare_garbage_collector
from backend.settings import read_settings

# Of the pool's sixteen connections; the others read the links of partners' customers. Twelve were
# the fastest of 4, 8, 12 and 16 for this side.
WRITERS = 12


_free = asyncio.Semaphore(WRITERS)


async def submit_alone(batcher: Batcher[Any, Any], item: Any) -> Any:
    """The same handler and the same statements, but every request begins and commits by itself."""
    async with _free:
        [answer] = await run_batch(batcher._engine, batcher._write_batch, [item])  # noqa: SLF001
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def serve() -> None:
    """Serve the API alone: what the processor does later is the same work for both sides."""
    async with open_deployment(read_settings()) as deployment:
        await serve_deployment(
            deployment, parts="api", started=lambda port: print(port, flush=True)
        )


if __name__ == "__main__":
    configure_logs()
    spare_garbage_collector()
    if sys.argv[1] == "rival":
        Batcher.submit = submit_alone  # type: ignore[method-assign]
    uvloop.run(serve())
