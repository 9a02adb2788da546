"""What a platform takes in a field: how long, and for the button and hashtags, what at all."""

import re
from collections.abc import Iterator

from functions.common.platforms import CALLS, Platform
from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.wordlists import word_set
from functions.score.words import Text

_ON_PAGE = {
    "Pre-order": ("preorder", "pre"),
    "Download": ("download", "downloadable", "digital"),
    "Book now": ("book", "booking", "appointment"),
}
_TAG = re.compile(r"#\w*[^\W\d_]\w*")


def length(text: Text, platform: Platform) -> Iterator[Finding]:
    """A text longer than the platform takes, in display columns; it is never cut.

    The page is named by `Platform.source`.
    """
    limit = platform.fields.get(text.field)
    if limit and (columns := platform.columns(text.raw)) > limit.limit:
        message = f"is {columns} columns long; {platform.label} takes {limit.limit} in a {text.field.replace('_', ' ')}"
        yield gate("length", text, text.raw[limit.limit :], message)


def hashtag_form(text: Text, subject: Subject) -> Iterator[Finding]:
    """A hashtag that is not one word in lower case after a ``#``, or that fits any product.

    docs/style-guide.md ("What each field does")
    """
    if text.field != "hashtag":
        return
    if not _TAG.fullmatch(text.raw) or text.raw != text.raw.lower():
        yield gate("hashtag_form", text, text.raw, "a hashtag is # and one word in lower case")
    elif text.raw[1:] in _GENERIC_TAGS and text.raw[1:] not in subject.words:
        yield gate(
            "hashtag_form", text, text.raw, f'"{text.raw}" fits any product; name the thing, its material or its use'
        )


_GENERIC_TAGS = word_set("generic_tags")


def cta_form(text: Text, subject: Subject) -> Iterator[Finding]:
    """A call to action that is not a button, or that promises what the page does not offer.

    docs/style-guide.md ("What each field does")
    """
    if text.field != "cta":
        return
    if text.raw not in CALLS:
        yield gate("cta_form", text, text.raw, f"is not one of the buttons: {', '.join(CALLS)}")
    elif (words := _ON_PAGE.get(text.raw)) and not subject.words.intersection(words):
        yield gate("cta_form", text, text.raw, f'the product page offers nothing to which "{text.raw}" leads')
