"""Which model an import records, and what an index of vectors made elsewhere can be asked."""

import json
import logging
from pathlib import Path

import pytest

from msclip_search import (
    ArchiveError,
    ModelError,
    ModelMismatch,
    SearchIndex,
    export_index,
    import_vectors,
    index_tiles,
    models,
)
from msclip_search.pairing import UNKNOWN, agreed, check_model, describe_claimed, describe_elsewhere, describe_model
from msclip_search.store import open_writer
from tests.exchange.making import lived_in, plain_table, unit_vectors, write
from tests.folder.making import ENCODER, MODEL, NONE_DELETED, newest_body, record, stored_tiles, units, write_tile


def imported(tmp_path: Path, model: str | None, *, dimension: int = 16, index: str = "idx", first: int = 0) -> Path:
    path = write(tmp_path / f"{first}.parquet", plain_table(unit_vectors(5, dimension=dimension), first=first))
    import_vectors(path, index=tmp_path / index, model=model)
    return tmp_path / index


def test_vectors_made_elsewhere_are_asked_by_example_alone(tmp_path: Path) -> None:
    root = imported(tmp_path, "majortom-dinov2")
    recorded = newest_body(root)["model"]
    assert (recorded["spec"]["name"], recorded["spec"]["dimension"]) == ("majortom-dinov2", 16)
    assert (recorded["fingerprint"], recorded["weights"]) == (UNKNOWN, None)
    with SearchIndex.open(root) as index:
        assert (index.model, index.info().model, index.info().dimension) == ("majortom-dinov2", "majortom-dinov2", 16)
        assert [hit.tile_id for hit in index.search_vectors(unit_vectors(1), k=1)[0]] == ["tile 0"]
        with pytest.raises(
            ModelError, match="vectors of majortom-dinov2, made elsewhere, for which there is no text t"
        ):
            index.search("a lake")


def test_tiles_cannot_be_added_to_vectors_made_elsewhere(tmp_path: Path) -> None:
    root = imported(tmp_path, "majortom-dinov2")
    write_tile(tmp_path / "tiles" / "a.tif", 1)
    for model in (None, "majortom-dinov2"):
        with pytest.raises(
            ModelError, match="no such model here that could embed tiles: add to it with `msclip-search i"
        ):
            index_tiles(tmp_path / "tiles", index=root, model=model)
    with pytest.raises(ModelMismatch, match="made with the model majortom-dinov2, not with untrained"):
        index_tiles(tmp_path / "tiles", index=root, model="untrained")
    assert len(stored_tiles(root)) == 5


def test_a_name_that_is_nearly_known_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="msclip_search"):
        imported(tmp_path, "majortom-dinov2")
        assert not caplog.text
        imported(tmp_path, "s2-nanoo", index="other")
    assert "There is no model s2-nanoo here, so its vectors cannot be asked by texts: is it s2-nano?" in caplog.text


def test_the_bundled_model_is_recorded_with_its_weights(tmp_path: Path) -> None:
    nano = models.load("s2-nano")
    root = imported(tmp_path, "s2-nano", dimension=nano.spec.dimension)
    assert newest_body(root)["model"] == describe_model(nano)
    with SearchIndex.open(root) as index:
        assert len(index.search("a lake", k=3)) == 3


def test_a_model_whose_weights_are_not_here_is_recorded_by_its_spec(tmp_path: Path) -> None:
    root = imported(tmp_path, "llama3-ms-clip-base", dimension=512)
    assert newest_body(root)["model"] == describe_claimed(models.spec_of("llama3-ms-clip-base"))
    check_model(describe_claimed(ENCODER.spec), ENCODER, root)  # whatever weights of it come are taken for those


def test_another_dimension_is_another_model(tmp_path: Path) -> None:
    with pytest.raises(
        ModelMismatch, match=r"llama3-ms-clip-base gives vectors of 512 numbers, and those of .* have 16"
    ):
        imported(tmp_path, "llama3-ms-clip-base")
    root = imported(tmp_path, "m")
    with pytest.raises(ModelMismatch, match="holds vectors of 16 numbers, and these have 24"):
        imported(tmp_path, "m", dimension=24, first=10)
    with pytest.raises(ModelMismatch, match="made with the model m, not with n"):
        imported(tmp_path, "n", first=10)
    assert len(stored_tiles(root)) == 5
    (tmp_path / "a").mkdir()
    write(tmp_path / "a" / "1.parquet", plain_table(unit_vectors(2)))
    write(tmp_path / "a" / "2.parquet", plain_table(unit_vectors(2, dimension=8), first=5))
    with pytest.raises(ArchiveError, match=r"2\.parquet have 8 numbers and those of .*1\.parquet 16"):
        import_vectors(tmp_path / "a", index=tmp_path / "other", model="m")


