"""Text made comparable: look-alikes, widths, invisible characters and case folded away, then cut into words.

The folding follows Unicode Technical Standard 39 (skeletons), kept to letters that pass for Latin ones at a glance.
"""

import re
import unicodedata
from collections.abc import Container, Iterable
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from functions.common.grammar import STOP_WORDS
from functions.common.records import Field

_LOOKS_LIKE = dict(
    zip(
        "авекмнорстухіјѕһԁԛԝӏґԍαβεζηικνορτυχϲօսոհքզıłøđħɑɩǀɡʟʀɴɪʏʙɢʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱ",
        "abekmhopctyxijshdqwlrgabezhiknoptyxcounhqqilodhailglrniybghacdejkmoptuvwzs",
        strict=True,
    )
)
_SPELLED = {
    "μ": "u", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ß": "ss", "⁄": "/", "∕": "/", "÷": "/", "×": "x", "✕": "x",
    "’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "′": "'", "“": '"', "”": '"', "„": '"', "″": '"', "«": '"',
    "»": '"', "–": "-", "—": "-", "‑": "-", "‐": "-", "−": "-", "―": "-", "。": ".", "․": ".", "‧": ".", "ㆍ": ".",
    "™": " ", "®": " ", "©": " ", "℠": " ", "°": "°", "\u00a0": " ", "º": "°", "№": "no ", "€": "€", "℃": "°c",
    "℉": "°f", "％": "%", "﹪": "%", "٪": "%", "〜": "-", "~": "~", "⅓": " 1/3", "⅔": " 2/3",
}  # fmt: skip
_SPELLED |= {"¼": " 1/4", "½": " 1/2", "¾": " 3/4", "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8", "⅞": " 7/8", "⅕": " 1/5"}
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SPACE = re.compile(r"\s+")
_LEET = str.maketrans("01345789@$!|+€£¥", "oieastbgasilteey")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz'-/&,.")
_SUFFIXES = (
    "ingly",
    "edly",
    "ings",
    "ing",
    "ies",
    "ied",
    "edly",
    "ness",
    "able",
    "ible",
    "ed",
    "es",
    "ly",
    "er",
    "s",
    "y",
    "e",
)


@lru_cache(maxsize=65536)
def fold_char(char: str) -> str:
    """What one character counts as when texts are compared; nothing for invisible characters and marks."""
    if (spelled := _SPELLED.get(char)) is not None:
        return spelled
    if 0x1F1E6 <= ord(char) <= 0x1F1FF:  # flag letters: a word can be spelt in them
        return chr(ord("a") + ord(char) - 0x1F1E6)
    folded = []
    for part in unicodedata.normalize("NFKD", char):
        category = unicodedata.category(part)
        if category in ("Mn", "Me", "Cf"):
            continue
        if category == "Nd":
            folded.append(str(unicodedata.decimal(part)))
        elif part == "\n":
            folded.append(part)
        elif category in ("Zs", "Zl", "Zp", "Cc"):
            folded.append(" ")
        else:
            for low in unicodedata.normalize("NFKD", part.casefold()):
                if unicodedata.category(low) != "Mn":
                    folded.append(_SPELLED.get(low) or _LOOKS_LIKE.get(low, low))
    return "".join(folded)


def fold(text: str) -> str:
    """A text as it is compared: one case, plain Latin where it passes for Latin, ASCII digits, nothing invisible."""
    if text.isascii():
        return text.lower().replace("`", "'").translate(_CONTROLS)
    return "".join(map(fold_char, text))


_CONTROLS = dict.fromkeys((*range(10), *range(11, 32), 127), " ")


def tokens_of(text: str) -> list[str]:
    """The words of a text, as `Text.tokens` has them, where nothing else of it is asked for."""
    return [word.replace("'", "") for word in _WORD.findall(fold(text))]


