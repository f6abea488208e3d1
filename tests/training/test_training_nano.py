"""The recipe start to end, small: the same weights each time, interrupted or not."""

import csv
import dataclasses
import hashlib
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch

from msclip_search.errors import MsclipError, TrainingError
from msclip_search.models import load
from msclip_search.models.nano import cells
from msclip_search.models.nano.descriptor import NAMES, describe
from msclip_search.models.nano.file import BUNDLED, check, read_image, read_text, read_tower
from msclip_search.models.nano.spec import SPEC
from msclip_search.simulation import SimulatedTile, Simulation, simulate
from msclip_search.simulation.scenes import SCENES
from msclip_search.training import Plan, loop, train_nano
from msclip_search.training.examples import MAIN, TRUE, Examples
from msclip_search.training.loss import contrastive
from msclip_search.training.real import CLASSES, read_eurosat
from msclip_search.training.simulated import TAGS, Request, gather, make, varied
from msclip_search.training.text import build
from tests.archives.painting import write_tiff

SMALL = Plan(
    small=60,
    large=3,
    validation=60,
    channels=6,
    blocks=1,
    width=16,
    steps=8,
    real_steps=4,
    batch=16,
    large_batch=2,
    every=2,
)
WEIGHTS, BEFORE = "s2-nano.safetensors", "s2-nano-simulated.safetensors"


def made(folder: Path, **options: object) -> bytes:
    trained = train_nano(folder, **({"plan": SMALL, "processes": 1} | options))  # type: ignore[arg-type]
    assert not trained.interrupted
    assert trained.weights == folder / WEIGHTS
    return trained.weights.read_bytes()


def interrupted(folder: Path, *, last: int, **options: object) -> bool:
    """Train up to a step, counted over both stages; returns whether it was one to stop at."""
    stop = threading.Event()

    def told(stage: str, done: int, _total: int, _point: object) -> None:
        if stage == "Learning" and done == last - 1:  # the next one is the last
            stop.set()

    asked = {"plan": SMALL, "processes": 1, "stop": stop, "told": told} | options
    return train_nano(folder, **asked).interrupted  # type: ignore[arg-type]


def beside(folder: Path, simulated: Path) -> Path:
    """Make a folder whose tiles are already simulated."""
    folder.mkdir(exist_ok=True)
    (folder / "simulated").symlink_to(simulated / "simulated")
    return folder


def stage_and_step(last: int) -> tuple[int, int]:
    """Say where a step is that is counted over both stages."""
    return (0, last) if last <= SMALL.steps else (1, last - SMALL.steps)


