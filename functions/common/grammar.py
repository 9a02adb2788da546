"""Words that carry no fact of their own: mere grammar, and those that join facts."""

import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

STOP_WORDS = frozenset(_WORDS["stop"].split())
"""Articles, prepositions and the like, of English and its neighbours."""

JOINING = frozenset(_WORDS["joining"].split())
"""English words that join the facts of a page: ``comes``, ``weighs``, ``three``."""
