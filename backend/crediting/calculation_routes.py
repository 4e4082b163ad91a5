"""How the grams of a check-in were calculated, in full and in three plain sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.checkins.domain import CheckIn
from backend.checkins.evidence_queries import evidence_of
from backend.checkins.queries import get_check_in
from backend.crediting.answers import Grams
from backend.crediting.domain import Credit, activity_of, reduction_of
from backend.crediting.history import RestatementAnswer, history_of
from backend.crediting.limits import limited_by
from backend.crediting.queries import live_credit_of, live_credits
from backend.errors import DomainError, NotFound
from backend.evidence_store import EvidenceStore, EvidenceUnavailable
from backend.http.principal import roles
from backend.http.problem import Language
from backend.http.routes import Answer, Call, Route
from scoring.methodology import Catalogue, explain

# They judge and audit what members report, and see it by account, never by person.
OFFICIALS = frozenset({"operator", "auditor"})

EvidenceState = Literal["none", "kept", "erased", "unknown"]
EVIDENCE_WORDS: Mapping[EvidenceState, tuple[str, str]] = {
    "none": ("这次活动没有照片", "No photo belongs to this activity"),
    "kept": ("照片仍在保存期内", "The photo is still kept"),
    "erased": (
        "照片已删除;克数仍可由留存的数量和方法学版本重算",
        "The photo was erased; the amounts and the version that were kept still give the grams",
    ),
    "unknown": ("暂时无法确认照片是否保存", "Whether the photo is still kept cannot be told now"),
}


class NothingCalculated(DomainError):
    """This check-in is not credited, so there is no calculation."""


class CapAnswer(msgspec.Struct, kw_only=True):
    """Most of one quantity that counts in a period, in base units, and why."""

    quantity: str
    most: int
    reason: str


class LimitAnswer(msgspec.Struct, kw_only=True):
    """Another activity of the same period that came first and took what this one could not have."""

    check_in_id: UUID
    action: str
    occurred_at: datetime
    ended_at: datetime | None
    allowed: dict[str, int]
    grams: Grams


class EvidenceAnswer(msgspec.Struct, kw_only=True):
    """Whether the photo behind the activity is still kept."""

    state: EvidenceState
    message: str


class CalculationAnswer(msgspec.Struct, kw_only=True):
    """Everything that is needed to repeat the arithmetic by hand.

    `calculation` has the inputs, the version, the factors with their sources, each step and the
    result before its one rounding; `limited_by` is empty unless a cap or an exclusion took a part.
    """

    check_in_id: UUID
    credit_id: UUID
    booking: int
    period: str
    calculation: dict[str, Any]
    caps: list[CapAnswer]
    limited_by: list[LimitAnswer]
    evidence: EvidenceAnswer
    history: list[RestatementAnswer]
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class CalculationReader:
    """What explaining a credit needs."""

    engine: AsyncEngine
    catalogue: Catalogue
    store: EvidenceStore

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the calculation of a check-in."""
        return [
            Route(
                "GET",
                "/v1/check-ins/{id}/calculation",
                self.get_calculation,
                policy=roles("member", *OFFICIALS),
                summary="See how the grams of a check-in were calculated",
                summary_zh="查看减碳量的计算过程",
                answers={200: CalculationAnswer},
                problems=(NotFound, NothingCalculated),
            )
        ]

    async def get_calculation(self, call: Call[None, None]) -> Answer:
        """Answer the whole calculation of a credited check-in."""
        check_in = await self._visible(call)
        async with self.engine.connect() as conn:
            booked = await live_credit_of(conn, check_in.id)
            if booked is None:
                raise NothingCalculated
            credit = booked.credit
            key = (credit.account_id, credit.period)
            there = [each.credit for each in (await live_credits(conn, [key]))[key]]
            history = await history_of(conn, check_in.id, call.language)
            photos = [each.evidence_sha256 for each in await evidence_of(conn, check_in.id)]
        calculation = explain(activity_of(credit), reduction_of(credit), self.catalogue)
        kept = photos or ([check_in.evidence_sha256] if check_in.evidence_sha256 else [])
        return Answer(
            CalculationAnswer(
                check_in_id=check_in.id,
                credit_id=credit.id,
                booking=credit.booking,
                period=credit.period,
                calculation=calculation,
                caps=self._caps(credit),
                limited_by=[_limit(each) for each in limited_by(credit, there, self.catalogue)],
                evidence=await self._evidence(check_in.account_id, kept, call.language),
                history=history,
                sentences=list(calculation["sentences"][call.language]),
            )
        )

    def _caps(self, credit: Credit) -> list[CapAnswer]:
        caps = self.catalogue.version_of(credit.version).caps
        return [
            CapAnswer(quantity=cap.quantity, most=cap.most, reason=cap.reason)
            for cap in caps.values()
        ]

    async def _evidence(
        self, account_id: UUID, photos: Sequence[str], language: Language
    ) -> EvidenceAnswer:
        state = await self._evidence_state(account_id, photos)
        zh, en = EVIDENCE_WORDS[state]
        return EvidenceAnswer(state=state, message=zh if language == "zh" else en)

    async def _evidence_state(self, account_id: UUID, photos: Sequence[str]) -> EvidenceState:
        if not photos:
            return "none"
        try:
            kept = [await self.store.holds(account_id, sha256) for sha256 in photos]
        except EvidenceUnavailable:  # the arithmetic needs no photo, so it is shown without
            return "unknown"
        return "kept" if all(kept) else "erased"

    async def _visible(self, call: Call[None, None]) -> CheckIn:
        """The caller's check-in, or any to an official; else it is as absent as one never was."""
        async with self.engine.connect() as conn:
            check_in = await get_check_in(conn, call.path_id())
        if check_in is None:
            raise NotFound
        is_official = not OFFICIALS.isdisjoint(call.principal.roles)
        if not is_official and check_in.account_id != call.principal.own_account:
            raise NotFound
        return check_in


def _limit(credit: Credit) -> LimitAnswer:
    return LimitAnswer(
        check_in_id=credit.check_in_id,
        action=credit.action,
        occurred_at=credit.occurred_at,
        ended_at=credit.ended_at,
        allowed=dict(credit.allowed),
        grams=credit.grams,
    )
