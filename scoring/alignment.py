"""The affine map that lays one small picture over others, searched from coarse to fine.

Coarse: a patch of the picture, turned, mirrored and scaled in a grid of ways, is looked for around
the middle of each other picture. Fine: Gauss-Newton steps on the six numbers of the map and on
contrast and brightness, on pictures of growing size.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.stacks import Stack
from scoring.thumbnail import Floats

PATCH_PX: Final = 16  # what is looked for: half of a coarse picture, so that a crop still has it
# Every second pixel both ways, each the mean of four: that tells copies from other photos better
# than every pixel does, at a quarter of the cost.
POINT_PX: Final = 2
# A crop of 25 % in a corner moves the middle by an eighth, which is 4 px.
SHIFT_PX_MAX: Final = 5
# Between two ways lies about a pixel at the patch's border, within reach of the fine steps.
TURNS_DEGREES: Final = (-10.0, 0.0, 10.0)
SCALES: Final = (0.78, 0.88, 1.0, 1.13, 1.27)
ORIENTATIONS: Final = 8  # quarter turns, and quarter turns of the mirrored picture
STEP_PX_MAX: Final = 3.0  # a longer step of one iteration is a guess
# Products of more than this go to BLAS threads, which wait for each other on cores that are busy.
PRODUCT_MAX: Final = 2**18
FRAME_PX: Final = 1.5  # a frame that is met to a pixel is met
FRAME_POINTS: Final = 49  # along each side, where it is asked what lies inside
GAIN_MIN: Final = 0.05  # below it the other picture shows nothing of this one


@dataclass(frozen=True, slots=True)
class Maps:
    """From pixels of one picture to pixels of others, both counted from the picture's middle.

    Attributes:
        linear: shape (n, 2, 2).
        shift: shape (n, 2), in pixels of the other picture.
    """

    linear: NDArray[np.float64]
    shift: NDArray[np.float64]

    def chosen(self, which: NDArray[np.intp]) -> "Maps":
        """Some of the maps."""
        return Maps(self.linear[which], self.shift[which])

    def reversed(self) -> "Maps":
        """From the others to the one."""
        linear = np.linalg.inv(self.linear).astype(np.float64)
        return Maps(linear, -(linear @ self.shift[..., None])[..., 0])

    def enlarged(self, factor: float) -> "Maps":
        """The same maps between pictures that are larger by a factor."""
        return Maps(self.linear, self.shift * factor)


def centred_grid(width: int, height: int) -> tuple[Floats, Floats]:
    """Of each pixel, row by row, how far right and below the middle it lies."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return (columns - (width - 1) / 2).ravel(), (rows - (height - 1) / 2).ravel()


