"""What is really dialled, on real sockets: 127.0.0.2 plays a public address where one is needed."""

import asyncio
import socket

import pytest

from backend.calling.addresses import is_public
from backend.calling.dialling import GuardedResolver, guarded_session
from backend.calling.signing import make_secret, show_secret
from backend.rewards.call_domain import Said
from backend.rewards.call_sending import Asker, secret_place as call_place
from backend.sealing import make_sealer
from backend.webhooks.sending import Sender, secret_place
from tests.builders import SECRET
from tests.partner import fulfilling
from tests.receiver import is_signed, receiving
from tests.unit.test_partner_answers import make_call
from tests.unit.test_webhook_retries import make_attempt

SEALER = make_sealer("", SECRET)


class Names:
    """A name server whose answers are scripted; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, host, port, **_):
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (each, port, 0, 0) if ":" in each else (each, port))
            for each in answer
        ]  # fmt: skip


async def send(url, names=None, is_allowed=is_public):
    secret = make_secret()
    attempt = make_attempt(
        url=url,
        sealed_secrets=[("s", SEALER.seal(secret, place=secret_place("s")))],
    )
    resolver = GuardedResolver(is_allowed, names or Names(["127.0.0.1"]))
    async with guarded_session(resolver) as session:
        return await Sender(session, SEALER).send(attempt)


class Listener:
    """Accepts nothing and counts who knocks."""

    def __init__(self, address):
        self.knocks = 0
        self.address = address

    async def __aenter__(self):
        def knock(_, writer):
            self.knocks += 1
            writer.close()

        self.server = await asyncio.start_server(knock, self.address, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["100.100.100.200"], ["0.0.0.0"],
        ["::1"], ["fe80::1"], ["fd00::1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["224.0.0.1"],
        ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], [],
    ],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_not_dialled(answer):
    async with Listener("127.0.0.1") as listener:
        result = await send(f"http://hooks.example:{listener.port}/", Names(answer))
    assert (result.error, result.response_code, listener.knocks) == ("address_refused", None, 0)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"]
)
async def test_an_address_in_the_url_is_checked_like_the_answer_of_a_name(host):
    async with Listener("127.0.0.1") as listener:
        names = Names(["8.8.8.8"])
        result = await send(f"http://{host}:{listener.port}/", names)
    assert (result.error, listener.knocks, names.asked) == ("address_refused", 0, [])


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
async def test_other_ways_to_write_this_machine_are_names_like_any_other(host):
    async with Listener("127.0.0.1") as listener:
        result = await send(f"http://{host}:{listener.port}/")
    assert result.error in {"address_refused", "not_http"}
    assert listener.knocks == 0


def is_but_one(address):
    return address == "127.0.0.2"


async def test_a_name_that_changes_its_answer_between_check_and_connection_gains_nothing():
    async with Listener("127.0.0.1") as inside:
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        async with Listener("127.0.0.2") as public:
            # Both listen on ports of their own: only the address decides who is reached.
            result = await send(f"http://rebind.example:{public.port}/", names, is_but_one)
            assert names.asked == ["rebind.example"], "resolved once"
            assert (public.knocks, inside.knocks) == (1, 0)
            assert result.error == "not_http"
            again = await send(f"http://rebind.example:{inside.port}/", names, is_but_one)
    assert (again.error, inside.knocks) == ("address_refused", 0)


async def test_a_redirect_is_a_failure_and_is_not_followed():
    async with receiving() as inside, receiving() as receiver:
        receiver.answers = [(302, {"Location": f"{inside.base}/stolen"})]
        result = await send(receiver.base, is_allowed=lambda _: True)
    assert (result.response_code, result.error) == (302, "redirected")
    assert (len(receiver.came), inside.came) == (1, [])


async def test_an_endless_answer_is_not_read():
    sent = 0

    async def pour(request):
        nonlocal sent
        from aiohttp import web

        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while sent < 100_000_000:
                await response.write(b"x" * 65_536)
                sent += 65_536
        except ConnectionError:
            pass
        return response

    async with receiving([pour]) as receiver:
        result = await send(receiver.base, is_allowed=lambda _: True)
    assert (result.response_code, result.error) == (200, None)
    assert sent < 20_000_000


async def test_a_receiver_that_is_silent_is_left_in_time(monkeypatch):
    import aiohttp

    from backend.calling import dialling

    monkeypatch.setattr(dialling, "TOTAL_TIMEOUT_S", 0.3)
    assert aiohttp.ClientTimeout(total=dialling.TOTAL_TIMEOUT_S).total == 0.3
    async with receiving(["wait"]) as receiver:
        result = await send(receiver.base, is_allowed=lambda _: True)
    assert (result.response_code, result.error) == (None, "timed_out")
    assert 250 <= result.duration_ms < 5_000


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"hello\r\n\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "not_http"),
        (b"", "not_http"),
    ],
)
async def test_a_receiver_that_speaks_no_http_is_a_failure(line, error):
    async def answer(reader, writer):
        await reader.read(100)
        writer.write(line)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    result = await send(f"http://127.0.0.1:{port}/", is_allowed=lambda _: True)
    server.close()
    await server.wait_closed()
    assert (result.response_code, result.error) == (None, error)


async def test_an_unknown_name_a_closed_port_and_no_tls_have_codes_of_their_own():
    unknown = Names(socket.gaierror(-2, "Name or service not known"))
    assert (await send("http://nowhere.example/", unknown)).error == "name_unknown"
    async with Listener("127.0.0.1") as listener:
        closed = f"http://127.0.0.1:{listener.port}/"
    assert (await send(closed, is_allowed=lambda _: True)).error == "not_connected"
    async with receiving() as receiver:
        url = receiver.base.replace("http:", "https:")
        assert (await send(url, is_allowed=lambda _: True)).error in {"tls_failed", "not_connected"}
    assert receiver.came == []


async def test_a_secret_that_cannot_be_opened_sends_nothing():
    async with receiving() as receiver:
        resolver = GuardedResolver(lambda _: True)
        async with guarded_session(resolver) as session:
            attempt = make_attempt(url=receiver.base, sealed_secrets=[("s", b"x" * 60)])
            result = await Sender(session, SEALER).send(attempt)
    assert (result.error, receiver.came) == ("secret_lost", [])


async def test_an_earlier_secret_that_cannot_be_opened_does_not_silence_the_newest():
    secret = make_secret()
    sealed = [("new", SEALER.seal(secret, place=secret_place("new"))), ("old", b"x" * 60)]
    async with receiving() as receiver:
        resolver = GuardedResolver(lambda _: True)
        async with guarded_session(resolver) as session:
            attempt = make_attempt(url=receiver.base, sealed_secrets=sealed)
            result = await Sender(session, SEALER).send(attempt)
    assert result.error is None
    [came] = receiver.came
    assert is_signed(came, show_secret(secret))


async def test_nor_does_it_silence_the_newest_of_calls_to_a_partner():
    call = make_call(1)
    secret, place = make_secret(), call_place(str(call.merchant_id))
    sealed = [SEALER.seal(secret, place=place), b"x" * 60]
    resolver = GuardedResolver(lambda _: True)
    async with fulfilling() as partner, guarded_session(resolver) as session:
        asked = call._replace(url=f"{partner.base}/fulfil", secrets=sealed)
        outcome = await Asker(session, SEALER).ask(asked)
        none = await Asker(session, SEALER).ask(asked._replace(secrets=sealed[1:]))
    assert (outcome.said, none.error) == (Said.FULFILLED, "secret_lost")
    [came] = partner.came
    assert is_signed(came, show_secret(secret))


@pytest.mark.parametrize(
    ("status", "field", "asked_s"),
    [
        (429, "7", 7),
        (503, "Fri, 20 Nov 2026 04:01:30 GMT", 90),
        (503, "Fri, 20 Nov 2026 03:00:00 GMT", 0),
        (503, "soon", None),
        (503, "-5", None),
        (503, f"Mon, {'9' * 20} Jan 2026 00:00:00 GMT", None),
        (503, f"Mon, 1 Jan 2026 00:00:00 +{'9' * 20}", None),
        (500, "7", None),
    ],
)
async def test_the_time_that_a_receiver_asks_for_is_read(status, field, asked_s):
    async with receiving([(status, {"Retry-After": field})]) as receiver:
        result = await send(receiver.base, is_allowed=lambda _: True)
    assert (result.response_code, result.retry_after_s) == (status, asked_s)
