"""Hits written page by page: the same bytes as all at once, in files that appear whole or not at all."""

import contextlib
import csv
import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msclip_search import Hits, SearchIndex
from msclip_search.catalog import hits_file
from msclip_search.cli.streaming import appearing, stream, write
from msclip_search.errors import StorageError
from msclip_search.search import Example, Words
from msclip_search.store import open_writer
from msclip_search.tile import Window
from tests.folder.making import MODEL, NONE_DELETED, located, record, units

HEAD = {"index": "an “index”", "model": "untrained"}
MOMENT = dt.datetime(2023, 6, 1, 10, 20, 31, 5, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Hits]:
    """Hits of three queries: a plain tile, one across the antimeridian, odd texts, none; and a query without any."""
    root = tmp_path_factory.mktemp("hits") / "idx"
    odd = record(2, source='/a,"b"\n/ü.tif', labels=('x"y', "ä;b", "}"), datetime=MOMENT, cloud=12.5, nodata=0.0)
    rows = [
        located(0, west=11.0, south=47.0),
        located(1, west=179.95, south=-17.0),
        odd,
        *(record(number, window=Window(1, number, 3, 4)) for number in range(3, 30)),
    ]
    open_writer(root, model=MODEL, kind="flat").commit(rows, units(30), delete=NONE_DELETED)
    with SearchIndex.open(root) as index:
        found = index.search_many(['a "lake"', "a\nforest", "ein Fluß"], k=40)
    return [*found, found[0][:0]]


def paged(results: Sequence[Hits], size: int) -> Iterator[Iterator[Hits]]:
    """Cut hits into pages; of none, one empty page."""
    return (iter([hits[at : at + size] for at in range(0, max(len(hits), 1), size)]) for hits in results)


def streamed(form: str, results: Sequence[Hits], size: int) -> bytes:
    return b"".join(stream(form, paged(results, size), HEAD))