def sampled(stack: Stack, maps: Maps, right: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Values of each picture where its map sends the points, and 1 where that is inside it.

    Both of shape (n, points); outside, the value is that of the border.
    """
    linear, shift = maps.linear.astype(np.float32), maps.shift.astype(np.float32)
    middle = (stack.sizes.astype(np.float32) - 1) / 2
    x, y = (
        linear[:, axis, :1] * right + linear[:, axis, 1:] * below + (shift + middle)[:, axis, None]
        for axis in (0, 1)
    )
    last = 2 * middle
    inside = (x >= 0) & (x <= last[:, :1]) & (y >= 0) & (y <= last[:, 1:])
    return _bilinear(stack, x, y), inside.astype(np.float32)


def share_inside(maps: Maps, sizes: NDArray[np.int64], others: NDArray[np.int64]) -> Floats:
    """Of pictures of these sizes, the share that their maps send into others; shape (n,).

    Args:
        maps: n of them, possibly from n pictures.
        sizes: width and height in pixels of the pictures, shape (n, 2).
        others: the same of those into which the maps lead.
    """
    along = np.linspace(-1, 1, FRAME_POINTS)
    points = np.stack(np.meshgrid(along, along)).reshape(2, -1)
    sent = maps.linear @ (points * (sizes[..., None] - 1) / 2) + maps.shift[..., None]
    reach = (others[..., None] - 1) / 2 + FRAME_PX
    return np.asarray((np.abs(sent) <= reach).all(axis=1).mean(axis=1), np.float32)


def _bilinear(stack: Stack, x: NDArray[Any], y: NDArray[Any]) -> Floats:
    side = stack.canvases.shape[-1]
    last = stack.sizes.astype(np.float32) - 1.001  # so that a pixel to the right and below exists
    x, y = np.clip(x, 0, last[:, :1]), np.clip(y, 0, last[:, 1:])
    column, row = x.astype(np.int32), y.astype(np.int32)
    across, down = x - column, y - row
    start = np.arange(len(stack.sizes), dtype=np.int32)[:, None] * (side * side)
    at = start + row * side + column
    values = stack.canvases.ravel()
    above, right = values.take(at), values.take(at + 1)
    above += across * (right - above)
    at += side
    under, right = values.take(at), values.take(at + 1)
    under += across * (right - under)
    return np.asarray(above + down * (under - above), np.float32)


@cache
def _grid() -> NDArray[np.float64]:
    """Linear maps from another picture's patch to this one's; shape (turns * scales, 2, 2)."""
    turns = np.deg2rad(np.repeat(TURNS_DEGREES, len(SCALES)))
    scales = np.tile(SCALES, len(TURNS_DEGREES))
    sines, cosines = scales * np.sin(turns), scales * np.cos(turns)
    return np.stack([np.stack([cosines, -sines], 1), np.stack([sines, cosines], 1)], 1)


_QUARTER: Final = np.array([[0, -1], [1, 0]])
_MIRROR: Final = np.array([[-1, 0], [0, 1]])
# Of the other picture's patch, in the order in which `_patches` turns: first a quarter turn at a
# time, then the same of the mirrored patch.
_ORIENTED: Final = np.stack(
    [
        first @ np.linalg.matrix_power(_QUARTER, turn)
        for first in (np.eye(2, dtype=int), _MIRROR)
        for turn in range(4)
    ]
)


def _unit(patches: Floats) -> Floats:
    """Mean 0 and length 1 along the last axis; a patch without detail stays near 0."""
    patches = patches - patches.mean(axis=-1, keepdims=True)
    lengths = np.linalg.norm(patches, axis=-1, keepdims=True)
    return np.asarray(patches / (lengths + 1.0), np.float32)


def _points(pictures: Floats) -> Floats:
    """The means of four pixels that begin at each pixel; both sides are one shorter."""
    rows = pictures[:, 1:] + pictures[:, :-1]
    return np.asarray((rows[..., 1:] + rows[..., :-1]) / 4, np.float32)


def _patches(one: Stack) -> Floats:
    """The middle of a picture in all ways; shape (orientations, turns * scales, points)."""
    grid = _grid()
    right, below = centred_grid(PATCH_PX, PATCH_PX)
    stack = one.chosen(np.zeros(len(grid), np.intp))
    values, _ = sampled(stack, Maps(grid, np.zeros((len(grid), 2))), right, below)
    points = _points(values.reshape(-1, PATCH_PX, PATCH_PX))[:, ::POINT_PX, ::POINT_PX]
    upright = _unit(points.reshape(len(grid), -1)).reshape(points.shape)
    turned = [
        np.rot90(each, turn, (1, 2)) for each in (upright, upright[:, :, ::-1]) for turn in range(4)
    ]
    return np.stack([each.reshape(len(grid), -1) for each in turned])


def _windows(others: Stack) -> Floats:
    """Around the middle of each picture; shape (n, shifts, points)."""
    side = PATCH_PX + 2 * SHIFT_PX_MAX
    right, below = centred_grid(side, side)
    count = len(others.sizes)
    straight = Maps(np.tile(np.eye(2), (count, 1, 1)), np.zeros((count, 2)))
    values, _ = sampled(others, straight, right, below)
    points = _points(values.reshape(count, side, side))
    views = np.lib.stride_tricks.sliding_window_view(points, (PATCH_PX - 1,) * 2, axis=(1, 2))
    views = views[..., ::POINT_PX, ::POINT_PX]
    return _unit(views.reshape(count, (2 * SHIFT_PX_MAX + 1) ** 2, -1))


def proposed(
    one: Stack, others: Stack, kept: int, alike_min: float
) -> tuple[Maps, NDArray[np.intp]]:
    """The best map of each of the `kept` best orientations to others that look alike under it.

    Args:
        one: a stack of one picture.
        others: laid over by its patch.
        kept: orientations of each of the others, at most.
        alike_min: what the correlation with the patch must reach.

    Returns:
        Maps and, of each, which of the others it leads to; those may be none.
    """
    patches, windows = _patches(one), _windows(others)
    ways = patches.shape[1]
    groups = patches.reshape(-1, len(SCALES), patches.shape[2])  # each below PRODUCT_MAX
    alike = groups @ windows.transpose(0, 2, 1)[:, None]
    alike = alike.reshape(len(windows), ORIENTATIONS, -1)
    best = alike.argmax(axis=2)
    reached = np.take_along_axis(alike, best[..., None], 2)[..., 0]
    ranks = np.argsort(np.argsort(-reached, axis=1, kind="stable"), axis=1)
    which, orientation = np.nonzero((ranks < kept) & (reached >= alike_min))
    way, place = np.divmod(best[which, orientation], windows.shape[1])
    backward = _grid()[way % ways] @ _ORIENTED[orientation]
    down, across = np.divmod(place, 2 * SHIFT_PX_MAX + 1)
    shift = np.stack([across, down], 1).astype(np.float64) - SHIFT_PX_MAX
    return Maps(np.linalg.inv(backward), shift), which


def refined(one: Floats, others: Stack, maps: Maps, iterations: int) -> Maps:
    """Gauss-Newton on the map, contrast and brightness; inverse, so `one` is derived only once."""
    right, below = centred_grid(one.shape[1], one.shape[0])
    half = np.float32(max(one.shape) / 2)
    down, across = (slope.ravel() for slope in np.gradient(one))
    slopes = np.stack(
        [
            *(across * right / half, across * below / half, across),
            *(down * right / half, down * below / half, down),
            *(one.ravel(), np.ones_like(right)),
        ],
        axis=1,
    )
    products = (slopes[:, :, None] * slopes[:, None, :]).reshape(len(slopes), -1)
    for _ in range(iterations):
        values, inside = sampled(others, maps, right, below)
        normal = _summed(inside, products).reshape(-1, 8, 8)
        normal += _ridge(normal)
        answer = np.linalg.solve(normal, _summed(values * inside, slopes)[..., None])
        maps = _stepped(maps, answer[..., 0].astype(np.float64), float(half))
    return maps


def _summed(weights: Floats, terms: Floats) -> NDArray[np.float64]:
    """Matrix product over the points, in portions that one thread computes."""
    points = max(1, PRODUCT_MAX // (len(weights) * terms.shape[1]))
    portions = [
        weights[:, start : start + points] @ terms[start : start + points]
        for start in range(0, len(terms), points)
    ]
    return np.asarray(np.sum(portions, axis=0), np.float64)


def _ridge(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Just enough that a flat picture, which has no answer, gets one that moves nothing."""
    size = np.einsum("nii->n", normal)
    return np.asarray((1e-7 * size + 1e-3)[:, None, None] * np.eye(normal.shape[-1]), np.float64)


def _stepped(maps: Maps, answer: NDArray[np.float64], half: float) -> Maps:
    gain = answer[:, 6:7]
    step = answer[:, :6] / np.where(gain > GAIN_MIN, gain, np.inf)
    step = np.clip(step, -STEP_PX_MAX, STEP_PX_MAX)
    bend = np.eye(2) + step[:, [0, 1, 3, 4]].reshape(-1, 2, 2) / half
    linear = maps.linear @ np.linalg.inv(bend)
    return Maps(linear, maps.shift - (linear @ step[:, [2, 5], None])[..., 0])
