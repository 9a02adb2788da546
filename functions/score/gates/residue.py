"""What betrays the machine: markup, templates, instructions, loops, and sentences that do not end."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from functions.common.grammar import STOP_WORDS
from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.phrasebook import LANGUAGES
from functions.score.wordlists import word_set
from functions.score.words import Text

_MARKUP = re.compile(
    r"<[a-z/!?][^<>]{0,200}|<\s*/|/>|&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,6});|\]\(|!\[|\*\*|__|```|~~"
    r"|\\[nrtux\"'/]|(?<!\w)#{1,6}\s|on[a-z]{3,12} ?=|style ?=|src ?=|href ?=|\bexpression\(|document\."
    r"|\beval\(|\balert\(|(?<!\w)\*[^*\s][^*]{0,60}\*(?!\w)|;base64,|--\s|\bunion select\b|' or |\.\./",
    re.IGNORECASE,
)
# What markup cannot be without: cheap to look for first.
_SUSPECT = re.compile(r"[<>&\[*_`~\\#=(;/'\r\n\t\x0b\x0c\x85\u2028\u2029]|--|document|union", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"[{}]|[\[\]]|<\||\|>|%[sd]\b|%\(|<<|>>|\bX{3,}\b|_{2,}"
    r"|^\s*(?:headline|long headline|primary text|description|hashtags?|cta|call to action|title|product|ad|copy|"
    r"caption|output|answer|brand|category|attributes|text|response|assistant|user|system|human|ai|bot|note|option|"
    r"version|example)s? ?\d{0,2} ?:"
    r"|^\s*(?:\d{1,2}[.)]|[-*•–—])\s|^\s*(?:sure|certainly|of course|okay|ok)\b ?[,!]",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…。！？।؟][\"'”’»)\]]*$")
_LOOSE_END = re.compile(r"[,;:&/=(\-–—]$")


def markup(text: Text, subject: Subject) -> Iterator[Finding]:
    """HTML, entities, Markdown, scripts and line breaks.

    https://support.google.com/adspolicy/answer/6021546 (style requirements)
    """
    del subject
    if not _SUSPECT.search(text.raw.strip()):
        return
    if match := _MARKUP.search(text.raw) or re.search(r"[\r\n\t\x0b\x0c\x85\u2028\u2029]", text.raw.strip()):
        yield gate(
            "markup",
            text,
            match.group(),
            f"holds markup or a line break ({match.group()[:20]!r}), which would be shown as it is",
        )


def template_residue(text: Text, subject: Subject) -> Iterator[Finding]:
    """Brackets left open for a name, field labels, tokens of the model.

    docs/style-guide.md
    """
    if match := _TEMPLATE.search(text.raw):
        yield gate("template_residue", text, match.group(), f'"{match.group()[:40]}" is a leftover of a template')
        return
    for phrase in subject.phrases(text).of("template_residue", subject.heading):
        yield gate("template_residue", text, phrase.shown, f'"{phrase.shown}" is a leftover of a template')


def injection(text: Text, subject: Subject) -> Iterator[Finding]:
    """Talk of instructions, prompts and machines: the text obeys, or repeats, what somebody hid in the product page.

    https://genai.owasp.org/llmrisk/llm01-prompt-injection/
    """
    for phrase in subject.phrases(text).of("injection", subject.heading):
        yield gate("injection", text, phrase.shown, f'"{phrase.shown}" is talk to or by a machine, not of the product')


def cut_off(text: Text, subject: Subject) -> Iterator[Finding]:
    """A sentence without an end, a headline that stops in mid-thought.

    https://support.google.com/adspolicy/answer/6021546 (style requirements), docs/style-guide.md
    """
    raw = text.raw.strip()
    if text.field in ("hashtag", "cta") or not raw:
        return
    last = text.tokens[-1] if text.tokens else ""
    shown = raw[-30:]
    if not text.is_headline and not _ENDS.search(raw):
        yield gate("cut_off", text, shown, "the last sentence does not end; it may have been cut off")
    elif _LOOSE_END.search(raw) or (
        last in word_set(f"dangling_{_tongue(subject)}")
        and text.is_headline
        and raw.endswith(last)
        and not _called(raw, subject)
    ):
        yield gate("cut_off", text, shown, "the text stops in mid-thought")


def _called(raw: str, subject: Subject) -> bool:
    """Whether the words stand so in the title: a book may be called "The Long Way In"."""
    tail = " ".join(Text(raw).tokens[-2:])
    return f" {tail} " in f" {subject.title.key} "


def _tongue(subject: Subject) -> str:
    return subject.language if subject.language in LANGUAGES else "en"


def unbalanced(text: Text, subject: Subject) -> Iterator[Finding]:
    """Quotation marks and brackets without their other half.

    https://support.google.com/adspolicy/answer/6021546 (punctuation and symbols)
    """
    del subject
    raw = text.raw
    inches = len(re.findall(r"\d\s?\"", raw))
    quotes = raw.count('"')
    odd = quotes % 2 == 1 and not (inches and (quotes - inches) % 2 == 0)
    if (
        odd
        or raw.count("(") != raw.count(")")
        or raw.count("“") + raw.count("„") != raw.count("”") + _german(raw)
        or raw.count("«") != raw.count("»")
    ):
        yield gate("unbalanced", text, raw[-40:], "a quotation mark or bracket has no partner")


def _german(raw: str) -> int:
    """How many “ close a German quotation, and so were counted as opening ones: each stands for two."""
    return 2 * min(raw.count("„"), raw.count("“")) if "„" in raw else 0


def repetition(text: Text, subject: Subject) -> Iterator[Finding]:
    """Loops: "soft soft soft", the same phrase over again.

    https://support.google.com/adspolicy/answer/6021546 (repetition)
    """
    tokens = text.tokens
    if len(set(tokens)) == len(tokens):
        return
    for at in range(1, len(tokens)):
        same = tokens[at] == tokens[at - 1]
        if not same or tokens[at].isdigit() or text.field == "hashtag":
            continue
        pair = f"{tokens[at]} {tokens[at]}"
        # "Tuk tuk" and "bye bye" are words; twice is a loop only where the page has no such word.
        if (at > 1 and tokens[at - 2] == tokens[at]) or (
            len(tokens[at]) > 3 and tokens[at] not in _DOUBLED and pair not in subject.source.key
        ):
            yield gate("repetition", text, pair, f'"{tokens[at]}" is repeated')
            return
    runs = Counter(" ".join(tokens[at : at + 4]) for at in range(len(tokens) - 3))
    pairs = Counter(f"{a} {b}" for a, b in pairwise(tokens) if not (a in STOP_WORDS and b in STOP_WORDS))
    for run, times in [*runs.items(), *((pair, times - 2) for pair, times in pairs.items())]:
        if times > 1:
            yield gate("repetition", text, run, f'"{run}" is said more than once')
            return


_DOUBLED = word_set("doubled")


def empty(text: Text, subject: Subject) -> Iterator[Finding]:
    """Nothing to read.

    https://support.google.com/adspolicy/answer/6021546 (style requirements)
    """
    del subject
    letters = sum(1 for char in text.raw if char.isalnum())
    if (
        letters < 2
        or letters * 2 < len(text.raw.replace(" ", ""))
        or not any(char.isalpha() for char in text.raw + "x" * text.raw[:1].isdigit())
    ):
        yield gate("empty", text, text.raw[:40], "there is hardly a word in it")
