"""What a platform takes, and what a text may not repeat: gates that need more than the text and its product."""

import pytest

from functions.common.platforms import platforms
from functions.common.records import Field
from functions.score.gates.copies import FLOOR, duplicate, relevance_floor
from functions.score.gates.editorial import is_emoji
from functions.score.gates.goods import refused
from functions.score.gates.registry import PLATFORM_GATES, judge_on
from functions.score.words import Text
from tests.score.subjects import subject

PASSING: list[tuple[str, str, Field, str]] = [
    ("length", "google_rsa", "headline", "a" * 30),
    ("length", "google_rsa", "headline", "ウールの靴下ウールの靴下ウール"),
    ("length", "google_rsa", "headline", "é" * 30),
    ("length", "google_rsa", "headline", "e\u0301" * 30),
    ("length", "meta_feed", "headline", "a" * 27),
    ("length", "pinterest", "headline", "a" * 100),
    ("length", "google_rsa", "primary_text", "a" * 999),
    ("emoji", "google_rsa", "headline", "Wool ©™ 5°"),
    ("emoji", "google_rsa", "headline", "Wool – 10 × 20"),
    ("emoji", "google_rsa", "headline", "Größe 38 € & ±"),
    ("emoji", "google_rsa", "headline", "「ウール」"),
    ("emoji", "tiktok", "primary_text", "Wool."),
    ("tags_in_text", "tiktok", "primary_text", "Filter no. #2 at 5 kg."),
    ("tags_in_text", "google_rsa", "headline", "Wool at home"),
    ("tags_in_text", "meta_feed", "primary_text", "Wool #socks."),
    ("tags_in_text", "x", "primary_text", "Wool by @nobody."),
    ("tags_in_text", "tiktok", "hashtag", "#wool"),
]
STOPPED: list[tuple[str, str, Field, str]] = [
    ("length", "google_rsa", "headline", "a" * 31),
    ("length", "google_rsa", "headline", "ウールの靴下ウールの靴下ウールの"),
    ("length", "google_rsa", "description", "a" * 91),
    ("length", "meta_feed", "headline", "a" * 28),
    ("length", "tiktok", "primary_text", "a" * 101),
    ("emoji", "google_rsa", "headline", "Wool 🧦"),
    ("emoji", "google_pmax", "headline", "Wool ★"),
    ("emoji", "tiktok", "primary_text", "Wool ✓"),
    ("emoji", "google_rsa", "headline", "→ Wool"),
    ("emoji", "google_rsa", "headline", "Wool ❤️"),
    ("tags_in_text", "tiktok", "primary_text", "Wool #socks."),
    ("tags_in_text", "tiktok", "primary_text", "By @nobody."),
    ("tags_in_text", "google_rsa", "headline", "Wool #socks"),
    ("tags_in_text", "google_pmax", "long_headline", "Socks @wool"),
    ("tags_in_text", "tiktok", "primary_text", "#ウール"),
]


@pytest.mark.parametrize(("rule", "platform", "field", "text"), PASSING)
def test_passes(rule: str, platform: str, field: Field, text: str) -> None:
    assert rule not in {finding.rule for finding in judge_on(text, field, platforms()[platform])}


@pytest.mark.parametrize(("rule", "platform", "field", "text"), STOPPED)
def test_stops(rule: str, platform: str, field: Field, text: str) -> None:
    findings = [finding for finding in judge_on(text, field, platforms()[platform]) if finding.rule == rule]
    assert [finding.severity for finding in findings] == ["gate"] * len(findings) != []


def test_every_gate_of_a_platform_has_cases_of_both_kinds() -> None:
    for rule in PLATFORM_GATES:
        assert min(sum(case[0] == rule for case in cases) for cases in (PASSING, STOPPED)) >= 5


def test_an_emoji_is_only_advised_against_where_the_platform_takes_it() -> None:
    (finding,) = judge_on("Wool 🧦.", "primary_text", platforms()["meta_feed"])
    assert (finding.rule, finding.severity, finding.found) == ("emoji", "advice", "🧦")


