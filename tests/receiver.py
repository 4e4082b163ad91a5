"""A receiver of webhooks on this machine: answers as scripted, and remembers what came."""

import asyncio
import base64
import hmac
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Came:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def id(self):
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`answers` are taken in order, the last one for ever: a status, headers with it, or a call."""

    base: str = ""
    answers: list = field(default_factory=lambda: [204])
    came: list[Came] = field(default_factory=list)
    at_once: int = 0
    at_once_max: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request):
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.came.append(Came(request.path, headers, body))
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer == "wait":
                await self.gate.wait()
                answer = 204
            if callable(answer):
                return await answer(request)
            status, fields = answer if isinstance(answer, tuple) else (answer, {})
            return web.Response(status=status, headers=fields)
        finally:
            self.at_once -= 1

    def ids(self):
        return [each.id for each in self.came]


@asynccontextmanager
async def receiving(answers=(204,)):
    """A receiver on a free port."""
    receiver = Receiver(answers=list(answers))
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.base = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        await runner.cleanup()


def is_signed(came, secret):
    """What docs/how-to/webhooks.md tells receivers to do, but for the clock."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{came.headers['webhook-id']}.{came.headers['webhook-timestamp']}.".encode()
    expected = base64.b64encode(hmac.digest(key, head + came.body, "sha256")).decode()
    given = came.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(f"v1,{expected}", each) for each in given)
