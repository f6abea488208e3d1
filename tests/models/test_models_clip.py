"""Our encoder against OpenCLIP's own network and torchvision's own preprocessing, on a model small enough for that."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode  # type: ignore[import-untyped]
from torchvision.transforms import functional as vision

from msclip_search.errors import BandsError, ModelError
from msclip_search.models import ModelSpec, WeightsFile, spec_of
from msclip_search.models.clip import ClipEncoder, load
from msclip_search.models.preprocess import Preprocess
from msclip_search.models.towers import Tower, Towers
from msclip_search.models.weights import identify

CPU = torch.device("cpu")
TEN = spec_of("llama3-ms-clip-base")
RGB = spec_of("open_clip:ViT-B-32")
CONFIGURATION: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
TEXTS = ("flooded farmland", "A  mine,\nnext to a LAKE", "", "snow on conifers " * 9, "Überflutung &amp; 雪")


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A small model: its spec, OpenCLIP's own network, and a file of its weights."""

    spec: ModelSpec
    network: Any
    path: Path

    def encoder(self, device: str = "cpu") -> ClipEncoder:
        return load(self.spec, configuration=CONFIGURATION, weights=identify(self.path), device=device)


def small(spec: ModelSpec, path: Path) -> Small:
    torch.manual_seed(5)
    network = open_clip.CLIP(**CONFIGURATION)
    if len(spec.bands) != 3:
        network.visual.conv1 = torch.nn.Conv2d(len(spec.bands), 64, 16, 16, bias=False)
    torch.save(network.state_dict(), path)
    return Small(spec=replace(spec, size=32, dimension=32, context=16), network=network.eval(), path=path)


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return small(TEN, tmp_path_factory.mktemp("small") / "ten.pt")


@pytest.fixture(scope="module")
def rgb(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return small(RGB, tmp_path_factory.mktemp("small") / "rgb.pt")


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(11)


def tiles(draws: np.random.Generator, *shape: int) -> NDArray[np.uint16]:
    return draws.integers(0, 9000, shape).astype(np.uint16)


def published(pixels: Tensor, spec: ModelSpec) -> Tensor:
    """Prepare tiles one by one with torchvision's own functions, as the published code does."""
    mean, deviation = (torch.tensor(numbers)[:, None, None] for numbers in (spec.mean, spec.deviation))
    done = []
    for tile in pixels:
        sized = vision.resize(tile, [spec.size], interpolation=InterpolationMode.BICUBIC, antialias=True)
        done.append((vision.center_crop(sized, [spec.size, spec.size]) - mean) / deviation)
    return torch.stack(done)


@pytest.mark.parametrize(
    ("height", "width"),
    [(224, 224), (64, 64), (8, 8), (67, 101), (101, 67), (300, 227), (223, 225), (225, 224), (512, 300)],
)
def test_preprocessing_is_the_published_one(draws: np.random.Generator, height: int, width: int) -> None:
    pixels = tiles(draws, 2, 10, height, width)
    ours = Preprocess(TEN, device=CPU)(pixels)
    assert ours.shape == (2, 10, 224, 224)
    torch.testing.assert_close(ours, published(torch.from_numpy(pixels.astype(np.float32)), TEN))


def test_bands_are_normalised_each_by_its_own() -> None:
    pixels = np.tile(np.array(TEN.mean, np.float32)[None, :, None, None], (1, 1, 224, 224))
    pixels[:, 3] += TEN.deviation[3]
    got = Preprocess(TEN, device=CPU)(pixels)[0].mean(dim=(1, 2)).numpy()
    np.testing.assert_allclose(got, np.arange(10) == 3, atol=1e-4)


def test_tiles_are_embedded_as_open_clip_does(ten: Small, draws: np.random.Generator) -> None:
    pixels = tiles(draws, 19, 10, 48, 40)
    rows = ten.encoder().encode_tiles(pixels)
    with torch.inference_mode():
        inputs = published(torch.from_numpy(pixels.astype(np.float32)), ten.spec)
        expected = ten.network.encode_image(inputs, normalize=True).numpy()
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_texts_are_embedded_as_open_clip_does(ten: Small) -> None:
    texts = [*TEXTS] * 20
    rows = ten.encoder().encode_texts(texts)
    with torch.inference_mode():
        expected = ten.network.encode_text(open_clip.tokenize(texts, 16), normalize=True).numpy()
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, atol=1e-6)


