"""A partner's system on this machine that fulfils vouchers: knows each once, and fails as told."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.receiver import Came


@dataclass
class Partner:
    """`script` says what becomes of each POST, in order, the last word for ever.

    fulfil, refuse, pending, break (500), lose (does it, and the answer is lost), hang, or a body.
    """

    base: str = ""
    script: list = field(default_factory=lambda: ["fulfil"])
    came: list[Came] = field(default_factory=list)
    done: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    at_once_max: int = 0

    @property
    def asked(self):
        """Methods in the order in which they came."""
        return [each.method for each in self.came]

    async def take(self, request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        came = Came(request.path, headers, await request.read(), request.method)
        self.came.append(came)
        if request.method == "GET":
            return self.answer(request.path.rpartition("/")[2])
        voucher_id = json.loads(came.body)["data"]["voucher_id"]
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            return await self.act(voucher_id)
        finally:
            self.at_once -= 1

    async def act(self, voucher_id):
        word = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if word == "hang":
            await self.gate.wait()
        if isinstance(word, bytes):
            return web.Response(body=word)
        if word in {"break", "pending"}:
            return web.json_response({"status": "pending"}, status=500 if word == "break" else 202)
        if word == "refuse":
            self.refused.add(voucher_id)
        else:
            self.done.setdefault(voucher_id, f"R-{len(self.done) + 1}")
        return web.Response(status=502) if word == "lose" else self.answer(voucher_id)

    def answer(self, voucher_id):
        if voucher_id in self.done:
            return web.json_response({"status": "fulfilled", "reference": self.done[voucher_id]})
        if voucher_id in self.refused:
            return web.json_response({"status": "refused", "reason": "号码已停机"})
        return web.Response(status=404)


@asynccontextmanager
async def fulfilling(*script):
    """A partner on a free port."""
    partner = Partner(script=list(script) or ["fulfil"])
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", partner.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    partner.base = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    try:
        yield partner
    finally:
        partner.gate.set()
        await runner.cleanup()
