import io
import pickle
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from msclip_search.archives import Reading
from msclip_search.archives.arrays import read_array
from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.errors import BandsError, TileError
from tests.archives.painting import HEIGHT, TEN, WIDTH, painted, read

EUROSAT = LAYOUTS["eurosat"]
L2A = LAYOUTS["l2a"]
Save = Callable[[Path, NDArray[Any]], None]


class Trap:
    """What creates a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.path,)


def save_npz(path: Path, array: NDArray[Any]) -> None:
    np.savez(path, array)


def save_packed(path: Path, array: NDArray[Any]) -> None:
    np.savez_compressed(path, chip=array)


SAVES: list[tuple[str, Save]] = [("a.npy", np.save), ("a.npz", save_npz), ("a.NPZ", save_packed)]


def written(path: Path, save: Save, array: NDArray[Any]) -> Path:
    """Save under the very name: NumPy adds an ending of its own."""
    made = path.with_suffix(path.suffix.lower())
    save(made, array)
    return made.rename(path)


@pytest.mark.parametrize(("name", "save"), SAVES, ids=[name for name, _ in SAVES])
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i2", ">i2", "<f4", ">f4"])
@pytest.mark.parametrize("form", ["C bands first", "C bands last", "F bands first", "F bands last"])
def test_every_form_gives_the_same_tile(tmp_path: Path, name: str, save: Save, dtype: str, form: str) -> None:
    array = painted(L2A, dtype[1:])
    moved = array if form.endswith("first") else np.moveaxis(array, 0, -1)
    stored = (np.asfortranarray if form.startswith("F") else np.ascontiguousarray)(moved.astype(dtype))
    tile = read(written(tmp_path / name, save, stored))
    np.testing.assert_array_equal(tile.pixels, painted(TEN, dtype[1:]))
    assert tile.pixels.dtype == np.dtype(dtype[1:])
    assert tile.pixels.dtype.isnative
    assert tile.pixels.flags.c_contiguous
    assert (tile.record.footprint, tile.record.crs, tile.record.cell_id) == (None, None, None)
    assert (tile.record.window.width, tile.record.window.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("layout", [EUROSAT, BANDS, LAYOUTS["ten"][::-1], (*EUROSAT[3:], *EUROSAT[:3])])
@pytest.mark.parametrize("axis", [0, -1])
def test_the_users_bands_are_counted_and_followed(tmp_path: Path, layout: tuple[str, ...], axis: int) -> None:
    np.save(tmp_path / "a.npy", np.moveaxis(painted(layout), 0, axis))
    np.testing.assert_array_equal(read(tmp_path / "a.npy", Reading(want=TEN, layout=layout)).pixels, painted(TEN))


def test_other_integers_become_ones_that_a_model_takes(tmp_path: Path) -> None:
    for dtype in ("u4", "i4", "i8", "u8"):
        np.save(tmp_path / "a.npy", painted(TEN, dtype))
        tile = read(tmp_path / "a.npy")
        assert tile.pixels.dtype == np.uint16
        np.testing.assert_array_equal(tile.pixels, painted(TEN))


@pytest.mark.parametrize("spelling", ["{}", "{}_20m", "T32UQD_{}"])
def test_one_array_a_band_is_known_by_name(tmp_path: Path, spelling: str) -> None:
    shuffled = EUROSAT[5:] + EUROSAT[:5]
    arrays: dict[str, Any] = {spelling.format(band): painted([band])[0] for band in shuffled}
    others: dict[str, Any] = {
        "mask": np.ones((HEIGHT, WIDTH), np.bool_),
        "place": np.array([1.0, 2.0]),
        "Band 4": np.ones((3, 3)),
    }
    np.savez(tmp_path / "a.npz", **others, **arrays)
    np.testing.assert_array_equal(read(tmp_path / "a.npz").pixels, painted(TEN))


def test_other_things_beside_one_cube_are_passed_over(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    meta = np.array({"run": Trap(trap)}, dtype=object)
    np.savez(tmp_path / "a.npz", meta=meta, chip=painted(TEN), mask=np.ones((HEIGHT, WIDTH)))
    np.testing.assert_array_equal(read(tmp_path / "a.npz").pixels, painted(TEN))
    assert not trap.exists()


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((HEIGHT, WIDTH), "has 2 dimensions where (bands, height, width) is wanted"),
        ((500,), "has 1 dimension where (bands, height, width) is wanted"),
        ((), "has 0 dimensions where"),
        ((1, 10, HEIGHT, WIDTH), "has 4 dimensions where"),
        ((7, 24, 40), "has the shape (7, 24, 40), in which no axis has 10 or 12 or 13 bands: name its bands"),
        ((24, 10, 40), "has the shape (24, 10, 40), in which no axis"),
        ((10, 24, 12), "has the shape (10, 24, 12), of which either end could be the bands: write it as GeoTIFF"),
        ((10, 7, 40), "is 40 x 7 px, too small to show anything (at least 8 px a side)"),
        ((10, 1025, 40), "is 40 x 1025 px: a scene, not a tile (at most 1024 px a side); cut it first"),
        ((13, 24, 40), "has 13 bands that it does not name"),
    ],
)
@pytest.mark.parametrize(("name", "save"), SAVES[:2], ids=["npy", "npz"])
def test_other_shapes_are_refused(tmp_path: Path, name: str, save: Save, shape: tuple[int, ...], said: str) -> None:
    path = written(tmp_path / name, save, np.ones(shape, np.uint16))
    if name == "a.npz" and len(shape) != 3:
        said = "holds 0 arrays of three dimensions and no bands by name (it has arr_0)"
    with pytest.raises(TileError) as refused:
        read(path)
    assert str(refused.value).startswith(said)


def test_a_layout_of_another_length_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", painted(TEN))
    with pytest.raises(TileError, match=r"in which no axis has 13 bands"):
        read(tmp_path / "a.npy", Reading(want=TEN, layout=EUROSAT))
    numbered: dict[str, Any] = {f"b{number}": painted(["B02"])[0] for number in range(1, 4)}
    np.savez(tmp_path / "a.npz", **numbered)
    with pytest.raises(BandsError, match=r"^has 3 bands where --bands names 13$"):
        read(tmp_path / "a.npz", Reading(want=TEN, layout=EUROSAT))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (
            {"x": (10, 24, 40), "y": (10, 24, 40)},
            "holds 2 arrays of three dimensions and no bands by name (it has x, y)",
        ),
        ({"mask": (24, 40)}, "holds 0 arrays of three dimensions and no bands by name (it has mask)"),
        ({}, "holds 0 arrays of three dimensions and no bands by name (it has nothing)"),
        ({"B02": (24, 40), "B03": (12, 20)}, "has bands of different sizes ((12, 20), (24, 40))"),
        ({"B02": (2000, 40)}, "is 40 x 2000 px: a scene"),
        ({"B02": (24, 40), "B03": (24, 40)}, "lacks B04, B05, B06, B07, B08, B8A, B11, B12"),
        ({"B02": (24, 40), "blue": (24, 40)}, "describes two of its bands as B02"),
    ],
)
def test_bundles_that_make_no_tile_are_refused(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    made: dict[str, Any] = {name: np.ones(shape, np.uint16) for name, shape in arrays.items()}
    np.savez(tmp_path / "a.npz", **made)
    with pytest.raises(TileError) as refused:
        read(tmp_path / "a.npz")
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("dtype", ["bool", "c8", "U3", "S4", "M8[s]", [("x", "u2")]])
@pytest.mark.parametrize(("name", "save"), SAVES[:2], ids=["npy", "npz"])
def test_what_is_no_number_is_refused(tmp_path: Path, name: str, save: Save, dtype: Any) -> None:  # noqa: ANN401
    path = written(tmp_path / name, save, np.zeros((10, 24, 40), dtype))
    with pytest.raises(TileError, match=r"^holds .*, not plain numbers$"):
        read(path)


def test_records_with_foreign_names_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"format 3\.0"):
        np.save(tmp_path / "a.npy", np.zeros((10, 24, 40), [("höhe☃", "u2")]))
    with pytest.raises(TileError, match=r"^holds records, not an array of numbers$"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["pickle", "objects", "bundle"])
def test_a_pickle_is_never_run(tmp_path: Path, kind: str) -> None:
    trap = tmp_path / "sprung"
    path = tmp_path / "a.npy"
    objects = np.full((10, 24, 40), None, dtype=object)
    objects[0, 0, 0] = Trap(trap)
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Trap(trap)))
    elif kind == "objects":
        np.save(path, objects, allow_pickle=True)
    else:
        path = tmp_path / "a.npz"
        np.savez(path, objects)
    with pytest.raises(TileError, match=r"^holds Python objects \(a pickle\), not numbers: it was not run$"):
        read(path)
    assert not trap.exists()
    if kind == "pickle":  # the trap works
        pickle.loads(path.read_bytes())
    else:
        loaded = np.load(path, allow_pickle=True)
        with loaded if kind == "bundle" else nullcontext():
            assert loaded["arr_0" if kind == "bundle" else ...].dtype == object
    assert trap.exists()


DAMAGED = r"^is truncated, damaged, or no NumPy file \(.+\)$"


def test_files_cut_anywhere_are_refused(tmp_path: Path) -> None:
    for name, save in (("a.npy", np.save), ("a.npz", save_npz), ("b.npz", save_packed)):
        save(tmp_path / name, painted(TEN))
        whole = (tmp_path / name).read_bytes()
        assert len(whole) > 900
        for cut in {1, 2, 5, 9, 60, 127, 128, 129, 500, len(whole) // 2, len(whole) - 30, len(whole) - 1}:
            (tmp_path / name).write_bytes(whole[:cut])
            with pytest.raises(TileError, match=DAMAGED):
                read(tmp_path / name)


def test_a_damaged_checksum_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, painted(TEN))
    whole = bytearray(path.read_bytes())
    whole[3000] ^= 1
    path.write_bytes(whole)
    with pytest.raises(TileError, match=r"Bad CRC-32"):
        read(path)


def test_damage_in_compressed_numbers_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, np.random.default_rng(1).integers(1, 9000, (10, 24, 40)).astype(np.uint16))
    whole = path.read_bytes()
    for place in range(200, len(whole) - 200, 997):
        path.write_bytes(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :])
        with pytest.raises(TileError, match=DAMAGED):
            read(path)


@pytest.mark.parametrize(("name", "save"), SAVES[:2], ids=["npy", "npz"])
def test_a_header_that_claims_less_than_there_is_is_refused(tmp_path: Path, name: str, save: Save) -> None:
    path = written(tmp_path / name, save, painted(TEN))
    path.write_bytes(path.read_bytes().replace(b"(10, 24, 40)", b"(10, 24, 30)"))
    with pytest.raises(TileError, match=r"^is longer than its header says$|Bad CRC-32"):
        read(path)


def test_a_huge_array_is_refused_before_it_is_read(tmp_path: Path) -> None:
    # A sparse file of 2 TB: reading it would take all memory there is.
    path = tmp_path / "a.npy"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<u2", "fortran_order": False, "shape": (10, 300_000, 300_000)}
    )
    with path.open("wb") as file:
        file.write(header.getvalue())
        file.truncate(len(header.getvalue()) + 2 * 10 * 300_000**2)
    with pytest.raises(TileError, match=r"^is 300000 x 300000 px: a scene, not a tile"):
        read(path)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with pytest.raises(TileError, match=r"^is 300000 x 300000 px: a scene, not a tile"):
        read(tmp_path / "a.npz")


def test_an_encrypted_bundle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, painted(TEN))
    with zipfile.ZipFile(path) as archive:
        flags = [archive.infolist()[0].header_offset + 6]
    whole = bytearray(path.read_bytes())
    flags.append(whole.rindex(b"PK\x01\x02") + 8)
    for place in flags:
        whole[place] |= 1
    path.write_bytes(whole)
    with pytest.raises(TileError, match=r"is encrypted, password required"):
        read(path)


NPY = io.BytesIO()
np.save(NPY, painted(TEN))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_any_damage_to_a_header_is_one_clean_failure(
    tmp_path_factory: pytest.TempPathFactory,
    damage: list[tuple[int, int]],
    zipped: bool,  # noqa: FBT001
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    whole = bytearray(NPY.getvalue())
    for place, value in damage:
        whole[place] = value
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", bytes(whole))
    else:
        path.write_bytes(whole)
    said, size = "", 0
    try:
        size = read_array(path).pixels.size
    except TileError as error:
        said = str(error)
    assert said[:1].islower() or size == painted(TEN).size
    assert "\n" not in said
