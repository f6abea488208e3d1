"""Thirteen bands in the order that the user says, against the cirrus band that says otherwise."""

import logging
from pathlib import Path

import numpy as np
import pytest

from msclip_search.archives import ChipArchive, Reading
from msclip_search.bands import LAYOUTS, likelier_layout

WRONG = "B10 (cirrus) should be the darkest band"
FOLDERS = {"eurosat": ("eurosat_ms", 375), "l1c": ("terramesh_examples/S2L1C", 5)}


@pytest.mark.parametrize("true", FOLDERS)
@pytest.mark.parametrize("said", FOLDERS)
def test_real_tiles_tell_a_wrong_order_from_a_right_one(
    shared: Path, caplog: pytest.LogCaptureFixture, true: str, said: str
) -> None:
    folder, count = FOLDERS[true]
    archive = ChipArchive((shared / "data" / folder,), Reading(want=LAYOUTS["ten"], layout=LAYOUTS[said]))
    with caplog.at_level(logging.WARNING):
        read = [item.read()[0] for item in archive.items()]
    warned = [record.getMessage() for record in caplog.records if WRONG in record.getMessage()]
    assert len(read) == count
    assert len(warned) == (0 if said == true else count)
    assert all(f"it would be with --bands {true}." in message for message in warned)


def test_a_doubt_changes_nothing_but_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = np.full((13, 16, 16), 2000, dtype=np.uint16)
    pixels += np.arange(13, dtype=np.uint16)[:, None, None]
    pixels[LAYOUTS["eurosat"].index("B10")] = 10
    np.save(tmp_path / "tile.npy", pixels)
    (item,) = ChipArchive((tmp_path,), Reading(want=LAYOUTS["ten"], layout=LAYOUTS["l1c"])).items()
    (tile,) = item.read()
    assert WRONG in caplog.text
    wanted = pixels[[LAYOUTS["l1c"].index(band) for band in LAYOUTS["ten"]]]
    assert np.array_equal(tile.pixels, wanted)


def test_nothing_is_doubted_without_a_reason() -> None:
    for name in FOLDERS:
        means = [1000.0] * 13
        means[LAYOUTS[name].index("B10")] = 10.0
        assert likelier_layout(LAYOUTS[name], means) is None
    means = [1000.0] * 13
    means[LAYOUTS["l1c"].index("B12")] = 5.0  # dark for a reason of its own, and cirrus in neither order
    assert likelier_layout(LAYOUTS["l1c"], means) is None
    assert likelier_layout(LAYOUTS["ten"], [10.0, *[1000.0] * 9]) is None
