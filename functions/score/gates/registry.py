"""All gates by the name of their rule.

`GATES` judge a text against its product, `PLATFORM_GATES` against what a platform takes; `duplicate` and
`relevance_floor` (in `copies`) and `count` (in `select`) need more than the text, and are called where that is known.
"""

from collections.abc import Callable, Iterator

from functions.common.platforms import Platform
from functions.common.records import Field, Finding
from functions.score.facts import Subject
from functions.score.gates import (
    brands,
    claims,
    contact,
    copies,
    editorial,
    goods,
    language,
    length,
    materials,
    quantities,
    residue,
)
from functions.score.words import Text

TextGate = Callable[[Text, Subject], Iterator[Finding]]
PlatformGate = Callable[[Text, Platform], Iterator[Finding]]

GATES: dict[str, TextGate] = {
    gate.__name__: gate
    for gate in (
        residue.empty,
        residue.markup,
        residue.template_residue,
        residue.injection,
        residue.cut_off,
        residue.unbalanced,
        residue.repetition,
        editorial.invisible,
        editorial.mixed_scripts,
        editorial.capitals,
        editorial.spaced_letters,
        editorial.repeated_punctuation,
        editorial.symbols_for_letters,
        editorial.exclamation,
        contact.link,
        contact.phone,
        contact.contact,
        contact.click_here,
        goods.restricted_goods,
        goods.profanity,
        goods.personal_attributes,
        brands.other_brands,
        brands.banned_terms,
        quantities.claim_number,
        quantities.claim_unit,
        quantities.claim_percent,
        quantities.claim_price,
        materials.claim_material,
        claims.claim_superlative,
        claims.claim_absolute,
        claims.claim_health,
        claims.claim_free,
        claims.claim_free_from,
        claims.claim_discount,
        claims.claim_shipping,
        claims.claim_urgency,
        claims.claim_popularity,
        claims.claim_sustainability,
        claims.claim_comparison,
        claims.claim_property,
        claims.claim_certification,
        claims.claim_warranty,
        claims.claim_award,
        claims.claim_origin,
        claims.filler,
        language.language,
        copies.copied_text,
        length.hashtag_form,
        length.cta_form,
    )
}
PLATFORM_GATES: dict[str, PlatformGate] = {
    gate.__name__: gate for gate in (length.length, editorial.emoji, contact.tags_in_text)
}


def judge(raw: str, field: Field, subject: Subject) -> list[Finding]:
    """Everything that the gates find in a text, whatever the platform. An empty list: the text may be used."""
    text = subject.read(raw, field)
    return [finding for gate in GATES.values() for finding in gate(text, subject)]


def judge_on(raw: str, field: Field, platform: Platform) -> list[Finding]:
    """What else a platform has against a text in one of its fields."""
    text = Text(raw, field)
    return [finding for gate in PLATFORM_GATES.values() for finding in gate(text, platform)]
