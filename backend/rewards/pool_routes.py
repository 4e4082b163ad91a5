"""Importing pool codes over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.routes import Answer, Call, Route
from backend.rewards.domain import MANAGER
from backend.rewards.pool import Imported, import_codes
from backend.rewards.pool_codes import PoolKeys
from backend.rewards.refusals import NotStaff, RewardTermsNotClear
from backend.rewards.route_kinds import MANAGES, merchant_of
from backend.writing import write_alone

FILE_BYTES_MAX = 1_000_000  # some 50,000 codes; more come in several files
ERRORS_SHOWN_MAX = 200  # enough to see what is wrong with a file


class PoolFileBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A CSV file with one column `code`."""

    csv: Annotated[str, msgspec.Meta(min_length=1, max_length=FILE_BYTES_MAX)]


class RowErrorAnswer(msgspec.Struct, kw_only=True):
    """A line that was left out: empty, too_many_columns, not_a_code, repeated or known."""

    line: int
    code: str


class ImportAnswer(msgspec.Struct, kw_only=True):
    """How many codes are new; the first errors, and how many there are in all."""

    imported: int
    error_count: int
    errors: list[RowErrorAnswer]


@dataclass(frozen=True, slots=True)
class PoolDesk:
    """What importing needs."""

    engine: AsyncEngine
    keys: PoolKeys
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the route."""
        return [
            Route(
                "POST",
                "/v1/merchant/rewards/{id}/pool-codes",
                self.post_codes,
                policy=MANAGES,
                summary="Import codes of others; good lines are taken, the others are listed",
                summary_zh="导入券码池(CSV)",
                body=PoolFileBody,
                answers={200: ImportAnswer},
                problems=(NotStaff, NotFound, RewardTermsNotClear, *BUSY),
                body_bytes_max=FILE_BYTES_MAX,
                deadline_s=30.0,
            )
        ]

    async def post_codes(self, call: Call[PoolFileBody, None]) -> Answer:
        """Import a file; the same file again adds nothing."""

        async def write(conn: AsyncConnection, now: datetime) -> Imported:
            return await import_codes(
                conn,
                call.body.csv,
                reward_id=call.path_id(),
                merchant_id=await merchant_of(conn, call, MANAGER),
                keys=self.keys,
                now=now,
            )

        found = await write_alone(self.engine, write, clock_shift_s=self.clock_shift_s)
        shown = [
            RowErrorAnswer(line=each.line, code=each.code)
            for each in found.errors[:ERRORS_SHOWN_MAX]
        ]
        return Answer(
            ImportAnswer(imported=found.codes, error_count=len(found.errors), errors=shown)
        )
