"""Processes for what decodes strangers' bytes or computes for long: sanitising and scoring.

A decoder that crashes, hangs or eats memory takes its process along and nothing else. Each kind of
work has a pool of its own, so that a batch of eight photos in the model never delays an upload.
Rooms stay ignorant of this: to them a worker is an awaitable.
"""

import resource
import signal
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from backend.processes import START_S_MAX, Pool, WorkerDied
from scoring.model_card import ModelNotInCard
from scoring.photo import PhotoUnreadable, SanitisedPhoto, sanitise
from scoring.photo_codes import read_codes

if TYPE_CHECKING:
    # The API process and the sanitising workers never load the model's libraries.
    from scoring.plate import PlateRecogniser, PlateScore

SANITISE_S_MAX: Final = 5.0  # 40 MP take 0.5 s on a slow core; what takes longer is made to
SCORE_S_MAX: Final = 30.0  # eight photos take 0.3 s; this is for a machine that is out of memory
# Decoding 40 MP needs about 0.5 GB and the model 0.3 GB; the rest is address space that numerical
# libraries reserve per core without using it.
ADDRESS_SPACE_BYTES_MAX: Final = 8 * 2**30


class Workers:
    """`count` processes for sanitising and as many for scoring, started when first needed.

    Use as `async with`: leaving ends the processes.
    """

    def __init__(self, count: int, model_path: Path | None = None) -> None:
        """Prepare; the packaged model is used when no path is given."""
        self._model_path = model_path
        self._sanitising = Pool(count, SANITISE_S_MAX, _limit_process)
        self._scoring = Pool(count, SCORE_S_MAX, partial(_prepare_scoring, model_path))

    async def __aenter__(self) -> Self:
        """Nothing is started yet."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the processes."""
        await self.close()

    async def sanitise(self, data: bytes) -> SanitisedPhoto:
        """Turn an upload into evidence.

        Raises:
            PhotoUnreadable: It is not one acceptable photo; `broken` also when decoding it takes
                more than `SANITISE_S_MAX` or kills its process.
            WorkersUnavailable: No process can be started; the photo is not to blame.
        """
        try:
            return await self._sanitising.call(sanitise, data)
        except (WorkerDied, TimeoutError) as error:
            raise PhotoUnreadable("broken") from error

    async def read_codes(self, data: bytes) -> list[str]:
        """What the QR codes in an upload say.

        Raises:
            PhotoUnreadable, WorkersUnavailable: As `sanitise`.
        """
        try:
            return await self._sanitising.call(read_codes, data)
        except (WorkerDied, TimeoutError) as error:
            raise PhotoUnreadable("broken") from error

    async def score(self, jpegs: Sequence[bytes]) -> "list[PlateScore | PhotoUnreadable]":
        """Score stored evidence, in order; what cannot be decoded is a value in its place.

        Raises:
            WorkerDied: One of these photos kills its process.
            TimeoutError: They took more than `SCORE_S_MAX`.
            WorkersUnavailable: No process can be started, or the model does not load.
        """
        return await self._scoring.call(partial(_score, self._model_path), list(jpegs))

    async def resemblances(self, asked: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[list[int]]:
        """Lay packed thumbnails over each other, see `scoring.registration`; answers in order.

        Raises:
            WorkerDied: One of them kills its process.
            TimeoutError: They took more than `SCORE_S_MAX`.
            WorkersUnavailable: No process can be started, or the model does not load.
        """
        if not asked:
            return []
        return await self._scoring.call(_resemblances, list(asked))

    async def model_sha256(self) -> str:
        """Hash of the model that scores, loaded by a process that ends again.

        A processor asks for it when it starts, so that a wrong model stops the start and not the
        photos.

        Raises:
            ModelNotInCard: The file is missing, is not the one that its card describes, or is no
                model that can be run.
            WorkersUnavailable: No process can be started.
        """
        # None of those that score: one of them that cannot load its model ends, without a word.
        pool = Pool(1, START_S_MAX, _limit_process)
        try:
            return await pool.call(_model_sha256, self._model_path)
        except (WorkerDied, TimeoutError) as error:
            raise ModelNotInCard(f"the process that loads it ends: {error!r}") from error
        finally:
            await pool.close()

    async def close(self) -> None:
        """End the processes after the calls that they are running."""
        await self._sanitising.close()
        await self._scoring.close()


def _limit_process() -> None:
    """Limits of a worker: memory, and no keyboard interrupts."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    allowed = ADDRESS_SPACE_BYTES_MAX if most < 0 else min(most, ADDRESS_SPACE_BYTES_MAX)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, most))
    # The terminal sends it to the whole group; the parent lets running work finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _prepare_scoring(model_path: Path | None) -> None:
    _limit_process()
    _recogniser(model_path)


@cache
def _recogniser(model_path: Path | None) -> "PlateRecogniser":
    from scoring.plate import PlateRecogniser

    return PlateRecogniser.load(model_path)


def _model_sha256(model_path: Path | None) -> str:
    return _recogniser(model_path).card.sha256


def _score(model_path: Path | None, jpegs: Sequence[bytes]) -> "list[PlateScore | PhotoUnreadable]":
    recogniser = _recogniser(model_path)
    try:
        return list(recogniser.score(jpegs))
    except PhotoUnreadable as unreadable:
        if len(jpegs) == 1:
            return [unreadable]
    return [answer for jpeg in jpegs for answer in _score(model_path, [jpeg])]


def _resemblances(asked: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[list[int]]:
    from scoring.registration import resemblances
    from scoring.thumbnail import Thumbnail

    return [
        resemblances(Thumbnail.unpacked(one), [Thumbnail.unpacked(each) for each in others])
        for one, others in asked
    ]
