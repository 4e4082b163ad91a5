"""How well one photo is explained by another one that is laid over it.

A crop, a turn or a mirror moves every pixel by one affine map; two honest photos of one plate on
one table have no such map, because the plate stands elsewhere on the table and crumbs, shadows and
highlights elsewhere on the plate. So a map is searched, coarse to fine, and what counts is how much
fine detail agrees under it in nearly every part of the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.alignment import Maps, centred_grid, proposed, refined, sampled, share_inside
from scoring.stacks import Stack, detail, mean_around, smooth, stacked
from scoring.thumbnail import THUMBNAIL_SIDE_PX, Floats, Thumbnail

# How many photos of the place and 48 hours are laid over one: those with the nearest embeddings,
# which stay near under crops and turns, and those with the nearest fingerprints, which stay near
# under the bars of a screenshot. The card says how often the original is among them.
PROPOSED_BY_EMBEDDING: Final = 12
PROPOSED_BY_FINGERPRINT: Final = 4
PROPOSED_BITS_MAX: Final = 31  # beyond it two photos are not near for PDQ's authors
RESEMBLANCE_PARTS: Final = 10_000  # a whole number is kept, so that a decision can be recomputed
# Round dishes look the same turned or mirrored: the table decides between orientations, later.
ORIENTATIONS_TRIED: Final = 3
COARSE_DETAIL_PX: Final = 5  # the coarse search ignores what is larger: the light over the table
# Of the 12 nearest of a real dish 92 % stay below it: most photos cost no more than this look.
PATCH_ALIKE_MIN: Final = 0.85
OVERLAP_MIN: Final = 0.5  # of the photo: what two photos share by less is not its copy
STRETCH_MAX: Final = 1.25  # people crop and turn; who stretches more has another picture
SCALE_MAX: Final = 2.0  # either way: a quarter of a photo shows no plate any more
FINE_PX: Final = 4  # detail is what differs from its surroundings of this reach
PLACE_PX: Final = 6  # a part of the picture reaches so far to each side
NOISE_GREY: Final = 1.0  # of 255; detail below it is compression and agrees with anything
KNOWN_MIN: Final = 0.9  # of a place; at the border of what is shared there is too little to say
# The worst 15 % of the places may be a finger, a clipped highlight or an icon of the phone.
PLACES_AGREE: Final = 0.85


class Level(NamedTuple):
    """How far to look at pictures of one size.

    Attributes:
        factor: how many times smaller than a thumbnail; each level's is half of that before it.
        iterations: of refining the maps.
        kept: others that go on to the next level, the most alike.
        alike_min: what an other must reach to go on.
    """

    factor: int
    iterations: int
    kept: int
    alike_min: float


# Of 1,168 copies of real dishes that are explained without the middle level's limit, it loses one;
# of those and 420 of plates on bare tables all are among the two most alike there.
COARSE: Final = Level(4, 5, 4, 0.85)  # 32 px, a plate about 20 px wide
FINER: Final = (Level(2, 4, 2, 0.85), Level(1, 3, 2, 0.0))


@dataclass(frozen=True, slots=True)
class Laid:
    """Maps from the photo to others that are still alike.

    Attributes:
        maps: n of them, in pixels of the last level.
        which: of the others each map leads to, shape (n,).
        alike: how much they are at the last level, 0 to 1, shape (n,).
    """

    maps: Maps
    which: NDArray[np.intp]
    alike: Floats


def resemblances(photo: Thumbnail, others: Sequence[Thumbnail]) -> list[int]:
    """Of each other photo, how well it explains this one, in parts of 10,000.

    0 where no map is found, and where coarser pictures already differ. Never raises, and equal
    arguments give equal answers.
    """
    answers = [0] * len(others)
    if not others:
        return answers
    laid = _laid_coarsely(photo, others)
    for level in FINER:
        laid = _laid_closer(photo, others, laid, level)
    for index, agreement in zip(laid.which, laid.alike, strict=True):
        answers[index] = round(RESEMBLANCE_PARTS * float(agreement))
    return answers


def _laid_coarsely(photo: Thumbnail, others: Sequence[Thumbnail]) -> Laid:
    """The best maps to those of all others that are most alike; mostly none."""
    coarse = _shown([photo, *others], COARSE)
    details = coarse.detail(COARSE_DETAIL_PX)
    patch, places = details.chosen(slice(0, 1)), details.chosen(slice(1, None))
    maps, which = proposed(patch, places, ORIENTATIONS_TRIED, PATCH_ALIKE_MIN)
    if not len(which):
        return Laid(maps, which, np.zeros(0, np.float32))
    pictures = _apart(coarse.chosen(np.concatenate([[0], which + 1])).smooth())
    maps = refined(*pictures, maps, COARSE.iterations)
    return _best_of_each(Laid(maps, which, _correlation(*pictures, maps)), COARSE)


def _laid_closer(photo: Thumbnail, others: Sequence[Thumbnail], laid: Laid, level: Level) -> Laid:
    """The same on pictures of twice the size."""
    if not len(laid.which):
        return laid
    pictures = _apart(_shown([photo, *(others[index] for index in laid.which)], level).smooth())
    maps = refined(*pictures, laid.maps.enlarged(2), level.iterations)
    return _best_of_each(Laid(maps, laid.which, _agreement(*pictures, maps)), level)


def _shown(thumbnails: Sequence[Thumbnail], level: Level) -> Stack:
    return stacked([each.pixels for each in thumbnails], THUMBNAIL_SIDE_PX, level.factor)


def _apart(pictures: Stack) -> tuple[Floats, Stack]:
    """The first picture, and the others."""
    return pictures.picture(0), pictures.chosen(slice(1, None))


def _best_of_each(laid: Laid, level: Level) -> Laid:
    """Of the maps to one picture the best, if it is good enough, and of those the best few."""
    order = np.argsort(-laid.alike, kind="stable")
    order = order[laid.alike[order] >= level.alike_min]
    firsts = np.sort(np.unique(laid.which[order], return_index=True)[1])[: level.kept]
    best = order[firsts]
    return Laid(laid.maps.chosen(best), laid.which[best], laid.alike[best])


def _correlation(one: Floats, others: Stack, maps: Maps) -> Floats:
    """Of the detail of coarse pictures, over what they share; 0 where that is too little."""
    values, inside = _laid_over(one, others, maps)
    here, there = detail(one, COARSE_DETAIL_PX)[None], detail(values, COARSE_DETAIL_PX)
    shared, mine, theirs = (
        (product * inside).sum(axis=(1, 2)) for product in (here * there, here**2, there**2)
    )
    return np.asarray(shared / np.sqrt(mine * theirs + 1) * _is_plausible(maps, inside))


def _agreement(one: Floats, others: Stack, maps: Maps) -> Floats:
    """What the local correlation of fine detail reaches in `PLACES_AGREE` of all places; 0 to 1."""
    values, inside = _laid_over(one, others, maps)
    # Once more: the finest detail is what scaling and compression left of it, in a copy too.
    here, there = detail(smooth(one), FINE_PX)[None], detail(smooth(values), FINE_PX)
    shared, mine, theirs, known = (
        mean_around(each * inside, PLACE_PX) for each in (here * there, here**2, there**2, inside)
    )
    floor = np.float32(NOISE_GREY**2)
    local = (shared + floor) / np.sqrt((mine + floor) * (theirs + floor))
    # Unknown places sort to the end and are not counted.
    local = np.sort(np.where(known > KNOWN_MIN, local, np.inf).reshape(len(local), -1), axis=1)
    counted = np.isfinite(local).sum(axis=1)
    at = ((1 - PLACES_AGREE) * counted).astype(np.intp)
    reached = np.where(counted > 0, local[np.arange(len(local)), at], 0)
    explained = np.clip(reached, 0, 1) * _is_plausible(maps, inside)
    explained[explained > 0] *= _nested(one, others, maps)[explained > 0]
    return np.asarray(explained, np.float32)


def _nested(one: Floats, others: Stack, maps: Maps) -> Floats:
    """How far the frame of one of two photos lies inside that of the other, 0 to 1.

    A crop lies inside its original. The frames of two photos of one scene cross: on a bare table,
    where plate and table cannot move apart, that is all that tells them from copies.
    """
    possible = np.abs(np.linalg.det(maps.linear)) > 1 / SCALE_MAX**2 / 2
    kept = maps.chosen(np.flatnonzero(possible))
    theirs = others.sizes[possible]
    mine = np.broadcast_to(one.shape[::-1], theirs.shape)
    nested = np.zeros(len(possible), np.float32)
    nested[possible] = np.maximum(
        share_inside(kept, mine, theirs), share_inside(kept.reversed(), theirs, mine)
    )
    return nested


def _laid_over(one: Floats, others: Stack, maps: Maps) -> tuple[Floats, Floats]:
    """The others as they look from this picture, which itself stands where they say nothing."""
    height, width = one.shape
    values, inside = sampled(others, maps, *centred_grid(width, height))
    values, inside = (each.reshape(-1, height, width) for each in (values, inside))
    return np.where(inside > 0, values, one), inside


def _is_plausible(maps: Maps, inside: Floats) -> NDArray[np.bool_]:
    """Whether people do such a thing to a photo, and enough of it is left."""
    scales = np.linalg.svd(maps.linear, compute_uv=False)
    large, small = scales[:, 0], np.maximum(scales[:, 1], 1e-6)
    return np.asarray(
        (inside.mean(axis=(1, 2)) >= OVERLAP_MIN)
        & (large / small <= STRETCH_MAX)
        & (large <= SCALE_MAX)
        & (small >= 1 / SCALE_MAX)
    )
