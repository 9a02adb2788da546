"""Text as shops keep it (HTML, entities, shortcodes, invisible characters) made plain."""

import html
import re
import unicodedata
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

DROPPED = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "svg", "head", "select", "button", "video", "audio"}
)
BLOCK_TAGS = """
address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer form h1
h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead tr ul
"""
BLOCKS = frozenset(BLOCK_TAGS.split())
CELLS = frozenset({"td", "th"})
MARKUP = re.compile(r"<[a-zA-Z/!?]")
TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>?")
ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});?")
SHORTCODE = re.compile(
    r"\[(?:/[a-z][a-z0-9_-]*|[a-z][a-z0-9_-]*(?:\s[^\[\]=]*)?=[^\[\]]*|(?:vc_|et_pb_|fusion_|av_)[a-z0-9_-]*[^\[\]]*"
    r"|gallery|caption|embed|audio|video|playlist|products?|add_to_cart|woocommerce_[a-z_]+|contact-form-7[^\[\]]*)/?\]"
)
PLACEHOLDER = re.compile(r"\{\{[^{}]{0,400}\}\}|\{%[^{}]{0,400}%\}")
# Invisible: controls, soft hyphen, direction marks, tags, noncharacters, half surrogates.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
# A joiner has a meaning between letters of Arabic and Indic scripts and within emoji, and hides things elsewhere.
JOINER = re.compile("(?<![^\x00-\u02ff])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u02ff])")
BREAKS = re.compile("[\x85\u2028\u2029\x1c-\x1e]|\r\n?")
SPACES = re.compile(r"[^\S\n]+")


def clean_lines(texts: list[str]) -> list[str]:
    """`clean_line` of each text."""
    return texts if _are_plain(texts) else [clean_line(text) for text in texts]


def clean_texts(texts: list[str]) -> list[str]:
    """`clean_text` of each text."""
    return texts if _are_plain(texts) else [clean_text(text) for text in texts]


def _are_plain(texts: list[str]) -> bool:
    """Whether none of the texts needs work: asked of all at once, which most columns of most catalogues pass."""
    joined = "`".join(texts)
    return "` " not in joined and " `" not in joined and _is_plain(joined)


def _is_plain(text: str) -> bool:
    """Whether a line needs no work: the fast path of most texts."""
    if not text.isprintable() or "<" in text or "&" in text or "[" in text or "{" in text or "  " in text:
        return False
    if text[:1] == " " or text[-1:] == " ":
        return False
    return text.isascii() or (not INVISIBLE.search(text) and unicodedata.is_normalized("NFC", text))


def clean_line(text: str) -> str:
    """Plain text on one line."""
    if _is_plain(text):
        return text
    return " ".join(clean_text(text).split())


@lru_cache(maxsize=8192)
def clean_name(text: str) -> str:
    """`clean_line` for what repeats from row to row: brands, categories, attribute names and values."""
    return clean_line(text)


def clean_text(text: str) -> str:
    """Plain text with a line for each block, list items marked with ``-``, and no empty lines."""
    if _is_plain(text):
        return text
    text = BREAKS.sub("\n", text)
    for _ in range(3):  # Entities may be encoded twice, and hide tags.
        before = text
        if MARKUP.search(text):
            text = _rendered(text)
        if "&" in text and ENTITY.search(text):
            text = html.unescape(text)
        if text == before:
            break
    while MARKUP.search(text):
        text = TAG.sub(" ", text)
    if "[" in text:
        text = SHORTCODE.sub(" ", text)
    if "{" in text:
        text = PLACEHOLDER.sub(" ", text)
    return _tidy(text)


def _tidy(text: str) -> str:
    text = JOINER.sub("", INVISIBLE.sub("", BREAKS.sub("\n", text)))
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    lines = (SPACES.sub(" ", line).strip() for line in text.split("\n"))
    text = "\n".join(line for line in lines if line and line != "-")
    while MARKUP.search(text):  # Dropping what is invisible may have closed a gap: "<\u200bb>".
        text = TAG.sub("", text)
    return text


def _rendered(markup: str) -> str:
    """The text of HTML as a reader sees it, blocks on lines of their own."""
    root = LexborHTMLParser(markup).root
    pieces: list[str] = []
    stack: list[LexborNode | str] = [root] if root is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        tag = node.tag or ""
        if tag == "-text":
            pieces.append(" ".join(_edges(node.text_content or "")))
        elif tag not in DROPPED and not tag.startswith(("-", "!")):
            before, after = _edges_of(tag)
            pieces.append(before)
            stack.append(after)
            stack.extend(reversed(list(node.iter(include_text=True))))
    return re.sub(r"-\s*\n\s*(?=\S)", "- ", "".join(pieces)) if "\n- " in pieces else "".join(pieces)


def _edges_of(tag: str) -> tuple[str, str]:
    """What stands before and after an element."""
    if tag == "li":
        return "\n- ", "\n"
    if tag in CELLS:
        return " ", " "
    return ("\n", "\n") if tag in BLOCKS else ("", "")


def _edges(text: str) -> list[str]:
    """Words of a text node, with an empty word where white space stood at an edge."""
    words = text.split()
    if not words:
        return ["", ""] if text else []
    return ([""] if text[0].isspace() else []) + words + ([""] if text[-1].isspace() else [])
