"""The weights by which texts are chosen, fitted to texts that readers graded.

Of two texts of one product and field with different grades, the better one should have the greater weighted sum of
traits: a logistic regression on the differences (Bradley and Terry 1952; Joachims, https://doi.org/10.1145/775047.775067).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression

from functions.common.errors import InputError
from functions.common.records import Field, Record

_STRENGTH = 0.1
"""Of the fit's data against its pull towards zero, traits scaled to a deviation of 1."""


class GradedText(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text that a reader graded, by its traits.

    Attributes:
        product: that it was written for.
        grade: 0 false or no English, 1 not to be posted, 2 sound, 3 as good as can be.
        traits: see `functions.score.measures.Yardstick.traits`.
    """

    product: str
    field: Field
    grade: Annotated[int, msgspec.Meta(ge=0, le=3)]
    traits: dict[str, float]


def weights(texts: Sequence[GradedText]) -> dict[str, float]:
    """Trait -> what a unit of it adds to the logarithm of the odds to be the better text.

    Raises:
        InputError: no two texts of a product and field have different grades.
    """
    names = sorted({name for text in texts for name in text.traits})
    pairs = list(_pairs(texts))
    if not pairs:
        raise InputError("no product has two texts of a field with different grades: there is nothing to learn from")
    differences = np.array([[one.traits[n] - other.traits[n] for n in names] for one, other in pairs])
    counts = np.array([one.grade - other.grade for one, other in pairs])
    scale = differences.std(axis=0) + 1e-9
    fit = LogisticRegression(C=_STRENGTH, fit_intercept=False, max_iter=500)
    both = np.concatenate([differences, -differences]) / scale
    fit.fit(both, np.repeat([1, 0], len(pairs)), sample_weight=np.tile(counts, 2))
    return dict(zip(names, (fit.coef_[0] / scale).tolist(), strict=True))


def ordered(texts: Iterable[GradedText], weighted: Mapping[str, float]) -> float:
    """Share of the pairs that weights put in the order of their grades; those that they leave level count half."""
    leads = [
        sum(weighted[name] * (one.traits[name] - other.traits[name]) for name in one.traits)
        for one, other in _pairs(texts)
    ]
    return sum(1.0 if lead > 0 else 0.5 if lead == 0 else 0.0 for lead in leads) / len(leads)


def _pairs(texts: Iterable[GradedText]) -> Iterator[tuple[GradedText, GradedText]]:
    """Texts of one product and field that differ in grade, the better one first."""
    alike: dict[tuple[str, Field], list[GradedText]] = defaultdict(list)
    for text in texts:
        alike[text.product, text.field].append(text)
    for group in alike.values():
        for one, other in combinations(group, 2):
            if one.grade != other.grade:
                yield (one, other) if one.grade > other.grade else (other, one)
