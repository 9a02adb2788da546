"""What the shops' table formats have of their own: options, attribute cells, references between rows.

Each function takes a draft already filled from the columns, and the row's cells, and completes it in place.
"""

import csv
import re
from collections.abc import Callable, Iterable
from itertools import zip_longest

from functions.ingest.columns import Mapping
from functions.ingest.draft import GROUP, Draft
from functions.ingest.money import from_minor

Alias = tuple[str, str]
Complete = Callable[[Draft, list[str]], Iterable[Alias]]
"""Completes a draft; gives (key, other key) where rows under the first belong to the product under the second."""

NONE: tuple[Alias, ...] = ()
VARYING = frozenset({"Color", "Size", "Material", "Pattern", "Flavor", "Scent", "Style"})
"""Attributes that the variants of a product differ in."""
ROOTS = frozenset({"home", "root", "accueil", "inicio", "start", "startseite", "strona główna"})
"""PrestaShop's category that holds all others."""
BIGCOMMERCE_OPTION = re.compile(
    r"\[[A-Z]{1,3}\]([^=]{1,100})=(.{1,200}?)(?=, ?\[[A-Z]{1,3}\]|$)"
    r"|Name=(.{1,100}?)\|Value=(.{1,200}?)(?=;?Type=|;|$)"
)
CSCART_FEATURE = re.compile(
    r"(?:^|;) ?(?:\{\d{1,9}\})? ?(?:\([^()]{1,80}\))? ?([^\s:;(){}\[\]][^:;{}\[\]]{0,80}): ?([A-Z])\[([^\[\]]{1,500})\]"
)
COLOUR_CODE = re.compile(r"(?::#|\[#)[0-9a-fA-F]{3,8}\]?$")
UNESCAPED_COMMA = re.compile(r"(?<!\\),")
OPTION_COLUMN = re.compile(r"(?:product_variation_option_|variant:|свойство:)\s*(.+)", re.I)
WIX_MEDIA = "https://static.wixstatic.com/media/"
WOO_PARENT = """
parent übergeordnetesprodukt übergeordnet eltern superior padre genitore родительский родитель батьківський ouder hoofd
rodzic nadřazené pai ascendente överordnad forælder üst szülő 父级 親
"""
WOO_SKU = "sku артикул artikelnummer ugs skuugs codarticulo codice cod codi kod artikelnr stokkodu"
MAGENTO_PLUMBING = frozenset(
    {
        "has_options",
        "required_options",
        "tax_class_id",
        "quantity_and_stock_status",
        "ts_dimensions_length",
        "options_container",
    }
)


def shopify(_: Mapping) -> Complete:
    """Categories that say nothing are dropped; the rest is in the columns."""

    def complete(draft: Draft, _cells: list[str]) -> Iterable[Alias]:
        if draft.category.strip().casefold() == "uncategorized":
            draft.category = ""
        draft.options = [option for option in draft.options if option[2].strip() != "Default Title"]
        return NONE

    return complete


def magento(mapping: Mapping) -> Complete:
    """Children are named by their configurable or grouped parent; attributes stand in one cell."""
    more = mapping.place("additionalattributes")
    variations = mapping.place("configurablevariations")
    for place in (more, variations):
        if place is not None:
            mapping.other[place] = "attributes" if place == more else "key of variants"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if more is not None and cells[more]:
            for name, value in _assignments(cells[more]):
                if name not in MAGENTO_PLUMBING and value not in {"0", "1", "Yes", "No"}:
                    label = name.replace("_", " ").capitalize()
                    if name in {"size", "color"}:
                        draft.options.append((0 if name == "color" else 1, label, value))
                    else:
                        draft.attributes.append((label, value.replace("|", ", ")))
        path = draft.category.split(",")[0].split("/")
        draft.category = " > ".join(part for part in path if part and part != "Default Category")
        if variations is not None and cells[variations]:
            own = draft.key
            children = (re.match(r"sku=([^,|]+)", part) for part in cells[variations].split("|"))
            return [(child.group(1).strip(), own) for child in children if child]
        return NONE

    return complete


