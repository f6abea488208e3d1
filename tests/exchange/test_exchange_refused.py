"""What an import refuses: one sentence, with the file and the row, and the index as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from msclip_search import ArchiveError, import_vectors
from tests.exchange.making import lived_in, major_tom_table, plain_table, square, unit_vectors, write
from tests.folder.making import files_of, stored_tiles


def spoilt(row: int, value: Any) -> np.ndarray:  # noqa: ANN401
    """Make unit vectors, and another one in a row."""
    vectors = unit_vectors(1000).astype(np.float32)
    vectors[row] = value
    return vectors


def with_null(rows: list[Any], at: int) -> list[Any]:
    return [None if number == at else row for number, row in enumerate(rows)]


def window(row: int, sides: list[float]) -> pa.Table:
    """Make a table of six rows with a window of pixels each, one of them given."""
    return plain_table(UNIT, window=[list(map(float, sides if at == row else (0, 0, 9, 9))) for at in range(6)])


UNIT = unit_vectors(6)
PARTS: dict[str, float] = {"x": 0, "y": 0, "width": 8.0, "height": 8.0}
NAMES = [f"tile {number}" for number in range(6)]
LISTS = [list(map(float, vector)) for vector in UNIT]

BAD = {
    "nan": (plain_table(spoilt(700, np.nan)), r"Row 700 of .* \(counted from 0\) has a vector with NaN or an infinite"),
    "infinite": (plain_table(spoilt(999, np.inf)), "Row 999 of .* has a vector with NaN or an infinite"),
    "zero": (plain_table(spoilt(0, 0)), "Row 0 of .* has a vector of zeros, which has no direction"),
    "long": (plain_table(spoilt(600, 1.0)), r"Row 600 of .* has a vector of length 4, not 1: .* with --normalise"),
    "null vector": (
        pa.table({"tile_id": NAMES, "embedding": with_null(LISTS, 4)}),
        "Row 4 of .* has no vector: its embedding is null",
    ),
    "null number": (
        pa.table({"tile_id": NAMES, "embedding": [*LISTS[:5], with_null(LISTS[5], 3)]}),
        "Row 5 of .* has a vector with a null in embedding",
    ),
    "ragged": (
        pa.table({"tile_id": NAMES, "embedding": [*LISTS[:2], LISTS[2][:9], *LISTS[3:]]}),
        "Row 2 of .* has a vector of 9 numbers in embedding, where the rows before have 16",
    ),
    "no numbers": (pa.table({"tile_id": NAMES, "embedding": [[]] * 6}), "embedding of .* holds list<element: null>"),
    "whole numbers": (pa.table({"tile_id": NAMES, "embedding": [[1, 2]] * 6}), "holds list<element: int64> where a"),
    "texts": (pa.table({"tile_id": NAMES, "embedding": NAMES}), "The column embedding of .* holds string where a list"),
    "null id": (
        pa.table({"tile_id": with_null(NAMES, 2), "embedding": LISTS}),
        r"Row 2 of .* \(counted from 0\) has no tile_id",
    ),
    "twice": (
        pa.table({"tile_id": [*NAMES[:5], "tile 1"], "embedding": LISTS}),
        r"Row 1 of .* and row 5 of .* have the same tile_id, and 1 row in all repeats? another's",
    ),
    "no id": (
        pa.table({"name": NAMES, "embedding": LISTS}),
        "has no column of lasting names that is known by its name: it has name, embedding. Name it with --column tile_",
    ),
    "no vectors": (
        pa.table({"tile_id": NAMES, "emb": LISTS}),
        "has no column of vectors .*: it has tile_id, emb. Name it with --column embedding=NAME",
    ),
    "no rows": (pa.table({"tile_id": NAMES, "embedding": LISTS}).slice(0, 0), "has no rows"),
    "date": (major_tom_table(UNIT, timestamp=["2023", *["yesterday"] * 5]), "Row 0 of .* a date that cannot be read"),
    "year": (
        major_tom_table(UNIT, timestamp=pa.array([1 << 60] * 6, pa.timestamp("us"))),
        "The column timestamp of .* holds a value that cannot be read",
    ),
    "letters": (
        pa.table({"tile_id": pa.array([b"\xff"] * 6).view(pa.string()), "embedding": LISTS}),
        "The column tile_id of .* holds a value that cannot be read",
    ),
    "cloud": (plain_table(UNIT, cloud=[0, 100, 101, 0, 0, 0]), "Row 2 of .* a share of cloud that is not between"),
    "level": (
        plain_table(UNIT, level=[2] * 6),
        "column level of .* holds int64 where level is text: .* --column level=.",
    ),
    "window": (plain_table(UNIT, window=[[5, 5, 5, 9]] * 6), "Row 0 of .* has a window of pixels that is none"),
    "endless window": (window(5, [0, 0, np.inf, 9]), "Row 5 of .* has a window of pixels that is none"),
    "no window": (window(4, [0, 0, np.nan, 9]), "Row 4 of .* has a window of pixels that is none"),
    "far window": (window(3, [2.0**31, 0, 2.0**31 + 1, 9]), "Row 3 of .* has a window of pixels that is none"),
    "wide window": (window(3, [-1, 0, 2**31 - 1, 9]), "Row 3 of .* has a window of pixels that is none"),
    "half a pixel": (window(2, [0, 1.5, 9, 9]), "Row 2 of .* has a window of pixels that is none"),
    "parts of a window": (
        plain_table(UNIT, window=[PARTS] * 5 + [PARTS | {"width": 8.5}]),
        "Row 5 of .* has a window of pixels that is none: .*8.5",
    ),
    "wide part": (
        plain_table(UNIT, window=[PARTS] * 5 + [PARTS | {"height": 2.0**31}]),
        "Row 5 of .* has a window of pixels that is none",
    ),
    "offset": (plain_table(UNIT, offset=[0, 1e39, 0, 0, 0, 0]), "Row 1 of .* an offset that no pixel can have: 1e.39"),
    "crossing": (
        major_tom_table(UNIT, geometry=[square(1, 2).wkt] * 5 + ["POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"]),
        r"Row 5 of .* an outline that is none \(Self-intersection\[1 1\]\): mend it, or .* --column geometry=",
    ),
    "line": (
        major_tom_table(UNIT, geometry=["POLYGON ((0 0, 1 1, 2 2, 0 0))"] * 6),
        "Row 0 of .* an outline that is none .* leave it out with --column geometry=",
    ),
    "point again": (major_tom_table(UNIT, geometry=["POLYGON ((1 1, 1 1, 1 1, 1 1))"] * 6), "Row 0 of .* that is none"),
    "crossing the antimeridian and itself": (
        major_tom_table(UNIT, geometry=[square(179.99, 2).wkt, "POLYGON ((179 0, -179 2, -179 0, 179 2, 179 0))"] * 3),
        r"Row 1 of .* an outline that is none \(Self-intersection\[180 1\]\)",
    ),
    "corner": (
        major_tom_table(
            UNIT, geometry=["POLYGON ((0 0, 1 0, 1 1, 0 0))"] * 3 + ["POLYGON ((0 0, 1 0, NaN 1, 0 0))"] * 3
        ),
        "Row 3 of .* has an outline with a corner that is no number: leave it out with --column geometry=",
    ),
    "line across the antimeridian": (
        major_tom_table(UNIT, geometry=["POLYGON ((179 0, -179 0, -178 0, 179 0))"] * 6),
        "Row 0 of .* an outline that is none",
    ),
    "parts that overlap": (
        major_tom_table(UNIT, geometry=["MULTIPOLYGON (((0 0, 2 0, 2 2, 0 0)), ((0 0, 2 0, 2 2, 0 0)))"] * 6),
        "Row 0 of .* an outline that is none",
    ),
    "point": (
        major_tom_table(UNIT, geometry=["POINT (1 2)"] * 6),
        "Row 0 of .* an outline that is a Point, not a polygon: leave it out with --column geometry=",
    ),
    "metres": (
        major_tom_table(UNIT, geometry=[square(1, 2).wkt] * 5 + ["POLYGON ((0 0, 5e5 0, 5e5 5e6, 0 0))"]),
        "Row 5 of .* an outline that is not in degrees of longitude and latitude",
    ),
    "no outline": (major_tom_table(UNIT, geometry=[b"abc"] * 6), "Row 0 of .* has an outline that cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_refused_and_change_nothing(tmp_path: Path, name: str) -> None:
    table, message = BAD[name]
    good = write(tmp_path / "good.parquet", plain_table(unit_vectors(5, seed=1), first=5000))
    import_vectors(good, index=tmp_path / "idx", model="m")
    before = files_of(tmp_path / "idx")
    with pytest.raises(ArchiveError, match=message) as refused:
        import_vectors(write(tmp_path / "bad.parquet", table), index=tmp_path / "idx", model="m")
    assert "bad.parquet" in str(refused.value)
    assert str(refused.value).count("\n") == 0
    assert files_of(tmp_path / "idx") == before


def test_what_is_wrong_with_the_first_rows_is_said_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="--normalise"):
        import_vectors(write(tmp_path / "v.parquet", plain_table(UNIT * 3)), index=tmp_path / "idx", model="m")
    assert not (tmp_path / "idx").exists()


def test_float16_rounding_is_no_fault(tmp_path: Path) -> None:
    vectors = unit_vectors(500, dimension=768).astype(np.float16)
    assert (np.linalg.norm(vectors.astype(np.float64), axis=1) != 1).any()
    import_vectors(write(tmp_path / "v.parquet", plain_table(vectors)), index=tmp_path / "idx", model="m")
    np.testing.assert_array_equal(np.stack([tile.vector for tile in stored_tiles(tmp_path / "idx")]), vectors)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    def refused(path: Path, message: str, **options: Any) -> None:  # noqa: ANN401
        with pytest.raises(ArchiveError, match=message):
            import_vectors(path, index=tmp_path / "idx", model="m", **options)

    whole = write(tmp_path / "whole.parquet", plain_table(UNIT)).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:-50])
    (tmp_path / "text.parquet").write_text("tile_id,embedding\n", encoding="utf-8")
    (tmp_path / "empty.parquet").touch()
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "cut.parquet", r"cut\.parquet is no Parquet file, or it is truncated or damaged")
    refused(tmp_path / "text.parquet", r"text\.parquet is no Parquet file")
    refused(tmp_path / "empty.parquet", r"empty\.parquet is empty \(0 bytes\)")
    refused(tmp_path / "none.parquet", r"There is no file .*none\.parquet")
    refused(tmp_path / "folder", r"There is no \.parquet or \.geoparquet file in the folder")
    (tmp_path / "projected").mkdir()
    table = major_tom_table(UNIT)
    geo = table.schema.metadata[b"geo"].replace(b"null", b'{"id": {"authority": "EPSG", "code": 32633}}')
    write(tmp_path / "utm.parquet", table.replace_schema_metadata({b"geo": geo}))
    refused(tmp_path / "utm.parquet", r"The outlines of .*utm\.parquet are in EPSG:32633, not in longitude")
    import_vectors(tmp_path / "utm.parquet", index=tmp_path / "idx", model="m", columns={"geometry": ""})
    assert {tile.columns["geometry"] for tile in stored_tiles(tmp_path / "idx")} == {None}
    refused(
        tmp_path / "whole.parquet",
        r"has no column emb, named as embedding: it has tile_id",
        columns={"embedding": "emb"},
    )
    refused(
        tmp_path / "whole.parquet",
        r"no column embeding in an index\. Near it is embedding",
        columns={"embeding": "emb"},
    )


def test_damage_in_the_middle_of_a_file_keeps_what_was_committed(tmp_path: Path) -> None:
    good = write(tmp_path / "a.parquet", plain_table(unit_vectors(300)))
    bad = write(tmp_path / "b.parquet", plain_table(spoilt(900, np.nan), first=300))
    import_vectors(good, index=tmp_path / "idx", model="m")
    with pytest.raises(ArchiveError, match=r"Row 900 of .*b\.parquet"):
        import_vectors([good, bad], index=tmp_path / "idx", model="m")
    assert len(stored_tiles(tmp_path / "idx")) == 300


def test_halves_of_a_pair_that_do_not_fit(tmp_path: Path) -> None:
    from msclip_search import export_index

    lived_in(tmp_path / "idx")
    export_index(tmp_path / "idx", tmp_path / "out.npy")
    vectors = np.load(tmp_path / "out.npy")

    def refused(message: str) -> None:
        with pytest.raises(ArchiveError, match=message):
            import_vectors(tmp_path / "out.npy", index=tmp_path / "back")

    np.save(tmp_path / "out.npy", vectors[::-1])
    refused(r"out\.npy does not belong to .*out\.parquet: row 0 \(counted from 0\) was written with another vector")
    np.save(tmp_path / "out.npy", vectors[:-1])
    refused(r"out\.npy has 57 vectors and .*out\.parquet 58 rows")
    np.save(tmp_path / "out.npy", vectors.ravel())
    refused(r"holds float16 \(3712,\) where vectors are floats \(rows, dimension\)")
    (tmp_path / "out.npy").write_bytes(b"\x93NUMPY\x01\x00")
    refused(r"out\.npy is no \.npy file, or it is truncated")
    np.save(tmp_path / "out.npy", vectors)
    (tmp_path / "out.parquet").unlink()
    refused(r"out\.npy has no out\.parquet beside it")
