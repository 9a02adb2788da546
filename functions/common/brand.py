"""The brand that the ads speak for: read from ``brand.yaml``, or the neutral default."""

from pathlib import Path

import msgspec

from functions.common.errors import InputError
from functions.common.records import Record, Voice, digest


class Brand(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a shop wants to sound, and what it does not want said.

    Attributes:
        name: the shop's name; empty where ads carry the product's brand only.
        voice: one of the four voices of the style guide.
        own_brands: brands that the shop sells under its own name, allowed in any of its ads.
        banned_terms: words or phrases that no ad may hold, whatever their case.
        voice_examples: sentences that sound right, to which candidates are compared.
    """

    name: str = ""
    voice: Voice = "plain"
    own_brands: list[str] = []
    banned_terms: list[str] = []
    voice_examples: list[str] = []

    @property
    def version(self) -> str:
        """Hash of the content, 16 hexadecimal characters."""
        return digest(self)


def read_brand(path: Path | None) -> Brand:
    """The brand in a YAML file; the neutral default where no file is named. InputError where it cannot be read."""
    if path is None:
        return Brand()
    import yaml  # Only where a file is read: a function that wakes has no time for it.

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; leave --brand out to use the neutral brand") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML ({str(error).splitlines()[0]})") from error
    try:
        return msgspec.convert(data or {}, Brand)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}; the keys are {', '.join(Brand.__struct_fields__)}") from error
