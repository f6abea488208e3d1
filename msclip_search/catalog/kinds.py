"""In which type a column of other people's tables is taken as one of ours, if at all."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pyarrow as pa

_Taken: TypeAlias = Callable[[pa.DataType], pa.DataType | None]


def wanted_type(ours: str, kind: pa.DataType) -> tuple[str, pa.DataType | None]:
    """Say in words what a column of ours is, and to which type theirs is cast; None where theirs cannot be it.

    Parameters
    ----------
    ours
        Our name of the column.
    kind
        Their type of it.
    """
    words, taken = _KINDS.get(ours, _TEXT)
    return words, kind if pa.types.is_null(kind) else taken(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _inner(kind: pa.DataType) -> pa.DataType:
    """Return the type inside a list; null where it is none."""
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return kind.value_type if lists else pa.null()


def _text(kind: pa.DataType) -> pa.DataType | None:
    return pa.string() if _is_text(kind) else None


def _name(kind: pa.DataType) -> pa.DataType | None:
    return pa.string() if _is_text(kind) or pa.types.is_integer(kind) else None


def _amount(kind: pa.DataType) -> pa.DataType | None:
    return pa.float64() if _is_number(kind) else None


def _whole(kind: pa.DataType) -> pa.DataType | None:
    return kind if pa.types.is_integer(kind) else None


def _time(kind: pa.DataType) -> pa.DataType | None:
    """Take a time, in UTC where it has no zone; texts are read later, in whichever way they are written."""
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pa.timestamp("us", tz="UTC")
    return _text(kind)


def _outline(kind: pa.DataType) -> pa.DataType | None:
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    return pa.binary() if is_binary else _text(kind)


def _window(kind: pa.DataType) -> pa.DataType | None:
    return kind if pa.types.is_struct(kind) or _is_number(_inner(kind)) else None


def _labels(kind: pa.DataType) -> pa.DataType | None:
    return kind if _is_text(kind) or _is_text(_inner(kind)) else None


_TEXT: tuple[str, _Taken] = ("text", _text)
_AMOUNT: tuple[str, _Taken] = ("a number", _amount)
_WHOLE: tuple[str, _Taken] = ("a whole number", _whole)
_KINDS: Mapping[str, tuple[str, _Taken]] = {
    "tile_id": ("text", _name),
    "window": ("four numbers", _window),
    "geometry": ("WKB or WKT", _outline),
    "datetime": ("a time, or text", _time),
    "cloud": _AMOUNT,
    "shadow": _AMOUNT,
    "snow": _AMOUNT,
    "nodata": _AMOUNT,
    "offset": _AMOUNT,
    "labels": ("a list of texts", _labels),
    "source_row": _WHOLE,
    "vector_xxh64": _WHOLE,
}
"""What each column of ours is; those that are not named are texts."""
