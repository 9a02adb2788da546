"""YAML lists, one item at a time; aliases are refused, since a few lines of them can stand for gigabytes."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from functions.common.errors import InputError
from functions.ingest.jsonread import DEEPEST, utf8
from functions.ingest.names import field_rank
from functions.ingest.source import Catalogue, Dialect

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def items(catalogue: Catalogue, dialect: Dialect) -> Iterator[Any]:
    """The entries of the list that holds products: at the top, or under a key.

    Raises:
        InputError: the file is not YAML, uses aliases, or is nested too deeply; with line and column.
    """
    with utf8(catalogue, dialect) as stream:
        loader = LOADER(stream)
        try:
            yield from _Reader(catalogue.name, loader).documents()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f" line {mark.line + 1} column {mark.column + 1}" if mark else ""
            raise InputError(
                f"{catalogue.name}{where}: not valid YAML ({error.problem});"
                " correct it there, or export again; nothing was read"
            ) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(
                f"{catalogue.name}: not valid YAML ({str(error).splitlines()[0]}); export again; nothing was read"
            ) from error
        finally:
            loader.dispose()


class _Reader:
    def __init__(self, name: str, loader: Any) -> None:
        self.name = name
        self.loader = loader

    def documents(self) -> Iterator[Any]:
        """Items of all documents; a document that is a mapping with a title is an item itself."""
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.SequenceStartEvent):
                yield from self._entries()
            elif isinstance(event, yaml.MappingStartEvent):
                yield from self._under_keys()

    def _next(self) -> Any:
        event = self.loader.get_event()
        if isinstance(event, yaml.AliasEvent):
            raise self._fault(event, "aliases (*name) are not read; write the value out")
        return event

    def _fault(self, event: Any, what: str) -> InputError:
        mark = event.start_mark
        return InputError(f"{self.name} line {mark.line + 1} column {mark.column + 1}: {what}")

    def _entries(self) -> Iterator[Any]:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._value(event, 1)

    def _under_keys(self) -> Iterator[Any]:
        """The lists in a top mapping; the mapping itself where it is one product."""
        plain: dict[str, Any] = {}
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            name = key.value if isinstance(key, yaml.ScalarEvent) else ""
            event = self._next()
            if isinstance(event, yaml.SequenceStartEvent) and not any(
                field_rank("title", known) is not None for known in plain
            ):
                yield from self._scalars_or_items(plain, name)
            else:
                plain[name] = self._value(event, 1)
        if any(field_rank("title", known) is not None for known in plain):
            yield plain
        else:
            yield from (part for part in plain.values() if isinstance(part, dict))

    def _scalars_or_items(self, plain: dict[str, Any], name: str) -> Iterator[Any]:
        for value in self._entries():
            if isinstance(value, dict):
                yield value
            else:
                plain.setdefault(name, []).append(value)

    def _value(self, event: Any, depth: int) -> Any:
        if depth > DEEPEST:
            raise self._fault(event, f"YAML is nested more than {DEEPEST} levels deep; give a flat list of products")
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            return None if plain and re.fullmatch(r"~|null|Null|NULL|", event.value) else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            values = []
            while not isinstance(part := self._next(), yaml.SequenceEndEvent):
                values.append(self._value(part, depth + 1))
            return values
        found: dict[str, Any] = {}
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            name = self._value(key, depth + 1)
            found[str(name)] = self._value(self._next(), depth + 1)
        return found
