"""Claims in words: some no ad may make, the others only where the product page makes them."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from functions.common.grammar import STOP_WORDS
from functions.common.records import Finding
from functions.score.facts import Subject, absences, denied
from functions.score.gates.finding import gate
from functions.score.phrasebook import Phrase
from functions.score.wordlists import table, word_set
from functions.score.words import Text, stem

_RANKS = word_set("ranks")
_FREE_BEFORE = word_set("free_before")
_FREE_AFTER = word_set("free_after")
_LEFT_FREE = word_set("left_free")
_PLACE_BEFORE = word_set("place_before")


def _forbidden(rule: str, text: Text, subject: Subject, message: str) -> Iterator[Finding]:
    for phrase in subject.phrases(text).of(rule, subject.heading, subject.names):
        if not subject.harmless(rule, phrase.shown):
            yield gate(rule, text, phrase.shown, message.format(phrase.shown))


def _untraced(rule: str, text: Text, subject: Subject) -> Iterator[Phrase]:
    supported = subject.claims[rule]
    made: dict[tuple[int, int], list[Phrase]] = {}
    for phrase in subject.phrases(text).of(f"{rule}~", None, subject.names):
        if denied(text, phrase.first):
            continue
        made.setdefault((phrase.first, phrase.last), []).append(phrase)
    for phrases in made.values():
        # A word may stand for several claims; one that the page makes is enough.
        if not any(phrase.kind in supported for phrase in phrases):
            yield phrases[0]


def _traced(rule: str, text: Text, subject: Subject, what: str) -> Iterator[Finding]:
    for phrase in _untraced(rule, text, subject):
        yield gate(rule, text, phrase.shown, f'"{phrase.shown}" {what} that the product page does not')


def claim_superlative(text: Text, subject: Subject) -> Iterator[Finding]:
    """Superlatives: "best" and the like never; "lightest" where the page has it.

    https://support.google.com/adspolicy/answer/6020955 (unreliable claims), docs/style-guide.md
    """
    yield from _forbidden("claim_superlative", text, subject, '"{}" is praise that nobody can check; leave it out')
    yield from _traced("claim_superlative", text, subject, "is a claim")
    tokens = text.tokens
    for at, token in enumerate(tokens[:-1]):
        if token == "most" and tokens[at + 1].endswith(
            ("able", "ible", "ful", "ous", "ive", "ant", "ent", "ed", "ic", "ing")
        ):
            said = f"most {tokens[at + 1]}"
            if said not in subject.source.key:
                yield gate("claim_superlative", text, said, f'"{said}" is a claim that the product page does not make')
    yield from _ranked(text, subject)


def _ranked(text: Text, subject: Subject) -> Iterator[Finding]:
    """``#1`` and ``No. 1``, unless the thing is called so: a No. 1 pencil."""
    tokens = text.tokens
    for at, token in enumerate(tokens):
        if token != "1" or text.field == "hashtag":
            continue
        start = text.words[at].start
        signed = text.folded[start - 1 : start] == "#"
        if not signed and (not at or tokens[at - 1] not in ("no", "nr", "number", "nummer", "num")):
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        called = following and following not in _RANKS and f"no 1 {following}" in subject.source.key
        if signed or not called:
            shown = text.shown(max(0, start - 4), text.words[at].end)
            yield gate(
                "claim_superlative", text, shown, "claims to be number one, which nobody can check; leave it out"
            )


def claim_absolute(text: Text, subject: Subject) -> Iterator[Finding]:
    """Promises without bounds: always, never, guaranteed.

    https://support.google.com/adspolicy/answer/6020955 (unreliable claims), docs/style-guide.md
    """
    yield from _forbidden("claim_absolute", text, subject, '"{}" promises more than a shop can keep; leave it out')


def claim_health(text: Text, subject: Subject) -> Iterator[Finding]:
    """Health and body claims, even where the page makes them: the shop must prove them, and the ad cannot.

    https://support.google.com/adspolicy/answer/176031, https://transparency.meta.com/policies/ad-standards/
    """
    message = '"{}" is a health claim; no ad may make it, even where the product page does'
    yield from _forbidden("claim_health", text, subject, message)


