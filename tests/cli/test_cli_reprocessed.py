"""What the command says of a product that was processed again."""

from pathlib import Path

from msclip_search.raster import write_chip
from tests.cli.conftest import Run
from tests.made import BANDS, CRS, made_pixels


def write(folder: Path, baseline: str, seed: int) -> None:
    name = f"S2A_MSIL2A_20230608T103031_N{baseline}_R108_T32TMT_20230608T170800_7.tif"
    folder.mkdir(parents=True, exist_ok=True)
    write_chip(folder / name, made_pixels(seed), bands=BANDS, crs=CRS, west=600_000, north=5_300_000)


def test_a_reprocessed_product_replaces_its_tiles(run: Run, tmp_path: Path) -> None:
    index = ("--index", tmp_path / "idx")
    write(tmp_path / "a", "0509", 1)
    assert "1 embedded · 1 in the index" in run("index", tmp_path / "a", "--model", "untrained", *index).stdout
    write(tmp_path / "new", "0510", 2)
    assert "1 embedded · 1 replaced · 1 in the index" in run("index", tmp_path / "new", *index).stdout
    done = run("index", tmp_path / "a", "--strict", *index)
    assert done.exit_code == 0
    assert "0 embedded · 1 superseded by newer processing · 1 in the index" in done.stdout
