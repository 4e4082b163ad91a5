"""Bind a bag by its photo: the code is found here, for phones whose camera app reads none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.crediting.answers import CheckInAnswer
from backend.crediting.routes import load_answer
from backend.errors import DomainError
from backend.http.forms import file_field
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed
from backend.intake.bag_routes import NO_SUCH_BAG
from backend.intake.domain import Binding, Received
from backend.intake.uploads import PhotoRefused, PhotoTypeRefused, refusal_of_photo
from backend.processes import WorkersUnavailable
from backend.recycling.codes import BagLink
from backend.recycling.domain import (
    BagAlreadyBound,
    BagForeign,
    BagLapsed,
    BagLost,
    BagUsed,
)
from backend.workers import Workers
from scoring.photo import PhotoUnreadable

PHOTO_DEADLINE_S = 60.0


class BagCodeNotSeen(DomainError):
    """No QR code was found in the photo."""


class SeveralBagsSeen(DomainError):
    """The photo shows the codes of several bags, and only one can be meant."""


def code_in_photo(texts: Sequence[str], link: BagLink) -> str:
    """The one bag's code among what the QR codes of a photo say.

    Raises:
        BagCodeNotSeen, SeveralBagsSeen.
        BagForeign: There are codes, and none of them is a bag's of ours.
    """
    codes = set()
    for text in texts:
        try:
            codes.add(link.code_in(text))
        except DomainError:
            continue
    if len(codes) > 1:
        raise SeveralBagsSeen(codes=len(codes))
    if not codes:
        raise BagForeign if texts else BagCodeNotSeen
    return codes.pop()


@dataclass(frozen=True, slots=True)
class BagPhotoDesk:
    """What binding by photo needs; one per process."""

    engine: AsyncEngine
    workers: Workers
    bindings: Batcher[Binding, Received]
    link: BagLink
    region: str

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the route."""
        return [
            Route(
                "POST",
                "/v1/bags/photos",
                self.post_photo,
                policy=roles("member"),
                summary="Bind the bag whose QR code a photo shows; the photo is not kept",
                summary_zh="拍照绑袋:识别照片中的二维码,照片不保存",
                form=(file_field("photo"),),
                answers={201: CheckInAnswer},
                problems=(
                    *(BagCodeNotSeen, SeveralBagsSeen, *NO_SUCH_BAG, BagAlreadyBound, BagUsed),
                    *(BagLapsed, BagLost, PhotoRefused, PhotoTypeRefused, WorkersUnavailable),
                    *BUSY,
                ),
                rate="photo",
                deadline_s=PHOTO_DEADLINE_S,
            )
        ]

    async def post_photo(self, call: Call[None, None]) -> Answer:
        """Bind what the photo shows; the same bag again is the same check-in."""
        if call.form is None:
            raise PhotoRefused(reason="missing")
        try:
            texts = await self.workers.read_codes(call.form.file("photo"))
        except PhotoUnreadable as unreadable:
            raise refusal_of_photo(unreadable) from unreadable
        call.form.release()
        code = code_in_photo(texts, self.link)
        received = await self.bindings.submit(
            Binding(call.principal.own_account, code, self.region)
        )
        headers = {"Location": f"/v1/check-ins/{received.check_in_id}"}
        headers |= replayed(is_replay=received.is_replay)
        return Answer(await load_answer(self.engine, received.check_in_id, call), 201, headers)