def claim_free(text: Text, subject: Subject) -> Iterator[Finding]:
    """Things given away. ``sugar-free`` and ``free-standing`` are something else.

    https://support.google.com/adspolicy/answer/6020955 (unavailable offers), docs/style-guide.md
    """
    message = '"{}" offers something free of charge; an ad of this style offers nothing'
    tokens = text.tokens
    found = False
    for phrase in subject.phrases(text).of("claim_free", subject.heading, subject.names):
        # "Fragrance free, with oil" is no "free with".
        tied = phrase.first > 0 and tokens[phrase.first] == "free" and tokens[phrase.first + 1] in ("with", "when")
        if not (tied and _free_of_something(tokens, phrase.first, subject)):
            found = True
            yield gate("claim_free", text, phrase.shown, message.format(phrase.shown))
    for at, token in enumerate(tokens if not found else ()):
        if token != "free" or _free_of_something(tokens, at, subject):
            continue
        shown = " ".join(tokens[max(0, at - 1) : at + 2])
        yield gate("claim_free", text, shown, message.format(shown))


def _free_of_something(tokens: list[str], at: int, subject: Subject) -> bool:
    before = tokens[at - 1] if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    if before in _FREE_BEFORE or after in _FREE_AFTER or _LEFT_FREE.intersection(tokens[max(0, at - 6) : at]):
        return True
    return bool(before) and subject.lacks(before)


def claim_free_from(text: Text, subject: Subject) -> Iterator[Finding]:
    """``Sugar-free``, ``no parabens``: where the page says so.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation), docs/style-guide.md
    """
    tokens = text.tokens
    for at, token in enumerate(tokens):
        thing = ""
        if (
            token in ("free", "frei")
            and at
            and _joined(text, at)
            and not _LEFT_FREE.intersection(tokens[max(0, at - 6) : at])
        ):
            after = tokens[at + 1] if at + 1 < len(tokens) else ""
            thing = "" if after in _FREE_AFTER or {tokens[at - 1]} & (_FREE_BEFORE | STOP_WORDS) else tokens[at - 1]
        elif token.endswith(("free", "frei")) and len(token) > 6 and token not in ("carefree", "scotfree", "handsfree"):
            thing = token[:-4]
        elif token in _WITHOUT and at + 1 < len(tokens) and stem(tokens[at + 1]) in _ingredients():
            thing = f"added {tokens[at + 1]}" if tokens[at + 2 : at + 3] == ["added"] else tokens[at + 1]
        if thing and not subject.lacks(thing) and f"{thing}free" not in subject.words:
            shown = " ".join(tokens[max(0, at - 1) : at + 2])
            yield gate(
                "claim_free_from", text, shown, f'the product page does not say that there is no "{thing}" in it'
            )
    if (what := absent_after_free(tokens)) and not any(subject.lacks(word) for word in what):
        yield gate(
            "claim_free_from", text, f"free from {what[0]}", f'the product page does not say "free from {what[0]}"'
        )


_WITHOUT = word_set("without")


@cache
def _ingredients() -> frozenset[str]:
    return frozenset(stem(word) for word in table("traced.toml")["claim_free_from"]["ingredients"])


def absent_after_free(tokens: list[str]) -> list[str]:
    """The things named after ``free of`` or ``free from``."""
    for at, pair in enumerate(pairwise(tokens)):
        if pair in (("free", "from"), ("free", "of")):
            return [word for word in absences(tokens[at : at + 5]) if stem(word) in _ingredients()]
    return []


def _joined(text: Text, at: int) -> bool:
    """Whether a word is tied to the one before it by a hyphen or space alone."""
    return text.folded[text.words[at - 1].end : text.words[at].start] in ("", " ", "-")


def claim_discount(text: Text, subject: Subject) -> Iterator[Finding]:
    """Discounts, sales and talk of price: they change faster than an ad.

    https://support.google.com/adspolicy/answer/6020955 (unavailable offers), docs/style-guide.md
    """
    message = '"{}" speaks of price or discount; prices change and the ad does not'
    yield from _forbidden("claim_discount", text, subject, message)


def claim_shipping(text: Text, subject: Subject) -> Iterator[Finding]:
    """Delivery, stock and returns: terms of the shop, not of the product.

    https://support.google.com/adspolicy/answer/6020955 (unavailable offers), docs/style-guide.md
    """
    yield from _forbidden(
        "claim_shipping", text, subject, '"{}" speaks of delivery, stock or returns; leave it to the shop page'
    )


def claim_urgency(text: Text, subject: Subject) -> Iterator[Finding]:
    """Pressure to buy at once.

    https://support.google.com/adspolicy/answer/6020955 (misleading ad design), docs/style-guide.md
    """
    yield from _forbidden("claim_urgency", text, subject, '"{}" puts the reader under pressure; leave it out')


def claim_popularity(text: Text, subject: Subject) -> Iterator[Finding]:
    """Ratings, reviews, customers and fame.

    https://support.google.com/adspolicy/answer/6020955 (unreliable claims), docs/style-guide.md
    """
    message = '"{}" speaks of ratings, customers or fame, which the ad cannot prove; leave it out'
    yield from _forbidden("claim_popularity", text, subject, message)


