"""Blind reading in pairs: a file that shows two authors' copy in a shuffled order, and what the votes come to.

The key, which says who is A and who is B, is a file of its own: a reader, or a judge model, is given the pairs only.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from functions.common.errors import InputError
from functions.common.records import Product, Record, digest
from quantize.authors import Copy
from quantize.jsonlines import read_lines
from quantize.statistics import wilson

Side = Literal["A", "B"]

FIELDS = ("headline", "primary text", "description")
"""What a reader sees of an ad: slots by name, in this order."""
_DETAILS = 600


class Pair(Record, frozen=True, kw_only=True):
    """What a reader sees.

    Attributes:
        pair: names the pair in key and votes, and tells nothing else.
        product: title, brand, category, attributes and the beginning of the description.
        A, B: the copy of each side, field -> text.
    """

    pair: str
    product: dict[str, str]
    A: Copy
    B: Copy


class Key(Record, frozen=True, kw_only=True):
    """Who wrote the sides of a pair."""

    pair: str
    A: str
    B: str


class Vote(Record, frozen=True, kw_only=True):
    """What a reader made of a pair: the better side, or a tie."""

    pair: str
    vote: Literal["A", "B", "tie"]
    reader: str = ""


class Result(Record, frozen=True, kw_only=True):
    """What the votes come to for one author against another; shares from 0 to 1.

    Attributes:
        pairs: that were voted on; ``unread``: that were not.
        votes: in all; several readers may vote on one pair, whose share is then their mean.
        win, tie: shares of pairs; ``win_low`` to ``win_high`` is Wilson's interval of 95 % over pairs.
        win_or_tie: their sum, with its interval.
    """

    author: str
    against: str
    pairs: int
    unread: int
    votes: int
    win: float
    win_low: float
    win_high: float
    tie: float
    win_or_tie: float
    win_or_tie_low: float
    win_or_tie_high: float


def pairs_of(
    products: Sequence[Product], authors: Sequence[str], copies: Sequence[Sequence[Copy]], seed: int = 0
) -> tuple[list[Pair], list[Key]]:
    """The first author beside each other one, in a shuffled order, each pair with its sides shuffled; and the key.

    Products for which one of the two wrote none of the fields, or both wrote the same, are left out.

    Args:
        copies: for each author, what it wrote for each product.
    """
    rng = random.Random(seed)  # noqa: S311 - a draw that must repeat, not a secret
    made: list[tuple[Pair, Key]] = []
    for rival, theirs in zip(authors[1:], copies[1:], strict=True):
        for product, *written in zip(products, copies[0], theirs, strict=True):
            names, sides = [authors[0], rival], [_shown(copy) for copy in written]
            if rng.random() < 0.5:
                names.reverse()
                sides.reverse()
            if not all(sides) or sides[0] == sides[1]:
                continue
            name = digest(seed, authors[0], rival, product.product_id, product.text(), size=5)
            pair = Pair(pair=name, product=_facts(product), A=sides[0], B=sides[1])
            made.append((pair, Key(pair=name, A=names[0], B=names[1])))
    rng.shuffle(made)
    return [pair for pair, _ in made], [key for _, key in made]


def results(keys: Sequence[Key], votes: Sequence[Vote], author: str) -> list[Result]:
    """How an author fared against each other one, by name.

    Raises:
        InputError: a vote on a pair that is not in the key, or twice by one reader; nobody voted; no such author.
    """
    known = {key.pair: key for key in keys}
    names = {name for key in keys for name in (key.A, key.B)}
    if author not in names:
        raise InputError(f"the key knows no author {author!r}; choose among {', '.join(sorted(names))}")
    given: dict[str, list[str]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for vote in votes:
        if vote.pair not in known:
            raise InputError(f"vote on pair {vote.pair!r}: not in the key; these votes belong to other pairs")
        if (vote.pair, vote.reader) in seen:
            raise InputError(f"reader {vote.reader!r} voted on pair {vote.pair!r} twice; keep one of the votes")
        seen.add((vote.pair, vote.reader))
        given[vote.pair].append("tie" if vote.vote == "tie" else getattr(known[vote.pair], vote.vote))
    if not given:
        raise InputError('there are no votes; each line is {"pair": …, "vote": "A", "B" or "tie"}')
    rivals: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if author in (key.A, key.B):
            rivals[key.B if author == key.A else key.A].append(key.pair)
    return [_result(author, rival, pairs, given) for rival, pairs in sorted(rivals.items())]


def readings(folder: Path, author: str) -> dict[str, list[Result]]:
    """What was read blind, one thing a subfolder: its name -> how an author fared.

    A subfolder holds ``pairs.jsonl``, ``key.jsonl`` and the votes of each reader, ``votes-<reader>.jsonl``.
    """
    found = {}
    for key in sorted(folder.glob("*/key.jsonl")):
        cast = [vote for path in sorted(key.parent.glob("votes-*.jsonl")) for vote in read_lines(path, Vote)]
        found[key.parent.name.replace("-", " ")] = results(list(read_lines(key, Key)), cast, author)
    return found


def _result(author: str, rival: str, pairs: Sequence[str], given: Mapping[str, Sequence[str]]) -> Result:
    read = [given[pair] for pair in pairs if pair in given]
    win = sum(choices.count(author) / len(choices) for choices in read) / max(1, len(read))
    tie = sum(choices.count("tie") / len(choices) for choices in read) / max(1, len(read))
    win_low, win_high = wilson(win, len(read))
    either_low, either_high = wilson(win + tie, len(read))
    return Result(
        author=author,
        against=rival,
        pairs=len(read),
        unread=len(pairs) - len(read),
        votes=sum(map(len, read)),
        win=round(win, 4),
        win_low=win_low,
        win_high=win_high,
        tie=round(tie, 4),
        win_or_tie=round(win + tie, 4),
        win_or_tie_low=either_low,
        win_or_tie_high=either_high,
    )


def _shown(copy: Mapping[str, str]) -> Copy:
    return {name: copy[name] for name in FIELDS if copy.get(name)}


def _facts(product: Product) -> dict[str, str]:
    facts = {"title": product.title, "brand": product.brand, "category": product.category, **product.attributes}
    facts["description"] = product.description[:_DETAILS]
    return {name: value for name, value in facts.items() if value}
