"""What an app asks for when it starts: versions, actions, how to upload, meal windows, the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.checkins.domain import RETRIES_PER_WINDOW
from backend.checkins.queries import meal_windows
from backend.db import clock
from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.methodologies.register import closed_versions
from scoring.methodology import Catalogue

UPLOAD_SIDE_PX = 1_600  # the recogniser looks at 1,024 px; more only costs the phone's data
UPLOAD_QUALITY = 80
UPLOAD_BYTES = 600_000

# Actions of this release and their inlets; the others of the catalogue wait for their evidence.
INLETS = {
    "clean_plate": "photo",
    "mixed_recycling": "bag",
    "sorted_recycling": "bag",
    "metro": "trip",
    "bus": "trip",
    "cycling": "trip",
    "walking": "steps",
    "no_drive_day": "no_drive_day",
    "paper_avoided": "sheets",
    "own_cup": "own_cup",
}
NOT_YET_ZH, NOT_YET_EN = (
    "暂未开放:尚无可核实的证据来源",
    "Not open yet: no verifiable evidence source",
)


class ActionConfig(msgspec.Struct, kw_only=True):
    """One action; `inlet` is how it is reported: photo, bag, trip, or null while switched off."""

    action: str
    name: str
    is_enabled: bool
    inlet: str | None
    reason: str | None
    reason_zh: str | None
    reason_en: str | None


class UploadGuide(msgspec.Struct, kw_only=True):
    """How to prepare a photo; larger ones are taken, and cost the member's data."""

    content_types: list[str]
    long_side_px_max: int
    jpeg_quality: int
    bytes_target: int
    bytes_max: int
    retries_per_meal: int


class MealWindowConfig(msgspec.Struct, kw_only=True):
    """One meal window, in Shanghai time; `closes` is exclusive."""

    id: str
    name: str
    opens: str
    closes: str


class ClientConfigAnswer(msgspec.Struct, kw_only=True):
    """Everything that an app needs before the first check-in."""

    app_version_min: str
    server_time: datetime
    region: str
    actions: list[ActionConfig]
    upload: UploadGuide
    meal_windows: list[MealWindowConfig]
    wait_seconds_max: int


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What the configuration is made of."""

    engine: AsyncEngine
    catalogue: Catalogue
    region: str
    app_version_min: str
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the configuration."""
        return [
            Route(
                "GET",
                "/v1/client-config",
                self.get_config,
                policy=PUBLIC,
                summary="See what an app must know before the first check-in",
                summary_zh="应用启动配置",
                answers={200: ClientConfigAnswer},
            )
        ]

    async def get_config(self, call: Call[None, None]) -> Answer:
        """Answer the configuration in the caller's language."""
        async with self.engine.connect() as conn:
            windows = await meal_windows(conn)
            now = await clock(conn, self.clock_shift_s)
        is_zh = call.language == "zh"
        return Answer(
            ClientConfigAnswer(
                app_version_min=self.app_version_min,
                server_time=now,
                region=self.region,
                actions=[self._action(action, is_zh=is_zh) for action in sorted(self._actions())],
                upload=UploadGuide(
                    content_types=["image/jpeg", "image/png", "image/webp"],
                    long_side_px_max=UPLOAD_SIDE_PX,
                    jpeg_quality=UPLOAD_QUALITY,
                    bytes_target=UPLOAD_BYTES,
                    bytes_max=10_000_000,
                    retries_per_meal=RETRIES_PER_WINDOW,
                ),
                meal_windows=[
                    MealWindowConfig(
                        id=each.id,
                        name=each.name_zh if is_zh else each.name_en,
                        opens=_clock_text(each.opens_minute),
                        closes=_clock_text(each.closes_minute),
                    )
                    for each in windows
                ],
                wait_seconds_max=10,
            )
        )

    def _actions(self) -> Sequence[str]:
        return list(self.catalogue.actions)

    def _action(self, action: str, *, is_zh: bool) -> ActionConfig:
        version = self.catalogue.versions_of(self.catalogue.methodology_of(action))[-1]
        # A methodology that takes no new bookings has no inlet either, until it has a successor.
        is_closed = version.hash in closed_versions(self.catalogue)
        inlet = None if is_closed else INLETS.get(action)
        return ActionConfig(
            action=action,
            name=version.title["zh" if is_zh else "en"],
            is_enabled=inlet is not None,
            inlet=inlet,
            reason=None if inlet else (NOT_YET_ZH if is_zh else NOT_YET_EN),
            reason_zh=None if inlet else NOT_YET_ZH,
            reason_en=None if inlet else NOT_YET_EN,
        )


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
