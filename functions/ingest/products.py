"""Drafts become products: rows of one product merged, texts cleaned, price and addresses read."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from functions.common.records import Product, Quarantined, Source, digest
from functions.ingest.draft import GROUP, Draft, refused
from functions.ingest.money import Money, PriceError, read_currency, read_price
from functions.ingest.names import is_plumbing, table
from functions.ingest.text import INVISIBLE, clean_line, clean_lines, clean_name, clean_text, clean_texts

MOST_ATTRIBUTES = 24
LONGEST_VALUE = 200
LONGEST_NAME = 60
PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~%/?=&#+:@!$()*-]+(?<!&amp)")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:")
BARE_HOST = re.compile(r"(?:www\.|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|shop|store|io|co|de|fr|uk|eu)/)", re.I)
FIRST_URL = re.compile(r"\S+?(?=[,;|]\s*(?:https?:)?//|[,;|]?\s|[,;|]?$)")
CODES = re.compile(r"(?>(?:\d+|[0-9a-f]{32})(?:[\s,;|]+|\Z))+")
"""Numbers of categories, or the long ids that Shopware gives them; atomic, as a number can be split in many ways."""
TAG = re.compile(r"([a-zA-Z]{2,3})(?:[-_]([A-Z][a-z]{3}))?(?:[-_]([a-zA-Z]{2}|\d{3}))?")
NO_TITLE = "has no title, so there is nothing to advertise; give the product a title, or delete the row"
NO_PARENT = (
    "is a variant or image of a product that is not in this file; export the parent product too, or delete the row"
)


class Clean(NamedTuple):
    """The texts of a draft that differ from row to row, made plain."""

    product_id: str
    title: str
    description: str


def cleaned(drafts: Sequence[Draft]) -> Iterator[Clean]:
    """The texts of some drafts, column by column: a column that needs no work is told at a glance."""
    ids = clean_lines([draft.product_id for draft in drafts])
    titles = clean_lines([draft.title for draft in drafts])
    descriptions = clean_texts([draft.description for draft in drafts])
    return map(Clean, ids, titles, descriptions)


class Maker:
    """Makes products of one catalogue.

    Args:
        file: the catalogue's name.
        currency: ISO 4217 code for prices without one.
        record: a draft's cells as JSON.
    """

    def __init__(self, file: str, currency: str | None, record: Callable[[list[str]], str]) -> None:
        self.file = file
        self.currency = currency
        self.record = record

    def single(self, draft: Draft, clean: Clean) -> Product | Quarantined:
        """The product of a row that stands alone."""
        if draft.options:
            return Group(self, draft).product()
        try:
            return self.build(draft, clean, self.price(draft), draft.attributes, 1)
        except PriceError as error:
            return self.refuse(draft, error.rule, "price", draft.price or draft.sale, error.advice)

    def build(
        self, draft: Draft, clean: Clean, money: Money | None, attributes: list[tuple[str, str]], rows: int
    ) -> Product | Quarantined:
        """The product of a draft, or why it is none."""
        own, title, description = clean
        if not title:
            rule, advice = ("parent_missing", NO_PARENT) if draft.child else ("title_missing", NO_TITLE)
            return self.refuse(draft, rule, "title", draft.title.strip(), advice, rows)
        if not description and draft.short:
            description = clean_text(draft.short)
        named = clean_attributes(attributes, title) if attributes else {}
        return Product(
            product_id=own or digest(title, description),
            title=title,
            description=description,
            category=category_path(draft.category),
            brand=clean_name(draft.brand) or named.pop("Brand", ""),
            price=money.amount if money else None,
            currency=money.currency if money else None,
            attributes=named,
            image_url=address(draft.image),
            link=address(draft.link),
            language=language_tag(draft.language) if draft.language else "und",
            source=Source(file=self.file, row=draft.row, rows=rows),
        )

    def refuse(self, draft: Draft, rule: str, field: str, found: str, advice: str, rows: int = 1) -> Quarantined:
        """The quarantine entry of a row; the advice is written out with its place."""
        where = f"{self.file} row {draft.row}: "
        shown = f'{field} "{found[:60]}" ' if found else ""
        return refused(
            self.file, draft.row, rule, field, found, f"{where}{shown}{advice}", self.record(draft.record), rows
        )

    def price(self, draft: Draft) -> Money | None:
        """The lowest price of a draft, None where it has none.

        Raises:
            PriceError: a price cannot be read.
        """
        wanted = read_currency(draft.currency, self.currency) if draft.currency else self.currency
        best: Money | None = None
        for text in draft.prices or (draft.price or draft.sale,):
            best = _lower(best, read_price(text, wanted) if text else None)
        if draft.prices and draft.price:
            best = _lower(best, read_price(draft.price, wanted))
        if best is None and draft.price and draft.sale:
            best = _lower(best, read_price(draft.sale, wanted))
        if best is None or best.currency is not None:
            return best
        code = wanted or clean_name(draft.currency).upper()[:12] or None
        return Money(best.amount, code)


def _lower(best: Money | None, money: Money | None) -> Money | None:
    """The lower of two prices; 0 is none, but stands for a price on request or one that the variants have."""
    if money is None or not money.amount:
        return best
    return money if best is None or money.amount < best.amount else best


class Group:
    """A product while its rows come in; what the first row lacks, later ones give."""

    def __init__(self, maker: Maker, draft: Draft) -> None:
        self.maker = maker
        self.first = draft
        self.rows = 1
        self.title = draft.title
        self.options: dict[int, tuple[str, list[str]]] = {}
        self.fault: Quarantined | None = None
        self.money: Money | None = None
        try:
            self.money = maker.price(draft)
        except PriceError as error:
            self.fault = maker.refuse(draft, error.rule, "price", draft.price or draft.sale, error.advice)
        if draft.options:
            self._take_options(draft)

    def add(self, draft: Draft) -> Quarantined | None:
        """Merge a row; one whose price cannot be read is refused by itself."""
        if self.fault is None:
            try:
                money = self.maker.price(draft)
            except PriceError as error:
                return self.maker.refuse(draft, error.rule, "price", draft.price or draft.sale, error.advice)
            if money is not None and (
                self.money is None or (money.currency == self.money.currency and money.amount < self.money.amount)
            ):
                self.money = money
            self._take_options(draft)
            self._fill(draft)
        self.rows += 1
        return None

    def _fill(self, draft: Draft) -> None:
        first = self.first
        for name in ("description", "short", "category", "brand", "image", "link", "language"):
            if not getattr(first, name).strip() and (text := getattr(draft, name)).strip():
                setattr(first, name, text)
        if not first.attributes and draft.attributes:
            first.attributes = draft.attributes
        if first.key.startswith(GROUP) and draft.title.strip():
            self.title = common_title(self.title, draft.title)

    def _take_options(self, draft: Draft) -> None:
        for slot, name, cell in draft.options:
            known, values = self.options.setdefault(slot, (name, []))
            if not known and name:
                self.options[slot] = (name, values)
            parts = cell.split(draft.split) if draft.split else [cell]
            for part in parts:
                value = clean_name(part)
                if value and value not in values and len(values) < 50:
                    values.append(value)

    def product(self) -> Product | Quarantined:
        """The product, or why it is none."""
        if self.fault is not None:
            return self.fault if self.rows == 1 else _with_rows(self.fault, self.rows)
        found = sorted(self.options.items())
        varying = [(name or "Option", ", ".join(values)) for _, (name, values) in found if values]
        (clean,) = cleaned([self.first])
        if self.title != self.first.title:
            clean = clean._replace(title=clean_line(self.title))
        return self.maker.build(self.first, clean, self.money, varying + self.first.attributes, self.rows)


def clean_attributes(pairs: list[tuple[str, str]], title: str) -> dict[str, str]:
    """Names and values made plain, each name once, at most `MOST_ATTRIBUTES`."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in pairs:
        label, key = attribute_name(name)
        text = _known_value(value) if len(value) < LONGEST_VALUE else attribute_value(value)
        if label and text and key not in seen and text != title:
            seen.add(key)
            found[label] = text
            if len(found) == MOST_ATTRIBUTES:
                break
    return found