def squeeze(text: str) -> str:
    """A text with every run of white space as one space."""
    return _SPACE.sub(" ", text).strip()


def _masked(piece: str) -> bool:
    """Whether a word may be written with digits or signs in place of letters: ``s4le``, not ``10s``."""
    if piece.isalpha():
        return False
    piece = piece.strip("\"'([{.,;:!?)]}#")
    letters = sum(1 for char in piece if char.isalpha())
    return 1 < letters < len(piece) and letters * 2 >= len(piece) and not set(piece) <= _PLAIN


class Word(NamedTuple):
    """One word of a folded text and where it stands there."""

    text: str
    start: int
    end: int


class Text:
    """A text to be judged, with the forms in which it is compared worked out once.

    Attributes:
        raw: the text as written.
        field: what it was written as.

    Args:
        vocabulary: words that a hashtag may be made of; it is read as separate words where they make up all of it.
    """

    def __init__(self, raw: str, field: Field = "primary_text", vocabulary: Container[object] = frozenset()) -> None:
        self.raw = raw
        self.field = field
        self._vocabulary = vocabulary

    @cached_property
    def folded(self) -> str:
        return fold(self.raw)

    @cached_property
    def words(self) -> list[Word]:
        words = [Word(m.group().replace("'", ""), m.start(), m.end()) for m in _WORD.finditer(self.folded)]
        if self.field != "hashtag":
            return words
        return [piece for word in words for piece in _cut(word, self._vocabulary)]

    @cached_property
    def tokens(self) -> list[str]:
        return [word.text for word in self.words]

    @cached_property
    def key(self) -> str:
        """Equal for texts that differ only in case, punctuation, spaces or look-alikes."""
        return " ".join(self.tokens)

    @cached_property
    def unmasked(self) -> list[str] | None:
        """The words with digits and signs read as the letters that they stand for; None where nothing is masked."""
        pieces = self.folded.split()
        if not any(map(_masked, pieces)):
            return None
        return [
            word.replace("'", "")
            for piece in pieces
            for word in _WORD.findall(piece.rstrip("!?.,;:").translate(_LEET) if _masked(piece) else piece)
        ]

    @cached_property
    def is_headline(self) -> bool:
        return self.field in ("headline", "long_headline")

    def shown(self, start: int, end: int) -> str:
        """The piece as the author wrote it, given where it stands in the folded text; at most 80 characters."""
        if self.raw.isascii():
            return self.raw[start:end][:80].strip()
        first = next((raw for raw, at in enumerate(self._starts) if at > start), len(self.raw) + 1) - 1
        last = next((raw for raw, at in enumerate(self._starts) if at >= end), len(self.raw))
        return self.raw[max(first, 0) : last][:80].strip()

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for char in self.raw:
            starts.append(at)
            at += len(fold_char(char))
        return starts


def _cut(word: Word, vocabulary: Container[object]) -> list[Word]:
    """A hashtag's word as the fewest known words that make it up; the word itself where none do."""
    text = word.text
    if text in vocabulary or len(text) > 60 or len(text) != word.end - word.start:
        return [word]
    ways: list[list[int] | None] = [[0]]
    for end in range(1, len(text) + 1):
        known = [way for at, way in enumerate(ways) if way and (text[at:end] in vocabulary or text[at:end].isdigit())]
        ways.append([*min(known, key=len), end] if known else None)
    way = ways[-1]
    if not way:
        return [word]
    return [Word(text[a:b], word.start + a, word.start + b) for a, b in pairwise(way)]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A crude stem, the same for ``wash``, ``washes``, ``washed`` and ``washing``."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def stems(tokens: Iterable[str]) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(stem(token) for token in tokens if len(token) > 2 and token not in STOP_WORDS)


def meaning(tokens: Iterable[str]) -> list[str]:
    """The stems of the words that are no mere grammar, in order; numbers are kept."""
    return [stem(token) for token in tokens if token not in STOP_WORDS]
