"""A product that was processed again replaces its tiles, in whatever order its versions come."""

import itertools
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msclip_search import Pace, verify
from msclip_search.archives import TableLabels
from msclip_search.models.base import Embeddings, Pixels
from msclip_search.raster import encode_chip
from msclip_search.store import open_writer
from tests.folder.making import (
    BANDS,
    MODEL,
    NONE_DELETED,
    Counting,
    index_folder,
    pixels_of,
    record,
    stored_tiles,
    units,
    vector_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A chip cut out of a product."""

    cell: int = 0
    platform: str = "S2A"
    level: str = "L2A"
    time: str = "20230608T103031"
    baseline: str = "0509"
    mgrs: str = "32TMT"
    generated: str = "20230608T170800"
    variant: int = 0
    """Other content of the same product."""
    gap: bool = False
    """Whether a pixel holds no data."""

    @property
    def product(self) -> str:
        return f"{self.platform}_MSI{self.level}_{self.time}_N{self.baseline}_R108_T{self.mgrs}_{self.generated}"

    @property
    def acquisition(self) -> tuple[int | str, ...]:
        return self.cell, self.platform, self.level, self.time, self.mgrs

    @property
    def pixels(self) -> np.ndarray[Any, Any]:
        pixels = pixels_of(zlib.crc32(f"{self.product} {self.cell} {self.variant} {self.gap}".encode()))
        pixels[:, 0, 0] *= not self.gap
        return pixels

    def write(self, path: Path, **tags: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        west = 400_000 + 80 * self.cell
        content = encode_chip(self.pixels, bands=BANDS, crs="EPSG:32632", west=west, north=5_000_000, tags=tags)
        path.write_bytes(content)
        return path

    def named(self, folder: Path, number: int) -> Path:
        """Write it under a name that begins with a number, which decides when it is read."""
        return self.write(folder / f"{number:03d}_{self.product}_clip_{self.cell}_{self.variant}{self.gap:d}.tif")


def supersedes(one: Chip, other: Chip) -> bool:
    """Say the rule once more, in plain words."""
    if one.acquisition != other.acquisition or "9999" in {one.baseline, other.baseline}:
        return False
    if one.baseline != other.baseline:
        return int(one.baseline) > int(other.baseline)
    return not one.gap and not other.gap and one.generated > other.generated


def newest_of(chips: Sequence[Chip]) -> set[Chip]:
    return {chip for chip in chips if not any(supersedes(other, chip) for other in chips)}


def sources_of(root: Path) -> set[str]:
    tiles = stored_tiles(root)
    for tile in tiles:
        np.testing.assert_array_equal(tile.vector, vector_of(Path(tile.columns["source"])))
    found = {tile.columns["source"] for tile in tiles}
    assert len(found) == len(tiles)
    return found


OLD, MIDDLE, NEW = (Chip(baseline=baseline) for baseline in ("0214", "0509", "0510"))
ORDERS = list(itertools.permutations(range(3)))


@pytest.mark.parametrize(("commit_tiles", "batch"), [(1, 1), (2, 1), (100, 2)])
def test_whichever_order_versions_are_read_in_the_newest_stands(tmp_path: Path, commit_tiles: int, batch: int) -> None:
    for number, order in enumerate(ORDERS):
        archive, root = tmp_path / f"a{number}", tmp_path / f"i{number}"
        paths = [(OLD, MIDDLE, NEW)[chip].named(archive, at) for at, chip in enumerate(order)]
        pace = Pace(threads=1, ahead=1, commit_tiles=commit_tiles)
        report = index_folder(archive, root, Counting(batch=batch), pace=pace)
        assert sources_of(root) == {str(paths[order.index(2)])}
        assert (report.tiles, report.done, report.superseded + report.replaced) == (1, 3, 2)
        assert verify(root).problems == ()
        again = index_folder(archive, root)
        assert (again.unchanged, again.superseded, again.done, again.embedded) == (1, 2, 3, 0)


def test_whichever_order_versions_are_indexed_in_the_newest_stands(tmp_path: Path) -> None:
    for number, order in enumerate(ORDERS):
        root = tmp_path / f"i{number}"
        reports = []
        for at, chip in enumerate(order):
            path = (OLD, MIDDLE, NEW)[chip].named(tmp_path / f"a{number}", at)
            reports.append(index_folder([path], root))
            newest = max(order[: at + 1])
            assert [int(Path(name).name[:3]) for name in sources_of(root)] == [order.index(newest)]
        rising = [at == 0 or chip == max(order[: at + 1]) for at, chip in enumerate(order)]
        assert [report.embedded for report in reports] == [int(new) for new in rising]
        assert [report.superseded for report in reports] == [int(not new) for new in rising]
        assert [report.replaced for report in reports] == [int(new and at > 0) for at, new in enumerate(rising)]


def test_the_product_is_in_the_sidecar(tmp_path: Path) -> None:
    NEW.named(tmp_path / "a", 1)
    index_folder(tmp_path / "a", tmp_path / "idx")
    [tile] = stored_tiles(tmp_path / "idx")
    assert tile.columns["product_id"] == "S2A_MSIL2A_20230608T103031_N0510_R108_T32TMT_20230608T170800"


@pytest.mark.parametrize(
    "other",
    [
        {"cell": 1},
        {"platform": "S2B"},
        {"level": "L1C"},
        {"time": "20230608T103032"},
        {"mgrs": "32TNT"},
        {"baseline": "9999"},
        {"baseline": "0509", "variant": 1},
        {"baseline": "0509", "generated": "20240101T000000", "gap": True},
    ],
)
def test_what_is_not_the_same_acquisition_or_not_newer_stays(tmp_path: Path, other: dict[str, Any]) -> None:
    chip = replace(Chip(baseline="0400"), **other) if "baseline" not in other else replace(MIDDLE, **other)
    for number, order in enumerate(((MIDDLE, chip), (chip, MIDDLE))):
        paths = [one.named(tmp_path / f"a{number}", at) for at, one in enumerate(order)]
        report = index_folder(tmp_path / f"a{number}", tmp_path / f"i{number}")
        assert (report.embedded, report.superseded, report.replaced) == (2, 0, 0)
        assert sources_of(tmp_path / f"i{number}") == set(map(str, paths))


@pytest.mark.parametrize(
    ("first", "second", "stand"),
    [
        ("S2A_MSIL2A_20230608T103031_N0509_R108_T32TMT_1", "S2A_MSIL2A_20230608T103031_N0510_R108_T32TMT_2", [1]),
        ("S2A_MSIL2A_20230608T103031_N0509_R108_T32TMT_1", NEW.product, [1]),
        ("S2A_MSIL2A_20230608T103031_N0509_R108_T32TMT_1", MIDDLE.product, [0, 1]),
        ("S2A_MSIL2A_20230608T103031_R108_T32TMT_20230608T170800", NEW.product, [0, 1]),
        ("S2A_MSIL2A_20230608T103031_N0509_R108", NEW.product, [0, 1]),
        (MIDDLE.product, replace(MIDDLE, generated="20240505T000000").product, [1]),
    ],
)
def test_what_a_name_leaves_out_is_not_guessed(tmp_path: Path, first: str, second: str, stand: list[int]) -> None:
    paths = [Chip(variant=at).write(tmp_path / "a" / f"{name}.tif") for at, name in enumerate((first, second))]
    for order in (paths, paths[::-1]):
        root = tmp_path / order[0].stem
        for path in order:
            index_folder([path], root)
        assert sources_of(root) == {str(paths[at]) for at in stand}


def test_tiles_without_a_place_are_never_compared(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for chip in (OLD, NEW):
        np.save(tmp_path / "a" / f"{chip.product}.npy", chip.pixels)
    assert index_folder(tmp_path / "a", tmp_path / "idx").tiles == 2


def test_parts_of_one_data_take_both_stay_until_they_are_processed_again(tmp_path: Path) -> None:
    late = "20230609T000000"
    parts = [replace(MIDDLE, gap=True), replace(MIDDLE, gap=True, generated=late)]
    again = [replace(NEW, gap=True), replace(NEW, gap=True, generated=late)]
    chips = [*parts, *again]
    for number, order in enumerate(itertools.permutations(range(4))):
        for at, chip in enumerate(order):
            chips[chip].named(tmp_path / f"a{number}", at)
        root = tmp_path / f"i{number}"
        index_folder(tmp_path / f"a{number}", root, pace=Pace(threads=1, ahead=1, commit_tiles=1 + number % 3))
        assert {tile.columns["product_id"] for tile in stored_tiles(root)} == {chip.product for chip in again}
        assert len(stored_tiles(root)) == 2


@pytest.mark.parametrize("commit_tiles", [1, 100])
def test_labels_stay_with_the_place(tmp_path: Path, commit_tiles: int) -> None:
    pace = Pace(threads=1, ahead=1, commit_tiles=commit_tiles)
    for number, order in enumerate(((MIDDLE, NEW), (NEW, MIDDLE))):
        archive, root = tmp_path / f"a{number}", tmp_path / f"i{number}"
        old = OLD.named(archive, 0)
        index_folder(archive, root, labels=TableLabels(archive / "l.csv", {str(old): ("lake", "ice")}))
        paths = [chip.named(archive, 1 + at) for at, chip in enumerate(order)]
        index_folder(archive, root, Counting(batch=1), pace=pace)
        [tile] = stored_tiles(root)
        assert (tile.columns["labels"], tile.columns["source"]) == (["lake", "ice"], str(paths[order.index(NEW)]))
        # Who gives labels has the last word.
        newest = replace(NEW, baseline="0511").named(archive, 9)
        index_folder(archive, root, labels=TableLabels(archive / "l.csv", {str(newest): ("sea",)}), pace=pace)
        assert [tile.columns["labels"] for tile in stored_tiles(root)] == [["sea"]]


@pytest.mark.parametrize("commit_tiles", [1, 100])
def test_labels_of_a_file_go_on_to_the_newer_one_of_what_it_holds_now(tmp_path: Path, commit_tiles: int) -> None:
    archive, root = tmp_path / "a", tmp_path / "idx"
    path = Chip(cell=3).write(archive / "0.tif")
    index_folder(archive, root, labels=TableLabels(archive / "l.csv", {str(path): ("lake",)}))
    MIDDLE.write(path, PRODUCT_URI=MIDDLE.product)
    NEW.named(archive, 1)
    index_folder(archive, root, Counting(batch=1), pace=Pace(threads=1, ahead=1, commit_tiles=commit_tiles))
    assert [(tile.columns["baseline"], tile.columns["labels"]) for tile in stored_tiles(root)] == [("05.10", ["lake"])]


class Refusing(Counting):
    """The untrained model, which gives nothing for one tile."""

    def __init__(self, chip: Chip, *, batch: int) -> None:
        super().__init__(batch=batch)
        self.first = chip.pixels[0]

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        rows = super().encode_tiles(pixels)
        rows[(pixels[:, 0] == self.first).all(axis=(1, 2))] = np.nan
        return rows


@pytest.mark.parametrize("commit_tiles", [1, 100])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_newer_one_that_cannot_be_embedded_keeps_nothing_out(tmp_path: Path, commit_tiles: int, batch: int) -> None:
    for number, order in enumerate(ORDERS):
        paths = [(OLD, MIDDLE, NEW)[chip].named(tmp_path / f"a{number}", at) for at, chip in enumerate(order)]
        pace = Pace(threads=1, ahead=1, commit_tiles=commit_tiles)
        root = tmp_path / f"i{number}"
        report = index_folder(tmp_path / f"a{number}", root, Refusing(NEW, batch=batch), pace=pace)
        assert (report.failed, report.done) == (1, 3)
        assert sources_of(root) == {str(paths[order.index(1)])}
        index_folder(tmp_path / f"a{number}", root)
        assert sources_of(root) == {str(paths[order.index(2)])}


def test_what_stands_in_an_index_from_before_stays_until_it_is_read_again(tmp_path: Path) -> None:
    old, new = OLD.named(tmp_path / "a", 0), NEW.named(tmp_path / "a", 1)
    index_folder([old], tmp_path / "one")
    index_folder([new], tmp_path / "other")
    writer = open_writer(tmp_path / "idx", model=MODEL)
    columns = [stored_tiles(tmp_path / name)[0].columns for name in ("one", "other")]
    keys = ("tile_id", "cell_id", "source", "datetime", "nodata", "platform", "level", "baseline", "mgrs_tile")
    records = [record(at, **{key: row[key] for key in (*keys, "fingerprint")}) for at, row in enumerate(columns)]
    assert {one.product_id for one in records} == {None}
    writer.commit(records, units(2), delete=NONE_DELETED)
    assert index_folder(tmp_path / "a", tmp_path / "idx").unchanged == 2
    os.utime(old, (1, 1))
    report = index_folder(tmp_path / "a", tmp_path / "idx")
    assert (report.unchanged, report.superseded, report.replaced, report.embedded) == (1, 1, 1, 0)
    assert [tile.columns["source"] for tile in stored_tiles(tmp_path / "idx")] == [str(new)]
    newest = replace(NEW, baseline="0511").named(tmp_path / "a", 2)
    assert index_folder(tmp_path / "a", tmp_path / "idx").replaced == 1
    assert sources_of(tmp_path / "idx") == {str(newest)}
