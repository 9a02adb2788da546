"""Which column holds what: by its name, by the settings, and where names fail by its values."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from functions.common.currencies import currencies
from functions.common.errors import InputError
from functions.common.records import Record
from functions.ingest.money import EMPTY, PriceError, read_price
from functions.ingest.names import FIELDS, SETTABLE, field_near, field_rank, is_plumbing, norm, table, words
from functions.ingest.text import clean_name

ALIASES = {"image_url": "image"}
URL = re.compile(r"(?:https?:)?//\S+", re.I)
IMAGE_FILE = re.compile(r"\S+\.(?:jpe?g|png|webp|gif|avif)(?:[?#;,|]\S*)?", re.I)
PAIR_STEM = re.compile(
    r"option|variation|varia[çc]|attribut|atribut|атрибут|eigenschaft|kenmerk|cecha|vlastnost|additionalinfo|özellik|egenskap|ominaisuu|tulajdons|属性",
    re.I,
)
PAIR_NAME = re.compile(
    r"name|nom(?!br)|nombre|назва|имя|ім'я|naam|nazw|bezeichnung|title|název|názov|adı|navn|namn|nimi|nev|nume|名", re.I
)
PAIR_VALUE = re.compile(
    r"value|wert|valeur|valor|значен|waarde|wartoś|description|hodnot|değer|verdi|värde|arvo|érték|valoare|值", re.I
)


NUMBERS = {"primary": "1", "secondary": "2", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
NUMBER_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join(NUMBERS)})(?![a-z])", re.I)
SHORTENED = frozenset({"short", "kurz", "courte", "corta", "breve", "kort", "korte"})
SMALL_UNIT = frozenset({"cents", "cent", "pence", "minor"})
KIN = ("category", "description", "price")
"""Fields whose words in a column's name mean that it is another of their kind: a second category, a price with tax."""
LONGEST_TITLE = 80


class Column(Record, frozen=True, kw_only=True):
    """How a column of the catalogue was read.

    Attributes:
        name: as the catalogue writes it.
        read_as: a product field, ``option``, ``attribute NAME``, a part in grouping (``key``, ``kind``), or
            ``ignored``.
        filled: share of the sampled rows in which it is not empty, 0 to 1.
    """

    name: str
    read_as: str
    filled: float


@dataclass
class Mapping:
    """Columns by what is read from them; numbers are places in a row."""

    names: list[str]
    fields: dict[str, int] = field(default_factory=dict)
    attributes: list[tuple[int, str]] = field(default_factory=list)
    pairs: list[tuple[int, int, int]] = field(default_factory=list)
    other: dict[int, str] = field(default_factory=dict)
    filled: list[float] = field(default_factory=list)

    @property
    def in_cents(self) -> bool:
        """Whether the price column's name says that it is in hundredths: ``Price Cents``."""
        place = self.fields.get("price")
        return place is not None and not SMALL_UNIT.isdisjoint(words(self.names[place]))

    def place(self, *names: str) -> int | None:
        """The first column of one of these names, in the form of `norm`."""
        normal = [norm(name) for name in self.names]
        return next((normal.index(name) for name in names if name in normal), None)

    def report(self) -> list[Column]:
        """What became of each column."""
        read: dict[int, str] = {place: f"attribute {name}" for place, name in self.attributes}
        read |= self.other
        for _, name, value in self.pairs:
            read[name], read[value] = "option name", "option value"
        read |= {
            place: {"image": "image_url", "short": "short description"}.get(what, what)
            for what, place in self.fields.items()
        }
        return [
            Column(name=name, read_as=read.get(place, "ignored"), filled=round(self.filled[place], 3))
            for place, name in enumerate(self.names)
        ]


def map_columns(
    file: str, names: list[str], sample: Sequence[Sequence[str]], wanted: dict[str, str], fixed: dict[str, list[str]]
) -> Mapping:
    """Read the columns of a table or the keys of items.

    Args:
        file: the catalogue, for messages.
        sample: some rows, as long as the header.
        wanted: `Settings.columns`.
        fixed: field -> normal column names that a format lays down; an empty list means that it has none.

    Raises:
        InputError: a wanted column is not there, or none holds the title.
    """
    mapping = Mapping(names)
    columns = [[row[place] for row in sample if row[place].strip()] for place in range(len(names))]
    mapping.filled = [len(values) / max(len(sample), 1) for values in columns]
    _set_wanted(file, mapping, wanted)
    _find_pairs(mapping)
    taken = set(mapping.fields.values()) | {place for pair in mapping.pairs for place in pair[1:]}
    for what in FIELDS:
        if what in mapping.fields:
            continue
        place = _by_name(what, mapping, taken, fixed.get(what))
        if place is not None:
            mapping.fields[what] = place
            taken.add(place)
    _by_values(mapping, columns, taken, fixed)
    if "title" not in mapping.fields and (place := _described(mapping, columns, wanted)) is not None:
        del mapping.fields["description"]
        mapping.fields["title"] = place
    if "title" not in mapping.fields:
        raise no_title(file, names)
    _find_attributes(mapping, columns, taken)
    return mapping


