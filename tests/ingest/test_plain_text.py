# ruff: noqa: E501 - a case is one line
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.text import clean_line, clean_text

MARKUP_PIECES = st.sampled_from(
    ["<p>", "</p>", "<b", ">", "<", "&lt;", "&amp;lt;", "&#60;", "<script>x</script>", "<!--", "-->", "\u200b", "a", " ", "\n",
     "<li>", "&nbsp;", "&", "x=1", "\x00", "\u202e", '"', "'", "[gallery ids=1]", "{{x}}", "<![CDATA[", "e\u0301", "\ud800"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<p>One&nbsp;two</p><p>Three</p>", "One two\nThree"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>Oak</li><li><p>Oiled</p></li></ul>", "- Oak\n- Oiled"),
        ("<table><tr><td>Width</td><td>4 cm</td></tr><tr><td>Depth</td><td>2 cm</td></tr></table>", "Width 4 cm\nDepth 2 cm"),
        ("<style>p{}</style><script>alert(1)</script>Text", "Text"),
        ("so <b>bo</b>ld", "so bold"),
        ("Salt &amp;amp; pepper", "Salt & pepper"),
        ("&lt;p&gt;hidden tag&lt;/p&gt;", "hidden tag"),
        ("a < b and c > d <3", "a < b and c > d <3"),
        ('[gallery ids="1,2"]Oak [vc_row]stool[/vc_row]', "Oak stool"),
        ("Oak stool [New] [2 pieces]", "Oak stool [New] [2 pieces]"),
        ("{{media url=x.jpg}}Stool {% if a %}", "Stool"),
        ("in\u200bvis\u00adible\u202e \ufeffmarks\x07", "invisible marks"),
        ("cafe\u0301", "café"),
        ("line\r\nline\u2028line", "line\nline\nline"),
        ('<p class="[&>p]:mt-4">quoted angle</p>', "quoted angle"),
        ("<\u200bb>joined", "joined"),
        ("👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
        ("a\u200db", "ab"),
    ],
)  # fmt: skip
def test_a_body_becomes_the_text_that_a_reader_sees(markup: str, plain: str) -> None:
    assert clean_text(markup) == plain


def test_a_title_is_one_line() -> None:
    assert clean_line(" Oak\n<br>stool  &amp; bench ") == "Oak stool & bench"


def test_plain_text_is_left_as_it_is() -> None:
    assert clean_text("Ein Stuhl aus Eiche, 45 cm hoch.") == "Ein Stuhl aus Eiche, 45 cm hoch."


def test_ten_thousand_nested_elements_are_no_recursion() -> None:
    assert clean_text("<div>" * 10_000 + "deep" + "</div>" * 10_000) == "deep"


@given(st.lists(MARKUP_PIECES, max_size=25).map("".join) | st.text(max_size=60))
def test_cleaning_never_raises_and_leaves_no_markup(text: str) -> None:
    for clean in (clean_text(text), clean_line(text)):
        assert not re.search(r"<[a-zA-Z/!?][^<>]*>", clean)
        assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in clean if char != "\n")
        clean.encode("utf-8")
    assert "\n" not in clean_line(text)


@given(st.lists(MARKUP_PIECES, max_size=25).map("".join))
def test_cleaning_twice_changes_nothing_more_than_entities(text: str) -> None:
    once = clean_text(text)
    if "&" not in once and "[" not in once and "{" not in once:
        assert clean_text(once) == once