def _assignments(text: str) -> list[tuple[str, str]]:
    """``a=1,b="x, y"`` as pairs."""
    parts = next(csv.reader([re.sub(r'(^|,)([^=,"]+)="', r'\1"\2=', text)])) if '"' in text else text.split(",")
    pairs: list[tuple[str, str]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            pairs.append((name.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}, {part.strip()}")
    return pairs


def wix(_: Mapping) -> Complete:
    """Media names become addresses; a colour is written ``#ffffff:White``."""

    def complete(draft: Draft, _cells: list[str]) -> Iterable[Alias]:
        draft.image = wix_media(draft.image)
        draft.options = [(slot, name, re.sub(r"#[0-9a-fA-F]{3,8}:", "", value)) for slot, name, value in draft.options]
        return NONE

    return complete


def wix_media(cell: str) -> str:
    """The address of the first Wix media name in a cell; anything else as it is."""
    first = cell.split(";")[0].strip()
    return WIX_MEDIA + first if "~mv2" in first and "/" not in first else first


def vendure(mapping: Mapping) -> Complete:
    """Facets hold the category; option groups stand in the first row, their values in each, apart by ``|``."""
    facets, groups, values = mapping.place("facets"), mapping.place("optiongroups"), mapping.place("optionvalues")
    if groups is None or values is None:
        raise AssertionError("the format has both columns")
    mapping.other |= {
        place: what
        for place, what in ((facets, "category"), (groups, "option name"), (values, "option value"))
        if place is not None
    }

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if facets is not None and not draft.category:
            pairs = (facet.strip().partition(":") for facet in cells[facets].split("|"))
            draft.category = " > ".join(
                value.strip().capitalize() for name, _, value in pairs if name.strip() == "category"
            )
        names = [name.strip().capitalize() for name in cells[groups].split("|")]
        for slot, value in enumerate(cells[values].split("|")):
            draft.options.append((slot, names[slot] if slot < len(names) else "", value.strip()))
        return NONE

    return complete


def spree(_: Mapping) -> Complete:
    """Category paths are written with arrows."""

    def complete(draft: Draft, _cells: list[str]) -> Iterable[Alias]:
        draft.category = draft.category.replace("->", ">")
        return NONE

    return complete


def translations(mapping: Mapping) -> Complete:
    """A product in a language is one of its own, under its slug and locale."""
    locale = mapping.place("locale")
    if locale is None:
        raise AssertionError("the format has a locale column")

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        draft.product_id = draft.key = f"{draft.product_id.strip()}:{cells[locale].strip()}"
        return NONE

    return complete


def prestashop(mapping: Mapping) -> Complete:
    """Features stand in one cell as ``Name:Value:Position``."""
    features = mapping.place("featurenamevalueposition", "features", "feature")
    if features is not None:
        mapping.other[features] = "attributes"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        names = [name.strip() for name in draft.category.split(",")]
        draft.category = next((name for name in names if name and name.casefold() not in ROOTS), names[0])
        if features is not None:
            for feature in re.split(r"[,;]", cells[features]):
                name, _, value = feature.partition(":")
                if value:
                    draft.attributes.append((name.strip(), value.split(":")[0].strip()))
        return NONE

    return complete


def woocommerce(mapping: Mapping) -> Complete:
    """Variations name their parent by SKU or ``id:NN``; the columns' names may be in any language."""
    parent = mapping.place(*WOO_PARENT.split())
    sku = mapping.place(*WOO_SKU.split())
    number = mapping.place("id", "ид")
    if parent is not None:
        mapping.other[parent] = "key"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        own_sku = cells[sku].strip() if sku is not None else ""
        own_id = cells[number].strip() if number is not None else ""
        if draft.child and parent is not None and (above := cells[parent].strip()):
            draft.key = above if above.startswith("id:") else f"sku:{above}"
            return NONE
        draft.child = False
        draft.key = f"sku:{own_sku}" if own_sku else f"id:{own_id}" if own_id else ""
        draft.product_id = own_sku or own_id
        draft.category = UNESCAPED_COMMA.split(draft.category, 1)[0].replace("\\,", ",")
        if "\\n" in draft.description or "\\n" in draft.short:  # WooCommerce writes line breaks as two characters.
            draft.description, draft.short = draft.description.replace("\\n", "\n"), draft.short.replace("\\n", "\n")
        return [(f"id:{own_id}", draft.key)] if own_id and own_sku else NONE

    return complete


def feed(mapping: Mapping) -> Complete:
    """Items of one group are its variants; image names of a Wix export become addresses."""
    differ = [(place, name) for place, name in mapping.attributes if name in VARYING]
    grouped = mapping.fields.get("group")
    if grouped is not None:
        mapping.other |= {place: f"option {name}" for place, name in differ}

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if "~mv2" in draft.image:
            draft.image = wix_media(draft.image)
        if grouped is None:
            return NONE
        draft.options = [
            (slot, name, cells[place]) for slot, (place, name) in enumerate(differ) if cells[place].strip()
        ]
        group, own = cells[grouped].strip(), draft.product_id.strip()
        draft.key = f"{GROUP}{group}" if group else own
        return [(own, draft.key)] if group and own else NONE

    return complete


def parented(mapping: Mapping) -> Complete:
    """A row that names another as its parent is a variant of it."""
    above = mapping.fields.get("group")

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        group = cells[above].strip() if above is not None else ""
        own = draft.product_id.strip()
        draft.key = group or own
        draft.child = draft.child or bool(group and group != own and not draft.title.strip())
        if group and group != own:  # What its attributes say, the product comes in.
            draft.options += [(20 + slot, *pair) for slot, pair in enumerate(draft.attributes) if pair[0] in VARYING]
            draft.attributes = [pair for pair in draft.attributes if pair[0] not in VARYING]
        return NONE

    return complete


def bigcommerce(mapping: Mapping) -> Complete:
    """Options and custom fields stand in one cell each; the price of a rule is a sum to add."""
    options, facts = mapping.place("options", "productname"), mapping.place("customfields", "productcustomfields")
    if facts is not None:
        mapping.other[facts] = "attributes"
    if options is not None and options not in mapping.fields.values():
        mapping.other[options] = "options"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if facts is not None:
            draft.attributes += _pairs_in(cells[facts], ";", "=")
        if draft.child:
            pairs = _bigcommerce_options(cells[options]) if options is not None else ()
            draft.options += [(slot, name, value) for slot, (name, value) in enumerate(pairs)]
            draft.title = ""
            draft.price = "" if draft.price.startswith("[") else draft.price
        return NONE

    return complete


def _bigcommerce_options(cell: str) -> Iterable[tuple[str, str]]:
    """Names and values of a variant's options, in the older or the newer way; a colour without its code."""
    for old_name, old_value, name, value in BIGCOMMERCE_OPTION.findall(cell):
        yield old_name or name, COLOUR_CODE.sub("", old_value or value)


def option_columns(mapping: Mapping) -> Complete:
    """Each option of a variant has a column of its own, which bears its name."""
    marked = ((place, OPTION_COLUMN.match(name)) for place, name in enumerate(mapping.names))
    places = [(place, found.group(1)) for place, found in marked if found]
    mapping.other |= {place: f"option {name}" for place, name in places}

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        draft.options += [(10 + slot, name, cells[place]) for slot, (place, name) in enumerate(places) if cells[place]]
        return NONE

    return complete


def shopware(mapping: Mapping) -> Complete:
    """A variant's options stand in one cell: ``Größe:Klein|Farbe:Grau``."""
    return _assigned(mapping, mapping.place("configuratoroptions"), "|", ":")


def lightspeed(mapping: Mapping) -> Complete:
    """A variant's options are its title, ``Maat: Klein, Kleur: Grijs``, in a column for each language."""
    place = next((at for at, name in enumerate(mapping.names) if name.lower().endswith("_variant_title")), None)
    return _assigned(mapping, place, ",", ":")


def _assigned(mapping: Mapping, place: int | None, between: str, equals: str) -> Complete:
    if place is not None:
        mapping.other[place] = "options"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if place is not None:
            pairs = _pairs_in(cells[place], between, equals)
            draft.options += [(slot, name, value) for slot, (name, value) in enumerate(pairs)]
        return NONE

    return complete


def _pairs_in(cell: str, between: str, equals: str) -> list[tuple[str, str]]:
    """Names and values that stand in one cell; what is no pair is passed over."""
    parts = (part.partition(equals) for part in cell.split(between)) if equals in cell else ()
    return [(name.strip(), value.strip()) for name, _, value in parts if value.strip()]


def ebay(mapping: Mapping) -> Complete:
    """The header of the first column holds the currency; variations name their values, ``Size=S|Colour=Ink``."""
    details = mapping.place("relationshipdetails")
    told = re.search(r"\bCurrency=([A-Z]{3})", " ".join(mapping.names))
    if details is not None:
        mapping.other[details] = "options"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if told and not draft.currency:
            draft.currency = told.group(1)
        if draft.child and details is not None:  # The product's own row lists all that there might be.
            pairs = _pairs_in(cells[details], "|", "=")
            draft.options += [(slot, name, value) for slot, (name, value) in enumerate(pairs)]
        return NONE

    return complete


def oxid(mapping: Mapping) -> Complete:
    """A parent's row names the options, those of its variants their values, apart by ``|``."""
    base, names, values = parented(mapping), mapping.place("oxvarname"), mapping.place("oxvarselect")
    for place, what in ((names, "option name"), (values, "option value")):
        if place is not None:
            mapping.other[place] = what

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        titles = cells[names].split("|") if names is not None else []
        chosen = cells[values].split("|") if values is not None else []
        draft.options += [
            (slot, name.strip(), value.strip())
            for slot, (name, value) in enumerate(zip_longest(titles, chosen, fillvalue=""))
        ]
        return base(draft, cells)

    return complete


def tilda(mapping: Mapping) -> Complete:
    """Variants name their parent, and their options in one cell: ``Размер:S;Цвет:серый``."""
    base, options = parented(mapping), _assigned(mapping, mapping.place("editions"), ";", ":")

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        options(draft, cells)
        return base(draft, cells)

    return complete


def square(mapping: Mapping) -> Complete:
    """A variation is known by its name where no options are; its price may be set at the till."""
    place = mapping.place("variationname")
    if place is not None:
        mapping.other[place] = "option value"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        if draft.price.strip().casefold() == "variable":
            draft.price = ""
        if place is not None and not draft.options and cells[place].strip() not in {"", "Regular"}:
            draft.options.append((0, "", cells[place]))
        return NONE

    return complete


def shift4shop(_: Mapping) -> Complete:
    """The first of several categories, which are apart by ``@``."""

    def complete(draft: Draft, _cells: list[str]) -> Iterable[Alias]:
        draft.category = draft.category.split("@")[0]
        return NONE

    return complete


def cscart(mapping: Mapping) -> Complete:
    """Features stand in one cell with id, group, name, kind and values: ``{1}(Look) Colour: S[Red///Blue]``."""
    place = mapping.place("features")
    if place is not None:
        mapping.attributes = [pair for pair in mapping.attributes if pair[0] != place]
        mapping.other[place] = "attributes"

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        for name, kind, values in CSCART_FEATURE.findall(cells[place]) if place is not None else ():
            if kind == "E":  # The maker; the vendor is who sells it in a marketplace.
                draft.brand = values
            elif kind != "C":  # Ticked or not.
                draft.attributes.append((name, values.replace("///", ", ")))
        return NONE

    return complete


def hundredths(first: Complete | None) -> Complete:
    """Prices in cents, as their column's name says, in the currency's unit."""

    def complete(draft: Draft, cells: list[str]) -> Iterable[Alias]:
        draft.price = from_minor(draft.price, 2)
        return first(draft, cells) if first is not None else NONE

    return complete


FAMILIES: dict[str, Callable[[Mapping], Complete]] = {
    family.__name__: family
    for family in (
        shopify,
        magento,
        wix,
        vendure,
        spree,
        translations,
        prestashop,
        woocommerce,
        feed,
        parented,
        bigcommerce,
        option_columns,
        tilda,
        shopware,
        lightspeed,
        ebay,
        oxid,
        square,
        shift4shop,
        cscart,
    )
}