def _described(mapping: Mapping, columns: list[list[str]], wanted: dict[str, str]) -> int | None:
    """The description where there is no title and it is as short as one: what price lists call "Item Description"."""
    place = mapping.fields.get("description")
    if place is None or "description" in wanted or not columns[place]:
        return None
    return place if all(len(text) <= LONGEST_TITLE and text[:1] not in "<{[" for text in columns[place]) else None


def no_title(file: str, names: Sequence[str]) -> InputError:
    """The fault of a catalogue in which nothing looks like a product's name."""
    shown = ", ".join(repr(name[:40]) for name in names[:30] if name.strip()) or "none"
    example = next((name for name in names if name.strip()), "Name")[:40]
    return InputError(
        f"{file}: no column was recognised as the product's title; columns found: {shown};"
        f' say which one it is with --map title="{example}"'
    )


def _set_wanted(file: str, mapping: Mapping, wanted: dict[str, str]) -> None:
    for what, name in wanted.items():
        if what not in SETTABLE:
            raise InputError(
                f"--map {what}={name}: {what!r} is no product field; use one of {', '.join(sorted(SETTABLE))}"
            )
        exact = [place for place, column in enumerate(mapping.names) if column.strip() == name.strip()]
        near = exact or [place for place, column in enumerate(mapping.names) if norm(column) == norm(name)]
        if not near:
            shown = ", ".join(repr(column[:40]) for column in mapping.names[:30])
            raise InputError(f"{file}: --map {what}={name}: there is no column {name!r}; columns found: {shown}")
        mapping.fields[ALIASES.get(what, what)] = near[0]


def _find_pairs(mapping: Mapping) -> None:
    """Numbered pairs of a name and a value column, whatever the language: ``Option1 Name``, ``Attribut 2 Wert(e)``."""
    halves: dict[tuple[str, int], dict[str, int]] = {}
    for place, name in enumerate(mapping.names):
        number = _pair_number(name)
        if number is None or not (stem := PAIR_STEM.search(name)):
            continue
        found = halves.setdefault((stem.group().casefold(), number), {})
        rest = name[: stem.start()] + name[stem.end() :]
        if PAIR_VALUE.search(rest) and not re.search(r"default|linked|type", rest, re.I):
            found.setdefault("value", place)
        elif PAIR_NAME.search(rest):
            found.setdefault("name", place)
    for slot, (_, found) in enumerate(sorted(halves.items(), key=lambda item: min(item[1].values(), default=0))):
        if len(found) == 2:
            mapping.pairs.append((slot, found["name"], found["value"]))


def _pair_number(name: str) -> int | None:
    """The one number in a column's name, in digits or as a word; 0 for the only pair, ``Option Name``."""
    digits = re.findall(r"\d+", name) or [NUMBERS[word.lower()] for word in NUMBER_WORD.findall(name.replace("_", " "))]
    return int(digits[0]) if len(digits) == 1 else None if digits else 0


def _by_name(what: str, mapping: Mapping, taken: set[int], fixed: list[str] | None) -> int | None:
    """The best-named column for a field; one that is nearly empty only where no other has the name."""
    ranked: list[tuple[bool, int, int]] = []
    for place, name in enumerate(mapping.names):
        if place in taken or not name.strip():
            continue
        normal = norm(name)
        rank = (fixed.index(normal) if normal in fixed else None) if fixed is not None else field_rank(what, name)
        if rank is not None:
            ranked.append((mapping.filled[place] < 0.02, rank, place))
    if ranked:
        return min(ranked)[2]
    if fixed is not None:
        return None
    near = [place for place, name in enumerate(mapping.names) if place not in taken and field_near(what, name)]
    if what == "description":  # Of a short and a long one, the long one.
        near.sort(key=lambda place: not SHORTENED.isdisjoint(words(mapping.names[place])))
    return next((place for place in near if mapping.filled[place] > 0), None)


