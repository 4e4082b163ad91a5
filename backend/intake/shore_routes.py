"""The scale of a shore station over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed
from backend.crediting.steps import Rulebook
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.intake.domain import EvidenceTooLate
from backend.intake.shore import ShoreWeighing, weigh_hand_in
from backend.marine.bodies import Code, HandInAnswer, HandInGrams, Moment, render_hand_in
from backend.marine.domain import (
    HandInLapsed,
    HandInUnknown,
    HandInWeighed,
    ShoreWeighingNotClear,
    SiteElsewhere,
    StepOutOfOrder,
    Waste,
)
from backend.marine.queries import shown_hand_in
from backend.marine.route_kinds import KEEPS, recorder_of
from backend.partners.domain import RegionNotGranted
from backend.partners.queries import SubjectNotLinked
from backend.writing import Made, intention_of, write_once


class ShoreWeighingBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the scale shows. Without `code` and `subject_token` nobody is credited."""

    site_id: UUID
    material: Waste
    mass_g: HandInGrams
    weighed_at: Moment
    code: Code | None = None
    subject_token: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None


@dataclass(frozen=True, slots=True)
class ShoreScale:
    """What weighing at the shore needs."""

    engine: AsyncEngine
    rules: Rulebook

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the one route of shore scales."""
        return [
            Route(
                "POST",
                "/v1/marine/weighings",
                self.post_weighing,
                policy=KEEPS,
                summary="Weigh a hand-in: by a member's code, a linked card, or for somebody"
                " unregistered, who is paid and not credited",
                summary_zh="交投称重",
                body=ShoreWeighingBody,
                answers={200: HandInAnswer, 201: HandInAnswer},
                problems=(
                    ShoreWeighingNotClear,
                    SiteElsewhere,
                    RegionNotGranted,
                    SubjectNotLinked,
                    HandInUnknown,
                    HandInLapsed,
                    HandInWeighed,
                    StepOutOfOrder,
                    EvidenceTooLate,
                    ActivityNotCovered,
                    EvidenceAlreadyUsed,
                    IdempotencyKeyReused,
                    *BUSY,
                ),
                idempotency="required",
            )
        ]

    async def post_weighing(self, call: Call[ShoreWeighingBody, None]) -> Answer:
        """Write what the scale shows, and credit it."""
        body = call.body
        if body.code is not None and body.subject_token is not None:
            raise ShoreWeighingNotClear
        asked = ShoreWeighing(
            body.site_id,
            body.material,
            body.mass_g,
            body.weighed_at,
            recorder_of(call),
            "device" if "device" in call.principal.roles else "partner",
            body.code,
            body.subject_token,
        )
        stood = False

        async def make(conn: AsyncConnection, _: datetime) -> UUID:
            nonlocal stood
            hand_in_id, stood = await weigh_hand_in(conn, asked, self.rules)
            return hand_in_id

        made = await write_once(self.engine, intention_of(call), make)
        return await self._rendered(Made(made.id, made.is_replay or stood))

    async def _rendered(self, made: Made) -> Answer:
        async with self.engine.connect() as conn:
            row = await shown_hand_in(conn, made.id)
        assert row is not None, "it was just written, or found"
        return Answer(render_hand_in(row), 200 if made.is_replay else 201, made.headers)