def test_nobody_says_which_model(tmp_path: Path) -> None:
    for nothing in (None, " "):
        with pytest.raises(ModelError, match=r"Say which model made the vectors of .*0\.parquet: --model NAME"):
            imported(tmp_path, nothing)
    with pytest.raises(ModelError, match="OpenCLIP has no architecture 'nonsense'"):
        imported(tmp_path, "open_clip:nonsense")
    assert not (tmp_path / "idx").exists()


def test_an_export_says_its_model(tmp_path: Path) -> None:
    lived_in(tmp_path / "idx")
    export_index(tmp_path / "idx", tmp_path / "out.parquet")
    with pytest.raises(ModelMismatch, match="holds vectors of the model untrained, as it says, not of s2-nano"):
        import_vectors(tmp_path / "out.parquet", index=tmp_path / "back", model="s2-nano")
    import_vectors(tmp_path / "out.parquet", index=tmp_path / "back", model="untrained")
    assert newest_body(tmp_path / "back")["model"] == MODEL


def test_an_export_of_vectors_made_elsewhere_stays_so(tmp_path: Path) -> None:
    root = imported(tmp_path, "majortom-dinov2")
    export_index(root, tmp_path / "out.npy")
    done = import_vectors(tmp_path / "out.npy", index=tmp_path / "back")
    assert (done.model, done.reads_texts) == ("majortom-dinov2", False)
    assert newest_body(tmp_path / "back")["model"] == newest_body(root)["model"]


def test_weights_are_agreed_upon() -> None:
    root, claimed = Path("idx"), describe_claimed(ENCODER.spec)
    other = MODEL | {"fingerprint": "0" * 64}
    assert agreed(MODEL, MODEL, root) is MODEL
    assert agreed(MODEL, claimed, root) is MODEL
    assert agreed(claimed, MODEL, root) is MODEL
    with pytest.raises(ModelMismatch, match="with other weights or another version"):
        agreed(MODEL, other, root)
    with pytest.raises(ModelMismatch, match="of 64 numbers, and these have 8"):
        agreed(MODEL, describe_elsewhere("untrained", 8), root)


def test_the_first_weights_that_come_are_recorded(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    records = [record(number) for number in range(3)]
    open_writer(root, model=describe_claimed(ENCODER.spec)).commit(records, units(3), delete=NONE_DELETED)
    assert newest_body(root)["model"]["fingerprint"] == UNKNOWN
    write_tile(tmp_path / "tiles" / "a.tif", 1)
    index_tiles(tmp_path / "tiles", index=root)
    assert newest_body(root)["model"] == MODEL
    assert len(stored_tiles(root)) == 4


def test_what_an_export_says_is_not_believed_blindly(tmp_path: Path) -> None:
    """A fingerprint that is none, and weights at a path that is not here, are passed over."""
    table = plain_table(unit_vectors(3, dimension=64))
    away = {"path": "/nowhere/w.pt", "sha256": "0" * 64, "size": 5, "mtime_ns": 1, "origin": "file", "revision": None}
    for number, (mark, wanted) in enumerate((("red", MODEL), ("0" * 64, MODEL | {"fingerprint": "0" * 64}))):
        about = {"model": "untrained", "recorded": {"fingerprint": mark, "weights": away, "spec": {"name": "other"}}}
        path = write(tmp_path / "v.parquet", table.replace_schema_metadata({b"msclip": json.dumps(about).encode()}))
        import_vectors(path, index=tmp_path / f"{number}")
        recorded = newest_body(tmp_path / f"{number}")["model"]
        assert (recorded["fingerprint"], recorded["spec"]) == (wanted["fingerprint"], MODEL["spec"])
        assert recorded["weights"] == (MODEL["weights"] if mark == "red" else None)
