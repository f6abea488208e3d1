"""Values of other people's tables that are unusual and right: what an import makes of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely

from msclip_search import ArchiveError, import_vectors
from tests.exchange.making import major_tom_table, plain_table, unit_vectors, write
from tests.folder.making import stored_tiles


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-310, 1e308, 1.0, 20.0])
def test_any_length_can_be_brought_to_one(tmp_path: Path, scale: float) -> None:
    """Squares of such numbers overflow or vanish in float64: the oracle divides by the largest in long doubles."""
    vectors = unit_vectors(40).astype(np.float64) * scale
    wide = vectors.astype(np.longdouble)
    wide /= np.abs(wide).max(axis=1, keepdims=True)
    wanted = (wide / np.sqrt((wide**2).sum(axis=1, keepdims=True))).astype(np.float16)
    table = pa.table({"tile_id": [f"tile {row}" for row in range(40)], "embedding": pa.array(list(vectors))})
    path = write(tmp_path / "v.parquet", table)
    import_vectors(path, index=tmp_path / "idx", model="m", normalise=True)
    found = np.stack([tile.vector for tile in stored_tiles(tmp_path / "idx")])
    np.testing.assert_allclose(found.astype(np.float64), wanted.astype(np.float64), rtol=2e-3, atol=1e-7)
    assert (np.linalg.norm(found.astype(np.float64), axis=1) > 0.99).all()
    if scale != 1:
        with pytest.raises(ArchiveError, match=r"Row 0 of .* a vector of length .*, not 1: .* with --normalise"):
            import_vectors(path, index=tmp_path / "other", model="m")


def test_a_length_beyond_all_numbers_is_refused_or_brought_to_one(tmp_path: Path) -> None:
    vectors = np.full((3, 16), 1.7e308)
    table = pa.table({"tile_id": ["a", "b", "c"], "embedding": pa.array(list(vectors))})
    path = write(tmp_path / "v.parquet", table)
    with pytest.raises(ArchiveError, match="a vector of length inf, not 1"):
        import_vectors(path, index=tmp_path / "idx", model="m")
    import_vectors(path, index=tmp_path / "idx", model="m", normalise=True)
    assert stored_tiles(tmp_path / "idx")[0].vector.tolist() == [0.25] * 16


def test_a_source_that_is_no_address_is_taken_as_it_is(tmp_path: Path) -> None:
    told = ["http://[abc", "https://me:word@host/a.tif?key=1", "plain?x", None]
    path = write(tmp_path / "v.parquet", plain_table(unit_vectors(4), source=told))
    import_vectors(path, index=tmp_path / "idx", model="m")
    found = [tile.columns["source"] for tile in stored_tiles(tmp_path / "idx")]
    assert found == ["http://[abc", "https://host/a.tif", "plain?x", f"{path}#3"]


def test_windows_as_wide_as_can_be_stored(tmp_path: Path) -> None:
    most = 2**31 - 1
    windows = [[0.0, 0.0, float(most), 5.0], [float(most - 1), 0.0, float(most), 5.0]]
    import_vectors(
        write(tmp_path / "v.parquet", plain_table(unit_vectors(2), window=windows)), index=tmp_path / "idx", model="m"
    )
    assert [tile.columns["window"] for tile in stored_tiles(tmp_path / "idx")] == [
        {"x": 0, "y": 0, "width": most, "height": 5},
        {"x": most - 1, "y": 0, "width": 1, "height": 5},
    ]


def test_outlines_across_the_antimeridian_and_around_a_pole_stay_right(tmp_path: Path) -> None:
    """By area and by places inside and outside of them: (outline, square degrees, inside, outside)."""
    cases = [
        ("POLYGON ((179.5 0, -179.5 0, -179.5 1, 179.5 1, 179.5 0))", 1, (179.9, 0.5), (0, 0.5)),
        ("POLYGON ((-179.5 1, 179.5 1, 179.5 0, -179.5 0, -179.5 1))", 1, (-179.9, 0.5), (0, 0.5)),
        ("POLYGON Z ((179 0 5, -179 0 5, -179 2 5, 179 2 5, 179 0 5))", 4, (180, 1), (178, 1)),
        # concave, and its dent is west of the antimeridian
        ("POLYGON ((179 0, -179 0, -179 2, 179 2, 179.9 1, 179 0))", 3.1, (-179.5, 1), (179.2, 1)),
        ("POLYGON ((10 88, 100 88, -170 88, -80 88, 10 88))", 720, (50, 89), (50, 87)),
        ("POLYGON ((10 -88, -80 -88, -170 -88, 100 -88, 10 -88))", 720, (50, -89), (50, -87)),
        ("POLYGON ((-180 80, 180 80, 180 90, -180 90, -180 80))", 3600, (50, 85), (50, 79)),
        (
            "MULTIPOLYGON (((179 0, 180 0, 180 1, 179 1, 179 0)), ((-180 0, -179 0, -179 1, -180 1, -180 0)))",
            2,
            None,
            None,
        ),
    ]
    table = major_tom_table(unit_vectors(len(cases)), geometry=[case[0] for case in cases])
    import_vectors(write(tmp_path / "v.parquet", table), index=tmp_path / "idx", model="m")
    for tile, (_, area, inside, outside) in zip(stored_tiles(tmp_path / "idx"), cases, strict=True):
        kept = shapely.from_wkb(tile.columns["geometry"])
        assert kept.is_valid
        assert kept.area == pytest.approx(area)
        if inside and outside:
            assert kept.intersects(shapely.Point(inside))
            assert not kept.intersects(shapely.Point(outside))
