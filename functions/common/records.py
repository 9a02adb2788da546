"""The records that travel between the stages; each concept has one type here, and one name everywhere."""

import hashlib
from decimal import Decimal
from typing import Any, Literal

import msgspec

Field = Literal["headline", "long_headline", "primary_text", "description", "hashtag", "cta"]
Voice = Literal["plain", "playful", "premium", "expert"]
Severity = Literal["gate", "advice"]
Status = Literal["ready", "needs_review", "rejected"]

PART_ROWS = 256
"""The most products that one part may hold."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records: immutable, built by keyword."""


class Source(Record, frozen=True, kw_only=True, gc=False):
    """Where a record was read.

    Attributes:
        file: name of the catalogue, without its folder.
        row: first data row, counted from 1 as a spreadsheet shows it without its header; item number in XML and JSON.
        rows: how many rows of the catalogue went into this record: variants, images, merged duplicates.
    """

    file: str
    row: int
    rows: int = 1


class Product(Record, frozen=True, kw_only=True, gc=False):
    """One thing that a shop sells.

    Python's collector of cycles passes it over, which a product cannot be part of: there are very many of them.

    Attributes:
        product_id: the shop's own identifier, else one that follows from the row's content.
        title: plain text, one line.
        description: plain text, HTML and shortcodes removed.
        category: a path such as ``Home > Kitchen > Aprons``, or one word, or empty.
        brand: as the shop writes it, or empty.
        price: amount in the currency's major unit; None where the catalogue has none.
        currency: ISO 4217 code in capitals; None where the catalogue has none.
        attributes: name -> value, in the catalogue's order (``{"Colour": "Oat", "Material": "Linen"}``).
        image_url: address of the main image, or empty.
        link: address of the product page, or empty.
        language: BCP 47 tag of title and description; ``und`` where it cannot be told.
        source: where it was read.
    """

    product_id: str
    title: str
    description: str = ""
    category: str = ""
    brand: str = ""
    price: Decimal | None = None
    currency: str | None = None
    attributes: dict[str, str] = {}
    image_url: str = ""
    link: str = ""
    language: str = "und"
    source: Source

    def text(self) -> str:
        """All that the catalogue says of the product, a line each: what claims are traced to."""
        lines = [self.title, self.brand, self.category, self.description]
        lines += [f"{name}: {value}" for name, value in self.attributes.items()]
        return "\n".join(line for line in lines if line)


class Quarantined(Record, frozen=True, kw_only=True):
    """A row or product that was refused.

    Attributes:
        source: where it was read.
        rule: short name of the rule that it broke (``title_missing``, ``price_number``).
        field: column or product field at fault; empty where the row as a whole is.
        found: the value found, shortened to 200 characters.
        advice: what to do about it.
        record: the row or product as JSON, so that nothing is lost.
    """

    source: Source
    rule: str
    field: str
    found: str
    advice: str
    record: str


class Finding(Record, frozen=True, kw_only=True):
    """Something that a gate or a measure has to say of a text."""

    rule: str
    severity: Severity
    field: str
    found: str
    message: str


class Candidate(Record, frozen=True, kw_only=True):
    """One text that the model wrote for one field.

    Attributes:
        field: what it was written as.
        text: the text.
        logprob: mean log-probability a token under the model that wrote it; None for text from elsewhere.
    """

    field: Field
    text: str
    logprob: float | None = None


class CandidateSet(Record, frozen=True, kw_only=True):
    """A product with all that was written for it, before any of it is judged."""

    product: Product
    candidates: list[Candidate]
    model_version: str
    prompt_version: str
    brand_version: str


class Measures(Record, frozen=True, kw_only=True):
    """The parts of a score, each from 0 (poor) to 1 (good)."""

    relevance: float
    coverage: float
    fluency: float
    voice: float
    diversity: float


class Creative(Record, frozen=True, kw_only=True):
    """One ad for one product on one platform.

    Attributes:
        creative_id: hash of everything that it was made from.
        fields: field -> texts in order of preference, as many as the platform takes.
        status: ready to post, to be read by a person, or unusable.
        score: validity, 0 to 1; None where nothing could be measured.
        measures: the parts of the score.
        findings: gate findings say why it is not ready; advice is for the reader.
    """

    creative_id: str
    product_id: str
    platform: str
    fields: dict[Field, list[str]]
    status: Status
    score: float | None
    measures: Measures | None
    findings: list[Finding]
    language: str
    model_version: str
    prompt_version: str
    brand_version: str


def digest(*parts: Any, size: int = 8) -> str:
    """Hexadecimal BLAKE2b hash of JSON-encodable values; ``size`` bytes, so twice as many characters."""
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=size).hexdigest()
