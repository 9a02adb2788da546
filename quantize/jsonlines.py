"""Records as JSON Lines (https://jsonlines.org): the corpus, drafts, pairs, votes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from functions.common.errors import InputError, NotFoundError

R = TypeVar("R", bound=msgspec.Struct)


def write_lines(path: Path, records: Iterable[msgspec.Struct]) -> None:
    """One record a line."""
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))


def read_lines(path: Path, kind: type[R]) -> Iterator[R]:
    """Every record of a file, blank lines left out.

    Raises:
        NotFoundError: there is no such file.
        InputError: names the line that is not such a record.
    """
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file")
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=kind)
        except msgspec.MsgspecError as error:
            raise InputError(f"{path.name} line {number}: {error}") from error
