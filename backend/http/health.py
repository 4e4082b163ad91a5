"""Liveness and readiness: alive means that the loop answers, ready that work can be taken."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

CHECK_S: Final = 2.0  # a probe that waits longer than Kubernetes' own timeout answers nobody

Check = Callable[[], Awaitable[None]]
_log = structlog.get_logger(__name__)


class Health:
    """What decides readiness: the checks, and whether this process is on its way out."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.draining = False

    async def failing(self) -> list[str]:
        """Run all checks at once; gives the names of those that fail."""
        if self.draining:
            return ["draining"]
        results = await asyncio.gather(*(self._passes(name) for name in self._checks))
        return [name for name, passes in zip(self._checks, results, strict=True) if not passes]

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(CHECK_S):
                await self._checks[name]()
        except Exception:  # noqa: BLE001 - whatever is wrong, the answer is "not ready"
            _log.warning("not ready", check=name, exc_info=True)
            return False
        return True


HEALTH: Final = web.AppKey("health", Health)


async def answer_livez(_: web.Request) -> web.Response:
    """Say that the event loop turns."""
    return web.json_response({"status": "live"})


async def answer_readyz(request: web.Request) -> web.Response:
    """Say whether requests would succeed; names what fails, not why."""
    failing = await request.app[HEALTH].failing()
    if failing:
        return web.json_response({"status": "not ready", "failing": failing}, status=503)
    return web.json_response({"status": "ready"})
