"""The recipe start to end, small: the same weights each time, interrupted or not."""

import csv
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from msclip_search.errors import MsclipError, TrainingError
from msclip_search.models import load
from msclip_search.models.nano.descriptor import NAMES, describe
from msclip_search.models.nano.file import BUNDLED, check, read_tower
from msclip_search.training import Plan, train_nano
from msclip_search.training.examples import MAIN
from msclip_search.training.loss import contrastive
from msclip_search.training.real import CLASSES, read_eurosat
from msclip_search.training.simulated import TAGS, Request, gather, make, varied

SMALL = Plan(small=60, large=3, validation=60, members=2, width=16, steps=6, batch=16, every=2)


def made(folder: Path, **options: object) -> bytes:
    trained = train_nano(folder, **({"plan": SMALL, "processes": 1} | options))  # type: ignore[arg-type]
    assert not trained.interrupted
    return trained.weights.read_bytes()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    made(folder)
    return folder


def test_the_same_plan_gives_the_same_weights(first: Path, tmp_path: Path) -> None:
    assert made(tmp_path) == (first / "s2-nano.safetensors").read_bytes()


def test_another_seed_gives_others(first: Path, tmp_path: Path) -> None:
    other = Plan(**{name: getattr(SMALL, name) for name in SMALL.__slots__} | {"seed": 1})
    assert made(tmp_path, plan=other) != (first / "s2-nano.safetensors").read_bytes()


@pytest.mark.parametrize("after", [1, 4, 7, 12])
def test_an_interrupted_training_ends_with_the_same_weights(first: Path, tmp_path: Path, after: int) -> None:
    """Stopped in the middle of a member, between two, and at a checkpoint or after it."""
    stop = threading.Event()

    def told(stage: str, done: int, _total: int, _point: object) -> None:
        if stage == "Learning" and done == after:
            stop.set()

    before = train_nano(tmp_path, plan=SMALL, processes=1, stop=stop, told=told)
    assert before.interrupted == (after < SMALL.steps * SMALL.members)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["member"] * SMALL.steps + state["step"] == min(after + 1, SMALL.steps * SMALL.members)
    assert made(tmp_path) == (first / "s2-nano.safetensors").read_bytes()


def test_a_stop_while_simulating_keeps_whole_shards(tmp_path: Path) -> None:
    stop = threading.Event()

    def told(stage: str, done: int, _total: int, _point: object) -> None:
        if stage == "Simulating" and done:
            stop.set()

    assert train_nano(tmp_path, plan=SMALL, processes=1, stop=stop, told=told).interrupted
    (path,) = (tmp_path / "simulated").iterdir()  # of three
    with np.load(path) as arrays:
        assert arrays["descriptions"].shape == (SMALL.validation, len(NAMES))


def test_the_weights_embed_tiles_and_texts(first: Path) -> None:
    path = first / "s2-nano.safetensors"
    encoder = load("s2-nano", weights=path)
    rows = encoder.encode_tiles(np.full((2, 10, 40, 70), 900, np.uint16))
    assert rows.shape == (2, 256)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])
    assert json.loads(check(path)["trained_on"]) == []
    assert json.loads((first / "curve.json").read_text())["plan"]["steps"] == SMALL.steps


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11])
def test_any_number_of_steps_will_do(first: Path, tmp_path: Path, steps: int) -> None:
    (tmp_path / "simulated").symlink_to(first / "simulated")
    other = Plan(**{name: getattr(SMALL, name) for name in SMALL.__slots__} | {"steps": steps, "members": 1})
    made(tmp_path, plan=other)


def test_a_checkpoint_of_another_text_tower_is_refused(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes((first / "checkpoint.pt").read_bytes())
    tower = read_tower(BUNDLED)
    shift = tower["shift"].astype(np.float32) + np.float32(0.01)
    monkeypatch.setattr("msclip_search.training.nano.read_tower", lambda _: {**tower, "shift": shift})
    with pytest.raises(TrainingError, match="another training"):
        train_nano(tmp_path, plan=SMALL, processes=1)


def test_the_curve_has_a_point_every_so_often(first: Path) -> None:
    curve = json.loads((first / "curve.json").read_text())["curve"]
    assert [(point["member"], point["step"]) for point in curve] == [(m, s) for m in (0, 1) for s in (2, 4, 6)]


def test_a_loss_that_is_no_number_names_step_and_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from msclip_search.training import loop

    steps = iter(range(100))

    def broken(*args: torch.Tensor, **options: float) -> torch.Tensor:
        return contrastive(*args, **options) * (float("nan") if next(steps) == 3 else 1)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "contrastive", broken)
    with pytest.raises(TrainingError, match=r"step 4 of member 1.*simulated tile \d+ of seed 1000001"):
        train_nano(tmp_path, plan=SMALL, processes=1)


