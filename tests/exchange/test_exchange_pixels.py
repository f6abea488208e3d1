"""Rows of imported tables have no pixels, and whoever wants to see them is told so."""

from pathlib import Path

import pyarrow as pa

from msclip_search import Hits, SearchIndex, export_index, import_vectors, index_tiles
from msclip_search.chips import write_chips
from msclip_search.gallery import make_gallery
from tests.exchange.making import plain_table, unit_vectors, write
from tests.gallery.making import WRITTEN
from tests.made import make_archive

SAID = "was imported as a row of a table, which has no pixels"


def found(root: Path) -> Hits:
    with SearchIndex.open(root) as index:
        return index.search_vectors(unit_vectors(1, dimension=16), k=10)[0]


def test_a_row_of_a_table_has_no_pixels(tmp_path: Path) -> None:
    (tile,) = make_archive(tmp_path / "tiles", 1)
    named = plain_table(unit_vectors(2), source=pa.array([str(tile), None]))
    path = write(tmp_path / "foreign.parquet", named)
    import_vectors(path, index=tmp_path / "idx", model="theirs")
    hits = found(tmp_path / "idx")
    assert {hit.source for hit in hits} == {str(tile), f"{path}#1"}
    page = make_gallery([hits], index="idx", model="theirs", written=WRITTEN)
    assert dict(page.missing) == {str(tile): SAID, f"{path}#1": SAID}
    assert SAID in page.html
    assert dict(write_chips([hits], tmp_path / "chips").missing) == dict(page.missing)
    path.unlink()
    assert dict(make_gallery([hits], index="idx", model="theirs", written=WRITTEN).missing) == dict(page.missing)


def test_what_was_exported_keeps_its_pixels(tmp_path: Path) -> None:
    make_archive(tmp_path / "tiles", 2)
    index_tiles(tmp_path / "tiles", index=tmp_path / "idx", model="untrained")
    export_index(tmp_path / "idx", tmp_path / "out.parquet")
    import_vectors(tmp_path / "out.parquet", index=tmp_path / "back")
    with SearchIndex.open(tmp_path / "back") as index:
        done = write_chips([index.search("a lake")], tmp_path / "chips")
    assert (done.tiles, done.missing) == (2, ())
