"""The weights file: what goes in comes out, and what is no such file is refused in a sentence."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, load_file, save_file

from msclip_search.errors import WeightsError
from msclip_search.models.nano import file
from msclip_search.models.nano.image import read_network
from msclip_search.models.nano.spec import SPEC
from tests.models.nano import made_network, made_weights

ABOUT = {"model": SPEC.name, "version": file.VERSION}


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = made_weights(tmp_path / "w.safetensors")
    assert file.check(path) == {"made": "of random numbers", **ABOUT}
    random = np.random.default_rng(5)
    vectors = random.integers(-127, 128, (10, SPEC.dimension)).astype(np.int8)
    text = file.read_text(path)
    assert text.dimension == SPEC.dimension
    np.testing.assert_array_equal(text._vectors, vectors)
    wanted = {name: value.numpy() for name, value in made_network().state_dict().items()}
    image = file.read_image(path)
    assert set(image) == set(wanted)
    for name, array in image.items():
        assert array.dtype == (np.float32 if array.ndim == 1 else np.float16)
        np.testing.assert_array_equal(array, wanted[name].astype(array.dtype))
    assert image["blocks.1.around.weight"].shape == (6, 1, 3, 3)
    assert image["blocks.1.around.weight"].dtype == np.float16
    assert image["cell_mean"].dtype == np.float32
    network = read_network(path)
    assert len(network.blocks) == 2
    assert not network.training
    for name, value in network.state_dict().items():
        np.testing.assert_allclose(value.numpy(), wanted[name], rtol=1e-3, atol=1e-6)


def test_the_same_numbers_give_the_same_bytes() -> None:
    about = {letter: f"\u201c{letter}\u201d" for letter in "zyxwvutsr"}
    array = np.arange(6, dtype=np.float32)
    packed = {file.pack({"shift": array}, {"mean": array}, about=about) for _ in range(9)}
    assert len(packed) == 1
    content = packed.pop()
    assert (int.from_bytes(content[:8], "little") + 8) % 8 == 0
    np.testing.assert_array_equal(load(content)["image.mean"], array)


def test_texts_of_any_alphabet_are_kept(tmp_path: Path) -> None:
    about = {"learnt from": 'Höfe \u2192 \u6e56, "quoted"\n'}
    path = tmp_path / "w.safetensors"
    path.write_bytes(file.pack({}, {}, about=about))
    assert file.check(path) == about | ABOUT


def truncated(path: Path) -> None:
    path.write_bytes(made_weights(path).read_bytes()[:-100])


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(made_weights(path).read_bytes()[:40])


def a_pickle(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 and so on, as torch.save writes it")


def empty(path: Path) -> None:
    path.touch()


def a_folder(path: Path) -> None:
    path.mkdir()


def missing(path: Path) -> None:
    assert not path.exists()


def of_another_model(path: Path) -> None:
    save_file({"a": np.zeros(3)}, path, {"model": "other", "version": "1"})


def without_a_word(path: Path) -> None:
    save_file({"a": np.zeros(3)}, path)


def of_another_version(path: Path) -> None:
    save_file({"a": np.zeros(3)}, path, ABOUT | {"version": "7"})


@pytest.mark.parametrize("read", [file.check, file.read_text, file.read_image, read_network])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (truncated, r"is no safetensors file, or damaged \(.*\)\. Name the model that it belongs to with --model"),
        (cut_in_the_header, r"is no safetensors file, or damaged"),
        (a_pickle, r"is no safetensors file, or damaged"),
        (empty, r"is no safetensors file, or damaged"),
        (a_folder, r"cannot be read: Is a directory\. Name"),
        (missing, r"cannot be read: No such file or directory\. Name"),
        (of_another_model, r"are not those of s2-nano\. Name the model that it belongs to with --model"),
        (without_a_word, r"are not those of s2-nano\. Name"),
        (
            of_another_version,
            r"are of version 7 of s2-nano, and this msclip-search reads version 2: leave --weights out",
        ),
    ],
)
def test_what_is_no_such_file_is_said(
    tmp_path: Path, spoil: Callable[[Path], None], said: str, read: Callable[[Path], object]
) -> None:
    path = tmp_path / "w.safetensors"
    spoil(path)
    with pytest.raises(WeightsError, match=said) as caught:
        read(path)
    assert str(caught.value).count(str(path)) == 1
    assert ".)" not in str(caught.value)


_AS_NOBODY = """
import os, sys
from pathlib import Path
from msclip_search.errors import WeightsError
from msclip_search.models.nano import file
if os.geteuid() == 0:
    os.setuid(65534)
try:
    file.check(Path(sys.argv[1]))
except WeightsError as error:
    print(error)
"""


def test_a_file_that_may_not_be_read_is_said() -> None:
    """Root is refused nothing: another user asks, who can reach the folder but not the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = made_weights(folder / "w.safetensors")
        path.chmod(0)
        asked = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(path)], capture_output=True, text=True, check=False
        )
    assert re.match(r".*w\.safetensors.* cannot be read: Permission denied", asked.stdout), asked.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text.vectors": None}, "are damaged .*text.vectors"),
        ({"text.tokenizer": np.frombuffer(b"{}", np.uint8)}, "are damaged .*no tokenizer"),
        ({"text.tokenizer": np.frombuffer(b"\xff", np.uint8)}, "are damaged .*no tokenizer"),
        ({"text.shift": np.zeros(9, np.float32)}, "are damaged .*10 tokens have vectors"),
    ],
)
def test_a_text_tower_that_does_not_fit_is_said(
    tmp_path: Path, change: Mapping[str, NDArray[np.generic] | None], said: str
) -> None:
    path = made_weights(tmp_path / "w.safetensors")
    arrays = {name: array for name, array in {**load_file(path), **change}.items() if array is not None}
    save_file(arrays, path, ABOUT)
    with pytest.raises(WeightsError, match=said):
        file.read_text(path)
    read_network(path)


@pytest.mark.parametrize(
    "leave_out",
    [
        "image.mean",
        "image.cell_deviation",
        "image.lift.weight",
        "image.blocks.0.",
        "image.blocks.1.around.weight",
        "image.head.0.weight",
        "image.head.6.bias",
        "image.",
    ],
)
def test_a_network_that_does_not_fit_is_said(tmp_path: Path, leave_out: str) -> None:
    path = made_weights(tmp_path / "w.safetensors")
    arrays = {name: array for name, array in load_file(path).items() if not name.startswith(leave_out)}
    save_file(arrays, path, ABOUT)
    with pytest.raises(WeightsError, match=r"are not those of s2-nano \("):
        read_network(path)
    file.read_text(path)


def test_the_bundled_file_is_the_models_and_small() -> None:
    assert file.BUNDLED.is_file(), "the weights of the bundled model are not in the package"
    about = file.check(file.BUNDLED)
    assert (about["model"], about["version"]) == ("s2-nano", file.VERSION)
    # The model is small: weights and code.
    model = file.BUNDLED.parent
    assert sum(path.stat().st_size for path in model.rglob("*") if path.suffix != ".pyc") <= 12e6
    assert file.read_text(file.BUNDLED).dimension == SPEC.dimension
    assert all(value.isfinite().all() for value in read_network(file.BUNDLED).state_dict().values())
