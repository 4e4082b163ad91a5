"""Running the service: the API, the processor, or both in one process."""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta

import structlog
import uvloop

from backend.api import build_probes, open_api
from backend.bell import Bell
from backend.deployment import Deployment, open_deployment
from backend.http import serve
from backend.methodologies.register import CreditingCatalogue, keep_current
from backend.outbox import CHANNEL
from backend.processor import Processor
from backend.rewards.caller import PartnerCaller, open_caller
from backend.settings import Settings
from backend.webhooks.deliverer import Deliverer, open_deliverer
from scoring.model_card import ModelNotInCard

NOTICE_S = 0.2  # between the first refused probe and the closed door; pods wait in preStop besides

_log = structlog.get_logger(__name__)


def run_service(settings: Settings, *, parts: str) -> int:
    """Run `serve`, `api` or `processor` until SIGTERM; returns the exit code."""
    configure_logs()
    spare_garbage_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, parts=parts))
    return 0


def spare_garbage_collector() -> None:
    """Look for reference cycles less often: a batch makes some 50,000 tuples that die together.

    At Python's default of 700 the collector took a fifth of the processor's time to find nothing.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def configure_logs() -> None:
    """JSON lines on standard output, in UTC; no bodies, no tokens, no coordinates."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )


async def _serve(settings: Settings, *, parts: str) -> None:
    if settings.dev_issuer:
        _log.warning("development_issuer", detail="anybody can sign in as anybody")
    async with open_deployment(settings) as deployment:
        await serve_deployment(deployment, parts=parts)


async def serve_deployment(
    deployment: Deployment,
    *,
    parts: str = "serve",
    started: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
    notice_s: float = NOTICE_S,
) -> None:
    """Serve an open deployment until SIGTERM, SIGINT or `stop`; tell the port when it is known."""
    stop = stop or _stop_on_signals()
    if parts != "api":
        await _check_model(deployment)
    async with AsyncExitStack() as stack:
        bell = Bell(deployment.engine, CHANNEL)
        # Entered first, so that their clients are there until the last task has ended.
        deliverer = await stack.enter_async_context(deliverer_of(deployment, bell))
        caller = await stack.enter_async_context(caller_of(deployment, bell))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        beside = _following(group, deployment)
        if parts != "api":
            processor = processor_of(deployment, bell, deliverer, caller)
            beside += [group.create_task(bell.serve()), group.create_task(processor.serve())]
        try:
            app = build_probes(deployment)
            if parts != "processor":
                app = (await stack.enter_async_context(open_api(deployment))).app
            settings = deployment.settings
            await serve(
                app,
                host=settings.host,
                port=settings.port,
                started=started or _tell(settings.host),
                notice_s=notice_s,
                stop=stop,
            )
        finally:
            for task in beside:
                task.cancel()


def _following(group: asyncio.TaskGroup, deployment: Deployment) -> list[asyncio.Task[None]]:
    """What is published or withdrawn elsewhere is taken up by this process too."""
    catalogue, shift = deployment.rules.catalogue, deployment.settings.clock_shift_s
    if not isinstance(catalogue, CreditingCatalogue):
        return []
    return [group.create_task(keep_current(deployment.engine, catalogue, clock_shift_s=shift))]


async def _check_model(deployment: Deployment) -> None:
    """A wrong model stops the start, not the photos."""
    try:
        _log.info("model", sha256=await deployment.workers.model_sha256())
    except ModelNotInCard as error:
        raise SystemExit(
            f"The model was refused: {error}. See docs/reference/settings.md, TANHUI_MODEL."
        ) from error


def processor_of(
    deployment: Deployment, bell: Bell, deliverer: Deliverer, caller: PartnerCaller
) -> Processor:
    """The processor of a deployment."""
    return Processor(
        deployment.engine,
        bell,
        deployment.workers,
        deployment.store,
        deployment.rules,
        appeal_window=timedelta(days=deployment.settings.appeal_days),
        deliverer=deliverer,
        inbox=deployment.inbox,
        caller=caller,
    )


def caller_of(deployment: Deployment, bell: Bell) -> AbstractAsyncContextManager[PartnerCaller]:
    """What has partners of a deployment fulfil vouchers."""
    return open_caller(
        deployment.engine,
        bell,
        deployment.sealer,
        clock_shift_s=deployment.settings.clock_shift_s,
        is_anywhere=deployment.settings.webhook_anywhere,
    )


def deliverer_of(deployment: Deployment, bell: Bell) -> AbstractAsyncContextManager[Deliverer]:
    """What sends the webhooks of a deployment."""
    return open_deliverer(
        deployment.engine,
        bell,
        deployment.sealer,
        is_anywhere=deployment.settings.webhook_anywhere,
    )


def _tell(host: str) -> Callable[[int], None]:
    def tell(port: int) -> None:
        _log.info("serving", address=f"http://{host}:{port}", docs=f"http://{host}:{port}/docs")

    return tell


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