def checkpoint(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    made(folder)
    return folder


@pytest.fixture(scope="module")
def few_real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Link to three real tiles of each class."""
    folder = tmp_path_factory.mktemp("real")
    for label in CLASSES:
        (folder / label).mkdir()
        for path in sorted((shared / "data" / "eurosat_ms" / label).iterdir())[:3]:
            (folder / label / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def tuned(first: Path, few_real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on real tiles as well."""
    folder = beside(tmp_path_factory.mktemp("tuned"), first)
    made(folder, real=few_real)
    return folder


def test_the_same_plan_gives_the_same_weights(first: Path, tmp_path: Path) -> None:
    assert made(tmp_path) == (first / "s2-nano.safetensors").read_bytes()


def test_another_seed_gives_others(first: Path, tmp_path: Path) -> None:
    assert made(tmp_path, plan=dataclasses.replace(SMALL, seed=1)) != (first / "s2-nano.safetensors").read_bytes()


@pytest.mark.parametrize("last", [2, 3, 6, 8])
def test_an_interrupted_training_ends_with_the_same_weights(first: Path, tmp_path: Path, last: int) -> None:
    """Stopped at a checkpoint, between two, at another, and at the end."""
    folder = beside(tmp_path, first)
    assert interrupted(folder, last=last) == (last < SMALL.steps)
    state = checkpoint(folder)
    assert (state["stage"], state["step"]) == (0, last)
    assert (folder / WEIGHTS).exists() == (last == SMALL.steps)
    assert made(folder) == (first / WEIGHTS).read_bytes()
    assert (folder / "curve.json").read_bytes() == (first / "curve.json").read_bytes()


@pytest.mark.parametrize("last", [3, 8, 9, 10, 11, 12])
def test_an_interrupted_training_on_real_tiles_ends_with_the_same_weights(
    tuned: Path, few_real: Path, tmp_path: Path, last: int
) -> None:
    """Stopped among simulated tiles, after the last step on them, among real ones, and at the end."""
    folder = beside(tmp_path, tuned)
    assert interrupted(folder, last=last, real=few_real) == (last < SMALL.steps + SMALL.real_steps)
    state = checkpoint(folder)
    assert (state["stage"], state["step"]) == stage_and_step(last)
    assert (folder / BEFORE).exists() == (last > SMALL.steps)
    assert (folder / WEIGHTS).exists() == (last == SMALL.steps + SMALL.real_steps)
    assert made(folder, real=few_real) == (tuned / WEIGHTS).read_bytes()
    for name in (BEFORE, "curve.json", "real.csv"):
        assert (folder / name).read_bytes() == (tuned / name).read_bytes()


def test_a_training_may_be_stopped_again_and_again(tuned: Path, few_real: Path, tmp_path: Path) -> None:
    folder = beside(tmp_path, tuned)
    for last in (3, 5, 8, 10):
        assert interrupted(folder, last=last, real=few_real)
    assert made(folder, real=few_real) == (tuned / WEIGHTS).read_bytes()


@pytest.mark.parametrize("last", [3, 8, 11])
def test_a_checkpoint_holds_where_the_run_stands(tuned: Path, few_real: Path, tmp_path: Path, last: int) -> None:
    folder = beside(tmp_path, tuned)
    assert interrupted(folder, last=last, real=few_real)
    state = checkpoint(folder)
    _, step = stage_and_step(last)
    assert (state["stage"], state["step"]) == stage_and_step(last)
    assert json.loads(state["plan"]) == dataclasses.asdict(SMALL)
    curve = json.loads((tuned / "curve.json").read_text())["curve"]
    assert state["curve"] == curve[: last // 2]
    # Of each number of the network, in its order: the steps of this stage, and two means of the same shape.
    learnt = {name: tensor for name, tensor in state["network"].items() if "mean" not in name and "dev" not in name}
    moments = state["optimizer"]["state"]
    assert [moments[place]["exp_avg"].shape for place in range(len(learnt))] == [each.shape for each in learnt.values()]
    assert {float(each["step"]) for each in moments.values()} == {step}
    assert state["schedule"]["last_epoch"] == step
    assert len(state["losses"]) == step % SMALL.every


def test_a_stop_while_simulating_keeps_whole_shards(tmp_path: Path) -> None:
    stop = threading.Event()

    def told(stage: str, done: int, _total: int, _point: object) -> None:
        if stage == "Simulating" and done:
            stop.set()

    assert train_nano(tmp_path, plan=SMALL, processes=1, stop=stop, told=told).interrupted
    (path,) = (tmp_path / "simulated").iterdir()  # of three
    with np.load(path) as arrays:
        assert arrays["whole"].shape == (SMALL.validation, len(NAMES))
        assert arrays["cells"].shape == (SMALL.validation, len(cells.NAMES), 8, 8)
        assert arrays["cells"].dtype == np.float16


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
    made(beside(tmp_path, first), plan=dataclasses.replace(SMALL, steps=steps))
    points = [point["step"] for point in json.loads((tmp_path / "curve.json").read_text())["curve"]]
    assert points == sorted({*range(2, steps + 1, 2), steps})


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
    assert [(point["stage"], point["step"]) for point in curve] == [("simulated", step) for step in (2, 4, 6, 8)]


def test_the_curve_of_a_training_on_real_tiles_goes_on(first: Path, tuned: Path) -> None:
    one, both = (json.loads((folder / "curve.json").read_text())["curve"] for folder in (first, tuned))
    assert both[:4] == one
    assert [(point["stage"], point["step"]) for point in both[4:]] == [("real", 2), ("real", 4)]
    last = float(check(tuned / WEIGHTS)["validation"])
    assert last == pytest.approx(both[-1]["validation"], abs=6e-5)


def test_what_was_learnt_before_the_real_tiles_is_kept_and_is_that_of_a_training_without_them(
    first: Path, tuned: Path
) -> None:
    # The plan is the same, and so even the bytes are.
    assert (tuned / BEFORE).read_bytes() == (first / WEIGHTS).read_bytes()
    assert json.loads(check(tuned / BEFORE)["trained_on"]) == []
    assert load("s2-nano", weights=tuned / BEFORE).trained_on == frozenset()
    before, after = read_image(tuned / BEFORE), read_image(tuned / WEIGHTS)
    for name in before:
        is_learnt = not name.endswith(("mean", "deviation"))
        assert np.array_equal(before[name], after[name]) != is_learnt, name
    assert not (first / BEFORE).exists()


def test_a_later_training_without_real_tiles_leaves_none_of_the_earlier(
    first: Path, tuned: Path, few_real: Path, tmp_path: Path
) -> None:
    folder = beside(tmp_path, tuned)
    made(folder, real=few_real)
    assert (folder / BEFORE).exists()
    with pytest.raises(TrainingError, match="another training"):
        train_nano(folder, plan=SMALL, processes=1)
    (folder / "checkpoint.pt").unlink()
    assert made(folder) == (first / WEIGHTS).read_bytes()
    assert {path.name for path in folder.iterdir()} == {path.name for path in first.iterdir()}


@pytest.mark.parametrize("none", [{"real_steps": 0}, {"real_share": 0.0}, {"real_share": 0.01}])
def test_real_tiles_of_which_nothing_is_learnt_are_refused(
    few_real: Path, tmp_path: Path, none: dict[str, Any]
) -> None:
    with pytest.raises(TrainingError, match="learns nothing from real tiles"):
        train_nano(tmp_path / "out", plan=dataclasses.replace(SMALL, **none), real=few_real, processes=1)
    assert not (tmp_path / "out" / WEIGHTS).exists()


def test_real_tiles_of_two_sizes_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "real" / "Forest"
    folder.mkdir(parents=True)
    for number, side in enumerate((64, 72), start=1):
        pixels = np.full((13, side, side), 900, np.uint16)
        pixels[10] = 10  # cirrus, by which the order of thirteen bands is known
        write_tiff(folder / f"Forest_{number}.tif", pixels)
    with pytest.raises(TrainingError, match=r"Forest_2\.tif has another size"):
        read_eurosat(tmp_path / "real")


def test_the_network_starts_from_what_descriptions_are_like(first: Path) -> None:
    parts = []
    for pattern in ("64-1000001-*", "224-1000002-*"):
        (path,) = (first / "simulated").glob(pattern)
        with np.load(path) as arrays:
            parts.append((arrays["whole"].astype(np.float64), arrays["cells"].astype(np.float64)))
    image = read_image(first / WEIGHTS)
    whole = np.concatenate([part[0] for part in parts])
    assert image["mean"] == pytest.approx(np.nanmean(whole, axis=0), rel=1e-6, abs=1e-6)
    assert image["deviation"] == pytest.approx(np.maximum(np.nanstd(whole, axis=0), 1e-3), rel=1e-5)
    of_cells = np.concatenate([part[1].transpose(1, 0, 2, 3).reshape(len(cells.NAMES), -1) for part in parts], axis=1)
    assert image["cell_mean"] == pytest.approx(of_cells.mean(axis=1), rel=1e-6, abs=1e-6)
    assert image["cell_deviation"] == pytest.approx(of_cells.std(axis=1), rel=1e-5)


@pytest.mark.parametrize("at", [4, 10])
def test_a_loss_that_is_no_number_names_step_stage_and_tiles(
    tuned: Path, few_real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    steps = iter(range(1, 100))
    stage, step = stage_and_step(at)

    def broken(*args: torch.Tensor, **options: float) -> torch.Tensor:
        return contrastive(*args, **options) * (float("nan") if next(steps) == at else 1)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "contrastive", broken)
    with pytest.raises(
        TrainingError, match=f"no number any more at step {step} among {loop.STAGES[stage]} tiles"
    ) as caught:
        made(beside(tmp_path, tuned), real=few_real)
    _, named = str(caught.value).removesuffix(".").split("of that batch: ")
    real = 5 if stage else 0  # 0.3 of 16
    files = {str(path.relative_to(few_real)) for path in few_real.glob("*/*")}
    kinds = [
        "real" if source in files else "small" if "seed 1000001 (64 px, " in source else "large" * ("224 px" in source)
        for source in named.split("; ")
    ]
    assert [kinds.count(kind) for kind in ("small", "large", "real")] == [16 - real, 2, real]
    assert len(kinds) == 18


def test_a_slope_that_is_no_number_is_refused_before_it_is_learnt_from(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steep(cosines: torch.Tensor, *args: torch.Tensor, **options: float) -> torch.Tensor:
        return contrastive(cosines, *args, **options) + torch.sqrt(0 * cosines.sum())  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "contrastive", steep)
    with pytest.raises(TrainingError, match="at step 1 among simulated tiles"):
        made(beside(tmp_path, first))


def test_a_checkpoint_of_another_plan_is_refused(first: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes((first / "checkpoint.pt").read_bytes())
    other = dataclasses.replace(SMALL, rate=1e-3)
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


def assert_equal(found: Examples, wanted: Examples) -> None:
    assert np.array_equal(found.whole, wanted.whole, equal_nan=True)
    assert np.array_equal(found.cells, wanted.cells)
    assert np.array_equal(found.tags, wanted.tags)
    assert found.sources.tolist() == wanted.sources.tolist()
    for name in ("whole", "cells", "tags"):
        assert getattr(found, name).dtype == getattr(wanted, name).dtype


def test_processes_make_what_one_process_makes(tmp_path: Path) -> None:
    asked = Request(7, 64, 1001, varied=False)
    numbers = [shard.numbers for shard in asked.shards()]
    assert [len(each) for each in numbers] == [100] * 10 + [1]
    few = Request(7, 48, 3, varied=True)
    alone = gather([few], tmp_path / "a", processes=1)
    together = gather([few, Request(8, 48, 2, varied=True)], tmp_path / "b", processes=2)
    assert alone
    assert together
    assert_equal(alone[0], together[0])


def test_shards_are_read_as_they_were_made_and_joined_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msclip_search.training.simulated.SHARD", 2)
    request = Request(7, 32, 5, varied=True)
    assert [list(shard.numbers) for shard in request.shards()] == [[0, 1], [2, 3], [4]]
    parts = [make(shard) for shard in request.shards()]
    once = gather([request], tmp_path, processes=1)
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr("msclip_search.training.simulated.make", None)  # nothing is made again
    again = gather([request], tmp_path, processes=1)
    assert once
    assert again
    for found in (once[0], again[0]):
        for name in ("whole", "cells", "tags", "sources"):
            wanted = np.concatenate([getattr(part, name) for part in parts])
            assert getattr(found, name).tobytes() == wanted.tobytes(), name
        assert len(found) == 5
        assert found.cells.dtype == np.float16
        assert found.whole.dtype == np.float32


def seen(seed: int, size: int, count: int) -> Iterator[SimulatedTile]:
    """Simulate tiles as a training does: of both levels in turn."""
    for number in range(count):
        yield from simulate(Simulation(seed=seed, size=size, level=("L2A", "L1C")[number % 2]), number)


def test_a_tile_is_described_whole_and_in_cells_and_has_its_tags() -> None:
    (shard,) = Request(3, 72, 40, varied=False).shards()
    found = make(shard)
    assert found.whole.shape == (40, len(NAMES))
    assert found.cells.shape == (40, len(cells.NAMES), 9, 9)
    for row, tile in enumerate(seen(3, 72, 40)):
        assert found.sources[row] == f"simulated tile {row} of seed 3 (72 px, {tile.scene})"
        pixels = np.stack([tile.pixels[tile.bands.index(band)] for band in SPEC.bands]).astype(np.float32)
        wanted = describe(torch.from_numpy(pixels)[None] / 10_000)
        assert found.whole[row] == pytest.approx(wanted.whole.numpy()[0], abs=1e-5)
        assert np.abs(found.cells[row] - wanted.cells.numpy()[0]).max() < 0.01  # float16, of numbers below 16
        held = dict(zip(TAGS, found.tags[row].tolist(), strict=True))
        assert {tag for tag, value in held.items() if value} == set(tile.tags)
        of_scene = set(SCENES[tile.scene].tags) & set(tile.tags)
        largest = max(tile.tags, key=lambda tag: np.count_nonzero(tile.masks[tag]), default=None)
        mainly = {tag for tag, value in held.items() if value == MAIN}
        assert mainly == (of_scene or {largest} - {None})
        assert all(held[tag] == TRUE for tag in set(tile.tags) - mainly)


def test_about_half_of_the_tiles_are_varied_where_that_is_asked_for() -> None:
    (plain,), (changed,) = (Request(3, 32, 40, varied=wanted).shards() for wanted in (False, True))
    one, other = make(plain), make(changed)
    assert np.array_equal(one.tags, other.tags)
    same = [np.array_equal(a, b, equal_nan=True) for a, b in zip(one.whole, other.whole, strict=True)]
    assert 10 <= sum(same) <= 30  # 20, and more than three deviations


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

    bands = [2, 3, 4, 5, 6, 7, 8, 13, 11, 12]  # counted from 1; B8A is last
    with rasterio.open(folder / found.sources[100]) as file:
        pixels = file.read(bands).astype(np.float32)
    expected = describe(torch.from_numpy(pixels / 10_000)[None])
    assert np.allclose(found.whole[100], expected.whole.numpy()[0], atol=1e-5)
    assert np.allclose(found.cells[100], expected.cells.numpy()[0], atol=0.01)  # float16
    assert found.cells.dtype == np.float16
    some = found.chosen(found.labels == 3)
    assert len(some) == list(found.labels).count(3) > 0
    assert all(source.startswith("Highway") for source in some.sources)
    assert [found.hashes.index(each) for each in some.hashes] == np.flatnonzero(found.labels == 3).tolist()
    assert np.array_equal(some.whole, found.whole[found.labels == 3], equal_nan=True)
    assert np.array_equal(some.cells, found.cells[found.labels == 3])


def test_real_tiles_end_in_weights_and_table(tuned: Path, few_real: Path) -> None:
    told = json.loads(check(tuned / WEIGHTS)["trained_on"])
    with (tuned / "real.csv").open(encoding="utf-8") as file:
        rows = {row["file"]: row["sha256"] for row in csv.DictReader(file)}
    wanted = {
        str(path.relative_to(few_real)): hashlib.sha256(path.read_bytes()).hexdigest() for path in few_real.glob("*/*")
    }
    assert rows == wanted
    assert len(wanted) == 30
    assert told == sorted(wanted.values())
    assert load("s2-nano", weights=tuned / WEIGHTS).trained_on == frozenset(told)


def test_the_text_tower_is_made_of_token_vectors_or_kept(shared: Path, first: Path, tmp_path: Path) -> None:
    vectors = shared / "data" / "minilm_token_vectors"
    made(beside(tmp_path, first), token_vectors=vectors)
    tower, kept = read_tower(tmp_path / WEIGHTS), read_tower(first / WEIGHTS)
    wanted = build(vectors)
    assert tower["tokenizer"].tobytes() == wanted.tokenizer
    for name in ("vectors", "scales", "shift"):
        assert np.array_equal(tower[name], getattr(wanted, name))
        assert np.array_equal(kept[name], read_tower(BUNDLED)[name])
    one, other = read_text(tmp_path / WEIGHTS).encode(["paddy under water", "paddy flooded"])
    assert np.array_equal(one, other)


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


COUNTS = ("validation", "channels", "blocks", "width", "steps", "batch", "large_batch", "every")
TILES = ("seed", "small", "large", "real_steps")
SHARES = ("real_share", "dropout", "left_out", "incidental")
ABOVE = ("rate", "real_rate", "temperature")
NOT_BELOW = ("noise", "group_noise", "cell_noise", "decay")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        *((name, value, "is 1 or more") for name in COUNTS for value in (0, -1)),
        *((name, value, "is 0 or more, and below 2,147,483,648") for name in TILES for value in (-1, 1 << 31)),
        *((name, value, "is 0 or more, and below 1") for name in SHARES for value in (-0.1, 1.0, math.nan)),
        *((name, value, "is above 0") for name in ABOVE for value in (0.0, -1e-3, math.inf, math.nan)),
        *((name, value, "is 0 or more") for name in NOT_BELOW for value in (-0.1, math.inf, math.nan)),
    ],
)
def test_a_plan_that_cannot_be_trained_is_refused(name: str, value: float, sentence: str) -> None:
    with pytest.raises(TrainingError, match=f"^Of a training, {name.replace('_', ' ')} {sentence}, got {value}\\.$"):
        Plan(**{name: value})  # type: ignore[arg-type]


def test_a_plan_without_tiles_is_refused() -> None:
    with pytest.raises(TrainingError, match="needs tiles"):
        Plan(small=0, large=0)


def test_each_number_of_a_plan_is_refused_somewhere_and_taken_at_its_limit() -> None:
    limits = dict.fromkeys(COUNTS, 1) | dict.fromkeys((*SHARES, *NOT_BELOW, "seed", "small", "real_steps"), 0)
    found = dataclasses.asdict(Plan(**limits, large=1))
    assert found.keys() == {*limits, "large", *ABOVE}
    assert Plan(small=1, large=0).large == 0
    assert all(found[name] == value for name, value in limits.items())
