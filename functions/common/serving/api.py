"""What the public API takes and gives, and how it becomes the records of the stages."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from functions.common.batches import Batch, Settings
from functions.common.brand import Brand
from functions.common.errors import InputError
from functions.common.platforms import platforms
from functions.common.records import Creative, Field, Product, Record, Source, Voice, digest
from functions.common.serving import settings

MOST_PRODUCTS = 8
"""Products of one request."""

MOST_VARIANTS = 4

PlatformName = Annotated[str, Meta(extra_json_schema={"enum": sorted(platforms())})]
Line = Annotated[str, Meta(max_length=300)]
Address = Annotated[str, Meta(max_length=2048, pattern=r"^(https?://[!#-;=?-\[\]-~]+)?$(?!\n)")]


class ProductIn(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A product, as much of it as is known.

    Attributes:
        title: what it is; the one field that must be there.
        description: plain text; what ads may claim stands here or in the attributes.
        price: in the currency's major unit.
        attributes: name -> value, such as Material -> linen.
        image_url, link: kept with the product; nothing is fetched from them.
        language: BCP 47 tag of the text; ``und`` where it is not known.
    """

    title: Annotated[str, Meta(min_length=1, max_length=300, pattern=r"[!-~\u00a1-\uffff]")]
    description: Annotated[str, Meta(max_length=20_000)] = ""
    product_id: Annotated[str, Meta(max_length=255)] = ""
    category: Line = ""
    brand: Line = ""
    price: Annotated[float, Meta(ge=0, le=100_000_000_000)] | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")] | None = None
    attributes: Annotated[
        dict[Annotated[str, Meta(max_length=100)], Annotated[str, Meta(max_length=1000)]], Meta(max_length=50)
    ] = {}
    image_url: Address = ""
    link: Address = ""
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$(?!\n)")] = "und"


class BrandIn(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The brand that the ads speak for."""

    name: Line = ""
    voice: Voice = "plain"
    own_brands: Annotated[list[Line], Meta(max_length=50)] = []
    banned_terms: Annotated[list[Line], Meta(max_length=200)] = []
    voice_examples: Annotated[list[Line], Meta(max_length=20)] = []


class Asked(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What requests for creatives and for scores have in common.

    Attributes:
        product: the product; or ``products``, a few of them.
        platforms: to write for; those of the service where none are named.
        brand: the brand; that of the service where none is given.
    """

    rules: ClassVar[dict[str, Any]] = {"oneOf": [{"required": ["product"]}, {"required": ["products"]}]}

    product: ProductIn | UnsetType = UNSET
    products: Annotated[list[ProductIn], Meta(min_length=1, max_length=MOST_PRODUCTS)] | UnsetType = UNSET
    platforms: Annotated[list[PlatformName], Meta(max_length=20)] = []
    brand: BrandIn | None = None

    def named(self) -> list[Product]:
        """The products asked about; InputError where there is none, or where both ways to name them are used."""
        if (self.product is UNSET) == (self.products is UNSET):
            raise InputError("give one product, or a list of products")
        given = [self.product] if isinstance(self.product, ProductIn) else self.products or []
        return [_product(each, place) for place, each in enumerate(given, start=1)]

    def settings(self) -> Settings:
        """The service's settings, with what the request says instead."""
        ours = settings.batch_settings()
        return msgspec.structs.replace(
            ours,
            platforms=self.platforms or ours.platforms,
            brand=msgspec.convert(msgspec.to_builtins(self.brand), Brand) if self.brand else ours.brand,
        )


class CreativesRequest(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Products to write creatives for.

    Attributes:
        n: variants for each platform, no two with the same text; of a list of products there is one each.
    """

    rules: ClassVar[dict[str, Any]] = {
        "oneOf": [{"required": ["product"]}, {"required": ["products"], "properties": {"n": {"const": 1}}}]
    }

    n: Annotated[int, Meta(ge=1, le=MOST_VARIANTS)] = 1

    def named(self) -> list[Product]:
        """As `Asked.named`; InputError where variants of several products are asked for."""
        if self.products is not UNSET and self.n > 1:
            raise InputError("give one product to have variants of it")
        return super().named()


class TextIn(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text for one field of an ad."""

    field: Field
    text: Annotated[str, Meta(min_length=1, max_length=2000)]


class ScoreRequest(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Texts to hold against a product and the platforms' rules.

    Attributes:
        texts: those of the ads; the best that pass are chosen for each platform.
    """

    texts: Annotated[list[TextIn], Meta(min_length=1, max_length=64)]


class CreativesAnswer(Record, frozen=True, kw_only=True):
    """Creatives, for each product and variant one for each platform."""

    creatives: list[Creative]


class Health(Record, frozen=True, kw_only=True):
    """How the function is."""

    status: Literal["ok", "ready", "starting"]


def request_batch(asked: Settings) -> Batch:
    """The batch that stands behind a request; it is not kept."""
    return Batch.of("request", "", asked)


def _product(given: ProductIn, place: int) -> Product:
    said: dict[str, Any] = {name: getattr(given, name) for name in given.__struct_fields__}
    said["price"] = None if given.price is None else Decimal(str(given.price))
    said["product_id"] = given.product_id or digest(given)
    said["title"] = " ".join(given.title.split())
    if not said["title"]:
        raise InputError(f"product {place}: the title is empty; say what the product is")
    return Product(**said, source=Source(file="request", row=place))
