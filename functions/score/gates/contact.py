"""Ways out of the ad: links, mail addresses, phone numbers, and the words that point to them."""

import re
from collections.abc import Iterator
from itertools import pairwise

from functions.common.platforms import Platform
from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.wordlists import table, word_set
from functions.score.words import Text, fold

_ENDINGS = "|".join(sorted(word_set("domain_endings"), key=lambda ending: (-len(ending), ending)))
_CYRILLIC_ENDINGS = "|".join(fold(name) for name in ("рф", "укр", "бел", "срб", "ею"))
_SCHEME = re.compile(
    r"(?:https?|hxxps?|ftp|file|data|javascript|mailto|tel|sms) ?:|:? ?//|(?<![a-z0-9])www ?[.,\d]|(?<![a-z0-9])www "
)
_DOMAIN = re.compile(
    r"(?<![a-z0-9])([a-z0-9][a-z0-9-]{0,62}) ?(?:\.|,(?=com)|\(\.\)|\[\.\]|\{\.\}|·|•) ?"
    rf"({_ENDINGS}|{_CYRILLIC_ENDINGS})(?![a-z0-9])"
)
# What a domain cannot be without: cheap to look for before the long patterns are tried.
_POINTED = re.compile(r"[.,·•)\]}] ?[a-z]")
_POINTS = ("dot", "d0t", "punkt", "point", "punt")
_SPOKEN = re.compile(
    r"(?<![a-z0-9])([a-z0-9-]{1,63})[ \-_]{0,2}[(\[{<*_-]{0,2} ?"
    r"(?:d[o0]t|punkt|point|punto|punt) ?[)\]}>*_-]{0,2}[ \-_]{0,2}"
    r"(c[o0]m|net|org|info|biz|io|co|de|fr|eu|uk|app|ru|cn|xyz|shop|store|online|site|example|me|nl|es|it)(?![a-z0-9])"
)
_ADDRESS = re.compile(
    r"[a-z0-9._+-]{1,64}(?:@| ?(?:\(at\)|\[at\]|\{at\}|<at>) ?)[a-z0-9-]{2,}|(?<![a-z0-9])@[a-z0-9_.]{2,}"
)
_IP = re.compile(r"(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])")
_PATH = re.compile(r"(?<![a-z0-9])[a-z0-9-]{2,40}\.[a-z]{2,12}/[a-z0-9?=&_%/-]")
# Each pattern with what its matches cannot be without: cheap to look for first.
_LINKS = (
    (_SCHEME, (":", "//", "www")),
    (_ADDRESS, ("@", "(at)", "[at]", "{at}", "<at>")),
    (_IP, (".",)),
    (_PATH, ("/",)),
)
_DIGITS = re.compile(r"(?<![\w])[+(]{0,2}\d(?:[ ().\-/+_~*|]{0,3}\d){6,30}(?![\d])")
_VANITY = re.compile(r"(?<![\d])(?:1[ .-]?)?(?:0?8(?:00|88|77|66|55|44|33)|0?900|1300|1800)[ .-]?[A-Z]{4,10}(?![a-z])")
_CALL = re.compile(
    r"(?<![a-z])(?:call|phone|tel|telephone|dial|ring|fax|mobile|mob|cell|text|sms|whatsapp|hotline|anruf|telefon|"
    r"appelez|llame|chiama|bel)\b[ .:+]{0,4}(?:us|me|now|at|on|free|today|nr|no)?[ .:+(]{0,4}\d(?:[ ().-]{0,2}\d){4,20}"
)
_YEARS = re.compile(r"(?:(?:18|19|20)\d\d)(?:[ \-/]{1,3}(?:18|19|20)?\d\d)*")
_DIGIT_WORDS: dict[str, str] = table("numbers.toml")["digits"]
_NUMBERED = word_set("part_numbers")
_UNIT_NEXT = re.compile(
    r"[ -]?(?:mm|cm|m|km|in|ft|kg|g|mg|lb|oz|ml|l|w|v|mah|hz|lm|k|rpm|gb|mb|px|dpi|years?|pieces|pcs)(?![a-z])"
)


def link(text: Text, subject: Subject) -> Iterator[Finding]:
    """Web and mail addresses, plain or disguised, whatever the page says.

    https://support.google.com/adspolicy/answer/6021546 (unidentified business; destination in ad text)
    """
    del subject
    seen = set()
    for shown in _links(text):
        if shown not in seen:
            seen.add(shown)
            yield gate("link", text, shown, f'"{shown}" is a web or mail address; the ad has its link already')


def _links(text: Text) -> Iterator[str]:
    folded = text.folded
    for pattern, signs in _LINKS:
        for match in pattern.finditer(folded) if any(sign in folded for sign in signs) else ():
            yield text.shown(*match.span()) or match.group()
    for match in _DOMAIN.finditer(folded) if _POINTED.search(folded) else ():
        if _is_domain(text, match):
            yield text.shown(*match.span())
    for match in _SPOKEN.finditer(folded) if any(sign in folded for sign in _POINTS) else ():
        # "polka dot shop" is a pattern; "example dot shop" is an address.
        if match[1] not in (
            "polka",
            "micro",
            "pin",
            "the",
            "a",
            "red",
            "swiss",
            "quantum",
            "braille",
            "match",
            "set",
            "knack",
        ):
            yield text.shown(*match.span())


