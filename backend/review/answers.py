"""A check-in as a reviewer sees it: what the model said and where the lines are, and no person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.checkins.reasons import REASONS
from backend.crediting.answers import Language
from backend.http.cursors import PageQuery
from backend.review.domain import TEXT_CHARACTERS_MAX, Decision, Label
from backend.review.queue_queries import LookAlike
from backend.units import REGION_PATTERN
from scoring.model_card import ModelCard
from scoring.plate import CLASSES

Parts = Annotated[int, msgspec.Meta(ge=0, le=10_000, description="parts per 10,000")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]


class DecisionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the reviewer saw, and what follows; the note is for colleagues and names nobody."""

    outcome: Literal["accept", "reject"]
    label: Label
    note: Text | None = None


class AppealBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the member wants the reviewer to know; may be left out."""

    text: Text | None = None


class ThresholdAnswer(msgspec.Struct, kw_only=True):
    """One line of the model's card: `value` was held against `limit`."""

    name: str
    value: Parts
    limit: Parts
    passed: bool


class ModelAnswer(msgspec.Struct, kw_only=True):
    """What the model said; `thresholds` is empty when its card is not the one at hand."""

    model_sha256: str
    verdict: str
    reason: str | None
    scores: dict[str, Parts]
    recapture: Parts
    thresholds: list[ThresholdAnswer]


class LookAlikeAnswer(msgspec.Struct, kw_only=True):
    """Another photo that looks the same; `same_member` says whether one person sent both."""

    check_in_id: UUID
    status: str
    occurred_at: datetime
    kind: str
    distance_bits: int
    embedding_distance: Parts | None
    resemblance: Parts | None
    same_member: bool
    evidence: str


class RiskAnswer(msgspec.Struct, kw_only=True):
    """Why a photo that was accepted stopped all the same: its signs, per 10,000."""

    total: Parts
    recapture: Parts
    edited: Parts
    neighbour: Parts
    edited_with: str | None


class AppealedAnswer(msgspec.Struct, kw_only=True):
    """Why the member disagrees, and with which reason."""

    text: str | None
    rejected_for: str
    appealed_at: datetime


class LeaseAnswer(msgspec.Struct, kw_only=True):
    """Until when nobody else should look at this check-in."""

    expires_at: datetime
    is_mine: bool


class CaseAnswer(msgspec.Struct, kw_only=True):
    """One check-in that waits for a reviewer."""

    id: UUID
    action: str
    methodology_id: str | None
    region: str
    meal_window: str | None
    occurred_at: datetime
    tier: str
    reason: str | None
    message: str
    in_review_since: datetime
    evidence: list[str]
    model: ModelAnswer | None
    risk: RiskAnswer | None
    look_alikes: list[LookAlikeAnswer]
    appeal: AppealedAnswer | None
    lease: LeaseAnswer | None


class QueuePage(msgspec.Struct, kw_only=True):
    """One page of what waits for a reviewer, longest first."""

    items: list[CaseAnswer]
    next_cursor: str | None


class DecisionAnswer(msgspec.Struct, kw_only=True):
    """A decision; `is_final` when its check-in cannot come back to a reviewer."""

    id: UUID
    check_in_id: UUID
    outcome: str
    label: str
    note: str | None
    is_on_appeal: bool
    is_final: bool
    model_sha256: str | None
    decided_at: datetime


class QueueQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the queue: by reason, district or methodology."""

    reason: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,64}$")] | None = None
    region: Annotated[str, msgspec.Meta(pattern=REGION_PATTERN)] | None = None
    methodology: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9-]{1,64}$")] | None = None


class EvidenceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which photo, of a check-in that has several."""

    part: Literal["morning", "evening"] | None = None


def evidence_path(check_in_id: UUID) -> str:
    """Where a reviewer sees the photo."""
    return f"/v1/review/check-ins/{check_in_id}/evidence"


