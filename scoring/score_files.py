"""Photos from files, as `tanhui score` shows them: one record per file, whatever the file is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from scoring.photo import UPLOAD_BYTES_MAX, PhotoUnreadable, sanitise
from scoring.plate import PARTS, PlateRecogniser, Verdict


class FileScore(TypedDict):
    """One line of `tanhui score`; `scores` are 0 to 1, and None for a file that is no photo."""

    path: str
    scores: dict[str, float] | None
    verdict: Verdict
    reason: str | None
    model: str


def score_files(paths: Sequence[Path], recogniser: PlateRecogniser) -> Iterator[FileScore]:
    """Score each file by the same way that uploads go: sanitise first, then the stored JPEG.

    A file that cannot be read gets a record with the reason (`missing` for one that cannot be
    opened) and the rest go on.
    """
    for path in paths:
        try:
            jpeg = sanitise(_read(path)).jpeg
        except PhotoUnreadable as refusal:
            yield _unreadable(path, refusal.reason, recogniser)
        except OSError:
            yield _unreadable(path, "missing", recogniser)
        else:
            yield _scored(path, jpeg, recogniser)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(UPLOAD_BYTES_MAX + 1)  # one byte more is enough to be too large


def _scored(path: Path, jpeg: bytes, recogniser: PlateRecogniser) -> FileScore:
    [score] = recogniser.score([jpeg])
    return FileScore(
        path=str(path),
        scores={name: parts / PARTS for name, parts in score.scores.items()},
        verdict=score.verdict,
        reason=score.reason,
        model=score.model,
    )


def _unreadable(path: Path, reason: str, recogniser: PlateRecogniser) -> FileScore:
    return FileScore(
        path=str(path),
        scores=None,
        verdict="rejected",
        reason=reason,
        model=recogniser.card.sha256,
    )
