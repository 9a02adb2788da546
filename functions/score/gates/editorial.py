"""How a text is written: capitals, punctuation, signs, scripts, and what the platform refuses of these."""

import re
import unicodedata
from collections.abc import Iterator

from functions.common.platforms import Platform
from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.wordlists import word_set
from functions.score.words import Text, fold_char

_SHOUTED = word_set("shouted")
_ACRONYMS = word_set("acronyms")
_CAPITALS = re.compile(r"(?<![^\W\d_])[^\W\d_a-z]{2,}(?![a-z])(?:['’-][^\W\d_]+)*")
_LONG = re.compile(r"[^\W\d_]{4,}")
_MIXED = re.compile(r"[^\W\d_]*[a-z][A-Z]+[a-z]+[A-Z]+[^\W\d_]*")
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?:([ .\-_*~|·]{1,3})[^\W\d_](?![^\W_])){3,}")
_REPEATED = re.compile(
    r"(?P<mark>[!?.,;:~_=+#%&|/\\*^<>-])(?P=mark)+|[!?][!?]+|[!?][ ]+[!?]|\.\s\.\s\.|(?P<money>[$€£])(?P=money)+|…"
)
_STRETCHED = re.compile(r"([^\W\d_])\1{3,}")
_LEET = re.compile(
    r"(?<![\w@])(?=[\w$@€£¥!|*+]{2,40}(?![\w$@€£¥]))(?:[^\W\d_]+[$@€£¥!|*][^\W\d_]+|[$@€£¥][^\W\d_]{2,}|[^\W\d_]+[$€£¥@][$€£¥@]?(?!\w))[\w$@€£¥!|*]*"
)
_BLOCKS = [
    ("LATIN", 0),
    ("CYRILLIC", 1),
    ("GREEK", 2),
    ("ARMENIAN", 3),
    ("CHEROKEE", 4),
    ("COPTIC", 5),
    ("LISU", 6),
    ("GEORGIAN", 7),
]
_FINE_SYMBOLS = frozenset("®™©°+=<>|~$€£¥¢^`℃℉№℠¬×÷±−≤≥≈½¼¾⅓⅔µΩ§¶†′″’")


def capitals(text: Text, subject: Subject) -> Iterator[Finding]:
    """Words in capitals for effect. Acronyms, and what a page in ordinary case writes so, are none.

    https://support.google.com/adspolicy/answer/6021546 (capitalization)
    """
    if text.raw == text.raw.lower():
        return
    for match in _CAPITALS.finditer(text.raw):
        word = match.group()
        if word.upper() != word or word.lower() == word or not _shouted(word, subject):
            continue
        yield gate("capitals", text, word, f'"{word}" is written in capitals for effect; write it in ordinary case')
    for match in _MIXED.finditer(text.raw) if sum(map(str.isupper, text.raw)) > 1 else ():
        if match.group() not in subject.source.raw:
            yield gate("capitals", text, match.group(), f'"{match.group()}" mixes capitals for effect')


def _shouted(word: str, subject: Subject) -> bool:
    names = f"{subject.product.brand} {subject.brand.name} {' '.join(subject.brand.own_brands)}"
    plain = word.replace("-", "").replace("'", "").replace("’", "")
    if (
        plain in _ACRONYMS
        or word in names.split()
        or all(part in _ACRONYMS or len(part) == 1 for part in word.split("-"))
    ):
        return False
    if plain in _SHOUTED:
        return True
    if len(plain) <= 3:
        return False
    return not (word in subject.source.raw and not _shouting(subject))


def _shouting(subject: Subject) -> bool:
    """Whether the product page itself is written in capitals, so that they tell nothing."""
    words = _LONG.findall(subject.source.raw[:4000])
    return sum(1 for word in words if word.isupper()) * 4 > len(words)


def spaced_letters(text: Text, subject: Subject) -> Iterator[Finding]:
    """L e t t e r s set apart.

    https://support.google.com/adspolicy/answer/6021546 (spacing)
    """
    for match in _SPACED.finditer(text.folded):
        if match.group() not in subject.title.folded:
            shown = text.shown(*match.span())
            yield gate("spaced_letters", text, shown, f'"{shown}" spells a word in single letters')
    for match in _STRETCHED.finditer(text.folded):
        shown = text.shown(*match.span())
        yield gate("spaced_letters", text, shown, f'"{shown}" repeats a letter for effect')


def repeated_punctuation(text: Text, subject: Subject) -> Iterator[Finding]:
    """``!!!``, ``?!``, ``...`` and the like.

    https://support.google.com/adspolicy/answer/6021546 (punctuation and symbols)
    """
    del subject
    for match in _REPEATED.finditer(text.raw):
        yield gate("repeated_punctuation", text, match.group(), f'"{match.group()[:20]}" repeats punctuation')


def symbols_for_letters(text: Text, subject: Subject) -> Iterator[Finding]:
    """``$ale``, ``fr€e``, ``c0tton``: signs and digits in place of letters.

    https://support.google.com/adspolicy/answer/6021546 (punctuation and symbols)
    """
    for match in _LEET.finditer(text.raw):
        shown = match.group()
        yield gate("symbols_for_letters", text, shown, f'"{shown}" uses signs in place of letters')
    for word in set(text.unmasked or ()).difference(text.tokens):
        if word.isalpha() and word in subject.words | _TEMPTING and len(word) > 3:
            yield gate(
                "symbols_for_letters", text, word, f'"{word}" is written with digits or signs in place of letters'
            )