def test_nothing_gives_no_rows(ten: Small) -> None:
    assert ten.encoder().encode_texts([]).shape == (0, 32)
    assert ten.encoder().encode_tiles(np.zeros((0, 10, 64, 64), np.uint16)).shape == (0, 32)


def test_how_pixels_are_stored_does_not_matter(ten: Small, draws: np.random.Generator) -> None:
    encoder = ten.encoder()
    pixels = tiles(draws, 3, 10, 40, 40)
    expected = encoder.encode_tiles(pixels)
    frozen = pixels.copy()
    frozen.flags.writeable = False
    others: list[Any] = [
        pixels.astype(np.int16),
        pixels.astype(np.float32),
        pixels.astype(">u2"),
        np.asfortranarray(pixels),
        frozen,
    ]
    for other in others:
        np.testing.assert_array_equal(encoder.encode_tiles(other), expected)


def test_no_stored_value_wraps(draws: np.random.Generator) -> None:
    pixels = draws.integers(0, 65536, (1, 10, 224, 224)).astype(np.uint16)
    pixels[0, 0, 0, :3] = 0, 32768, 65535
    prepare = Preprocess(TEN, device=CPU)
    torch.testing.assert_close(prepare(pixels), prepare(pixels.astype(np.float32)), rtol=0, atol=0)


def test_missing_values_count_as_no_data_and_the_callers_array_stays(ten: Small) -> None:
    gaps = np.full((1, 10, 32, 32), 700, np.float32)
    gaps[0, :, 5:9] = np.nan
    gaps[0, :, 20, 3] = np.inf
    filled = np.where(np.isfinite(gaps), gaps, np.float32(0))
    before = gaps.copy()
    np.testing.assert_array_equal(ten.encoder().encode_tiles(gaps), ten.encoder().encode_tiles(filled))
    np.testing.assert_array_equal(gaps, before)


def test_reflectances_are_rendered_for_models_of_pictures(rgb: Small, draws: np.random.Generator) -> None:
    pixels = tiles(draws, 4, 3, 32, 32)
    pixels += pixels % 100 == 0  # halves, which may be rounded either way
    pixels[0, 0, 0, :4] = 0, 1, 3001, 65535
    shown = np.clip(np.round(pixels * (255 / 3000)), 0, 255).astype(np.uint8)
    theirs = open_clip.image_transform(32, is_train=False)
    with torch.inference_mode():
        inputs = torch.stack([theirs(Image.fromarray(picture.transpose(1, 2, 0))) for picture in shown])
        expected = rgb.network.encode_image(inputs, normalize=True).numpy()
    encoder = rgb.encoder()
    np.testing.assert_allclose(encoder.encode_tiles(pixels), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_tiles(pixels), encoder.encode_tiles(shown), atol=1e-6)


def test_a_picture_is_prepared_as_open_clip_prepares_it(draws: np.random.Generator) -> None:
    # OpenCLIP resizes the 8-bit picture and rounds; we resize floats: half a step of 1/255 apart, and a little.
    spec = replace(RGB, size=32)
    picture = np.kron(draws.integers(60, 196, (10, 12, 3)), np.ones((6, 6, 1))).astype(np.uint8)
    theirs = open_clip.image_transform(32, is_train=False)(Image.fromarray(picture))
    ours = Preprocess(spec, device=CPU)(picture.transpose(2, 0, 1)[None].copy())[0]
    deviation = torch.tensor(spec.deviation)[:, None, None]
    assert ((ours - theirs) * deviation).abs().max() < 1.01 / 255


def test_a_picture_and_its_reflectances_are_one(rgb: Small, draws: np.random.Generator) -> None:
    picture = draws.integers(0, 256, (2, 3, 32, 32)).astype(np.uint8)
    stored = (picture.astype(np.float32) * np.float32(3000 / 255)).astype(np.float32)
    encoder = rgb.encoder()
    np.testing.assert_allclose(encoder.encode_tiles(picture), encoder.encode_tiles(stored), atol=1e-5)


