"""The bundled model through the commands: from tiles to a ranking, wherever the package lies, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest

from msclip_search import SearchIndex, models
from msclip_search.models.nano import file
from msclip_search.raster import write_chip
from tests.cli.conftest import Run
from tests.made import BANDS, CRS, made_pixels, make_archive
from tests.models.nano import made_weights


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let other weights be those of the package."""
    path = tmp_path / "package" / "weights.safetensors"
    path.parent.mkdir()
    monkeypatch.setattr(file, "BUNDLED", made_weights(path))
    return path


@pytest.fixture
def made(run: Run, archive: Path, bundled: Path, tmp_path: Path) -> Path:  # noqa: ARG001 - for what it does
    """Index twelve tiles with it."""
    folder = tmp_path / "idx"
    done = run("index", archive, "--index", folder)
    assert done.exit_code == 0, done.output
    said = "s2-nano, bundled. For the published multispectral CLIP: --model llama3-ms-clip-base (604 MB)"
    assert said in done.stdout
    return folder


def test_the_default_is_indexed_asked_described_and_verified(run: Run, made: Path) -> None:
    body = json.loads(run("query", "a lake", "--index", made, "--format", "json").stdout)
    assert (body["model"], len(body["results"][0]["hits"])) == ("s2-nano", 10)
    assert "s2-nano, 256 numbers a tile" in run("info", "--index", made).stdout
    described = json.loads(run("info", "--index", made, "--format", "json").stdout)
    assert (described["model"], described["weights"]) == ("s2-nano", None)
    assert run("verify", "--index", made).exit_code == 0
    named = run("classify", "--index", made, "--classes", "lake,forest", "--format", "csv")
    assert len(named.stdout.splitlines()) == 13


def test_the_record_names_no_place(made: Path) -> None:
    manifest = json.loads(next((made / "manifests").glob("*.json")).read_text())
    weights = manifest["model"]["weights"]
    assert (weights["origin"], weights["path"], weights["mtime_ns"]) == ("bundled", "", 0)


def test_the_package_may_move(run: Run, made: Path, bundled: Path, archive: Path, tmp_path: Path) -> None:
    before = run("query", "a lake", "--index", made, "--format", "json").stdout
    moved = tmp_path / "elsewhere.safetensors"
    shutil.copyfile(bundled, moved)
    bundled.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "BUNDLED", moved)
        assert run("query", "a lake", "--index", made, "--format", "json").stdout == before
        again = run("index", archive, "--index", made)
    assert "0 embedded · 12 unchanged" in again.stdout


def test_other_bundled_weights_are_refused_with_a_way_out(
    run: Run, made: Path, bundled: Path, archive: Path, tmp_path: Path
) -> None:
    former = shutil.copyfile(bundled, tmp_path / "former.safetensors")
    before = run("query", "a lake", "--index", made, "--format", "json").stdout
    made_weights(bundled, seed=6)
    for command in (("query", "a lake"), ("index", archive)):
        refused = run(*command, "--index", made)
        assert refused.exit_code == 1
        assert "with s2-nano too, but with other weights" in refused.stderr
        assert "then with those bundled with msclip-search (sha256 " in refused.stderr
        assert (
            "This msclip-search comes with a newer or older version of them: index the archive again" in refused.stderr
        )
        assert "or ask the index with the msclip-search that made it." in refused.stderr
    kept = run("query", "a lake", "--index", made, "--format", "json", "--weights", former)
    assert kept.stdout == before


def test_weights_of_ones_own_beside_bundled_ones_are_refused(run: Run, made: Path, tmp_path: Path) -> None:
    mine = made_weights(tmp_path / "mine.safetensors", seed=9)
    refused = run("query", "a lake", "--index", made, "--weights", mine)
    assert refused.exit_code == 1
    assert f"now with {mine}. Leave --weights out, or name another index" in refused.stderr


def test_weights_of_ones_own_are_named(run: Run, archive: Path, tmp_path: Path) -> None:
    mine = made_weights(tmp_path / "mine.safetensors")
    done = run("index", archive, "--weights", mine, "--index", tmp_path / "idx")
    assert f"s2-nano, weights {mine}" in done.stdout


def test_other_models_weights_are_refused(run: Run, archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "Llama3_MS_CLIP_weights.pt"
    other.write_bytes(b"PK\x03\x04 a pickle")
    done = run("index", archive, "--weights", other, "--index", tmp_path / "idx")
    assert done.exit_code == 1
    assert "Llama3_MS_CLIP_weights.pt is no safetensors file, or damaged" in done.stderr
    assert not (tmp_path / "idx").exists()


def test_tiles_that_lack_bands_are_named(run: Run, bundled: Path, tmp_path: Path) -> None:  # noqa: ARG001
    make_archive(tmp_path / "tiles", 1)
    lacking = [band for band in BANDS if band not in {"B05", "B11"}]
    pixels = made_pixels(1)[[BANDS.index(band) for band in lacking]]
    write_chip(tmp_path / "tiles" / "few.tif", pixels, bands=tuple(lacking), crs=CRS, west=0, north=5_300_000)
    done = run("index", tmp_path / "tiles", "--index", tmp_path / "idx")
    assert "1 embedded" in done.stdout
    assert "few.tif" in done.stdout
    assert "B05" in done.stdout
    assert "B11" in done.stdout


def test_either_band_of_the_near_infrared_will_do(run: Run, bundled: Path, tmp_path: Path) -> None:  # noqa: ARG001
    for missing in ("B08", "B8A"):
        kept = tuple(band for band in BANDS if band != missing)
        folder = tmp_path / missing
        folder.mkdir()
        pixels = made_pixels(1)[[BANDS.index(band) for band in kept]]
        write_chip(folder / "tile.tif", pixels, bands=kept, crs=CRS, west=600_000, north=5_300_000)
        assert "1 embedded" in run("index", folder, "--index", tmp_path / f"idx{missing}").stdout
        assert SearchIndex.open(tmp_path / f"idx{missing}").model == models.DEFAULT
