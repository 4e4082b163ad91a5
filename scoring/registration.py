"""How well one photo is explained by another one that is laid over it.

A crop, a turn or a mirror moves every pixel by one affine map; two honest photos of one plate on
one table have no such map, because the plate stands elsewhere on the table and crumbs, shadows and
highlights elsewhere on the plate. So a map is searched, coarse to fine, and what counts is how much
fine detail agrees under it in nearly every part of the picture.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.alignment import (
    COARSE_SIDE_PX,
    DETAIL_PX,
    Maps,
    Stack,
    centred_grid,
    mean_around,
    proposed,
    refined,
    sampled,
    share_inside,
    shrunk,
    stacked,
)
from scoring.thumbnail import THUMBNAIL_SIDE_PX, Floats, Thumbnail

# How many photos of the place and 48 hours are laid over one: those with the nearest embeddings,
# which stay near under crops and turns. The card says how often the original is among them. The
# nearest fingerprints as well would be the honest twins of a canteen with bare tables.
PROPOSED_MAX: Final = 12
RESEMBLANCE_PARTS: Final = 10_000  # a whole number is kept, so that a decision can be recomputed
# Round dishes look the same turned or mirrored: the table decides between orientations, later.
ORIENTATIONS_TRIED: Final = 3
ALIGNED_MAX: Final = 4  # others that look most alike on coarse pictures are laid over in detail
LEVELS: Final = ((COARSE_SIDE_PX, 5), (48, 4), (THUMBNAIL_SIDE_PX, 3))  # side in px, iterations
OVERLAP_MIN: Final = 0.5  # of the photo: what two photos share by less is not its copy
STRETCH_MAX: Final = 1.25  # people crop and turn; who stretches more has another picture
SCALE_MAX: Final = 2.0  # either way: a quarter of a photo shows no plate any more
FINE_PX: Final = 4  # detail is what differs from its surroundings of this reach
PLACE_PX: Final = 6  # a part of the picture reaches so far to each side
NOISE_GREY: Final = 1.0  # of 255; detail below it is compression and agrees with anything
KNOWN_MIN: Final = 0.9  # of a place; at the border of what is shared there is too little to say
# The worst 15 % of the places may be a finger, a clipped highlight or an icon of the phone.
PLACES_AGREE: Final = 0.85


def resemblances(photo: Thumbnail, others: Sequence[Thumbnail]) -> list[int]:
    """Of each other photo, how well it explains this one, in parts of 10,000.

    0 where no map is found, and where others looked more alike already on coarse pictures. Never
    raises, and equal arguments give equal answers.
    """
    answers = [0] * len(others)
    if not others:
        return answers
    one = photo.pixels.astype(np.float32)
    pictures = [other.pixels.astype(np.float32) for other in others]
    maps, which = _nearest(one, pictures)
    nearest = [pictures[index] for index in which]
    for (coarser, _), (side, iterations) in pairwise(LEVELS):
        maps = refined(*_shown(side, one, nearest), maps.enlarged(side / coarser), iterations)
    agreements = _agreement(*_shown(THUMBNAIL_SIDE_PX, one, nearest), maps)
    for index, agreement in zip(which, agreements, strict=True):
        answers[index] = round(RESEMBLANCE_PARTS * float(agreement))
    return answers


def _shown(side_px: int, one: Floats, others: Sequence[Floats]) -> tuple[Floats, Stack]:
    """This picture and others at one size, as they are laid over each other."""
    there = stacked([_smooth(shrunk(other, side_px)) for other in others], side_px)
    return _smooth(shrunk(one, side_px)), there


def _nearest(one: Floats, pictures: Sequence[Floats]) -> tuple[Maps, NDArray[np.intp]]:
    """On coarse pictures: the best map to each of the others that look most alike, and which."""
    coarse = shrunk(one, COARSE_SIDE_PX)
    others = [shrunk(picture, COARSE_SIDE_PX) for picture in pictures]
    side, iterations = LEVELS[0]
    maps, which = proposed(
        _detail(coarse, DETAIL_PX),
        stacked([_detail(other, DETAIL_PX) for other in others], side),
        ORIENTATIONS_TRIED,
    )
    here = _smooth(coarse)
    there = stacked([_smooth(other) for other in others], side).chosen(which)
    maps = refined(here, there, maps, iterations)
    alike = _correlation(here, there, maps).reshape(len(pictures), -1)
    best = np.argsort(-alike.max(axis=1), kind="stable")[:ALIGNED_MAX]
    return maps.chosen(best * alike.shape[1] + alike.argmax(axis=1)[best]), best


def _correlation(one: Floats, others: Stack, maps: Maps) -> Floats:
    """Of the detail of coarse pictures, over what they share; 0 where that is too little."""
    values, inside = _laid_over(one, others, maps)
    here, there = _detail(one, DETAIL_PX)[None], _detail(values, DETAIL_PX)
    shared, mine, theirs = (
        (product * inside).sum(axis=(1, 2)) for product in (here * there, here**2, there**2)
    )
    return np.asarray(shared / np.sqrt(mine * theirs + 1) * _is_plausible(maps, inside))


def _agreement(one: Floats, others: Stack, maps: Maps) -> Floats:
    """What the local correlation of fine detail reaches in `PLACES_AGREE` of all places; 0 to 1."""
    values, inside = _laid_over(one, others, maps)
    # Once more: the finest detail is what scaling and compression left of it, in a copy too.
    here, there = _detail(_smooth(one), FINE_PX)[None], _detail(_smooth(values), FINE_PX)
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


def _detail(pictures: Floats, reach_px: int) -> Floats:
    return pictures - mean_around(pictures, reach_px)


def _smooth(pictures: Floats) -> Floats:
    """Weights 1, 2, 1 both ways: a copy is scaled, and what lies between two pixels is lost."""
    around = [(0, 0)] * (pictures.ndim - 2) + [(1, 1)] * 2
    padded = np.pad(pictures, around, mode="edge")
    rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    return np.asarray((rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16, np.float32)
