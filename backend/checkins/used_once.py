"""Used once, by anyone: what it leads to that a photo resembles another one.

Called between the two transactions of the score step: fingerprints and embeddings are committed
before, so that of two racing copies at least one sees the other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.checkins.neighbour_queries import (
    Kind,
    NearPair,
    find_copies_anywhere,
    find_recent_neighbours,
    insert_near_matches,
    yielding,
)
from backend.checkins.reasons import COPY_OF_EARLIER_PHOTO, LOOKS_LIKE_EARLIER_PHOTO
from backend.checkins.resemblance_queries import Candidate, find_candidates
from backend.checkins.score_queries import Fingerprint, Ruling, edited_among, insert_risks
from scoring.model_card import CopyLimits
from scoring.plate import PARTS, PlateScore
from scoring.risk import Risk, risk_of

COPY: Final = Ruling("rejected", COPY_OF_EARLIER_PHOTO)
NEAR: Final = Ruling("in_review", LOOKS_LIKE_EARLIER_PHOTO)
_STRENGTH: Final = list(Kind)

LaidOver = tuple[bytes, Sequence[bytes]]  # a packed thumbnail, and those to lay over it


class AmongOthers(NamedTuple):
    """What came of looking at other photos.

    Attributes:
        rulings: Those that change.
        errors: Why photos could not be laid over others; nothing is kept of those.
    """

    rulings: Mapping[UUID, Ruling]
    errors: Mapping[UUID, str]


class Overlayer(Protocol):
    """What lays photos over each other: worker processes, or a script in tests."""

    async def resemblances(self, asked: Sequence[LaidOver]) -> Sequence[Sequence[int]]:
        """Of each thumbnail, how well each of the others explains it, per 10,000."""


async def ruled_among_others(
    engine: AsyncEngine,
    scores: Mapping[UUID, PlateScore],
    fingerprints: Sequence[Fingerprint],
    rulings: Mapping[UUID, Ruling],
    overlayer: Overlayer,
) -> AmongOthers:
    """The rulings that change because of other photos or of signs that a photo was tampered with.

    What was rejected stays so: it was appealed, and a person decides, who sees what is found.
    Photos are laid over each other between two transactions, since that takes milliseconds a pair.
    Keeps near matches and risks. A second call finds the pairs of the first one and follows them.
    """
    if not fingerprints:
        return AmongOthers({}, {})
    limits = scores[fingerprints[0].check_in_id].limits  # one model scores a batch
    explained, errors = await _explained(engine, fingerprints, scores, limits, overlayer)
    asked = [each for each in fingerprints if each.check_in_id not in errors]
    async with engine.begin() as conn:
        stopped = await _yielding_pairs(conn, asked, limits, explained)
        edited = await edited_among(conn, [each.check_in_id for each in asked])
        risks = {
            id: _risk(scores[id], stopped[id], is_edited=id in edited)
            for id in (each.check_in_id for each in asked)
        }
        await insert_risks(conn, risks)
    changed = {id: _ruling(rulings[id], stopped[id], risks[id], limits) for id in risks}
    return AmongOthers(
        {id: ruling for id, ruling in changed.items() if ruling != rulings[id]}, errors
    )


async def _explained(
    engine: AsyncEngine,
    asked: Sequence[Fingerprint],
    scores: Mapping[UUID, PlateScore],
    limits: CopyLimits,
    overlayer: Overlayer,
) -> tuple[list[NearPair], Mapping[UUID, str]]:
    """Pairs of which one photo, laid over the other, explains it so well that a person looks.

    And why photos could not be laid over others.
    """
    if limits.resemblance_review_min > PARTS:
        return [], {}
    async with engine.connect() as conn:
        candidates = await find_candidates(conn, asked)
    by_photo: dict[UUID, list[Candidate]] = defaultdict(list)
    for each in candidates:
        if scores[each.check_in_id].thumbnail:
            by_photo[each.check_in_id].append(each)
    answers, errors = await _laid_over(
        {
            id: (scores[id].thumbnail, [each.thumbnail for each in others])
            for id, others in by_photo.items()
        },
        overlayer,
    )
    explained = [
        NearPair(*candidate[:2], Kind.EXPLAINED, *candidate[2:4], resemblance)
        for id, resemblances in answers.items()
        for candidate, resemblance in zip(by_photo[id], resemblances, strict=True)
        if resemblance >= limits.resemblance_review_min
    ]
    return explained, errors


async def _laid_over(
    asked: Mapping[UUID, LaidOver], overlayer: Overlayer
) -> tuple[dict[UUID, Sequence[int]], dict[UUID, str]]:
    """Answers and errors by photo; photo by photo where all of them fail: poison stops alone."""
    try:
        found = await overlayer.resemblances(list(asked.values()))
    except Exception as error:  # noqa: BLE001  # whatever a process dies of, the others must flow
        if len(asked) == 1:
            return {}, dict.fromkeys(asked, repr(error))
    else:
        return dict(zip(asked, found, strict=True)), {}
    answers: dict[UUID, Sequence[int]] = {}
    errors: dict[UUID, str] = {}
    for id, each in asked.items():
        alone = await _laid_over({id: each}, overlayer)
        answers |= alone[0]
        errors |= alone[1]
    return answers, errors


async def _yielding_pairs(
    conn: AsyncConnection,
    asked: Sequence[Fingerprint],
    limits: CopyLimits,
    explained: Sequence[NearPair],
) -> Mapping[UUID, list[NearPair]]:
    """Pairs in which these photos must yield; the row of a pair decides, not we.

    Both of a racing pair may see each other and both insert; the second insert waits for the first
    and then does nothing, so exactly one of the two is named.
    """
    recent = await find_recent_neighbours(conn, asked, limits)
    pairs = _merged([*recent, *await find_copies_anywhere(conn, asked, limits), *explained])
    found: dict[UUID, list[NearPair]] = defaultdict(list)
    if pairs:
        await insert_near_matches(conn, pairs)
        for pair in await yielding(conn, pairs):
            found[pair.check_in_id].append(pair)
    return found


def _merged(pairs: Iterable[NearPair]) -> list[NearPair]:
    """Each pair once, as the strongest kind; among equals the exact search, which comes first."""
    found: dict[tuple[UUID, UUID], NearPair] = {}
    for pair in sorted(pairs, key=lambda pair: _STRENGTH.index(pair.kind)):
        found.setdefault((pair.check_in_id, pair.neighbour_id), pair)
    return list(found.values())


def _risk(score: PlateScore, pairs: Iterable[NearPair], *, is_edited: bool) -> Risk:
    known = [pair.embedding_distance for pair in pairs]
    return risk_of(
        recapture_risk=score.recapture_risk,
        is_edited=is_edited,
        embedding_distance=min((each for each in known if each is not None), default=None),
        limits=score.limits,
    )


def _ruling(was: Ruling, pairs: Iterable[NearPair], risk: Risk, limits: CopyLimits) -> Ruling:
    """The strongest of what was found; risk alone leads to a person and never to a no."""
    if was.verdict == "rejected":
        return was
    kinds = {pair.kind for pair in pairs}
    if Kind.COPY in kinds:
        return COPY
    if kinds & {Kind.NEAR, Kind.EXPLAINED}:
        return NEAR
    if was.verdict == "accepted" and risk.per_10000 >= limits.risk_review_min:
        return Ruling("in_review", risk.reason)
    return was
