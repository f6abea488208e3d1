"""`export` and `import` as commands: what they write, what they say, how they end."""

import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from msclip_search.cli.progress import Display
from tests.cli.conftest import Run
from tests.exchange.making import major_tom_table, plain_table, unit_vectors, write
from tests.folder.making import files_of, stored_tiles


def test_there_and_back(run: Run, index: Path, tmp_path: Path) -> None:
    done = run("export", tmp_path / "out.parquet", "--index", index)
    assert done.exit_code == 0, done.output
    assert f"12 tiles written to {tmp_path / 'out.parquet'}" in done.stderr
    back = run("import", tmp_path / "out.parquet", "--index", tmp_path / "back")
    assert back.exit_code == 0, back.output
    assert "12 added · 12 in the index" in back.stdout
    assert "as of msclip-search" in back.stdout
    assert [tile.columns for tile in stored_tiles(tmp_path / "back")] == [tile.columns for tile in stored_tiles(index)]
    again = run("import", tmp_path / "out.parquet", "--index", tmp_path / "back")
    assert "0 added · 12 unchanged · 12 in the index" in again.stdout


def test_a_pair_and_a_filter(run: Run, index: Path, tmp_path: Path) -> None:
    done = run("export", tmp_path / "out", "--format", "npy", "--index", index, "--where", "tile_id < '8'")
    assert done.exit_code == 0, done.output
    wanted = [tile for tile in stored_tiles(index) if tile.columns["tile_id"] < "8"]
    assert 0 < len(wanted) < 12
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.stack([tile.vector for tile in wanted]))
    assert "where tile_id < '8'" in done.stderr
    assert pq.read_table(tmp_path / "out.parquet")["tile_id"].to_pylist() == [t.columns["tile_id"] for t in wanted]
    assert f"{tmp_path / 'out.npy'} and {tmp_path / 'out.parquet'}" in done.stderr


def test_vectors_made_elsewhere(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "part.parquet", major_tom_table(unit_vectors(8) * 3))
    refused = run("import", path, "--model", "majortom-dinov2", "--index", tmp_path / "idx")
    assert refused.exit_code == 1
    assert "Error: Row 0 of" in refused.stderr
    assert "--normalise" in refused.stderr
    done = run("import", path, "--model", "majortom-dinov2", "--normalise", "--index", tmp_path / "idx")
    assert done.exit_code == 0, done.output
    assert "as of Major TOM" in done.stdout
    assert "majortom-dinov2, 16 numbers a tile" in done.stdout
    assert "There is no text tower of majortom-dinov2 here" in done.stderr
    asked = run("query", "a lake", "--index", tmp_path / "idx")
    assert asked.exit_code == 1
    assert "made elsewhere, for which there is no text tower here: ask by example" in asked.stderr
    added = run("index", tmp_path, "--index", tmp_path / "idx")
    assert added.exit_code == 1
    assert "add to it with `msclip-search import`" in added.stderr
    assert run("info", "--index", tmp_path / "idx").exit_code == 0
    assert run("verify", "--index", tmp_path / "idx").exit_code == 0


def test_columns_are_named(run: Run, tmp_path: Path) -> None:
    table = plain_table(unit_vectors(3)).rename_columns(["name", "emb"])
    path = write(tmp_path / "v.parquet", table)
    options = ("--column", "embedding=emb", "--column", "tile_id = name", "--model", "m", "--quiet")
    done = run("import", path, "--index", tmp_path / "idx", *options)
    assert (done.exit_code, done.output) == (0, "")
    assert [tile.columns["tile_id"] for tile in stored_tiles(tmp_path / "idx")] == ["tile 0", "tile 1", "tile 2"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--column", "embedding"), "A column is named OURS=THEIRS, as in embedding=emb, not 'embedding'."),
        (("--column", "a=b", "--column", "a=c"), "The column a is named twice: b and c."),
        (("--column", "vector=emb"), "There is no column vector in an index."),
        ((), "Say which model made the vectors of"),
    ],
)
def test_what_is_misspelled_is_said(run: Run, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    path = write(tmp_path / "v.parquet", plain_table(unit_vectors(3)))
    done = run("import", path, "--index", tmp_path / "idx", *options)
    assert done.exit_code == 1
    assert said in done.stderr
    assert not (tmp_path / "idx").exists()


def test_a_lock_is_kept_and_broken(run: Run, index: Path, tmp_path: Path) -> None:
    from msclip_search import store

    run("export", tmp_path / "out.parquet", "--index", index)
    run("import", tmp_path / "out.parquet", "--index", tmp_path / "idx")
    with store.hold(store.Layout(tmp_path / "idx"), doing="importing"):
        refused = run("import", tmp_path / "out.parquet", "--index", tmp_path / "idx")
        assert refused.exit_code == 1
        assert "is in use" in refused.stderr
        assert run("import", tmp_path / "out.parquet", "--index", tmp_path / "idx", "--break-lock").exit_code == 0


def test_ctrl_c_commits_what_is_done(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / f"{at}.parquet", plain_table(unit_vectors(50), first=at)) for at in (0, 50, 100)]
    update = Display.update

    def pressed(display: Display, stage: str, *, done: int, total: int | None, **others: int) -> None:
        update(display, stage, done=done, total=total, **others)  # type: ignore[arg-type]
        if done == 50:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Display, "update", pressed)
    done = run("import", *paths, "--model", "m", "--index", tmp_path / "idx")
    assert done.exit_code == 130
    assert "Stopped; what was done is kept." in done.stdout
    assert len(stored_tiles(tmp_path / "idx")) == 50
    monkeypatch.undo()
    assert (
        "100 added · 50 unchanged · 150 in the index"
        in run("import", *paths, "--model", "m", "--index", tmp_path / "idx").stdout
    )


def test_ctrl_c_leaves_no_half_export(run: Run, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(display: Display, *_: object, **__: object) -> None:
        display.begun = True
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Display, "update", pressed)
    done = run("export", tmp_path / "out.parquet", "--index", index)
    assert done.exit_code == 130
    assert "Stopped; nothing was written." in done.stderr
    assert files_of(tmp_path) == {}


def test_a_fault_in_the_middle_is_a_sentence_and_keeps_what_was_read(run: Run, tmp_path: Path) -> None:
    vectors = unit_vectors(900)
    write(tmp_path / "a.parquet", plain_table(vectors[:400]))
    vectors[800] = 0
    write(tmp_path / "b.parquet", plain_table(vectors[400:], first=400))
    done = run("import", tmp_path / "a.parquet", tmp_path / "b.parquet", "--model", "m", "--index", tmp_path / "idx")
    assert done.exit_code == 1
    assert "Error: Row 400 of" in done.stderr
    assert "a vector of zeros, which has no direction. 400 rows before it are in the index." in done.stderr
    assert len(stored_tiles(tmp_path / "idx")) == 400