_TEMPTING = word_set("tempting")


def exclamation(text: Text, subject: Subject) -> Iterator[Finding]:
    """An exclamation mark in a headline.

    https://support.google.com/adspolicy/answer/6021546 (punctuation and symbols), docs/style-guide.md
    """
    del subject
    if text.is_headline and any(mark in text.raw for mark in "!！¡❗❕ǃ"):
        yield gate("exclamation", text, "!", "a headline takes no exclamation mark")


def mixed_scripts(text: Text, subject: Subject) -> Iterator[Finding]:
    """Letters of one script passing for those of another.

    https://support.google.com/adspolicy/answer/6021546, https://www.unicode.org/reports/tr39/
    """
    if text.raw.isascii():
        return
    for word in re.findall(r"[^\W\d_]{2,}", text.raw[:2000]):
        scripts = {_script(char) for char in word} - {""}
        if len(scripts) > 1:
            yield gate("mixed_scripts", text, word, f'"{word}" mixes letters of different alphabets')
        elif scripts and "LATIN" not in scripts and word not in subject.source.raw and _latin(subject):
            yield gate("mixed_scripts", text, word, f'"{word}" is in another alphabet than the product page')
    for char in text.raw:
        if _dressed(char):
            yield gate("mixed_scripts", text, char, f'"{char}" is a letter in fancy dress; write plain letters')
            return


def _dressed(char: str) -> bool:
    """Whether a character is a fullwidth, mathematical, circled or superscript stand-in for a plain letter or digit."""
    if char.isascii() or char in "ªº²³¹℃℉":
        return False
    code = ord(char)
    stand_in = (
        0x1D400 <= code <= 0x1D7FF or 0xFF10 <= code <= 0xFF5A or 0x2460 <= code <= 0x24FF or 0x1F100 <= code <= 0x1F1FF
    )
    small = 0x1D00 <= code <= 0x1D7F or 0x1D80 <= code <= 0x1DBF or 0x2070 <= code <= 0x209C or char in "ʟʀɴɪʏʙɢʜꜱ"
    return (stand_in or small) and fold_char(char).isalnum()


def _script(char: str) -> str:
    if char.isascii():
        return "LATIN"
    name = unicodedata.name(char, "")
    return next((block for block, _ in _BLOCKS if name.startswith(block)), "")


def _latin(subject: Subject) -> bool:
    letters = [char for char in subject.source.raw[:2000] if char.isalpha()]
    return sum(1 for char in letters if _script(char) == "LATIN") * 2 >= len(letters)


def invisible(text: Text, subject: Subject) -> Iterator[Finding]:
    """Zero-width, direction-changing, control and private characters, and marks piled on a letter.

    https://support.google.com/adspolicy/answer/6021546, https://www.unicode.org/reports/tr36/
    """
    del subject
    if text.raw.isascii() and text.raw.isprintable():
        return
    marks = 0
    for at, char in enumerate(text.raw):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        unseen = (
            category in ("Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp") or char in "\ufffd\u2800\u3164\u115f\u1160\uffa0"
        )
        if marks > 2 or (unseen and not _joins(text.raw, at)):
            shown = f"U+{ord(char):04X}"
            yield gate(
                "invisible", text, shown, f"holds a character that cannot be seen or does not belong in text ({shown})"
            )
            return


def _joins(raw: str, at: int) -> bool:
    """Whether a zero-width joiner stands where spelling wants it: in an emoji, between Arabic or Indic letters."""
    if raw[at] not in "\u200c\u200d" or not 0 < at < len(raw) - 1:
        return False
    before, after = raw[at - 1], raw[at + 1]
    if raw[at] == "\u200d" and (before == "\ufe0f" or is_emoji(before)) and is_emoji(after):
        return True
    return 0x600 <= ord(before) <= 0x0DFF and 0x600 <= ord(after) <= 0x0DFF


def is_emoji(char: str) -> bool:
    """Whether a character is an emoji or a decorative sign such as a star or tick."""
    code = ord(char)
    if code < 0xA0 or char in _FINE_SYMBOLS:
        return False
    return (
        0x1F000 <= code <= 0x1FAFF
        or 0x2190 <= code <= 0x2BFF
        or code in (0x203C, 0x2049, 0x3030, 0x2022, 0xFE0F)
        or (unicodedata.category(char) == "So")
    )


def emoji(text: Text, platform: Platform) -> Iterator[Finding]:
    """Emoji and decorative signs: refused by some platforms, against the house style on the others.

    https://support.google.com/adspolicy/answer/6021546 (punctuation and symbols), docs/style-guide.md
    """
    if text.raw.isascii():
        return
    for char in text.raw:
        if is_emoji(char):
            if platform.emoji:
                message = f'"{char}": the house style does without emoji'
                yield Finding(rule="emoji", severity="advice", field=text.field, found=char, message=message)
            else:
                yield gate("emoji", text, char, f'{platform.label} does not take emoji or signs such as "{char}"')
            return
