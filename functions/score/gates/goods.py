"""Goods that the platforms refuse, and words that offend: judged on the product and on the text."""

from collections.abc import Iterator

from functions.common.records import Finding
from functions.score.facts import Subject
from functions.score.gates.finding import gate
from functions.score.words import Text

_KINDS = {
    "weapons": "weapons and explosives",
    "drugs": "drugs",
    "medicines": "prescription medicines",
    "tobacco": "tobacco, vapes and what belongs to them",
    "adult": "adult goods",
    "gambling": "gambling",
    "counterfeit": "counterfeits",
    "dishonest": "goods for deceiving others",
    "endangered": "goods from endangered species",
    "hate": "goods of hate groups",
}


def restricted_goods(text: Text, subject: Subject) -> Iterator[Finding]:
    """Weapons, drugs, tobacco, adult goods, gambling, counterfeits and the like, whatever the page says.

    https://support.google.com/adspolicy/answer/6014299 (dangerous products), /176017 (counterfeit),
    /6018017 (gambling), /6023699 (adult), /6016086 (dishonest behaviour)
    """
    for phrase in subject.phrases(text).of("restricted_goods", None, subject.names):
        if subject.harmless("restricted_goods", phrase.shown):
            continue
        kind = _KINDS[phrase.kind]
        yield gate("restricted_goods", text, phrase.shown, f'"{phrase.shown}": the ad platforms refuse {kind}')


def profanity(text: Text, subject: Subject) -> Iterator[Finding]:
    """Words that offend, in disguise too; whole words only.

    https://support.google.com/adspolicy/answer/6015406 (inappropriate content)
    """
    for phrase in subject.phrases(text).of("profanity"):
        yield gate("profanity", text, phrase.shown, f'"{phrase.shown}" offends; the ad platforms refuse it')


def personal_attributes(text: Text, subject: Subject) -> Iterator[Finding]:
    """Suppositions about the reader's body, age, health, faith or money.

    https://transparency.meta.com/policies/ad-standards/objectionable-content/privacy-violations-personal-attributes/
    """
    for phrase in subject.phrases(text).of("personal_attributes"):
        message = f'"{phrase.shown}" supposes something about the reader; speak of the product'
        yield gate("personal_attributes", text, phrase.shown, message)


def refused(subject: Subject) -> list[Finding]:
    """What makes the product itself unfit: restricted goods by title, category or attributes; a foul title."""
    product = subject.product
    named = Text("\n".join([product.title, _kind_of_goods(product.category), *product.attributes.values()]))
    title = Text(product.title)
    findings = [*restricted_goods(named, subject), *profanity(title, subject)]
    return [Finding(rule=f.rule, severity="gate", field="product", found=f.found, message=f.message) for f in findings]


def _kind_of_goods(category: str) -> str:
    """What a category says of the thing: not its top shelf, which lists what else is sold ("Food & Tobacco > Tea")."""
    top, *below = category.split(">")
    return " > ".join(below) or ("" if "&" in top or "," in top else top)
