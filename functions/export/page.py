"""The report: one page that holds everything it needs, opens from a folder, and trusts none of its data.

The data travels as JSON in a block that no browser executes, and ``report.js`` builds the page from it by text nodes
only. The Content-Security-Policy allows the page's own scripts and styles by hash and nothing else: no request leaves
the page, so no picture of the shop is shown, only linked.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from functions.common.batches import Batch
from functions.common.platforms import Platform, platforms
from functions.common.records import Creative, Product
from functions.common.storage import Store
from functions.export.reading import STAGES, Tally, products, refused, wants_attention
from functions.export.sheets import replacing

QUARANTINE_SHOWN = 1000
"""Refused rows that the report holds; ``quarantine.csv`` has all."""

DESCRIPTION_SHOWN = 1200
"""Characters of a product's description that the report holds."""

SLOT = re.compile(r"\{\{([a-z.]+)\}\}")
ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def write_report(store: Store, batch: Batch, totals: Tally, path: Path, most: int) -> int:
    """Write the page and say how many products it holds.

    Where there are more products than it may hold, those with an ad to look at come before those without.
    """
    head, tail = shell()
    shown = min(totals.products, most)
    with replacing(path) as stream:
        stream.write(head.encode())
        summary = embedded(overview(store, batch, totals, shown))
        stream.write(f'{summary[:-1]},"products":['.encode())
        for number, (product, ads) in enumerate(selected(store, batch, totals, most)):
            stream.write((",\n" if number else "\n").encode() + embedded(entry(product, ads)).encode())
        stream.write(f"]}}{tail}".encode())
    return shown


def shell() -> tuple[str, str]:
    """The page before and after its data, with styles and scripts in place and their hashes in the policy."""
    folder = files(__package__)
    template = (folder / "report.html").read_text(encoding="utf-8")
    parts = {name: (folder / name).read_text(encoding="utf-8") for name in SLOT.findall(template) if "." in name}
    scripts, styles = (
        " ".join(f"'sha256-{fingerprint(text)}'" for name, text in parts.items() if name.endswith(ending))
        for ending in (".js", ".css")
    )
    parts["policy"] = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    head, tail = template.split("{{data}}")
    return SLOT.sub(lambda slot: parts[slot[1]], head), SLOT.sub(lambda slot: parts[slot[1]], tail)


def fingerprint(text: str) -> str:
    """A text's SHA-256 as a Content-Security-Policy writes it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def embedded(value: Any) -> str:
    """JSON that may stand in a script element: nothing in it can end the element or begin another."""
    return msgspec.json.encode(value).decode().translate(ESCAPES)


def overview(store: Store, batch: Batch, totals: Tally, shown: int) -> dict[str, Any]:
    """What the page says of the batch as a whole."""
    return {
        "batch": {"id": batch.batch_id, "file": batch.file, "brand": batch.settings.brand.name},
        "versions": [
            ["Model", sorted(totals.models)],
            ["Prompt", sorted(totals.prompts)],
            ["Brand", sorted(totals.brands)],
        ],
        "platforms": [platform_entry(name, totals) for name in totals.counts],
        "totals": {
            "products": totals.products,
            "shown": shown,
            "attention": totals.attention,
            "waiting": totals.waiting,
            "creatives": totals.creatives,
            "quarantined": totals.quarantined,
        },
        "quarantine": list(quarantine_rows(store, batch)),
    }


def platform_entry(name: str, totals: Tally) -> dict[str, Any]:
    """A platform with its counts and limits; one that is no longer known goes by its name."""
    known = platforms().get(name)
    limits = {field: limit.limit for field, limit in known.fields.items()} if known else {}
    return {"name": name, "label": known.label if known else name, "counts": totals.counts[name], "limits": limits}


def quarantine_rows(store: Store, batch: Batch) -> Iterator[dict[str, Any]]:
    """The first refused rows, as the page shows them."""
    left = QUARANTINE_SHOWN
    for stage in STAGES:
        for row in refused(store, batch, stage):
            if not left:
                return
            left -= 1
            yield {
                "row": row.source.row,
                "stage": stage,
                "rule": row.rule,
                "field": row.field,
                "found": row.found,
                "advice": row.advice,
            }


def selected(store: Store, batch: Batch, totals: Tally, most: int) -> Iterator[tuple[Product, list[Creative]]]:
    """The products that the page holds, in the catalogue's order."""
    attention = min(totals.attention, most)
    room = {True: attention, False: most - attention}
    for product, ads in products(store, batch):
        kind = wants_attention(ads)
        if room[kind]:
            room[kind] -= 1
            yield product, ads


def entry(product: Product, ads: list[Creative]) -> dict[str, Any]:
    """A product and its ads as the page reads them.

    Names that come from the catalogue are kept as pairs: as keys of an object, JavaScript would reorder them.
    """
    return {
        "id": product.product_id,
        "title": product.title,
        "brand": product.brand,
        "category": product.category,
        "price": money(product.price, product.currency),
        "attributes": list(product.attributes.items()),
        "description": shortened(product.description),
        "language": product.language,
        "image": product.image_url,
        "link": product.link,
        "row": product.source.row,
        "ads": [ad_entry(ad, platforms().get(ad.platform)) for ad in ads],
    }


def ad_entry(ad: Creative, platform: Platform | None) -> dict[str, Any]:
    """An ad as the page reads it: each text with its length in the platform's own columns."""
    count = platform.columns if platform else len
    return {
        "id": ad.creative_id,
        "platform": ad.platform,
        "status": ad.status,
        "score": ad.score,
        "measures": list(msgspec.structs.asdict(ad.measures).items()) if ad.measures else [],
        "findings": ad.findings,
        "fields": [[name, [[text, count(text)] for text in texts]] for name, texts in ad.fields.items()],
    }


def shortened(text: str) -> str:
    """The beginning of a text, with a mark where the rest was left out."""
    return text if len(text) <= DESCRIPTION_SHOWN else text[:DESCRIPTION_SHOWN].rstrip() + " […]"


def money(price: Decimal | None, currency: str | None) -> str:
    """``24.00 GBP``: with two decimals at least, and no more zeros than that."""
    if price is None:
        return ""
    cents = price.quantize(Decimal("0.01"))
    amount = f"{cents:f}" if cents == price else f"{price.normalize():f}"
    return f"{amount} {currency}" if currency else amount
