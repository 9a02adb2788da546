"""Small products for the tests of the score stage."""

from collections.abc import Sequence

from functions.common.brand import Brand
from functions.common.records import Product, Source
from functions.score.facts import Subject
from functions.score.references import References


def subject(
    description: str = "",
    *,
    title: str = "Thing",
    brand: str = "",
    category: str = "",
    language: str = "en",
    attributes: dict[str, str] | None = None,
    others: Sequence[str] = (),
    banned: Sequence[str] = (),
    references: Sequence[str] = (),
    product_id: str = "p1",
) -> Subject:
    """A product as the gates see it."""
    product = Product(
        product_id=product_id,
        title=title,
        description=description,
        brand=brand,
        category=category,
        language=language,
        attributes=attributes or {},
        source=Source(file="test.csv", row=1),
    )
    own = Brand(banned_terms=list(banned))
    return Subject(product, own, others, References(references) if references else None)