def test_a_checkpoint_of_another_plan_is_refused(first: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes((first / "checkpoint.pt").read_bytes())
    other = Plan(**{name: getattr(SMALL, name) for name in SMALL.__slots__} | {"rate": 1e-3})
    with pytest.raises(TrainingError, match="another training"):
        train_nano(tmp_path, plan=other, processes=1)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", {"step": 1}])
def test_a_damaged_checkpoint_is_refused_before_anything_is_simulated(
    tmp_path: Path, content: bytes | dict[str, int]
) -> None:
    path = tmp_path / "checkpoint.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(TrainingError, match="is damaged: remove it"):
        train_nano(tmp_path, plan=SMALL, processes=1)
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_shard_is_named(first: Path, tmp_path: Path) -> None:
    folder = tmp_path / "simulated"
    folder.mkdir()
    for path in (first / "simulated").iterdir():
        (folder / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"npz is damaged .* remove it"):
        train_nano(tmp_path, plan=SMALL, processes=1)


def test_processes_make_what_one_process_makes(tmp_path: Path) -> None:
    asked = Request(7, 64, 1001, varied=False)
    numbers = [shard.numbers for shard in asked.shards()]
    assert [len(each) for each in numbers] == [100] * 10 + [1]
    few = Request(7, 48, 3, varied=True)
    alone = gather([few], tmp_path / "a", processes=1)
    together = gather([few, Request(8, 48, 2, varied=True)], tmp_path / "b", processes=2)
    assert alone
    assert together
    assert np.array_equal(alone[0].descriptions, together[0].descriptions)
    assert np.array_equal(alone[0].tags, together[0].tags)


def test_windows_of_a_large_tile_have_tags_of_their_own() -> None:
    found = make(Request(3, 224, 2, varied=True).shards()[0])
    assert found.descriptions.shape == (6, len(NAMES))
    assert ["window" in source for source in found.sources] == [False, True, True] * 2
    assert found.tags.shape == (6, len(TAGS))
    assert all(MAIN in row for row in found.tags[[0, 3]])


def test_variation_changes_brightness_and_never_makes_no_data() -> None:
    pixels = np.full((10, 4, 4), 1000, np.float32)
    many = np.stack([varied(pixels, np.random.default_rng(seed)).mean(axis=(1, 2)) for seed in range(300)])
    logs = np.log(many / 1000)
    assert 0.06 < logs.mean(axis=1).std() < 0.12
    assert 0.03 < (logs - logs.mean(axis=1, keepdims=True)).std() < 0.05
    assert varied(np.zeros((10, 4, 4), np.float32), np.random.default_rng(1)).min() >= 1


def test_real_tiles_are_read_with_their_hashes(shared: Path) -> None:
    folder = shared / "data" / ".." / "data" / "eurosat_ms"
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    found = read_eurosat(folder)
    assert len(found) == len(rows) == 375
    for source, label, sha256 in zip(found.sources, found.labels, found.hashes, strict=True):
        assert rows[source]["sha256"] == sha256
        assert rows[source]["label"] == list(CLASSES)[label]
    import rasterio

    bands = [2, 3, 4, 5, 6, 7, 8, 13, 11, 12]  # counted from 1; B8A is last
    with rasterio.open(folder / found.sources[100]) as file:
        pixels = file.read(bands).astype(np.float32)
    expected = describe(torch.from_numpy(pixels / 10_000)[None]).numpy()[0]
    assert np.allclose(found.descriptions[100, 0], expected, atol=1e-5)


def test_an_interrupted_training_on_real_tiles_ends_with_the_same_weights(shared: Path, tmp_path: Path) -> None:
    folder, stop = shared / "data" / "eurosat_ms", threading.Event()
    whole = made(tmp_path / "whole", real=folder)

    def told(stage: str, done: int, _total: int, _point: object) -> None:
        if stage == "Learning" and done == 5:
            stop.set()

    assert train_nano(tmp_path / "cut", plan=SMALL, real=folder, processes=1, stop=stop, told=told).interrupted
    assert made(tmp_path / "cut", real=folder) == whole
    assert len(load("s2-nano", weights=tmp_path / "cut" / "s2-nano.safetensors").trained_on or ()) == 375


def test_real_tiles_end_in_weights_and_table(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "eurosat_ms"
    made(tmp_path, real=folder)
    told = json.loads(check(tmp_path / "s2-nano.safetensors")["trained_on"])
    with (tmp_path / "real.csv").open(encoding="utf-8") as file:
        assert sorted(row["sha256"] for row in csv.DictReader(file)) == told
    assert len(told) == 375


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"real": "nowhere"}, "no folder nowhere"),
        ({"token_vectors": "nowhere"}, "holds no tokenizer.json"),
        ({"out": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
def test_what_is_not_there_is_said(options: dict[str, str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(MsclipError, match=sentence):
        train_nano(**({"out": tmp_path, "plan": SMALL} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"small": 0, "large": 0}, {"real_share": 1.0}, {"rate": 0.0}])
def test_a_plan_that_cannot_be_trained_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TrainingError):
        Plan(**wrong)  # type: ignore[arg-type]