def _by_values(mapping: Mapping, columns: list[list[str]], taken: set[int], fixed: dict[str, list[str]]) -> None:
    """What no name told: prices, addresses and the longest text."""
    free = [
        place
        for place in range(len(columns))
        if place not in taken and len(columns[place]) >= 1 and mapping.filled[place] > 0.3
    ]
    tests = {
        "image": lambda text: bool(IMAGE_FILE.match(text.strip()) and URL.match(text.strip())),
        "link": lambda text: bool(URL.match(text.strip()) and not IMAGE_FILE.match(text.strip())),
        "price": _priced,
    }
    for what, test in tests.items():
        if what in mapping.fields or fixed.get(what) == []:
            continue
        for place in free:
            if place not in taken and _share(columns[place], test) > 0.8:
                mapping.fields[what] = place
                taken.add(place)
                break
    if "description" not in mapping.fields and fixed.get("description") is None:
        open_ = [place for place in free if place not in taken and norm(mapping.names[place]) not in table().attributes]
        long = [(sum(map(len, columns[place])) / len(columns[place]), -place) for place in open_]
        if long and max(long)[0] >= 60 and _share(columns[-max(long)[1]], lambda text: " " in text) > 0.8:
            mapping.fields["description"] = -max(long)[1]
            taken.add(-max(long)[1])


def _share(values: list[str], test: Callable[[str], bool]) -> float:
    return sum(1 for value in values if test(value)) / len(values)


def _priced(text: str) -> bool:
    """Whether a cell is a price beyond doubt: a number with a currency that there is, unlike the article ABC-12."""
    if not re.search(r"\d", text) or len(text) > 30:
        return False
    try:
        money = read_price(text)
    except PriceError:
        return False
    return money is not None and money.currency in currencies().codes


def _find_attributes(mapping: Mapping, columns: list[list[str]], taken: set[int]) -> None:
    known = table().attributes
    used: set[str] = set()
    for place, name in enumerate(mapping.names):
        if place in taken or not name.strip() or not columns[place]:
            continue
        title = known.get(norm(name)) or known.get(norm(name.split("(")[0])) or known.get(norm(name.split("/")[-1]))
        half = PAIR_STEM.search(name) and re.search(r"\d", name)
        if half or _is_zero(columns[place]):
            continue
        if title is None and (is_plumbing(name) or _is_field(name) or _is_kin(name) or not _tells(columns[place])):
            continue
        title = title or readable(name)
        if title.casefold() not in used and re.search(r"[^\W\d_]", title):
            used.add(title.casefold())
            mapping.attributes.append((place, title))


def _is_zero(values: list[str]) -> bool:
    """Whether a column holds nothing but 0, as shops write measures that nobody filled in."""
    return all(value.strip().strip("0") in {"", ".", ","} for value in values)


def _is_kin(name: str) -> bool:
    """Whether a name is near that of a field, and so more of the same: ``Category_2``, ``Display price``."""
    near, parts = table().words, set(words(name))
    return any(not parts.isdisjoint(near[what]) for what in KIN)


def _is_field(name: str) -> bool:
    """Whether a name is that of a field which another column already gives."""
    return any(field_rank(what, name) is not None for what in FIELDS)


def _tells(values: list[str]) -> bool:
    """Whether the values of an unknown column look like facts: short words, no addresses, flags or codes."""
    if sum(map(len, values)) / len(values) > 80:
        return False
    plain = re.compile(
        r"\s*(?:true|false|yes|no|y|n|[\d\s.,:/-]+|[0-9a-f-]{16,}|(?:https?:|/|\{|\[|<).*|\S+@\S+)\s*", re.I | re.S
    )
    told = [value for value in values if not plain.fullmatch(value) and value.strip().casefold() not in EMPTY]
    return len(told) * 2 > len(values)


def readable(name: str) -> str:
    """A column name as a person would write it: ``custom_field.noise_level`` gives ``Noise level``."""
    text = re.sub(r"\s*\([^)]*\)\s*$", "", name).strip()
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text.split("/")[-1].split(".")[-1].split(":")[-1])
    text = clean_name(text.replace("_", " ").strip(" *:"))
    return (
        text[:1].upper() + text[1:] if text.islower() or " " in text else text.capitalize() if text.isupper() else text
    )
