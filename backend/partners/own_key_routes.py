"""A partner rotates the key with which it calls, without waiting for an operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.partners.desk import KEY_PRINCIPAL, KeyEnded, NewKey, PublicKeyMisplaced, rotate_own
from backend.partners.desk_bodies import NewKeyAnswer, OwnRotationBody
from backend.partners.new_keys import answer_new_key
from backend.partners.signing_keys import PublicKeyNotValid
from backend.sealing import Sealer


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """What a partner needs to rotate its own key."""

    engine: AsyncEngine
    sealer: Sealer

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the one route; a device gets its key by a code, and has another way to a new one."""
        return [
            Route(
                "POST",
                "/v1/partner/key/rotations",
                self.post_rotation,
                policy=roles("partner"),
                summary="Make a key in the place of the one that calls; both work for some hours",
                summary_zh="更换自己的密钥,新旧密钥在重叠期内都有效",
                body=OwnRotationBody,
                answers={201: NewKeyAnswer},
                problems=(
                    *(KeyEnded, PublicKeyMisplaced, PublicKeyNotValid, IdempotencyKeyReused),
                    *BUSY,
                ),
                idempotency="required",
            )
        ]

    async def post_rotation(self, call: Call[OwnRotationBody, None]) -> Answer:
        """Make a key on the terms of the caller's."""
        key_id = call.principal.id.removeprefix(KEY_PRINCIPAL)

        async def make(conn: AsyncConnection, now: datetime) -> NewKey:
            return await rotate_own(conn, key_id, call.body, sealer=self.sealer, now=now)

        return await answer_new_key(self.engine, call, make)
