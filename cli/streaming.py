"""Hits for machines, written page by page: any number of them in the memory that a page takes."""

import csv
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import typer

from msclip_search.cli.console import standard_output
from msclip_search.cli.interrupts import check, noticing
from msclip_search.disk import disk_errors

if TYPE_CHECKING:
    from msclip_search.search import Hit, Hits

Results: TypeAlias = "Iterable[Iterable[Hits]]"
"""The hits of each query, in pages; of a query without any, one empty page."""

_CSV = (
    "query", "rank", "score", "percentile", "tile_id", "source", "window", "west", "south", "east", "north",
    "datetime", "cloud", "nodata", "labels",
)  # fmt: skip

_TOGETHER = 1000
"""Hits that are laid out before they are written: a few MB."""
_STEP = "  "


def stream(form: str, results: Results, head: Mapping[str, Any]) -> Iterator[bytes]:
    """Lay hits out in one of the formats, piece by piece; the pieces end to end are the file.

    Parameters
    ----------
    form
        "json", "csv", "geojson" or "parquet".
    results
        The hits; each page is asked for when the one before has been handed out.
    head
        What JSON and GeoJSON say of the whole, as the index and its model.
    """
    return {"json": _json, "csv": _csv, "geojson": _geojson, "parquet": _parquet}[form](results, head)


def check_terminal(form: str, output: Path | None) -> None:
    """Refuse what is no text on a terminal."""
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is no text for a terminal: give --output FILE.", param_hint="--format")


def write(pieces: Iterable[bytes], output: Path | None) -> None:
    """Write pieces to standard output as they come, or to a file that appears whole or not at all.

    Raises
    ------
    StorageError
        The file, or standard output, cannot be written.
    BrokenPipeError
        Whoever read has left.
    """
    if output is None:
        for piece in pieces:
            with standard_output():
                sys.stdout.buffer.write(piece)
        return
    with appearing(output) as put:
        for piece in pieces:
            put(piece)


@contextmanager
def appearing(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Open a file that appears whole when all went well, and otherwise stays as it was; yields what writes.

    It is written under another name beside it. Ctrl-C and a polite kill take that away too. A link stays a link; a
    device or a pipe is written to, never replaced.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    target = path.resolve()
    replaced = not path.exists() or path.is_file()
    draft = target.with_name(f".{target.name}.{os.getpid()}") if replaced else path
    with noticing() as received, ExitStack() as after:
        if replaced:
            after.callback(_remove, draft)
        with _disk(path):
            file = after.enter_context(_closed(draft.open("wb")))
        try:
            yield _putting(file, path, received)
        except Exception:
            check(received)  # a library may have made another error of it
            raise
        check(received)
        with _disk(path):
            file.close()
            if replaced:
                draft.replace(target)


def _json(results: Results, head: Mapping[str, Any]) -> Iterator[bytes]:
    """Lay out as `json.dumps` does with an indent of 2."""
    text = f"{_dumped(head, 0, open_for='results')}["
    any_result = False
    for pages in results:
        first, rest = _first(pages)
        about = {name: value for name, value in first[:0].to_dict().items() if name != "hits"}
        text += f"{',' * any_result}\n{_dumped(about, 2, open_for='hits')}["
        any_yet = False
        for page in _cut(itertools.chain([first], rest)):
            text += "," * any_yet + ",".join(f"\n{_dumped(hit.to_dict(), 4)}" for hit in page)
            any_yet = True
            yield text.encode()
            text = ""
        text += f"\n{3 * _STEP}]" if any_yet else "]"
        text += f"\n{2 * _STEP}}}"
        any_result = True
    text += f"\n{_STEP}]" if any_result else "]"
    yield f"{text}\n}}\n".encode()


def _geojson(results: Results, head: Mapping[str, Any]) -> Iterator[bytes]:
    """Lay out as `json.dumps` does, as one FeatureCollection of all queries' hits.

    What the queries were made of stands behind the features: it is known when their first hits are.
    """
    encode = json.JSONEncoder(ensure_ascii=False).encode
    queries: list[Mapping[str, Any]] = []
    yield f'{encode({"type": "FeatureCollection", **head})[:-1]}, "features": ['.encode()
    between = ""
    for pages in results:
        first, rest = _first(pages)
        queries.append(_parts(first))
        for page in _cut(itertools.chain([first], rest)):
            yield f"{between}{', '.join(map(encode, page.to_geojson()['features']))}".encode()
            between = ", "
    told = f', "queries": {encode(queries)}' if any("parts" in query for query in queries) else ""
    yield f"]{told}}}\n".encode()


def _parts(hits: "Hits") -> Mapping[str, Any]:
    """Name a query, and what it was made of where that is more than a text."""
    query = hits[:0].to_dict()["query"]
    return {name: query[name] for name in ("text", "parts") if name in query}


def _csv(results: Results, _head: Mapping[str, Any]) -> Iterator[bytes]:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_CSV)
    yield text.getvalue().encode()
    for pages in results:
        for page in _cut(pages):
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(_row(page.query, hit) for hit in page)
            yield text.getvalue().encode()


def _row(query: str, hit: "Hit") -> tuple[object, ...]:
    found = hit.to_dict()
    box = found["bbox"] or [None] * 4
    window = " ".join(map(str, found["window"]))
    fixed = (query, hit.rank, hit.score, hit.percentile, hit.tile_id, hit.source, window)
    return (*fixed, *box, found["datetime"], hit.cloud, hit.nodata, ";".join(hit.labels))


def _parquet(results: Results, _head: Mapping[str, Any]) -> Iterator[bytes]:
    from msclip_search import catalog

    return catalog.hits_file(page.to_table() for pages in results for page in pages)


def _first(pages: "Iterable[Hits]") -> "tuple[Hits, Iterator[Hits]]":
    rest = iter(pages)
    return next(rest), rest


def _cut(pages: "Iterable[Hits]") -> "Iterator[Hits]":
    """Cut pages into pieces that are small enough to be laid out at a time; none is empty."""
    for page in pages:
        for start in range(0, len(page), _TOGETHER):
            yield page[start : start + _TOGETHER]


def _dumped(value: Mapping[str, Any], depth: int, *, open_for: str | None = None) -> str:
    """Write a mapping as JSON, some steps in; `open_for` a list that is still to be written as its last value."""
    text = json.dumps(value, ensure_ascii=False, indent=len(_STEP))
    if open_for:
        comma = "," if value else ""
        text = f'{text.removesuffix("}").rstrip()}{comma}\n{_STEP}"{open_for}": '
    return _STEP * depth + text.replace("\n", f"\n{_STEP * depth}")


def _putting(file: BinaryIO, path: Path, received: Sequence[int]) -> Callable[[bytes], None]:
    """Return what writes, and says in a sentence what the disk refuses."""

    def put(piece: bytes) -> None:
        check(received)
        with _disk(path):
            file.write(piece)

    return put


def _remove(draft: Path) -> None:
    with suppress(OSError):  # what went wrong before is worth more
        draft.unlink(missing_ok=True)


@contextmanager
def _closed(file: BinaryIO) -> Iterator[BinaryIO]:
    """Close a file that somebody else may have closed; what is wrong with it has been said by then."""
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a sentence; a reader that has left is none of the disk's troubles."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError:
        with disk_errors("writing", path):
            raise
