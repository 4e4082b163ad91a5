"""Figures with their uncertainty: areas under curves, bounds on rates, calibration."""

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def auc(scores: Values, positive: Flags) -> float:
    """Probability that a positive scores above a negative; ties count half; NaN without both."""
    count, others = int(positive.sum()), int((~positive).sum())
    if count == 0 or others == 0:
        return math.nan
    _, inverse, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def auc_interval(scores: Values, positive: Flags, *, rounds: int = 500) -> tuple[float, float]:
    """95 % bootstrap interval, drawing positives and negatives apart so that none runs out."""
    random = np.random.default_rng(0)
    inside, outside = scores[positive], scores[~positive]
    if len(inside) == 0 or len(outside) == 0:
        return math.nan, math.nan
    flags = np.arange(len(scores)) < len(inside)
    drawn = [
        auc(
            np.concatenate(
                [random.choice(inside, len(inside)), random.choice(outside, len(outside))]
            ),
            flags,
        )
        for _ in range(rounds)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def rate_bound(count: int, total: int) -> float:
    """One-sided 95 % upper bound of a rate (Clopper-Pearson), found by bisection.

    Source:
        Clopper and Pearson, Biometrika 26 (1934), 404-413. With no event among n it is about 3/n.
    """
    if total == 0 or count >= total:
        return 1.0
    low, high = count / total, 1.0
    for _ in range(50):
        rate = (low + high) / 2
        if _binomial_at_most(count, total, rate) > 0.05:  # noqa: PLR2004 - one-sided 95 %
            low = rate
        else:
            high = rate
    return high


def _binomial_at_most(count: int, total: int, rate: float) -> float:
    """By logarithms: among thousands, the number of choices is larger than any float."""
    ways = math.lgamma(total + 1)
    return math.fsum(
        math.exp(
            ways
            - math.lgamma(k + 1)
            - math.lgamma(total - k + 1)
            + k * math.log(rate)
            + (total - k) * math.log1p(-rate)
        )
        for k in range(count + 1)
    )


def calibration_error(confidence: Values, right: Flags, *, bins: int = 10) -> float:
    """Expected calibration error over equally wide bins of confidence."""
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidence[number == at].mean()) - float(right[number == at].mean()))
        * float((number == at).mean())
        for at in range(bins)
        if (number == at).any()
    ]
    return math.fsum(gaps)
