"""The frame of the demo: settings, the service in this process, the play, and staying open."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

import aiohttp
import structlog
import uvloop

from backend.demo.album import NoPhotos, Photo, folder_album
from backend.demo.city import CITY_REGION, HEROINE, METRO_ID, City, source_of
from backend.demo.client import CallRefused, open_session
from backend.demo.crowd import Crowd
from backend.demo.home import demo_settings
from backend.demo.play import Finding, play
from backend.demo.screen import BANNER, Screen
from backend.deployment import Deployment, open_deployment
from backend.sandbox.kinds import KINDS
from backend.serving import serve_deployment
from backend.settings import Settings

EXIT_OK, EXIT_FOUND, EXIT_USAGE, EXIT_STOPPED = 0, 1, 2, 130
START_S_MAX = 60.0  # an API that is not up by then has said why on standard error


def run_demo(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the demo; 0 when all is well, 1 when something is broken, 2 for wrong input."""
    screen = Screen(sys.stderr if arguments.json else sys.stdout)
    try:
        album = _chosen(arguments)
    except NoPhotos as refusal:
        screen.say(f"✗ {refusal}")
        return EXIT_USAGE
    _quiet_logs()
    screen.say(BANNER)
    settings = demo_settings(settings, arguments, region=CITY_REGION)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_demo(settings, arguments, album, screen))
    except asyncio.CancelledError:
        screen.say("已停止 Stopped")
        return EXIT_STOPPED
    finally:
        screen.say()
        screen.say(BANNER)


def _chosen(arguments: argparse.Namespace) -> list[Photo]:
    """The photos of the folder; none for rendered ones, which need the database's count."""
    if arguments.count < 1:
        raise NoPhotos("--count: 至少 1 张照片 at least 1 photo")
    return folder_album(arguments.photos, arguments.count) if arguments.photos else []


def _quiet_logs() -> None:
    """Errors of the service alone, on standard error: a show is no log."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _demo(
    settings: Settings, arguments: argparse.Namespace, album: Sequence[Photo], screen: Screen
) -> int:
    stop = asyncio.Event()
    _end_on_signals()
    async with (
        open_deployment(settings) as deployment,
        _serving(deployment, stop) as port,
        open_session(port) as session,
    ):
        played = await _played(deployment, session, arguments, album, screen)
        if played is None:
            return EXIT_FOUND
        finding, crowd = played
        if arguments.json:
            print(json.dumps(asdict(finding), ensure_ascii=False), flush=True)
        if not arguments.once:
            _end_on_signals(stop)
            _invite(f"http://{settings.host}:{port}", crowd, screen)
            await stop.wait()
    return EXIT_OK if finding.is_sound else EXIT_FOUND


async def _played(
    deployment: Deployment,
    session: aiohttp.ClientSession,
    arguments: argparse.Namespace,
    album: Sequence[Photo],
    screen: Screen,
) -> tuple[Finding, Crowd] | None:
    """What the play gives, or nothing when the API refused what it counts on."""
    played = None
    try:
        played = await play(deployment.engine, session, screen, album=album, count=arguments.count)
    except* CallRefused as refusals:
        screen.say(f"✗ {refusals.exceptions[0]}")
    return played


@asynccontextmanager
async def _serving(deployment: Deployment, stop: asyncio.Event) -> AsyncIterator[int]:
    """The whole service in this process, on a port that it tells."""
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_deployment(deployment, started=told.set_result, stop=stop))
        try:
            async with asyncio.timeout(START_S_MAX):
                port = await told
            yield port
        finally:
            stop.set()


def _end_on_signals(stop: asyncio.Event | None = None) -> None:
    """Ctrl-C and SIGTERM set `stop`; without it they cancel the task that called, in order."""
    task = asyncio.current_task()
    assert task is not None, "called by the task that runs the demo"
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set if stop else task.cancel)


def _invite(address: str, crowd: Crowd, screen: Screen) -> None:
    """Say where to look; tokens are good for an hour, and anybody makes new ones."""
    screen.title(f"服务中 Serving · {address} · Ctrl-C 停止 to stop")
    screen.say(f"  接口文档 API page  {address}/docs")
    screen.say(f"  OpenAPI           {address}/openapi.json")
    screen.say(f"  公众总量 public    curl -s {address}/v1/public/totals")
    for words, path in crowd.pages.items():
        screen.say(f"  {words}  {address}{path}")
    screen.say("  李青和商户可见,一小时内有效 for Li Qing and the merchant, for an hour:")
    for words, (path, who) in crowd.reads.items():
        screen.say(f"  {words}  curl -s {address}{path} -H 'Authorization: Bearer {who.bearer}'")
    screen.say("  任何身份的令牌 a token for anybody:")
    screen.say(
        f"  curl -s {address}/dev-issuer/token -H 'Content-Type: application/json'"
        """ -d '{"subject":"me","roles":["operator"]}'"""
    )
    screen.say("  扮演地铁上报昨天的行程,未绑卡的先挂起 as the metro; rides without a link wait:")
    screen.say(f"  {_metro_line(address, crowd.city)}")


def _metro_line(address: str, city: City) -> str:
    """A command that behaves like the metro's own system; a plan fits so many customers."""
    rides_per_s = max(1, city.members * KINDS["metro"].slots_per_day // 60)
    return (
        f"tanhui partner simulate --kind metro --rate {rides_per_s} --minutes 1 --seed 1"
        f" --base {address} --key {city.metro_key} --source {source_of(METRO_ID)}"
        f" --region {city.district(HEROINE)} --customers {city.members}"
        f" --subject '{city.card_pattern}'"
    )