def whole(form: str, results: Sequence[Hits]) -> bytes:
    """Write everything at once, by the standard library."""
    if form == "json":
        body = {**HEAD, "results": [hits.to_dict() for hits in results]}
        return (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode()
    if form == "geojson":
        features = [feature for hits in results for feature in hits.to_geojson()["features"]]
        body = {"type": "FeatureCollection", **HEAD, "features": features}
        if any(hits.parts for hits in results):
            queries = [hits.to_dict()["query"] for hits in results]
            body["queries"] = [{name: query[name] for name in query if name != "top_k"} for query in queries]
        return (json.dumps(body, ensure_ascii=False) + "\n").encode()
    names = "query rank score percentile tile_id source window west south east north datetime cloud nodata labels"
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(names.split())
    for hits in results:
        for hit in hits:
            at, box = hit.window, hit.bbox or (None,) * 4
            moment = "2023-06-01T10:20:31.000005Z" if hit.datetime else None
            window = f"{at.x} {at.y} {at.width} {at.height}"
            first = (hits.query, hit.rank, hit.score, hit.percentile, hit.tile_id, hit.source, window, *box, moment)
            rows.writerow((*first, hit.cloud, hit.nodata, ";".join(hit.labels)))
    return text.getvalue().encode()


@pytest.mark.parametrize("form", ["json", "geojson", "csv"])
@pytest.mark.parametrize("size", [1, 7, 30, 1000])
def test_pages_end_to_end_are_the_bytes_of_the_whole(results: list[Hits], form: str, size: int) -> None:
    assert streamed(form, results, size) == whole(form, results)
    assert streamed(form, results[3:], size) == whole(form, results[3:])  # a query that found nothing
    assert streamed(form, [], size) == whole(form, [])
    parts = (Words("a lake", -0.5), Example('"x".tif', 2.0, "0a"))
    several = [results[0], replace(results[1], parts=parts), replace(results[3], parts=parts[:1])]
    assert streamed(form, several, size) == whole(form, several)


def test_many_hits_come_in_small_pieces(results: list[Hits]) -> None:
    places = np.arange(2500) % 30
    hits = results[0]
    long = Hits(
        query="x",
        top_k=None,
        searched=30,
        ranks=np.arange(1, 2501, dtype=np.int64),
        scores=hits.scores[places],
        percentiles=hits.percentiles[places],
        tiles=hits.tiles.take(pa.array(places)),
    )
    for form in ("json", "geojson", "csv"):
        pieces = list(stream(form, [[long]], HEAD))
        assert b"".join(pieces) == whole(form, [long])
        assert max(map(len, pieces)) < 0.45 * sum(map(len, pieces))


def test_a_page_is_asked_for_when_the_one_before_is_written(results: list[Hits]) -> None:
    for form in ("json", "geojson", "csv", "parquet"):
        asked: list[int] = []

        def pages(asked: list[int] = asked) -> Iterator[Hits]:
            for at in range(3):
                asked.append(at)
                yield results[0][at : at + 1]

        wanted = results[0][1].tile_id.encode()
        seen = [list(asked) for piece in stream(form, [pages()], HEAD) if wanted in piece]
        assert seen[0] == [0, 1], form


def test_a_parquet_file_has_a_row_group_a_page(results: list[Hits], tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    write(stream("parquet", paged(results, 7), HEAD), path)
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
        assert [size for size in sizes if size] == 3 * [7, 7, 7, 7, 2]
    table = pq.read_table(path)
    whole = pa.concat_tables([hits.to_table() for hits in results])
    assert table.equals(whole.cast(table.schema))
    geo = json.loads(table.schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert pl.read_parquet(path)["rank"].to_list() == [*range(1, 31)] * 3
    empty = b"".join(hits_file([results[3].to_table()]))
    assert pq.read_table(io.BytesIO(empty)).num_rows == 0


def failing(error: BaseException) -> Iterator[bytes]:
    yield b"half"
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StorageError("full"), ValueError("no")])
@pytest.mark.parametrize("before", [None, "old"])
def test_what_fails_or_is_interrupted_leaves_everything_as_it_was(
    tmp_path: Path, error: BaseException, before: str | None
) -> None:
    path = tmp_path / "hits.csv"
    if before:
        path.write_text(before)
    with pytest.raises(type(error)):
        write(failing(error), path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([before] if before else [])


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path, link = tmp_path / "hits.csv", tmp_path / "link.csv"
    path.write_text("old")
    link.symlink_to(path)
    with appearing(link) as put:
        put(b"ne")
        assert path.read_text() == "old"
        put(b"w")
    assert path.read_text() == "new"
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_full_disk_is_a_sentence() -> None:
    with pytest.raises(StorageError, match=r"^The disk is full: writing /dev/full failed"):
        write([b"x" * 100_000, b"y" * 100_000], Path("/dev/full"))
    with pytest.raises(StorageError, match=r"^The disk is full: writing /dev/full failed"):
        write([b"x"], Path("/dev/full"))  # said when the file is closed


def test_a_polite_kill_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "hits.csv"
    path.write_text("old")
    code = (
        "import sys, time; from pathlib import Path; from msclip_search.cli.streaming import write\n"
        "def pieces():\n    yield b'x' * 100_000\n    print('on', flush=True)\n    time.sleep(60)\n"
        f"try: write(pieces(), Path({str(path)!r}))\n"
        "except KeyboardInterrupt as error: sys.exit(128 + error.number)"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as running:
            assert running.stdout
            assert running.stdout.readline() == b"on\n"
            assert len(list(tmp_path.iterdir())) == 2
            os.kill(running.pid, number)
            assert running.wait(20) == 128 + number
        assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("after", [b"more", None])
def test_an_interrupt_that_python_forgets_is_remembered(tmp_path: Path, after: bytes | None) -> None:
    path = tmp_path / "hits.csv"
    path.write_text("old")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        if after:
            yield after
            pytest.fail("it has gone on")

    with pytest.raises(KeyboardInterrupt):
        write(pieces(), path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_a_reader_that_leaves_is_no_error_of_the_disk(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["head", "-c", "1", str(pipe)], stdout=subprocess.DEVNULL) as reader:

        def pieces() -> Iterator[bytes]:
            yield b"x" * 100_000
            reader.wait(20)
            time.sleep(0.01)
            while True:
                yield b"x" * 100_000

        with pytest.raises(BrokenPipeError):
            write(pieces(), pipe)
    assert pipe.is_fifo()
