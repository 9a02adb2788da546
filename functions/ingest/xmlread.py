"""XML catalogues (RSS and Atom feeds, WXR, any list of elements), one item at a time; declared entities are refused."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException, DTDForbidden, EntitiesForbidden
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from functions.common.errors import InputError
from functions.ingest.jsonread import CORE, DEEPEST
from functions.ingest.names import field_rank
from functions.ingest.source import Catalogue

GOOGLE = "base.google.com/ns"
AMPERSAND_FAULTS = frozenset({4, 11})
"""Codes of expat: not well-formed (invalid token), undefined entity."""
BARE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
MOST_CATEGORIES = 50_000
DEEPEST_CATEGORY = 8
FORM = frozenset({"@lang", "@space", "@type", "@format", "@scheme"})
"""Attributes that say how an element's text is meant, and nothing where it has none."""
USUAL = frozenset(
    {
        "item",
        "entry",
        "product",
        "offer",
        "article",
        "produkt",
        "produit",
        "producto",
        "prodotto",
        "shopitem",
        "row",
        "record",
    }
)


class Layout:
    """Where the items of an XML file lie, and what it says of itself.

    Attributes:
        path: tags from the root to an item, without namespaces.
        spaces: the namespaces used.
        mended: whether ampersands that begin none of XML's own entities are taken as text.
    """

    def __init__(self, path: tuple[str, ...], spaces: frozenset[str], mended: bool) -> None:
        self.path = path
        self.spaces = spaces
        self.mended = mended

    @property
    def wordpress(self) -> bool:
        return any("wordpress.org/export" in space for space in self.spaces)

    @property
    def format(self) -> str:
        """What the file is called."""
        if self.wordpress:
            return "WooCommerce WXR"
        google = any(GOOGLE in space for space in self.spaces)
        if self.path[0] == "rss" or self.path[-1] == "item":
            return "Google Merchant RSS 2.0" if google else "RSS 2.0"
        if self.path[0] == "feed":
            return "Google Merchant Atom" if google else "Atom"
        return f"XML list of <{self.path[-1]}>"


def survey(catalogue: Catalogue, wanted: frozenset[str]) -> Layout:
    """Read the whole file once: that it is sound, and where its items lie.

    The one fault that is mended is the commonest in feeds made by hand: ``&`` where ``&amp;`` should stand.

    Raises:
        InputError: it is malformed (with line and column), declares entities, is nested too deeply, or has no items.
    """
    try:
        return _survey(catalogue, wanted, mended=False)
    except InputError as fault:
        if not isinstance(fault.__cause__, ParseError) or fault.__cause__.code not in AMPERSAND_FAULTS:
            raise
        try:
            return _survey(catalogue, wanted, mended=True)
        except InputError as second:
            # Where more is wrong than that, the place in the file as it is helps the most.
            raise (fault if isinstance(second.__cause__, ParseError) else second) from second.__cause__


def _survey(catalogue: Catalogue, wanted: frozenset[str], mended: bool) -> Layout:
    seen: dict[tuple[str, ...], set[str]] = {}
    counts: dict[tuple[str, ...], int] = {}
    spaces: set[str] = set()
    path: list[str] = []
    parents: list[Element] = []
    parser = _Parser()
    for event, element in _events(catalogue, mended, parser):
        space, tag = _split(element.tag)
        if event == "start":
            spaces.add(space)
            if path and len(path) <= 6:
                key = tuple(path)
                names = seen.setdefault(key, set())
                if len(names) < 300:
                    names.add(tag)
                names.update(element.attrib if len(names) < 300 else ())
            path.append(tag)
            parents.append(element)
            counts[tuple(path)] = counts.get(tuple(path), 0) + 1 if len(path) <= 6 else 0
            if len(path) > DEEPEST:
                raise InputError(
                    f"{catalogue.name}: XML is nested more than {DEEPEST} levels deep; give a flat list of products"
                )
        else:
            path.pop()
            parents.pop()
            _drop(element, parents)
    best = max(seen, key=lambda key: _score(key, seen[key], counts.get(key, 0), wanted), default=())
    if not best or _score(best, seen[best], counts.get(best, 0), wanted) <= 0:
        tags = sorted({name for names in seen.values() for name in names})[:40]
        raise InputError(
            f"{catalogue.name}: no element was recognised as a product; tags found: {', '.join(tags) or 'none'};"
            ' say which one holds the title with --map title="TAG"'
        )
    # Where a document type is named but not fetched, expat drops entities from attributes without a word.
    return Layout(best, frozenset(spaces), mended or parser.typed)


def _score(path: tuple[str, ...], names: set[str], count: int, wanted: frozenset[str]) -> float:
    if not (names & wanted or any(field_rank("title", name) is not None for name in names)):
        return 0
    fields = sum(any(field_rank(what, name) is not None for name in names) for what in CORE)
    return fields + (4 if path[-1].lower() in USUAL else 0) + (1 if count > 1 else 0) - 0.5 * len(path)


def items(catalogue: Catalogue, layout: Layout) -> Iterator[dict[str, Any]]:
    """The items as mappings of tag -> text, mapping or list; one in memory at a time."""
    path: list[str] = []
    parents: list[Element] = []
    inside = False
    categories = _Categories()
    for event, element in _events(catalogue, layout.mended, _Parser()):
        if event == "start":
            path.append(_split(element.tag)[1])
            parents.append(element)
            inside = inside or tuple(path) == layout.path
            continue
        whole = tuple(path) == layout.path
        path.pop()
        parents.pop()
        if whole:
            inside = False
            found = _value(element)
            found = found if isinstance(found, dict) else {"text": found}
            categories.name(found)
            yield found
        if not inside:
            categories.note(element)
            _drop(element, parents)