def _with_rows(entry: Quarantined, rows: int) -> Quarantined:
    source = Source(file=entry.source.file, row=entry.source.row, rows=rows)
    return Quarantined(
        source=source, rule=entry.rule, field=entry.field, found=entry.found, advice=entry.advice, record=entry.record
    )


def attribute_value(value: str) -> str:
    """A value on one line, of at most `LONGEST_VALUE` characters; empty for what stands for nothing."""
    text = shortened(clean_line(value))
    return "" if text.casefold() in {"nan", "none", "null", "n/a", "-"} else text


_known_value = lru_cache(maxsize=8192)(attribute_value)


@lru_cache(maxsize=4096)
def attribute_name(name: str) -> tuple[str, str]:
    """A name as a person would write it, and without case; empty for the shop's plumbing."""
    label = clean_name(name).strip(" :*")
    if not label or len(label) > LONGEST_NAME or label.casefold() == "title":
        return "", ""
    known = table().attributes.get(re.sub(r"[\W_]+", "", label.casefold()))
    if known is None and is_plumbing(label) and len(label.split()) < 3:
        return "", ""
    label = label.replace("_", " ")
    label = label[:1].upper() + label[1:]
    return label, label.casefold()


def shortened(text: str) -> str:
    """At most `LONGEST_VALUE` characters, cut between values or words."""
    if len(text) <= LONGEST_VALUE:
        return text
    head = text[: LONGEST_VALUE + 1]
    cut = max(head.rfind(", "), head.rfind("; "), head.rfind(" | "), head.rfind(". "))
    return head[: cut if cut > LONGEST_VALUE // 2 else head.rfind(" ") if " " in head else LONGEST_VALUE].rstrip(
        " ,;|."
    )


