"""The few statistics that decide: intervals of shares, and paired comparison of two models."""

import math
from collections.abc import Sequence

import numpy as np

from functions.common.records import Record

_ROUNDS = 10_000
_Z = 1.959964
"""Normal quantile of a two-sided interval of 95 %."""


class Difference(Record, frozen=True, kw_only=True):
    """How much more one has than the other, product by product.

    Attributes:
        mean: of the differences.
        p: one-sided: how often a draw of the products gives no advantage.
        low: the advantage is at least so much, with one-sided confidence ``1 - level``.
    """

    mean: float
    p: float
    low: float


def paired_bootstrap(ours: Sequence[float], theirs: Sequence[float], level: float, seed: int = 0) -> Difference:
    """One-sided paired bootstrap over products (Efron and Tibshirani 1993, chapter 16).

    Products are drawn with replacement, 10,000 times; `p` counts the draws in which the mean difference is not above
    zero, with one added above and below the line, so that it is never 0.

    Args:
        ours, theirs: one value a product, in the same order.
        level: error allowed on the one side that `low` guards.
    """
    differences = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = np.empty(_ROUNDS)
    for start in range(0, _ROUNDS, 500):  # 500 draws at a time bound the memory, whatever the sample.
        drawn = rng.integers(0, len(differences), size=(500, len(differences)))
        means[start : start + 500] = differences[drawn].mean(axis=1)
    worse = int((means <= 1e-12).sum())
    return Difference(
        mean=round(float(differences.mean()), 4),
        p=round((worse + 1) / (_ROUNDS + 1), 4),
        low=round(float(np.quantile(means, level)), 4),
    )


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share of `count` trials (Wilson 1927); 0 to 1 for no trial."""
    if not count:
        return 0.0, 1.0
    spread = _Z * _Z / count
    centre = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)
