"""`msclip-search query --gallery` and `--chips`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from msclip_search import Hits, SearchIndex
from msclip_search.cli.exports import check_target
from msclip_search.errors import StorageError
from tests.cli.conftest import Run
from tests.evaluation.planting import plant


@pytest.fixture(scope="module")
def expected(index: Path) -> Hits:
    """Ask the library."""
    with SearchIndex.open(index) as opened:
        return opened.search("flooded farmland", k=5)


def test_gallery_and_chips_come_beside_the_table(run: Run, index: Path, expected: Hits, tmp_path: Path) -> None:
    page, out = tmp_path / "gallery.html", tmp_path / "out"
    plain = run("query", "flooded farmland", "-k", 5, "--index", index)
    done = run("query", "flooded farmland", "-k", 5, "--index", index, "--gallery", page, "--chips", out)
    assert done.exit_code == 0
    assert done.stdout == plain.stdout
    first, second = done.stderr.splitlines()
    assert re.fullmatch(rf"Gallery of 5 tiles written to {re.escape(str(page))} \(\d+ kB\)\.", first)
    assert second == f"5 tiles written to {out}, with 5 in true colour."
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<dd class="name">([0-9a-f]{32})</dd>', text) == [hit.tile_id for hit in expected]
    for hit in expected:
        (chip,) = out.glob(f"{hit.rank:03}_*.tif")
        with rasterio.open(chip) as made, rasterio.open(hit.source) as source:
            assert np.array_equal(made.read(), source.read())
            assert (made.transform, made.crs, made.descriptions) == (source.transform, source.crs, source.descriptions)
    assert len(list(out.iterdir())) == 10


def test_with_a_format_and_quietly(run: Run, index: Path, tmp_path: Path) -> None:
    page, out, table = tmp_path / "g.html", tmp_path / "out", tmp_path / "hits.csv"
    ask = ("query", "a", "b", "-k", 2, "--index", index)
    done = run(*ask, "--gallery", page, "--chips", out, "--output", table, "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    assert len(table.read_text().splitlines()) == 5
    assert sorted(path.name for path in out.iterdir()) == ["1-a", "2-b"]
    assert page.read_text(encoding="utf-8").count("<section") == 2


def test_a_folder_that_is_not_empty_is_refused_before_anything_is_done(run: Run, index: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    ask = ("query", "x", "-k", 1, "--index", index, "--chips", tmp_path)
    refused = run(*ask, "--gallery", tmp_path / "g.html")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: The folder {tmp_path} is not empty: name another, or give --overwrite to replace files of the same "
        "names.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    assert run(*ask, "--overwrite").exit_code == 0
    assert len(list(tmp_path.iterdir())) == 3


def test_the_gallery_replaces_a_file_but_no_folder(run: Run, index: Path, tmp_path: Path) -> None:
    page = tmp_path / "g.html"
    page.write_text("old")
    assert run("query", "x", "--index", index, "--gallery", page).exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [page]
    folder = run("query", "x", "--index", index, "--gallery", tmp_path)
    assert (folder.exit_code, folder.stdout) == (1, "")
    assert "is a folder: name a file" in folder.stderr
    nowhere = run("query", "x", "--index", index, "--gallery", tmp_path / "no" / "g.html")
    assert nowhere.exit_code == 1
    assert nowhere.stderr == f"Error: There is no folder {tmp_path / 'no'}: make it, or name another file.\n"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no/x.csv", "There is no folder {0}/no: make it, or name another file."),
        ("file/x.csv", "{0}/file is no folder: name another file than {0}/file/x.csv."),
        ("link.csv", "There is no folder {0}/gone: make it, or name another file."),
        ("folder.csv", "{0}/folder.csv is a folder: name a file."),
        ("locked/x.csv", "No permission to write into the folder {0}/locked: name another file, or ask its owner."),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_done(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, said: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "locked").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone" / "x.csv")
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "locked")  # as anybody but root sees it
    with pytest.raises(StorageError, match=f"^{re.escape(said.format(tmp_path))}$"):
        check_target(tmp_path / target)
    # Neither index, archive nor folder of tiles is looked at.
    query = ("query", "x", "--index", tmp_path / "none")
    classify = ("classify", tmp_path / "none", "--classes", "a,b")
    for command in ((*query, "--output"), (*query, "--gallery"), (*classify, "--output")):
        done = run(*command, tmp_path / target)
        assert (done.exit_code, done.output) == (1, f"Error: {said.format(tmp_path)}\n")


def test_a_pipe_may_be_written_to(tmp_path: Path) -> None:
    check_target(None)
    check_target(tmp_path / "new.csv")
    os.mkfifo(tmp_path / "pipe")
    check_target(tmp_path / "pipe")
    code = "from pathlib import Path; from msclip_search.cli.exports import check_target as c, write_file as w;"
    code += "p = Path('/dev/stdout'); c(p); w(b'hits', p)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"hits"


LABELS = [["Forest"], ["River"], ["Sea lake"], ["Forest", "River"]]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled") / "idx"
    plant(folder, LABELS, towards=["Forest", "River"], noise=0.1)
    return folder


def test_the_verdict_stands_below_the_table_and_never_among_data(run: Run, labelled: Path, tmp_path: Path) -> None:
    ask = ("query", "Forest", "--index", labelled, "-k", 4, "--quiet")
    table = run(*ask).stdout
    data = run(*ask, "--format", "csv").stdout
    said = "Forest: 2 of 4 hits are Forest, of 2 tiles that are. AP@4 100.0 % (standard), 100.0 % (torchmetrics).\n"
    judge = (*ask, "--relevant", "Forest")
    beside = run(*judge)
    assert (beside.exit_code, beside.stdout, beside.stderr) == (0, table + said, "")
    apart = run(*judge, "--format", "csv")
    assert (apart.exit_code, apart.stdout, apart.stderr) == (0, data, said)
    filed = run(*judge, "--output", tmp_path / "hits.csv")
    assert (filed.exit_code, filed.stdout, filed.stderr) == (0, "", said)
    assert (tmp_path / "hits.csv").read_text(encoding="utf-8") == data
    plain = run(*judge, "--format", "table", "--output", tmp_path / "hits.txt")
    assert (plain.exit_code, plain.stdout, plain.stderr) == (0, said, "")


def test_labels_that_the_index_lacks_are_named_with_those_that_are_near(run: Run, labelled: Path) -> None:
    ask = ("query", "Forest", "--index", labelled, "-k", 4, "--quiet")
    both = run(*ask, "--relevant", "forests", "--relevant", "River")
    assert both.exit_code == 0
    assert "hits are River, of 2 tiles that are. AP@4 " in both.stdout
    assert both.stderr == "Warning: no tile of the index has the label forests. Near it are: Forest.\n"
    none = run(*ask, "--relevant", "xyz")
    assert (none.exit_code, none.stdout) == (0, run(*ask).stdout)
    assert none.stderr == "Warning: no tile of the index has the label xyz. It has Forest, River, Sea lake.\n"


def test_an_index_without_labels_says_so(run: Run, index: Path) -> None:
    done = run("query", "x", "y", "--index", index, "--relevant", "Forest")
    assert done.exit_code == 0
    assert done.stderr == "Warning: no tile of the index is labelled: `index` takes --labels or --label-from.\n"


def test_overwrite_is_for_chips(run: Run, index: Path) -> None:
    done = run("query", "x", "--index", index, "--overwrite")
    assert done.exit_code == 2
    assert "--chips" in done.stderr


@pytest.fixture
def moved(run: Run, archive: Path, tmp_path: Path) -> Path:
    """Make an index of twelve tiles of which one is gone and one has changed."""
    shutil.copytree(archive, tmp_path / "tiles")
    assert run("index", tmp_path / "tiles", "--model", "untrained", "--index", tmp_path / "idx").exit_code == 0
    first, second, *_ = sorted((tmp_path / "tiles").iterdir())
    first.unlink()
    os.utime(second, ns=(1, 1))
    return tmp_path


def test_sources_that_are_gone_are_counted_and_named(run: Run, moved: Path) -> None:
    ask = ("query", "x", "-k", 12, "--index", moved / "idx", "--format", "csv")
    done = run(*ask, "--gallery", moved / "g.html", "--chips", moved / "out")
    assert done.exit_code == 0
    gallery, chips = done.stderr.splitlines()
    gone = f"{moved}/tiles/tile_00000_20230601.tif is not there"
    changed = f"{moved}/tiles/tile_00001_20230601.tif has changed since it was indexed"
    assert " 2 tiles could not be shown: " in gallery
    assert chips.startswith(f"10 tiles written to {moved}/out, with 10 in true colour. 2 tiles could not be written: ")
    assert all(words in line for words in (gone, changed) for line in (gallery, chips))
    shutil.rmtree(moved / "tiles")
    none = run(*ask, "--chips", moved / "none")
    assert none.exit_code == 1
    assert "No chip was written" in none.stderr
    assert "; and 9 more." in none.stderr


def test_a_query_without_pictures_loads_nothing_for_them(index: Path) -> None:
    code = (
        "import sys; from msclip_search.cli.app import app\n"
        f"try: app(['query', 'x', '--index', {str(index)!r}])\n"
        "except SystemExit: pass\n"
        "print('|'.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    loaded = set(done.stdout.splitlines()[-1].split("|"))
    assert "pyarrow" in loaded
    assert not loaded & {"PIL", "jinja2", "rasterio"}