@lru_cache(maxsize=8192)
def category_path(text: str) -> str:
    """A category as a path of names apart by ``>``; numbers of a taxonomy say nothing and give none."""
    clean = clean_line(text)
    if not clean or CODES.fullmatch(clean):
        return ""
    clean = clean.strip("; ").split(";")[0].strip()  # The first of several.
    for separator in (" > ", ">", " | ", "|", " » ", " / ", "/"):
        if separator in clean:
            return " > ".join(part.strip() for part in clean.split(separator) if part.strip())
    return clean


def address(cell: str) -> str:
    """The first address in a cell; empty for a path that only the shop can resolve."""
    if not cell or PLAIN_URL.fullmatch(cell):
        return cell
    cell = INVISIBLE.sub("", cell).strip().replace("&amp;", "&")
    if not cell:
        return ""
    if cell.count("://") == 1 and cell.startswith("http"):
        url = " ".join(cell.split()).replace(" ", "%20")
    else:
        found = FIRST_URL.match(cell)
        url = found.group() if found else cell.split()[0]
    if url.startswith("//"):
        return f"https:{url}"
    if SCHEME.match(url):
        return "" if url[:5].lower() == "data:" else url
    return f"https://{url}" if BARE_HOST.match(url) else ""


@lru_cache(maxsize=512)
def language_tag(text: str) -> str:
    """A BCP 47 tag from ``de``, ``pt_BR`` or ``zh-Hant-TW``; ``und`` for anything else."""
    found = TAG.fullmatch(text.strip())
    if not found:
        return "und"
    parts = [found.group(1).lower(), (found.group(2) or "").title(), (found.group(3) or "").upper()]
    return "-".join(part for part in parts if part)


def common_title(one: str, other: str) -> str:
    """What the titles of a group's items share, where that is enough to be a title; else the first."""
    if one == other:
        return one
    words, others = one.split(), other.split()
    count = 0
    while count < min(len(words), len(others)) and words[count].strip(",;") == others[count].strip(",;"):
        count += 1
    shared = words[:count]
    rest = " ".join(words[count:])
    for place in range(len(shared) - 1, 0, -1):  # Back to the separator before what differs: "… — Black, Size M".
        if shared[place] in {"-", "–", "—", "|", "/", "("}:
            shared = shared[:place]
            break
        if shared[place][-1] in ",;:":
            shared = [*shared[:place], shared[place].rstrip(",;:")]
            break
    if len(shared) >= 2 or (shared and rest[:1] in "-–—|/("):
        return " ".join(shared).rstrip(" -–—|/,;:(")
    return one
