"""Cursors, rate limits, health, metrics and the end of a process."""

import asyncio
import os
import signal
import socket

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from backend.http import HttpSettings, Rate, serve
from backend.http.rates import Buckets, address_of
from tests.http.sample_api import MEMBER, Server, make_app, start

OTHER = {"Authorization": "Bearer other"}


async def first_cursor(server, query="limit=2"):
    reply = await server.request("GET", f"/v1/things?{query}", headers=MEMBER)
    return reply.json()["next_cursor"]


async def test_a_cursor_continues_its_list(server):
    cursor = await first_cursor(server)
    reply = await server.request("GET", f"/v1/things?limit=3&cursor={cursor}", headers=MEMBER)
    assert reply.json()["rows"] == [2, 3, 4]


def flip(cursor, position):
    other = "A" if cursor[position] != "A" else "B"
    return cursor[:position] + other + cursor[position + 1 :]


CHANGES = {
    "cut": lambda cursor: cursor[:-1],
    "first character": lambda cursor: flip(cursor, 0),
    "last but one": lambda cursor: flip(cursor, len(cursor) - 2),
    "longer": lambda cursor: cursor + "AAAA",
    "empty": lambda _: "",
    "garbage": lambda _: "garbage",
    "no base64": lambda _: "!!!!",
    "2 KB": lambda _: "A" * 2_000,
    "Chinese": lambda _: "%E4%B8%AD",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_changed_cursor_is_invalid(server, change) -> None:
    cursor = change(await first_cursor(server))
    reply = await server.request("GET", f"/v1/things?cursor={cursor}", headers=MEMBER)
    assert (reply.status, reply.problem["type"]) == (400, "/problems/invalid-cursor")


async def test_a_cursor_is_good_for_one_principal_and_one_filter(server):
    cursor = await first_cursor(server)
    foreign = await server.request("GET", f"/v1/things?cursor={cursor}", headers=OTHER)
    filtered = await server.request("GET", f"/v1/things?open=true&cursor={cursor}", headers=MEMBER)
    assert (foreign.status, filtered.status) == (400, 400)


@pytest.fixture
async def limited():
    rates = {"read": Rate(0.1, 3), "write": Rate(0.1, 1)}
    app = make_app(settings=HttpSettings(cursor_key=b"k" * 32, rates=rates))
    runner, port = await start(app)
    yield Server(app, port)
    await runner.cleanup()


async def test_a_principal_draws_from_its_own_bucket(limited):
    replies = [await limited.request("GET", "/v1/things", headers=MEMBER) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert replies[0].fields["ratelimit-policy"] == '"read";q=3;w=30'
    assert replies[1].fields["ratelimit"] == '"read";r=1;t=20'
    assert replies[3].problem["type"] == "/problems/rate-limited"
    assert 1 <= int(replies[3].fields["retry-after"]) <= 10
    assert (await limited.request("GET", "/v1/things", headers=OTHER)).status == 200


async def test_reads_and_writes_have_buckets_of_their_own(limited):
    statuses = [(await limited.weigh({"mass_g": 1})).status for _ in range(2)]
    read = await limited.request("GET", "/v1/things", headers=MEMBER)
    assert (statuses, read.status) == ([201, 429], 200)


async def test_an_address_is_limited_for_failures_only(limited):
    statuses = [(await limited.request("GET", "/v1/none")).status for _ in range(61)]
    assert statuses == [404] * 60 + [429]
    assert (await limited.request("GET", "/v1/things")).status == 429
    assert (await limited.request("GET", "/v1/things", headers=MEMBER)).status == 200
    assert (await limited.request("GET", "/v1/public")).status == 200


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, ["198.51.100.9"], "127.0.0.1"),
        (1, ["spoofed, 198.51.100.1"], "198.51.100.1"),
        (2, ["spoofed, 198.51.100.1", "203.0.113.7"], "198.51.100.1"),
        (1, [], "127.0.0.1"),
        (3, ["198.51.100.1"], "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_name_the_client(hops, forwarded, address) -> None:
    headers = CIMultiDict([("X-Forwarded-For", field) for field in forwarded])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote="127.0.0.1")
    assert address_of(request, hops) == address


def test_an_empty_bucket_stays_empty_however_often_it_is_asked():
    buckets = Buckets()
    drawn = [buckets.draw(("a", "read"), Rate(0.001, 2)) for _ in range(6)]
    assert [number >= 0 for number in drawn] == [True, True, False, False, False, False]
    assert min(drawn) > -1.01


async def test_readiness_names_what_fails():
    async def fails():
        raise OSError("password=secret")

    async def passes():
        pass

    app = make_app(readiness={"database": fails, "evidence": passes})
    runner, port = await start(app)
    server = Server(app, port)
    try:
        live = await server.request("GET", "/livez")
        ready = await server.request("GET", "/readyz")
    finally:
        await runner.cleanup()
    assert live.status == 200
    assert (ready.status, ready.json()) == (503, {"status": "not ready", "failing": ["database"]})


async def test_metrics_count_by_route_template(server):
    await server.request("GET", "/v1/bags/CANARY00", headers={})
    await server.request("GET", "/canary", headers={})
    text = (await server.request("GET", "/metrics")).body.decode()
    assert 'route="/v1/bags/{code}",status="200"' in text
    assert 'route="unmatched",status="404"' in text
    assert "canary" not in text.lower()


async def test_a_terminated_process_finishes_what_runs():
    app = make_app()
    ports: asyncio.Queue[int] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve(app, host="127.0.0.1", port=0, started=ports.put_nowait, notice_s=0.2)
        )
        server = Server(app, await ports.get())
        running = group.create_task(server.request("GET", "/v1/slow"))
        await asyncio.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        ready = await server.request("GET", "/readyz")
    assert running.result().status == 503
    assert ready.json()["failing"] == ["draining"]
    with pytest.raises(OSError, match=r"refused|Connect"):
        await server.request("GET", "/livez")


async def test_more_requests_than_can_be_finished_are_shed(monkeypatch):
    monkeypatch.setattr("backend.http.edge.IN_FLIGHT_MAX", 0)
    app = make_app()
    runner, port = await start(app)
    try:
        reply = await Server(app, port).request("GET", "/v1/public")
        probe = await Server(app, port).request("GET", "/livez")
    finally:
        await runner.cleanup()
    assert probe.status == 200
    assert (reply.status, reply.problem["type"]) == (503, "/problems/overloaded")


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
async def test_an_address_on_which_nobody_can_listen_stops_the_start_in_a_sentence(host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Nobody can listen on {host}:{port}: "):
            await serve(make_app(), host=host, port=port)
