"""What cannot be read or embedded: told, counted, and nothing lost."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from msclip_search import (
    ArchiveError,
)
from msclip_search.errors import BandsError
from msclip_search.models.base import Embeddings, Pixels
from tests.folder.indexing import counts, tifs
from tests.folder.making import (
    Counting,
    assert_right,
    by_source,
    files_of,
    index_folder,
    pixels_of,
    stored_tiles,
    write_tile,
)


def test_a_file_that_became_corrupt_keeps_its_row(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    files = tifs(archive)
    before = by_source(root)[files[2].name]
    files[2].write_bytes(files[2].read_bytes()[:300])
    (archive / "empty.tif").touch()
    (archive / "flat.npy").write_bytes(b"no array")
    report = index_folder(archive, root)
    assert counts(report) == {"unchanged": 5, "failed": 3}
    after = by_source(root)[files[2].name]
    assert after.columns == before.columns
    assert len(stored_tiles(root)) == 6
    with report.failures_file.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert report.failures_file == root / "failures.csv"
    assert [row["source"] for row in rows] == [str(archive / "empty.tif"), str(files[2]), str(archive / "flat.npy")]
    assert [(failure.source, failure.reason) for failure in report.failures] == [
        (row["source"], row["reason"]) for row in rows
    ]
    assert rows[0]["reason"] == "is empty (0 bytes)"
    assert rows[1]["reason"].startswith("is truncated")
    # Mended, it is read again, and the list begins anew.
    write_tile(files[2], 1000)
    assert counts(index_folder(archive, root)) == {"embedded": 1, "replaced": 1, "unchanged": 5, "failed": 2}
    assert len((root / "failures.csv").read_text().splitlines()) == 3
    assert_right(root, files)


def test_failures_are_all_in_the_file_and_the_first_in_the_report(tmp_path: Path, root: Path) -> None:
    write_tile(tmp_path / "tiles" / "good.tif", 1)
    for number in range(30):
        (tmp_path / "tiles" / f'bad, "{number:02}"\n.tif').write_bytes(b"x")
    report = index_folder(tmp_path / "tiles", root)
    assert counts(report) == {"embedded": 1, "failed": 30}
    assert len(report.failures) == 20
    with (root / "failures.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["source", "reason"]
    assert [row[0] for row in rows[1:]] == [str(tmp_path / "tiles" / f'bad, "{n:02}"\n.tif') for n in range(30)]


def test_nothing_readable_is_an_error_and_the_old_index_stands(archive: Path, root: Path, tmp_path: Path) -> None:
    index_folder(archive, root)
    before = files_of(root)
    for number in range(3):
        (tmp_path / "bad").mkdir(exist_ok=True)
        (tmp_path / "bad" / f"{number}.tif").write_bytes(b"II*\0" + bytes(number))
    sentence = (
        r"None of the 3 files could be read\. The first: .*/bad/0\.tif is .*\. All are listed in .*failures\.csv\."
    )
    with pytest.raises(ArchiveError, match=sentence):
        index_folder(tmp_path / "bad", root)
    after = files_of(root)
    assert after.pop("failures.csv").count(b"/bad/") == 3
    assert after == {path: content for path, content in before.items() if path != "failures.csv"}
    with pytest.raises(ArchiveError, match="None of the 3 files"):
        index_folder(tmp_path / "bad", tmp_path / "new")
    assert counts(index_folder([tmp_path / "bad", archive], root)) == {"unchanged": 6, "failed": 3}


def test_of_one_file_the_reason_is_all_that_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    with pytest.raises(ArchiveError) as refused:
        index_folder(tmp_path / "bad.tif", root)
    (line,) = (root / "failures.csv").read_text(encoding="utf-8").splitlines()[1:]
    ((source, reason),) = csv.reader([line])
    assert str(refused.value) == f"{source} {reason}."


def test_a_missing_or_empty_archive_makes_no_index(tmp_path: Path, root: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(ArchiveError):
            index_folder(path, root)
    assert not root.exists()


class Faulty(Counting):
    """Gives wrong embeddings for tiles whose first value is odd, and refuses those whose first value is 7."""

    def __init__(self, wrong: float) -> None:
        super().__init__(batch=3)
        self.wrong = wrong

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        if (pixels[:, 0, 0, 0] == 7).any():
            raise BandsError("takes no sevens")
        rows = super().encode_tiles(pixels)
        rows[pixels[:, 0, 0, 0] % 2 == 1] *= self.wrong
        return rows


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 1.1, 1e-9])
def test_an_embedding_that_is_none_is_a_failure_of_its_tile(tmp_path: Path, root: Path, wrong: float) -> None:
    (tmp_path / "tiles").mkdir()
    paths = [tmp_path / "tiles" / f"{number}.npy" for number in range(7)]
    for number, path in enumerate(paths):
        pixels = pixels_of(number)
        pixels[0, 0, 0] = 100 + number
        np.save(path, pixels)
    report = index_folder(tmp_path / "tiles", root, Faulty(wrong))
    assert counts(report) == {"embedded": 4, "failed": 3}
    assert {failure.source for failure in report.failures} == {str(path) for path in paths[1::2]}
    assert {failure.reason for failure in report.failures} == {"gives an embedding that has not the length 1"}
    assert_right(root, paths[::2])
    # With a model that can, the others follow.
    assert counts(index_folder(tmp_path / "tiles", root)) == {"embedded": 3, "unchanged": 4}
    assert_right(root, paths)


def test_tiles_that_the_model_refuses_are_failures(tmp_path: Path, root: Path) -> None:
    (tmp_path / "tiles").mkdir()
    for number in range(4):
        pixels = pixels_of(number, size=20 + number)
        pixels[0, 0, 0] = 7 if number == 2 else 100
        np.save(tmp_path / "tiles" / f"{number}.npy", pixels)
    report = index_folder(tmp_path / "tiles", root, Faulty(1))
    assert counts(report) == {"embedded": 3, "failed": 1}
    assert (report.failures[0].source, report.failures[0].reason) == (
        str(tmp_path / "tiles" / "2.npy"),
        "takes no sevens",
    )


def test_a_name_that_is_no_text_is_a_failure(tmp_path: Path, root: Path) -> None:
    good = write_tile(tmp_path / "tiles" / "Größe 水.tif", 1)
    bad = os.path.join(os.fsencode(tmp_path / "tiles"), b"gr\xf6\xdfe.tif")  # noqa: PTH118
    try:
        Path(os.fsdecode(bad)).write_bytes(good.read_bytes())
    except OSError:
        pytest.skip("this file system takes text alone for names")
    for _ in range(2):
        report = index_folder(tmp_path / "tiles", root)
        assert report.failed == 1
        assert report.failures[0].source == f"{tmp_path}/tiles/gr\\xf6\\xdfe.tif"
        assert report.failures[0].reason == "has a name that is not UTF-8: rename it"
        assert "gr\\xf6\\xdfe.tif" in (root / "failures.csv").read_text(encoding="utf-8")
        assert_right(root, [good])
