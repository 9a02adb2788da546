"""Records as Parquet bytes and back, by way of polars; the column types follow from the record's annotations."""

import io
from collections.abc import Sequence
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, TypeVar, overload

import msgspec
import msgspec.inspect as shapes
import polars as pl

R = TypeVar("R", bound=msgspec.Struct)

PRICE = pl.Decimal(18, 4)


class Stored(Sequence[R]):
    """Records in Parquet bytes, decoded when one of them is first asked for; passed on whole, they keep their bytes."""

    def __init__(self, data: bytes, kind: type[R]) -> None:
        self.data = data
        self.kind = kind

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The records as a table."""
        return pl.read_parquet(io.BytesIO(self.data), glob=False)

    @cached_property
    def _records(self) -> list[R]:
        return from_frame(self.frame, self.kind)

    def __len__(self) -> int:
        return self.frame.height

    @overload
    def __getitem__(self, place: int) -> R: ...

    @overload
    def __getitem__(self, place: slice) -> list[R]: ...

    def __getitem__(self, place: int | slice) -> R | list[R]:
        return self._records[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._records == list(other)

    __hash__ = None  # type: ignore[assignment]


def stored(groups: Sequence[Sequence[R]], kind: type[R]) -> list[Stored[R]]:
    """Groups of records with their bytes and tables at hand, so that what comes next need not make them again.

    The tables are cut from one: to make a table costs more than to make it ten times as long.
    """
    whole = to_frame([record for group in groups for record in group], kind)
    made, start = [], 0
    for group in groups:
        frame = whole.slice(start, len(group))
        made.append(Stored(frame_to_parquet(frame) if group else _empty(kind), kind))
        made[-1].__dict__.update(frame=frame, _records=list(group))
        start += len(group)
    return made


def to_frame(records: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> pl.DataFrame:
    """Records as a table, one column a field; mappings become lists of ``{key, value}``."""
    if isinstance(records, Stored) and records.kind is kind:
        return records.frame
    parts = [_column(name, dtype, list(map(attrgetter(name), records))) for name, dtype in frame_schema(kind).items()]
    raw = pl.DataFrame([series for columns, _ in parts for series in columns])
    return raw.select(made for _, made in parts)  # All at once: each step by itself costs as much as all together.


def from_frame(frame: pl.DataFrame, kind: type[R]) -> list[R]:
    """The records of a table that `to_frame` made."""
    mapped = _mapped(kind)
    # By way of JSON: five times faster than to have polars make Python objects of nested columns.
    rows = msgspec.json.decode(frame.write_json())
    if mapped:
        rows = [_unpaired(row, mapped) for row in rows]
    return msgspec.convert(rows, list[kind], strict=False)  # type: ignore[valid-type]


def to_parquet(records: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> bytes:
    """Parquet bytes, the same for the same records."""
    if isinstance(records, Stored) and records.kind is kind:
        return records.data
    if not records:
        return _empty(kind)
    return frame_to_parquet(to_frame(records, kind))


@cache
def _empty(kind: type[msgspec.Struct]) -> bytes:
    return frame_to_parquet(pl.DataFrame(schema=frame_schema(kind)))


def frame_to_parquet(frame: pl.DataFrame) -> bytes:
    """A table as Parquet bytes, the same for the same table."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, statistics=False)
    return buffer.getvalue()


def from_parquet(data: bytes, kind: type[R]) -> Stored[R]:
    """The records in Parquet bytes that `to_parquet` made."""
    return Stored(data, kind)


def parquet_rows(data: bytes) -> int:
    """How many records Parquet bytes hold."""
    return int(pl.scan_parquet(io.BytesIO(data), glob=False).select(pl.len()).collect().item())


def _fields(kind: type[msgspec.Struct]) -> tuple[shapes.Field, ...]:
    info = shapes.type_info(kind)
    if not isinstance(info, shapes.StructType):
        raise TypeError(f"{kind} is not a record type")
    return info.fields


@cache
def frame_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Column name -> polars type for a record type."""
    return {field.name: _dtype(field.type) for field in _fields(kind)}


def _column(name: str, dtype: Any, values: list[Any]) -> tuple[list[pl.Series], pl.Expr]:
    """Columns in the form in which they are made fastest, and what makes the wanted column of them."""
    if dtype == PRICE:  # By way of text: five times faster than from Decimal objects.
        texts = [None if value is None else str(value) for value in values]
        return [pl.Series(name, texts, dtype=pl.String)], pl.col(name).cast(PRICE)
    if not dtype.is_nested():
        return [pl.Series(name, values, dtype=dtype)], pl.col(name)
    if isinstance(dtype, pl.Struct) and values and None not in values:
        parts = [
            (field.name, _column(f"{name}/{field.name}", field.dtype, list(map(attrgetter(field.name), values))))
            for field in dtype.fields
        ]
        made = pl.struct(expression.alias(field) for field, (_, expression) in parts)
        return [series for _, (columns, _) in parts for series in columns], made.alias(name)
    # By way of JSON: twenty times faster than to let polars walk nested Python objects.
    texts = [None if value is None else msgspec.json.encode(_plain(value)).decode() for value in values]
    return [pl.Series(name, texts, dtype=pl.String)], pl.col(name).str.json_decode(dtype)


@cache
def _mapped(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Where mappings lie in a record: field -> None for a mapping, the same again for a record that holds one."""
    found: dict[str, Any] = {}
    for field in _fields(kind):
        shape = _required(field.type)
        if isinstance(shape, shapes.DictType):
            found[field.name] = None
        elif isinstance(shape, shapes.StructType) and (inner := _mapped(shape.cls)):
            found[field.name] = inner
    return found


def _required(shape: shapes.Type) -> shapes.Type:
    if isinstance(shape, shapes.UnionType):
        return next(option for option in shape.types if not isinstance(option, shapes.NoneType))
    return shape


def _unpaired(value: Any, mapped: Any) -> Any:
    """A value in which lists of ``{key, value}`` are turned back into mappings, in place."""
    if value is None:
        return None
    if mapped is None:
        return {pair["key"]: pair["value"] for pair in value}
    for name, inner in mapped.items():
        value[name] = _unpaired(value[name], inner)
    return value


def _dtype(shape: shapes.Type) -> Any:
    match _required(shape):
        case shapes.StrType() | shapes.LiteralType():
            return pl.String
        case shapes.IntType():
            return pl.Int64
        case shapes.FloatType():
            return pl.Float64
        case shapes.DecimalType():
            return PRICE
        case shapes.ListType(item_type=item):
            return pl.List(_dtype(item))
        case shapes.DictType(key_type=key, value_type=value):
            return pl.List(pl.Struct({"key": _dtype(key), "value": _dtype(value)}))
        case shapes.StructType(fields=fields):
            return pl.Struct({field.name: _dtype(field.type) for field in fields})
    raise TypeError(f"no column type for {shape}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return [{"key": key, "value": item} for key, item in value.items()]
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
