"""From an uploaded form to stored evidence: capture, worker, store. No transaction is open here."""

import math
import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.checkins.queries import scored_per_second
from backend.checkins.upload_reasons import UPLOAD_WORDS
from backend.errors import DomainError, NotFound
from backend.events import SCORE
from backend.evidence_store import EvidenceStore
from backend.http.forms import Form
from backend.http.routes import UUID_PATTERN
from backend.intake.domain import Capture, Photo
from backend.intake.no_drive import ACTION as ODOMETER, OdometerPhoto, OdometerPhotoApart
from backend.intake.queries import captures_by_id
from backend.outbox import backlog
from backend.workers import Workers
from scoring.photo import PhotoUnreadable, SanitisedPhoto

# One worker on a slow core scores more than this; few photos lately do not mean a slow service.
SCORED_PER_SECOND_MIN = 4.0


class PhotoRefused(DomainError):
    """The upload cannot be read as one photo."""


class PhotoTypeRefused(DomainError):
    """This kind of picture is not taken; choose JPEG."""


_UUID = re.compile(UUID_PATTERN)  # one spelling per id, as in paths; UUID() also takes braces
_TYPE_REASONS = frozenset({"heic", "unsupported_type"})


def refusal_of_photo(unreadable: PhotoUnreadable) -> DomainError:
    """What to tell of an upload that is no photo that we take."""
    kind = PhotoTypeRefused if unreadable.reason in _TYPE_REASONS else PhotoRefused
    refusal = kind(reason=unreadable.reason)
    refusal.words = UPLOAD_WORDS[unreadable.reason]
    return refusal


@dataclass(frozen=True, slots=True)
class Uploads:
    """What receiving a photo needs."""

    engine: AsyncEngine
    workers: Workers
    store: EvidenceStore

    async def receive(self, account_id: UUID, form: Form) -> Photo:
        """Sanitise the photo and store it; the same upload again stores nothing new.

        Raises:
            NotFound: The capture is not the caller's.
            OdometerPhotoApart: It is for an odometer.
            PhotoRefused, PhotoTypeRefused: The upload is no photo that we take.
        """
        text = form.text("capture")
        if not _UUID.fullmatch(text):
            raise NotFound
        capture = await self._capture(account_id, UUID(text))
        if capture.action == ODOMETER:
            raise OdometerPhotoApart
        photo = await self.keep(account_id, form.file("photo"))
        return Photo(capture, photo.sha256, photo.pixel_sha256, photo.edited_with)

    async def receive_odometer(
        self, account_id: UUID, capture_id: UUID, form: Form
    ) -> OdometerPhoto:
        """Sanitise an odometer photo and store it.

        Raises:
            NotFound: The capture is not the caller's, or not for an odometer.
            PhotoRefused, PhotoTypeRefused: The upload is no photo that we take.
        """
        capture = await self._capture(account_id, capture_id)
        if capture.action != ODOMETER:
            raise NotFound
        photo = await self.keep(account_id, form.file("photo"))
        return OdometerPhoto(capture, photo.sha256, photo.pixel_sha256)

    async def keep(self, owner_id: UUID, upload: bytes) -> SanitisedPhoto:
        """Sanitise a photo and store it among the evidence of its owner.

        Raises:
            PhotoRefused, PhotoTypeRefused: The upload is no photo that we take.
        """
        try:
            photo = await self.workers.sanitise(upload)
        except PhotoUnreadable as unreadable:
            raise refusal_of_photo(unreadable) from unreadable
        await self.store.put(owner_id, photo.sha256, photo.jpeg)
        return photo

    async def copy(self, owner_id: UUID, account_id: UUID, sha256: str) -> None:
        """Put evidence that a device kept among a member's; a second copy changes nothing.

        Raises:
            EvidenceMissing: The device's was swept.
        """
        await self.store.put(account_id, sha256, await self.store.get(owner_id, sha256))

    async def _capture(self, account_id: UUID, capture_id: UUID) -> Capture:
        async with self.engine.connect() as conn:
            capture = (await captures_by_id(conn, [capture_id])).get(capture_id)
        if capture is None or capture.account_id != account_id:
            raise NotFound
        return capture

    async def expected_seconds(self) -> int:
        """How long a photo that came in just now will wait for its score, whole seconds."""
        async with self.engine.connect() as conn:
            waiting = await backlog(conn, SCORE)
            rate = await scored_per_second(conn)
        return math.ceil(waiting / max(rate, SCORED_PER_SECOND_MIN))
