"""Stand-ins with state and without expectations."""

import asyncio
from dataclasses import replace
from hashlib import sha256

from scoring.fingerprint import ORIENTATIONS, Fingerprints
from scoring.photo import sanitise
from scoring.photo_codes import read_codes
from scoring.plate import CLASSES, PARTS, PlateScore, Quality
from scoring.registration import resemblances
from scoring.thumbnail import Thumbnail

EMBEDDING = b"\x00\x3c" + b"\x00\x00" * 63  # float16: 1, then zeros
MODEL = "0" * 64


def make_score(jpeg=b"a plate", *, verdict="accepted", reason=None, fingerprint=None, **changes):
    """A score whose fingerprint is far from that of any other photo, unless one is given."""
    orientations = [sha256(jpeg + bytes([number])).digest() for number in range(len(ORIENTATIONS))]
    if fingerprint is not None:
        orientations[0] = fingerprint
    scores = dict.fromkeys(CLASSES, 0) | {"clean": PARTS}
    score = PlateScore(
        scores=scores,
        recapture=0,
        leftover_fraction=0,
        quality=Quality(luminance=200.0, sharpness=500.0),
        verdict=verdict,
        reason=reason,
        model=MODEL,
        embedding=EMBEDDING,
        fingerprints=Fingerprints(tuple(orientations), 100),
    )
    return replace(score, **changes)


def _resemblances(asked):
    return [
        resemblances(Thumbnail.unpacked(one), [Thumbnail.unpacked(each) for each in others])
        for one, others in asked
    ]


class ScriptedScorer:
    """Answers as `Workers` does, without processes: every photo is a clean plate unless scripted.

    `answers` maps evidence to a score, an unreadable photo, or an error that the model raises.
    `batches` remembers how many photos were asked for at a time; `busy` is set once a batch is
    asked for, and the answer comes when `gate` is open.
    """

    def __init__(self, answers=None):
        self.answers = dict(answers or {})
        self.batches = []
        self.busy, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        # `sanitise` changes the filters of warnings while it runs: one thread at a time.
        self._alone = asyncio.Lock()

    async def sanitise(self, data):
        async with self._alone:
            return await asyncio.to_thread(sanitise, data)

    async def read_codes(self, data):
        async with self._alone:
            return await asyncio.to_thread(read_codes, data)

    async def score(self, jpegs):
        self.batches.append(len(jpegs))
        self.busy.set()
        await self.gate.wait()
        answers = [self.answers.get(jpeg) or make_score(jpeg) for jpeg in jpegs]
        for answer in answers:
            if isinstance(answer, Exception) and not hasattr(answer, "reason"):
                raise answer
        return answers

    async def resemblances(self, asked):
        """Not scripted: a score has no thumbnail unless a test gives it one."""
        return await asyncio.to_thread(_resemblances, asked)

    async def model_sha256(self):
        return MODEL
