"""The products that an evaluation writes for: the corpus's test split, or a draw from catalogues."""

import random
from pathlib import Path

from functions.common.batches import Batch, Part, Settings
from functions.common.errors import InputError
from functions.common.records import Product, digest
from functions.ingest import stage as ingest
from functions.ingest.source import Catalogue
from functions.validate import stage as validate
from quantize import corpus
from quantize.figures import Sample


def key(product: Product) -> str:
    """Short hash of a product, under which its figures are kept."""
    return digest(product.product_id, product.text())


def held_out(limit: int | None = None, seed: int = 0, folder: Path = corpus.FOLDER) -> tuple[Sample, list[Product]]:
    """Products of the corpus's test split, in a drawn order."""
    products = [entry.as_product() for entry in corpus.read(folder) if entry.split == "test"]
    if not products:
        raise InputError(f"{folder}: the corpus has no test split; see quantize/corpus")
    drawn = _drawn([products], limit or len(products), seed)
    return _sample("test", [], seed, drawn), drawn


def from_catalogues(
    name: str, paths: list[Path], limit: int, seed: int = 0, language: str = "en"
) -> tuple[Sample, list[Product]]:
    """A draw from catalogues through ingest and validate, as evenly from each as they have products.

    Args:
        language: only products in it; empty for all.

    Raises:
        InputError: a catalogue cannot be read, or none has a product in the language.
    """
    shops = [[p for p in _valid(path) if p.language.startswith(language)] for path in paths]
    drawn = _drawn(shops, limit, seed)
    if not drawn:
        raise InputError(f"{paths[0].name}: no product in the language {language!r}; name another with --language")
    return _sample(name, [path.name for path in paths], seed, drawn), drawn


def _valid(path: Path) -> list[Product]:
    settings = Settings(platforms=["meta_feed"])
    batch = Batch.of(path.name, "", settings)
    found: list[Product] = []
    for result in ingest.run(Catalogue.of(path), batch):
        found += validate.run(Part(batch, result.number, result.outputs[0].records)).outputs[0].records
    return found


def _drawn(shops: list[list[Product]], limit: int, seed: int) -> list[Product]:
    """One product of each shop in turn, from shuffled shelves, until there are enough."""
    rng = random.Random(seed)  # noqa: S311 - a draw that must repeat, not a secret
    shelves = [rng.sample(shop, len(shop)) for shop in shops]
    drawn: list[Product] = []
    while len(drawn) < limit and any(shelves):
        drawn += [shelf.pop() for shelf in shelves if shelf][: limit - len(drawn)]
    return drawn


def _sample(name: str, files: list[str], seed: int, products: list[Product]) -> Sample:
    fingerprint = digest([key(product) for product in products])
    return Sample(name=name, files=files, seed=seed, products=len(products), fingerprint=fingerprint)