def _is_domain(text: Text, match: re.Match[str]) -> bool:
    name, ending = match.groups()
    joined = match.group() == f"{name}.{ending}"
    if name.isdigit():
        return ending in ("com", "net", "org")
    if len(ending) == 2:
        # "Warm in winter.It folds": a sentence that began without its space.
        shown = text.shown(match.end() - len(ending), match.end())
        return joined and shown == shown.lower()
    # With a space between, a capital begins the next sentence.
    return joined or not text.shown(match.end() - len(ending), match.end())[:1].isupper()


def phone(text: Text, subject: Subject) -> Iterator[Finding]:
    """Phone numbers in any form: grouped, spelt out, spelt in letters.

    https://support.google.com/adspolicy/answer/6021546 (phone number in ad text)
    """
    for pattern, searched in ((_CALL, text.folded), (_VANITY, text.raw)):
        for match in pattern.finditer(searched):
            shown = match.group()
            yield gate("phone", text, shown, f'"{shown}" reads as a phone number; the ad text takes none')
    for match in _DIGITS.finditer(text.folded):
        if not _innocent(match, text, subject):
            shown = text.shown(*match.span())
            yield gate("phone", text, shown, f'"{shown}" reads as a phone number; the ad text takes none')
    yield from _spelt(text)


def _innocent(match: re.Match[str], text: Text, subject: Subject) -> bool:
    """Whether a long row of digits is a range of years, a list of sizes, a measure or the product's own part number."""
    said = match.group()
    if _YEARS.fullmatch(said):
        return True
    groups = re.findall(r"\d+", said)
    if said[0] not in "+(0" and _UNIT_NEXT.match(text.folded, match.end()) and all(len(group) <= 5 for group in groups):
        return True
    if (
        len(groups) == 2
        and all(group.endswith("0") for group in groups)
        and groups[1].endswith("00")
        and int(groups[0]) < int(groups[1])
    ):
        return said in subject.source.folded
    if [len(group) for group in groups] == [2, 2, 3]:  # the size of spectacles: 52-18-140
        return said in subject.source.folded
    rising = all(int(a) < int(b) for a, b in pairwise(groups)) and len(groups) > 2
    if rising and all(len(group) <= 2 and group[0] != "0" for group in groups):
        return True
    numbered = [
        value for name, value in subject.product.attributes.items() if not _NUMBERED.isdisjoint(Text(name).tokens)
    ]
    own = fold("\n".join([subject.product.title, *numbered]))
    return said[0] not in "+(" and said in own and not re.search(r"call|tel|phone|whatsapp|\+|\(", own)


def _spelt(text: Text) -> Iterator[Finding]:
    """Rows of digits of which some are spelt out: ``five five five, oh one four two``."""
    run: list[str] = []
    for token in [*text.tokens, ""]:
        if token in _DIGIT_WORDS or (token.isdigit() and len(token) <= 4):
            run.append(token)
            continue
        spelt = sum(1 for word in run if word in _DIGIT_WORDS)
        digits = "".join(_DIGIT_WORDS.get(word, word) for word in run)
        if (
            spelt >= 2
            and len(run) >= 5
            and len(digits) >= 6
            and digits not in "0123456789"
            and digits not in "12345678910"
        ):
            shown = " ".join(run)
            yield gate("phone", text, shown, f'"{shown}" reads as a phone number spelt out; the ad text takes none')
        run = []


def contact(text: Text, subject: Subject) -> Iterator[Finding]:
    """Words that ask to call, write or message.

    https://support.google.com/adspolicy/answer/6021546 (phone number in ad text)
    """
    for phrase in subject.phrases(text).of("contact"):
        yield gate(
            "contact",
            text,
            phrase.shown,
            f'"{phrase.shown}" asks the reader to make contact; the ad has a button for that',
        )


def click_here(text: Text, subject: Subject) -> Iterator[Finding]:
    """Phrases such as "click here" or "link in bio".

    https://support.google.com/adspolicy/answer/6021546 (style requirements), docs/style-guide.md
    """
    for phrase in subject.phrases(text).of("click_here", subject.heading):
        yield gate("click_here", text, phrase.shown, f'"{phrase.shown}" fits any ad; say what the product is instead')


def tags_in_text(text: Text, platform: Platform) -> Iterator[Finding]:
    """``#`` and ``@`` in a text, where the platform takes no links.

    https://ads.tiktok.com/help/article/tiktok-auction-in-feed-ads
    """
    if not platform.links and text.field != "hashtag":
        for match in re.finditer(r"[#@][^\W\d_]\w*", text.raw):
            yield gate("tags_in_text", text, match.group(), f"{platform.label} takes no # or @ in the text")