def test_pixels_of_another_model_are_refused(ten: Small, rgb: Small) -> None:
    with pytest.raises(BandsError, match=r"takes tiles of 10 bands \(B02, .*not an array of shape \(1, 3, 32, 32\)"):
        ten.encoder().encode_tiles(np.zeros((1, 3, 32, 32), np.uint16))
    with pytest.raises(BandsError, match=r"takes reflectances, and these are 8-bit pictures"):
        ten.encoder().encode_tiles(np.zeros((1, 10, 32, 32), np.uint8))
    with pytest.raises(BandsError, match="uint16, int16, float32 or uint8, not int64"):
        rgb.encoder().encode_tiles(np.zeros((1, 3, 32, 32), np.int64))  # type: ignore[arg-type]


def test_each_tower_is_read_when_it_is_first_used(ten: Small, draws: np.random.Generator) -> None:
    encoder = ten.encoder()
    assert loaded(encoder) == set()
    encoder.encode_texts(["a place"])
    assert "visual" not in loaded(encoder)
    assert {"transformer", "token_embedding", "ln_final"} <= loaded(encoder)
    other = ten.encoder()
    other.encode_tiles(tiles(draws, 1, 10, 32, 32))
    assert loaded(other) == {"visual"}


def loaded(encoder: ClipEncoder) -> set[str]:
    """Name the parts of the network that hold numbers."""
    towers = encoder._towers
    assert isinstance(towers, Towers)
    tensors = towers._model.state_dict(keep_vars=True)
    return {name.split(".")[0] for name, tensor in tensors.items() if not tensor.is_meta}


def test_half_precision_weights_are_widened(ten: Small, tmp_path: Path, draws: np.random.Generator) -> None:
    torch.save(ten.network.half().state_dict(), tmp_path / "half.pt")
    ten.network.float()
    halved = replace(ten, path=tmp_path / "half.pt").encoder()
    pixels = tiles(draws, 2, 10, 32, 32)
    cosines = np.einsum("ij,ij->i", halved.encode_tiles(pixels), ten.encoder().encode_tiles(pixels))
    assert cosines.min() > 0.9999


def test_threads_agree_with_one(ten: Small, draws: np.random.Generator) -> None:
    parts = [tiles(draws, 5, 10, 32, 32) for _ in range(12)]
    alone = ten.encoder()
    rows = [alone.encode_tiles(part) for part in parts]
    words = alone.encode_texts(TEXTS)
    together = ten.encoder()  # its towers not yet loaded: the threads race for that too
    with ThreadPoolExecutor(6) as threads:
        texts = [threads.submit(together.encode_texts, TEXTS) for _ in range(4)]
        for row, got in zip(rows, threads.map(together.encode_tiles, parts), strict=True):
            np.testing.assert_allclose(got, row, atol=1e-6)
        for text in texts:
            np.testing.assert_allclose(text.result(), words, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", None),
        ("word " * 14, None),
        ("word " * 15, (15, "word")),
        ("word " * 13 + "tree, lake", (14, "tree,")),  # two tokens, of which one would fit
        ("word " * 13 + "lake tree", (15, "tree")),
        ("  one\n two   " + "antidisestablishmentarianism " * 9, (5, "antidisestablishmentarianism")),
        ("İ" * 40, (1, "İ" * 40)),
    ],
)
def test_the_first_word_cut_is_named(ten: Small, text: str, cut: tuple[int, str] | None) -> None:
    encoder = ten.encoder()
    assert encoder.first_word_cut(text) == cut
    if cut:  # what comes after it changes nothing
        rows = encoder.encode_texts([text, f"{text} and what comes after it"])
        np.testing.assert_array_equal(rows[0], rows[1])