def render_case(
    row: Row[Any],
    look_alikes: Sequence[LookAlike],
    *,
    reviewer: str,
    language: Language,
    methodologies: Mapping[str, str],
    card: ModelCard | None,
) -> CaseAnswer:
    """One row of the queue for `reviewer`; it holds no account and nothing that names one."""
    reason = REASONS.get(row.reason)
    message = (reason.text_zh if language == "zh" else reason.text_en) if reason else ""
    return CaseAnswer(
        id=row.id,
        action=row.action,
        methodology_id=methodologies.get(row.action),
        region=row.region,
        meal_window=row.meal_window,
        occurred_at=row.occurred_at,
        tier=row.tier,
        reason=row.reason,
        message=message,
        in_review_since=row.in_review_since,
        evidence=[
            *([evidence_path(row.id)] if row.has_photo else []),
            *(f"{evidence_path(row.id)}?part={part}" for part in row.parts),
        ],
        model=_model(row, card) if row.model_sha256 else None,
        risk=_risk(row) if row.risk is not None else None,
        look_alikes=[_look_alike(each) for each in look_alikes],
        appeal=_appeal(row) if row.appealed_at else None,
        lease=LeaseAnswer(expires_at=row.expires_at, is_mine=row.reviewer == reviewer)
        if row.is_taken
        else None,
    )


def render_decision(decision: Decision) -> DecisionAnswer:
    """A decision for the reviewer who made it."""
    return DecisionAnswer(
        id=decision.id,
        check_in_id=decision.check_in_id,
        outcome=decision.outcome,
        label=decision.label,
        note=decision.note,
        is_on_appeal=decision.is_on_appeal,
        is_final=decision.is_on_appeal or decision.outcome == "accepted",
        model_sha256=decision.model_sha256,
        decided_at=decision.decided_at,
    )


def thresholds_of(
    scores: Mapping[str, int], recapture: int, card: ModelCard
) -> list[ThresholdAnswer]:
    """The lines of the card that a photo has to pass to be accepted, in the order of the card."""
    limits = card.thresholds
    food = scores["leftover"] + scores["full"]
    below = (
        ("recapture", recapture, limits.recapture_review_min),
        ("not_a_plate", scores["not_a_plate"], limits.not_a_plate_rejected_min),
        ("leftover_and_full", food, limits.food_rejected_min),
    )
    lines = [
        ThresholdAnswer(name=name, value=value, limit=limit, passed=value < limit)
        for name, value, limit in below
    ]
    clean, least = scores["clean"], limits.clean_accepted_min
    return [*lines, ThresholdAnswer(name="clean", value=clean, limit=least, passed=clean >= least)]


def _model(row: Row[Any], card: ModelCard | None) -> ModelAnswer:
    scores = dict(zip(CLASSES, row.scores, strict=True))
    is_known = card is not None and card.sha256 == row.model_sha256
    return ModelAnswer(
        model_sha256=row.model_sha256,
        verdict=row.verdict,
        reason=row.model_reason,
        scores=scores,
        recapture=row.recapture,
        thresholds=thresholds_of(scores, row.recapture, card) if card and is_known else [],
    )


def _risk(row: Row[Any]) -> RiskAnswer:
    return RiskAnswer(
        total=row.risk,
        recapture=row.risk_recapture,
        edited=row.risk_edited,
        neighbour=row.risk_neighbour,
        edited_with=row.edited_with,
    )


def _look_alike(other: LookAlike) -> LookAlikeAnswer:
    return LookAlikeAnswer(
        check_in_id=other.check_in_id,
        status=other.status,
        occurred_at=other.occurred_at,
        kind=other.kind,
        distance_bits=other.distance_bits,
        embedding_distance=other.embedding_distance,
        resemblance=other.resemblance,
        same_member=other.is_own,
        evidence=evidence_path(other.check_in_id),
    )


def _appeal(row: Row[Any]) -> AppealedAnswer:
    return AppealedAnswer(
        text=row.appeal_text, rejected_for=row.appealed_reason, appealed_at=row.appealed_at
    )
