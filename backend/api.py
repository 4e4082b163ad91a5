"""The HTTP composition root: which routes there are, who signs in how, what runs beside them."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import text

from backend.batches import Batcher, is_passing
from backend.bell import Bell
from backend.campaigns.campaign_routes import CampaignDesk
from backend.campaigns.fund_routes import FundDesk
from backend.canteens.room import CanteensRoom, build_canteens
from backend.cards.room import card_routes
from backend.checkins.queries import OUTCOME_CHANNEL
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.account_routes import AccountReader
from backend.crediting.room import CreditingRoom, build_crediting
from backend.crediting.simulation_routes import Simulations
from backend.deployment import Deployment, bag_link
from backend.http import DEFAULT_RATES, ApiInfo, HttpSettings, Route, build_application
from backend.http.dev_issuer import DevIssuer
from backend.http.jwks import JwksCache, fetch_over_http
from backend.http.tokens import TokenRules, TokenVerifier
from backend.intake.action_routes import Actions
from backend.intake.client_config import ClientConfig
from backend.intake.custody import custody_routes
from backend.intake.events.kinds import TYPES
from backend.intake.room import build_intake
from backend.intake.routes import Intake
from backend.intake.uploads import Uploads
from backend.methodologies.operator_routes import Governance
from backend.methodologies.register import governed
from backend.methodologies.routes import MethodologyReader
from backend.notices.routes import NoticeReader
from backend.paper import Letterhead
from backend.partners.room import partner_routes
from backend.problems import PROBLEMS
from backend.reports.liability_routes import LiabilityReader
from backend.reports.routes import TotalsReader
from backend.review.room import ReviewRoom, build_review
from backend.review.steps import ReviewRules
from backend.rewards.domain import FirstRedemption
from backend.rewards.pool_codes import PoolKeys
from backend.rewards.room import RewardsRoom, build_rewards
from backend.rewards.rules import RewardRules
from backend.settings import Settings
from backend.sign_in import SignIn
from backend.webhooks.room import webhook_routes
from scoring.model_card import ModelCard, load_card

DEV_ISSUER = "http://tanhui.invalid/dev-issuer"  # a name that nobody can own, RFC 2606
VERSION = version("tanhui")  # read at import: the loop must not wait for a disk
JWKS_TIMEOUT = aiohttp.ClientTimeout(total=5)

_DEMO_BANNER = "模拟数据 Made-up data"
_INFO = ApiInfo(
    title="碳惠 tanhui",
    version=VERSION,
    description="Check-ins, carbon accounts, points. Grams are grams of reduction in gCO2e, whole,"
    " rounded down once. Times are RFC 3339.",
    description_zh="碳普惠:打卡、个人碳账户、积分。减碳量的单位是克二氧化碳当量(gCO2e),整克,只在最后向下取整一次。"
    "时间为 RFC 3339 格式。",
)


@dataclass(frozen=True, slots=True)
class Api:
    """The application and what must run beside it."""

    app: web.Application
    batchers: Sequence[Batcher[Any, Any]]
    bell: Bell
    waiters: OutcomeWaiters


@asynccontextmanager
async def open_api(deployment: Deployment) -> AsyncIterator[Api]:
    """Build the application; leaving stops the batches after they have answered."""
    async with aiohttp.ClientSession(timeout=JWKS_TIMEOUT, trust_env=False) as session:
        path = deployment.settings.model_path
        card = await asyncio.to_thread(load_card, Path(path) if path else None)
        api = build_api(deployment, session, card)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(each.serve()) for each in api.batchers]
            beside.append(group.create_task(api.bell.serve()))
            beside.append(group.create_task(api.waiters.serve()))
            try:
                yield api
            finally:
                for task in beside:
                    task.cancel()


def build_api(
    deployment: Deployment, session: aiohttp.ClientSession, card: ModelCard | None
) -> Api:
    """Wire the rooms to the application; reviewers are shown the lines of `card`."""
    engine, rules, settings = deployment.engine, deployment.rules, deployment.settings
    bell = Bell(engine, OUTCOME_CHANNEL)
    waiters = OutcomeWaiters(engine, bell)
    intake = _intake_of(deployment, waiters)
    canteens = _canteens_of(deployment, waiters)
    review = _review_of(deployment, card)
    rewards = _rewards_of(deployment)
    crediting = _crediting_of(deployment, waiters)
    verifier, issuer_routes = _token_verifier(settings, session)
    routes: list[Route[Any, Any]] = [
        *_rule_routes(deployment),
        *intake.routes(),
        *canteens.routes,
        *crediting.routes,
        *_points_routes(deployment),
        *custody_routes(engine, rules, _letterhead(settings)),
        *TotalsReader(engine).routes(),
        *review.routes,
        *rewards.routes,
        *card_routes(engine, rules, rewards.confirmations),
        *webhook_routes(engine, deployment.sealer, is_anywhere=settings.webhook_anywhere),
        *issuer_routes,
    ]
    routes += partner_routes(engine, deployment.sealer, TYPES, clock_shift_s=rules.clock_shift_s)
    app = build_application(
        routes,
        problem_types=PROBLEMS,
        authenticate=SignIn(engine, verifier, deployment.sealer).authenticate,
        info=_info_of(settings),
        settings=_http_settings(settings, rules.claim_secret),
        readiness={"database": partial(_database_answers, deployment)},
    )
    rooms = (intake, canteens, crediting, review, rewards)
    return Api(app, [each for room in rooms for each in room.batchers], bell, waiters)


def _review_of(deployment: Deployment, card: ModelCard | None) -> ReviewRoom:
    rules, settings = deployment.rules, deployment.settings
    days = (settings.appeal_days, settings.appeal_operator_days)
    return build_review(
        deployment.engine,
        deployment.store,
        ReviewRules.in_days(*days, clock_shift_s=rules.clock_shift_s),
        methodologies=rules.catalogue.actions,
        card=card,
    )


def _crediting_of(deployment: Deployment, waiters: OutcomeWaiters) -> CreditingRoom:
    return build_crediting(
        deployment.engine,
        deployment.store,
        deployment.rules,
        waiters,
        alone_grams_max=deployment.settings.reversal_alone_grams_max,
    )


def _config_of(deployment: Deployment) -> ClientConfig:
    settings = deployment.settings
    return ClientConfig(
        deployment.engine,
        deployment.rules.catalogue,
        settings.region,
        settings.app_version_min,
        settings.clock_shift_s,
    )


def _rule_routes(deployment: Deployment) -> Sequence[Route[Any, Any]]:
    engine, shift_s = deployment.engine, deployment.rules.clock_shift_s
    catalogue = governed(deployment.rules.catalogue)
    return [
        *MethodologyReader(engine, catalogue.packaged, shift_s).routes(),
        *Governance(engine, catalogue, shift_s).routes(),
        *Simulations(engine, catalogue, shift_s).routes(),
        *Actions(engine, deployment.rules, deployment.settings.region).routes(),
        *_config_of(deployment).routes(),
    ]


def _points_routes(deployment: Deployment) -> Sequence[Route[Any, Any]]:
    """What members and operators see of points and of the money behind them."""
    engine, catalogue = deployment.engine, deployment.rules.catalogue
    shift = deployment.rules.clock_shift_s
    return [
        *AccountReader(engine, shift).routes(),
        *NoticeReader(engine, catalogue, shift).routes(),
        *CampaignDesk(engine, frozenset(catalogue.actions), shift).routes(),
        *FundDesk(engine, shift).routes(),
        *LiabilityReader(engine, shift).routes(),
    ]


def _rewards_of(deployment: Deployment) -> RewardsRoom:
    rules = deployment.rules
    reward_rules = _reward_rules(deployment.settings, rules.clock_shift_s)
    keys = PoolKeys.derive(deployment.sealer, rules.claim_secret)
    is_anywhere = deployment.settings.webhook_anywhere
    return build_rewards(deployment.engine, reward_rules, keys, is_anywhere=is_anywhere)


def _reward_rules(settings: Settings, clock_shift_s: int) -> RewardRules:
    age = timedelta(hours=settings.redemption_account_age_h)
    first = FirstRedemption(settings.redemption_needs_phone, age)
    return RewardRules(first, settings.region, clock_shift_s)


def _intake_of(deployment: Deployment, waiters: OutcomeWaiters) -> Intake:
    return build_intake(
        deployment.engine,
        Uploads(deployment.engine, deployment.workers, deployment.store),
        deployment.rules,
        waiters,
        region=deployment.settings.region,
        link=bag_link(deployment.settings),
        sealer=deployment.sealer,
    )


def _letterhead(settings: Settings) -> Letterhead:
    return Letterhead(settings.public_url.rstrip("/"), _DEMO_BANNER if settings.demo else "")


def _info_of(settings: Settings) -> ApiInfo:
    if not settings.demo:
        return _INFO
    return replace(
        _INFO,
        description=f"{_DEMO_BANNER}. {_INFO.description}",
        description_zh=f"{_DEMO_BANNER}。{_INFO.description_zh}",
    )


def _canteens_of(deployment: Deployment, waiters: OutcomeWaiters) -> CanteensRoom:
    uploads = Uploads(deployment.engine, deployment.workers, deployment.store)
    return build_canteens(deployment.engine, uploads, deployment.rules, waiters)


def _http_settings(settings: Settings, secret: bytes) -> HttpSettings:
    return HttpSettings(
        cursor_key=hashlib.sha256(b"cursor" + secret).digest(),
        rates=DEFAULT_RATES if settings.rate_limits else None,
        is_passing=is_passing,
    )


def build_probes(deployment: Deployment) -> web.Application:
    """An application of probes and metrics alone, for a process that only acts on work."""
    return build_application(
        (),
        problem_types={},
        authenticate=SignIn(deployment.engine, None, deployment.sealer).authenticate,
        info=_INFO,
        settings=HttpSettings(cursor_key=deployment.rules.claim_secret),
        readiness={"database": partial(_database_answers, deployment)},
    )


def _token_verifier(
    settings: Settings, session: aiohttp.ClientSession
) -> tuple[TokenVerifier | None, Sequence[Route[Any, Any]]]:
    """The verifier of the configured issuer, or of a development issuer in this process."""
    if settings.dev_issuer:
        rules = TokenRules(issuer=DEV_ISSUER, audience=settings.oidc_audience)
        issuer = DevIssuer(rules, clock=time.time)
        keys = JwksCache(issuer.fetch_keys, clock=time.monotonic)
        return TokenVerifier(rules, keys, clock=time.time), issuer.routes()
    if not settings.oidc_issuer:
        return None, ()
    rules = TokenRules(issuer=settings.oidc_issuer, audience=settings.oidc_audience)
    address = settings.oidc_jwks_url or f"{settings.oidc_issuer.rstrip('/')}/jwks"
    keys = JwksCache(fetch_over_http(session, address), clock=time.monotonic)
    return TokenVerifier(rules, keys, clock=time.time), ()


async def _database_answers(deployment: Deployment) -> None:
    async with deployment.engine.connect() as conn:
        await conn.execute(text("SELECT 1"))