def _drop(element: Element, parents: list[Element]) -> None:
    """Free an element that has been read; its parent would hold it, though empty, until the file ends."""
    element.clear()
    if parents and len(parents[-1]):
        parents[-1].remove(element)


class _Categories:
    """The names of categories that stand before the items, which give their ids alone, as Yandex has it."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, str]] = {}

    def note(self, element: Element) -> None:
        """Keep the name and parent of ``<category id="2" parentId="1">Bath</category>``."""
        own, name = element.get("id"), (element.text or "").strip()
        if own and name and element.tag == "category" and len(self.known) < MOST_CATEGORIES:
            self.known[own[:50]] = name[:100], element.get("parentId", "")[:50]

    def name(self, item: dict[str, Any]) -> None:
        """Write out the first category of an item, from the outermost one in."""
        ids = item.get("categoryId") if self.known else None
        own = ids[0] if isinstance(ids, list) else ids
        path: list[str] = []
        while isinstance(own, str) and (found := self.known.get(own.strip())) and len(path) < DEEPEST_CATEGORY:
            path.insert(0, found[0])
            own = found[1]
        if path:
            item.setdefault("category", " > ".join(path))


class _Parser(DefusedXMLParser):
    """Takes a document type that is only named, or says which elements there are; nothing is ever fetched.

    Attributes:
        typed: whether the file has a document type.
        outside: what takes tokens, such as unknown entities, outside of it.
    """

    def __init__(self) -> None:
        super().__init__(forbid_dtd=False, forbid_entities=True, forbid_external=True)
        self.typed = False
        self.outside = self.parser.DefaultHandlerExpand
        self.parser.StartDoctypeDeclHandler = self._begin_type
        self.parser.EndDoctypeDeclHandler = self._end_type
        self.parser.AttlistDeclHandler = self._refuse_default

    def _begin_type(self, *_: Any) -> None:
        self.typed = True
        self.parser.DefaultHandlerExpand = self._refuse_reference

    def _refuse_reference(self, token: str) -> None:
        if token.startswith("%"):
            raise EntitiesForbidden(token, None, None, None, None, None)

    def _end_type(self) -> None:
        self.parser.DefaultHandlerExpand = self.outside

    def _refuse_default(self, _element: str, name: str, _type: str, default: str | None, _required: bool) -> None:
        if default is not None:  # It would stand in every element, and be gigabytes as an entity is.
            raise DTDForbidden(name, None, None)


def _events(catalogue: Catalogue, mended: bool, parser: _Parser) -> Iterator[tuple[str, Element]]:
    with catalogue.open() as stream:
        try:
            yield from iterparse(_Bytes(stream, mended), events=("start", "end"), parser=parser)
        except ParseError as error:
            line, column = error.position
            reason = str(error).split(":")[0]
            raise InputError(
                f"{catalogue.name} line {line} column {column + 1}: not valid XML ({reason});"
                " correct it there, or export again; nothing was read"
            ) from error
        except DefusedXmlException as error:
            raise InputError(
                f"{catalogue.name}: declares a DTD or entities, which are not read since they can stand for gigabytes;"
                " remove the <!DOCTYPE …> lines"
            ) from error
        except (LookupError, ValueError) as error:
            raise InputError(
                f"{catalogue.name}: XML in an encoding that is not read ({error}); export it as UTF-8"
            ) from error


class _Bytes:
    """A stream without white space before the XML declaration, and with bare ampersands mended where asked."""

    def __init__(self, stream: Any, mended: bool) -> None:
        self.stream = stream
        self.mended = mended
        self.first = True

    def read(self, size: int = -1) -> bytes:
        block: bytes = self.stream.read(size)
        if self.first:
            self.first = False
            start = re.match(rb"(?:\xef\xbb\xbf)?\s*(?=<)", block)
            block = block[start.end() :] if start and not block.startswith((b"\xef\xbb\xbf<", b"<")) else block
        if self.mended:
            while b"&" in block[-12:] and (more := self.stream.read(16)):  # Not to cut through an entity.
                block += more
            block = BARE.sub(b"&amp;", block)
        return block


def _split(tag: str) -> tuple[str, str]:
    space, brace, name = tag.rpartition("}")
    return (space[1:], name) if brace else ("", tag)


def _value(element: Element) -> Any:
    """An element as text, or as a mapping of its children; attributes are kept as ``@name``."""
    marks = {f"@{_split(name)[1]}": value for name, value in element.attrib.items()}
    if not len(element):
        text = element.text or ""
        if not text.strip() and (link := marks.get("@href") or marks.get("@url") or marks.get("@value")):
            return link
        if not text.strip() and (told := {name[1:]: value for name, value in marks.items() if name not in FORM}):
            return told  # All that it says stands in its attributes: <price gross="9.90"/>.
        return {**marks, "#text": text} if marks and text.strip() else text
    found: dict[str, Any] = {name[1:]: value for name, value in marks.items()}
    google: set[str] = set()
    for child in element:
        space, name = _split(child.tag)
        value = _value(child)
        if GOOGLE in space and name not in google:
            google.add(name)
            found[name] = value  # Of <title> and <g:title>, the one meant for shopping counts.
        elif name in google and GOOGLE not in space:
            continue
        elif name in found:
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
        else:
            found[name] = value
    return found