def claim_sustainability(text: Text, subject: Subject) -> Iterator[Finding]:
    """Green words without a fact. A named fact, such as recycled polyester, is a property and may be said.

    https://www.ftc.gov/legal-library/browse/federal-register-notices/guides-use-environmental-marketing-claims-green-guides
    """
    message = '"{}" is a bare environmental claim; name the fact that stands behind it, or leave it out'
    yield from _forbidden("claim_sustainability", text, subject, message)


def claim_comparison(text: Text, subject: Subject) -> Iterator[Finding]:
    """Comparisons with other goods.

    https://support.google.com/adspolicy/answer/6020955 (unreliable claims), docs/style-guide.md
    """
    yield from _forbidden("claim_comparison", text, subject, '"{}" compares with other goods; speak of this one only')


def claim_property(text: Text, subject: Subject) -> Iterator[Finding]:
    """Properties such as waterproof, organic or dishwasher-safe, where the page has them.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    yield from _traced("claim_property", text, subject, "says something of the product")


def claim_certification(text: Text, subject: Subject) -> Iterator[Finding]:
    """Labels, norms and certificates, where the page has them.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    yield from _traced("claim_certification", text, subject, "names a label or certificate")


def claim_warranty(text: Text, subject: Subject) -> Iterator[Finding]:
    """Warranties and lifetime promises, where the page has them.

    https://support.google.com/adspolicy/answer/6020955 (unreliable claims)
    """
    yield from _traced("claim_warranty", text, subject, "promises something")


def claim_award(text: Text, subject: Subject) -> Iterator[Finding]:
    """Awards, tradition and standing, where the page has them.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    yield from _traced("claim_award", text, subject, "claims an honour or history")


def claim_origin(text: Text, subject: Subject) -> Iterator[Finding]:
    """Country, region and making by hand, where the page has them.

    https://support.google.com/adspolicy/answer/6020955 (misleading representation)
    """
    yield from _traced("claim_origin", text, subject, "names an origin or a way of making")
    if (said := by_hand(text.tokens)) and not _names_handwork(subject.source.tokens):
        yield gate("claim_origin", text, said, f'"{said}" claims work by hand, which the product page does not')
    tokens = text.tokens
    known = {at for phrase in subject.phrases(text).of("claim_origin~") for at in range(phrase.first, phrase.last)}
    for at in range(len(tokens) - 2):
        if tokens[at] not in _PLACE_BEFORE or tokens[at + 1] != "in" or at + 2 in known:
            continue
        # A place after "made in" is a name: it has to stand on the page, or be the beginning of a word there.
        place = text.words[at + 2]
        shown = text.shown(place.start, place.end)
        if shown[:1].isupper() and not any(word.startswith(place.text) for word in subject.words):
            said = f"{tokens[at]} in {shown}"
            yield gate("claim_origin", text, said, f'"{said}" names a place that the product page does not')


def by_hand(tokens: list[str]) -> str:
    """The words that claim making by hand, or nothing: ``hand-sewn``, ``carved by hand``, not ``washed by hand``."""
    verbs, whole = _hand()
    row = f" {' '.join(tokens)} "
    for phrase in whole:
        if f" {phrase} " in row:
            return phrase
    for at, token in enumerate(tokens):
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        if token.startswith("hand") and token[4:] in verbs:
            return token
        if token == "hand" and after in verbs:
            return f"hand {after}"
        if (
            token == "hand"
            and tokens[max(0, at - 1) : at] == ["by"]
            and at > 1
            and tokens[at - 2] in verbs - _USED_BY_HAND
        ):
            return f"{tokens[at - 2]} by hand"
    return ""


def _names_handwork(tokens: list[str]) -> bool:
    """Whether a page speaks of work by hand in any form: ``hand embroidery``, ``done by hand``."""
    if by_hand(tokens):
        return True
    return any(
        (
            a == "hand"
            and (b.endswith(("ed", "ery", "ing", "work")) or b in ("stitch", "sew", "knit", "weave", "chikankari"))
        )
        or (a == "by" and b == "hand")
        for a, b in pairwise(tokens)
    )


_USED_BY_HAND = word_set("used_by_hand")


@cache
def _hand() -> tuple[frozenset[str], frozenset[str]]:
    entries = table("origins.toml")["hand"]
    return frozenset(entries["verbs"]), frozenset(entries["words"])


def filler(text: Text, subject: Subject) -> Iterator[Finding]:
    """Words that fill a line and say nothing.

    docs/style-guide.md ("What never to write")
    """
    yield from _forbidden("filler", text, subject, '"{}" fills the line and says nothing of the product')
