"""Sources on disk: files, and folders with a file a band."""

import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from msclip_search.archives import is_unchanged, sha256_of
from msclip_search.archives.sources import band_files, source_state
from msclip_search.errors import TileError
from tests.archives.painting import write_tiff


def folder_of_bands(folder: Path, *bands: str) -> Path:
    folder.mkdir()
    for number, band in enumerate(bands, 1):
        write_tiff(folder / f"{folder.name}_{band}.tif", np.full((1, 8, 8), number, np.uint16))
    return folder


def test_bands_are_found_by_the_end_of_their_names(tmp_path: Path) -> None:
    folder = folder_of_bands(tmp_path / "S2A_MSIL2A_B02", "B12", "B8A", "B02", "SCL")
    (folder / "S2A_MSIL2A_B02_B03.txt").write_text("no band")
    (folder / "notes_B04").mkdir()
    assert list(band_files(folder)) == ["B02", "B8A", "B12"]
    assert band_files(folder)["B8A"] == folder / "S2A_MSIL2A_B02_B8A.tif"


def test_folders_that_are_no_sources_say_why(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TileError, match=r"^is a folder without bands"):
        source_state(tmp_path / "empty")
    folder = folder_of_bands(tmp_path / "p", "B02", "B2")
    with pytest.raises(TileError, match=r"^has B02 twice: p_B02.tif and p_B2.tif$"):
        source_state(folder)
    with pytest.raises(TileError, match=r"^is not there$"):
        source_state(tmp_path / "nowhere")
    with pytest.raises(TileError, match=r"^is a folder that cannot be read"):
        band_files(tmp_path / "nowhere")


@pytest.mark.parametrize("change", ["content", "time", "gone", "new", "renamed"])
def test_a_folder_is_unchanged_until_one_of_its_bands_is(tmp_path: Path, change: str) -> None:
    folder = folder_of_bands(tmp_path / "p", "B02", "B03")
    fingerprint = f"{source_state(folder)} as-is"
    (folder / "p_labels_metadata.json").write_text("{}")  # no band
    assert is_unchanged(str(folder), fingerprint)
    band = folder / "p_B02.tif"
    if change == "content":
        band.write_bytes(band.read_bytes() + b"\0")
    elif change == "time":
        os.utime(band, ns=(0, 0))
    elif change == "gone":
        band.unlink()
    elif change == "new":
        write_tiff(folder / "p_B04.tif", np.ones((1, 8, 8), np.uint16))
    else:
        band.rename(folder / "q_B02.tif")
    assert not is_unchanged(str(folder), fingerprint)


def test_a_file_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"tile")
    assert sha256_of(path) == sha256_of(str(path)) == hashlib.sha256(b"tile").hexdigest()
    with pytest.raises(TileError, match=r"^is not there$"):
        sha256_of(tmp_path / "b.tif")


def test_a_folder_is_hashed_as_sha256sum_of_its_lines(tmp_path: Path) -> None:
    folder = folder_of_bands(tmp_path / "p", "B02", "B8A", "B12")
    said = subprocess.run("sha256sum *.tif | sha256sum", shell=True, cwd=folder, capture_output=True, check=True)  # noqa: S602 - what a user would type
    assert sha256_of(folder) == said.stdout.decode().split()[0]


def test_a_real_tile_has_the_listed_sha256(shared: Path) -> None:
    listed = (shared / "data" / "eurosat_ms" / "index.csv").read_text().splitlines()[1].split(",")
    assert sha256_of(shared / "data" / "eurosat_ms" / listed[0]) == listed[-1]