class Cramped:
    """Towers on a device with room for so many tiles, and texts not at all."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.tried: list[int] = []

    def load(self, tower: Tower) -> None:
        assert tower == "image"

    def images(self, inputs: Tensor) -> Tensor:
        self.tried.append(len(inputs))
        if len(inputs) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return inputs.mean(dim=(2, 3))[:, :1].expand(-1, TEN.dimension)

    def texts(self, texts: Sequence[str]) -> Tensor:
        raise torch.OutOfMemoryError(f"CUDA out of memory with {len(texts)} texts")

    def count_tokens(self, word: str) -> int:
        return len(word)


def cramped(room: int, *, batch: int) -> tuple[ClipEncoder, Cramped]:
    weights = WeightsFile(path="", sha256="0" * 64, size=0, mtime_ns=0, origin="file")
    towers = Cramped(room)
    return ClipEncoder(TEN, weights=weights, towers=towers, device=CPU, batch=batch), towers


def test_out_of_memory_halves_the_batch_and_goes_on(
    draws: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = tiles(draws, 21, 10, 32, 32)
    expected = cramped(100, batch=100)[0].encode_tiles(pixels)
    encoder, towers = cramped(5, batch=16)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_allclose(encoder.encode_tiles(pixels), expected, rtol=1e-6)
    assert towers.tried == [16, 8, 4, 4, 4, 4, 4, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "cpu ran out of memory with 16 tiles at once; going on with 8.",
        "cpu ran out of memory with 8 tiles at once; going on with 4.",
    ]
    assert encoder.batch == 4
    caplog.clear()
    encoder.encode_tiles(pixels[:4])
    assert towers.tried[-1] == 4
    assert not caplog.records


def test_a_single_tile_that_does_not_fit_is_an_error(draws: np.random.Generator) -> None:
    encoder, towers = cramped(0, batch=4)
    with pytest.raises(ModelError, match=r"too little free memory for a single tile .* use --device cpu"):
        encoder.encode_tiles(tiles(draws, 4, 10, 32, 32))
    assert towers.tried == [4, 2, 1]
    with pytest.raises(ModelError, match=r"too little free memory for texts"):
        encoder.encode_texts(["a place"])


def test_two_threads_that_run_out_of_memory_say_it_once(caplog: pytest.LogCaptureFixture) -> None:
    encoder, _ = cramped(5, batch=16)
    with caplog.at_level(logging.WARNING):
        encoder._shrink(16)
        encoder._shrink(16)
    assert encoder.batch == 8
    assert len(caplog.records) == 1


def test_weights_that_do_not_fit_are_an_error(ten: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Towers, _tower: Tower) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Towers, "_fill", full)
    with pytest.raises(ModelError, match=r"cpu has too little free memory to hold llama3-ms-clip-base"):
        ten.encoder().encode_texts(["a place"])


def test_what_suits_the_device_is_told(ten: Small) -> None:
    encoder = ten.encoder()
    assert (encoder.concurrency, encoder.batch) == (1, 8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
def test_the_gpu_agrees_with_the_processor(ten: Small, rgb: Small, draws: np.random.Generator) -> None:
    # bfloat16 keeps 8 bits of each number: cosines to float32 stay above .999; texts run in float32.
    for model, bands in ((ten, 10), (rgb, 3)):
        on_gpu, on_cpu = model.encoder("cuda"), model.encoder()
        pixels = draws.integers(0, 65536, (20, bands, 40, 40)).astype(np.uint16)
        cosines = np.einsum("ij,ij->i", on_gpu.encode_tiles(pixels), on_cpu.encode_tiles(pixels))
        assert cosines.min() > 0.999
        np.testing.assert_allclose(on_gpu.encode_texts(TEXTS), on_cpu.encode_texts(TEXTS), atol=1e-4)
        assert on_gpu.concurrency == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
def test_two_streams_agree_with_one(ten: Small, draws: np.random.Generator) -> None:
    parts = [tiles(draws, 128, 10, 64, 64) for _ in range(16)]
    alone = ten.encoder("cuda")
    rows = [alone.encode_tiles(part) for part in parts]
    together = ten.encoder("cuda")
    with ThreadPoolExecutor(2) as threads:
        for row, got in zip(rows, threads.map(together.encode_tiles, parts), strict=True):
            np.testing.assert_allclose(got, row, atol=1e-3)