@pytest.mark.parametrize("char", "aé5©™°→"[:-1])
def test_letters_and_plain_signs_are_no_emoji(char: str) -> None:
    assert not is_emoji(char)


@pytest.mark.parametrize(
    ("text", "field", "taken", "stops"),
    [
        ("A wool sock for the cold.", "primary_text", {"a wool sock for the cold": "p2"}, True),
        ("A WOOL sock, for the cold", "primary_text", {"a wool sock for the cold": "p2"}, True),
        ("Long wool walking sock", "headline", {"long wool walking sock": "p2"}, True),
        ("A wооl sock for the cold.", "primary_text", {"a wool sock for the cold": "p2"}, True),
        ("Wool socks.", "description", {"wool socks": "p2"}, True),
        ("A wool sock for the cold.", "primary_text", {"a wool sock for the cold": "p1"}, False),
        ("A wool sock for the cold.", "primary_text", {}, False),
        ("Wool walking sock", "headline", {"wool walking sock": "p2"}, False),
        ("#wool", "hashtag", {"wool": "p2"}, False),
        ("Shop now", "cta", {"shop now": "p2"}, False),
    ],
)
def test_a_text_of_another_product_is_a_duplicate(text: str, field: Field, taken: dict[str, str], stops: bool) -> None:
    assert bool(list(duplicate(Text(text, field), taken, subject()))) == stops


@pytest.mark.parametrize(
    ("text", "field", "similarity", "stops"),
    [
        ("A trip to the moon.", "primary_text", 0.0, True),
        ("A trip to the moon.", "primary_text", FLOOR - 0.01, True),
        ("Zebra crossing", "headline", -0.2, True),
        ("Moon, moon again.", "description", 0.05, True),
        ("Fast cars", "headline", 0.09, True),
        ("A trip to the moon.", "primary_text", FLOOR, False),
        ("Woollen socks.", "primary_text", 0.0, False),
        ("Sock it to them.", "primary_text", 0.0, False),
        ("Shop now", "cta", 0.0, False),
        ("A trip to the moon.", "primary_text", 0.9, False),
        ("#moontrip", "hashtag", 0.0, True),
        ("#coldhills", "hashtag", 0.0, False),
        ("#slipon", "hashtag", 0.0, False),
        ("#hillwalking", "hashtag", 0.0, True),
        ("#hillswalking", "hashtag", 0.0, False),
    ],
)
def test_a_text_about_something_else_is_stopped(text: str, field: Field, similarity: float, stops: bool) -> None:
    about = subject("Woollen socks for cold hills, slip-on.", title="Socks")
    assert bool(list(relevance_floor(Text(text, field), similarity, about))) == stops


@pytest.mark.parametrize(
    "product",
    [
        {"title": "Rifle scope"},
        {"title": "Pen", "category": "Weapons > Pistols"},
        {"title": "Oil", "attributes": {"Type": "CBD"}},
        {"title": "Fucking mug"},
        {"title": "Vape starter kit"},
        {"title": "Virginia gold", "category": "Food, Beverages & Tobacco > Tobacco Products > Loose Tobacco"},
        {"title": "Starter set", "category": "Vapes"},
    ],
)
def test_a_product_that_no_platform_takes_is_refused(product: dict[str, object]) -> None:
    (finding, *_) = refused(subject("", **product))  # type: ignore[arg-type]
    assert (finding.field, finding.severity) == ("product", "gate")


@pytest.mark.parametrize(
    "product",
    [
        {"title": "Shotgun mic"},
        {"title": "Weed puller"},
        {"title": "Hose with pistol grip"},
        {"title": "Mug", "description": "Not for tobacco."},
        {"title": "Scunthorpe mug"},
        {"title": "Green tea", "category": "Food, Beverages & Tobacco > Beverages > Tea"},
        {"title": "Crackers", "category": "Food, Beverages & Tobacco"},
    ],
)
def test_a_product_that_only_sounds_forbidden_is_not_refused(product: dict[str, object]) -> None:
    description = str(product.pop("description", ""))
    assert refused(subject(description, **product)) == []  # type: ignore[arg-type]
