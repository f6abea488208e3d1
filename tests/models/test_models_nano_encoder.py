"""The bundled model as an `Encoder`: what it takes and refuses, and that its parts are loaded when they are needed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from msclip_search import models
from msclip_search.errors import BandsError, ModelError, WeightsError
from msclip_search.models.base import Encoder, Pixels, WeightsFile
from msclip_search.models.nano import file, image
from msclip_search.models.nano.descriptor import Description, describe
from msclip_search.models.nano.encoder import NanoEncoder
from msclip_search.models.nano.image import ImageTower, read_network
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.weights import identify
from tests.models.nano import made_weights


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_weights(tmp_path_factory.mktemp("nano") / "w.safetensors")


@pytest.fixture
def encoder(path: Path) -> Encoder:
    return models.load("s2-nano", weights=path, device="cpu")


def tiles(seed: int, count: int, size: int = 24) -> NDArray[np.uint16]:
    random = np.random.default_rng(seed)
    spectra = random.uniform(200, 5000, (count, 10, 1, 1))
    return (spectra * random.uniform(0.8, 1.2, (count, 10, size, size))).astype(np.uint16)


def test_an_embedding_is_the_networks_of_the_description(encoder: Encoder, path: Path) -> None:
    pixels = tiles(1, 5)
    found = encoder.encode_tiles(pixels)
    wanted = read_network(path)(describe(torch.from_numpy(pixels.astype(np.float32)) / 10_000))
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(encoder.encode_texts(["lake", ""]), axis=1), 1, atol=1e-6)
    assert encoder.encode_texts(["lake"]).shape == (1, SPEC.dimension)


def test_what_it_is(encoder: Encoder, path: Path) -> None:
    assert encoder.spec == models.spec_of("s2-nano") == SPEC
    assert encoder.weights == identify(path)
    assert encoder.fingerprint == SPEC.fingerprint(identify(path).sha256)
    assert encoder.batch >= 1
    assert encoder.concurrency >= 1
    assert encoder.first_word_cut("a word " * 1000) is None


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", ">u2", ">f4"])
def test_types_of_pixels_give_the_same(encoder: Encoder, dtype: str) -> None:
    pixels = tiles(2, 3)
    np.testing.assert_allclose(encoder.encode_tiles(pixels.astype(dtype)), encoder.encode_tiles(pixels), atol=1e-6)


def test_large_values_of_uint16_are_not_negative(encoder: Encoder) -> None:
    bright = tiles(3, 2) + np.uint16(40_000)
    np.testing.assert_allclose(encoder.encode_tiles(bright), encoder.encode_tiles(bright.astype(np.float32)), atol=1e-6)


def test_nan_is_no_data(encoder: Encoder) -> None:
    pixels = tiles(4, 2).astype(np.float32)
    pixels[:, :, :4] = 0
    missing = np.where(pixels == 0, np.nan, pixels).astype(np.float32)
    np.testing.assert_allclose(encoder.encode_tiles(missing), encoder.encode_tiles(pixels), atol=1e-6)
    assert np.isfinite(encoder.encode_tiles(np.full((1, 10, 16, 16), np.nan, np.float32))).all()


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((1, 10, 16, 16), np.uint8), "s2-nano takes reflectances, and these are 8-bit pictures"),
        (np.zeros((1, 3, 16, 16), np.uint16), "s2-nano takes tiles of 10 bands"),
        (np.zeros((10, 16, 16), np.uint16), "s2-nano takes tiles of 10 bands"),
        (np.zeros((1, 10, 7, 16), np.uint16), "8 x 8 pixels at least"),
    ],
)
def test_what_is_no_tile_is_refused(encoder: Encoder, pixels: Pixels, said: str) -> None:
    with pytest.raises(BandsError, match=said):
        encoder.encode_tiles(pixels)


def test_the_company_of_other_tiles_changes_nothing(encoder: Encoder) -> None:
    pixels = tiles(5, 150, 16)
    together = encoder.encode_tiles(pixels)
    apart = np.concatenate([encoder.encode_tiles(pixels[:1]), encoder.encode_tiles(pixels[1:])])
    np.testing.assert_allclose(apart, together, atol=1e-5)
    assert encoder.encode_tiles(pixels[:0]).shape == (0, SPEC.dimension)


def test_the_pixels_stay_as_they_are(encoder: Encoder) -> None:
    pixels = tiles(6, 2).astype(np.float32)
    before = pixels.copy()
    encoder.encode_tiles(pixels)
    np.testing.assert_array_equal(pixels, before)


def test_threads_give_the_same_and_leave_the_number_of_threads_alone(encoder: Encoder) -> None:
    parts = [tiles(seed, 4) for seed in range(12)]
    wanted = [encoder.encode_tiles(part) for part in parts]
    before = torch.get_num_threads()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(encoder.encode_tiles, parts))
        texts = list(threads.map(lambda _: encoder.encode_texts(["lake near the river"]), parts))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert all(np.array_equal(text, texts[0]) for text in texts)
    assert torch.get_num_threads() == before
    with ThreadPoolExecutor(1) as fresh:
        assert fresh.submit(torch.get_num_threads).result() == before


def test_texts_load_no_torch(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom msclip_search import models\n"
        f"encoder = models.load('s2-nano', weights=Path({str(path)!r}))\n"
        "encoder.encode_texts(['lake'])\n"
        "print(*{'torch', 'open_clip', 'huggingface_hub', 'rasterio'} & {*sys.modules})"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == ""


def test_half_the_tiles_are_tried_where_memory_is_short(
    encoder: Encoder, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = tiles(7, 7)
    wanted = encoder.encode_tiles(pixels)
    tower, tried = ImageTower(path, device="cpu"), []
    computed = tower._network.forward

    def scarce(description: Description) -> torch.Tensor:
        tried.append(len(description.whole))
        if len(description.whole) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return computed(description)

    monkeypatch.setattr(tower._network, "forward", scarce)
    np.testing.assert_allclose(tower.embed(pixels), wanted, atol=1e-5)
    assert tried == [7, 3, 1, 2, 4, 2, 2]


def test_too_little_memory_for_a_single_tile_is_said(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(image, "describe", full)
    before = torch.get_num_threads()
    with pytest.raises(ModelError, match=r"cpu has too little free memory for a single tile of s2-nano\. Free some"):
        encoder.encode_tiles(tiles(8, 4))
    assert torch.get_num_threads() == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused_at_once(path: Path) -> None:
    with pytest.raises(ModelError, match=r"sees no CUDA device here\. Use --device cpu"):
        models.load("s2-nano", weights=path, device="cuda")


def test_weights_of_another_model_are_refused_at_once(tmp_path: Path) -> None:
    other = tmp_path / "w.pt"
    other.write_bytes(b"PK\x03\x04 other weights")
    with pytest.raises(WeightsError, match=r"w\.pt is no safetensors file, or damaged"):
        models.load("s2-nano", weights=other)
    with pytest.raises(WeightsError, match=r"There is no weights file .*none\.pt"):
        models.load("s2-nano", weights=tmp_path / "none.pt")


def bundled(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(file, "BUNDLED", path)


def test_bundled_weights_are_known_by_their_content_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled(monkeypatch, path)
    encoder = models.load("s2-nano")
    content = identify(path)
    assert encoder.weights == WeightsFile(
        path="", sha256=content.sha256, size=content.size, mtime_ns=0, origin="bundled"
    )
    again = models.load("s2-nano", known=encoder.weights)
    assert again.weights == encoder.weights
    assert again.fingerprint == models.load("s2-nano", weights=path).fingerprint


def test_a_recorded_file_is_taken_rather_than_the_bundled_one(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled(monkeypatch, path)
    mine = made_weights(tmp_path / "mine.safetensors", seed=9)
    first = models.load("s2-nano", weights=mine)
    assert models.load("s2-nano", known=first.weights).fingerprint == first.fingerprint
    assert models.load("s2-nano").fingerprint != first.fingerprint
    mine.unlink()
    with pytest.raises(WeightsError, match=r"There is no weights file .*mine\.safetensors"):
        models.load("s2-nano", known=first.weights)


def test_the_bundled_model_encodes() -> None:
    encoder = models.load("s2-nano", device="cpu")
    assert encoder.encode_texts(["a lake in a forest"]).shape == (1, SPEC.dimension)
    assert encoder.encode_tiles(tiles(9, 2)).shape == (2, SPEC.dimension)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
def test_the_gpu_agrees_with_the_processor(encoder: Encoder, path: Path) -> None:
    on_gpu = NanoEncoder(path, weights=identify(path), device="cuda")
    for size in (16, 33, 64, 224):
        pixels = tiles(10, 40, size)
        np.testing.assert_allclose(on_gpu.encode_tiles(pixels), encoder.encode_tiles(pixels), atol=1e-3)
