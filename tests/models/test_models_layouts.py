"""Checkpoints laid out as RemoteCLIP's, GeoRSCLIP's and SkyCLIP's are, against the networks that they were made of."""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from msclip_search.errors import WeightsError
from msclip_search.models import ModelSpec, spec_of
from msclip_search.models.checkpoint import open_checkpoint
from msclip_search.models.clip import ClipEncoder, load
from msclip_search.models.weights import identify

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
TOWERS: Mapping[str, Mapping[str, Any]] = {
    "ViT": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "RN": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
}
TEXTS = ("flooded farmland", "a harbour, seen from above")
Content = Callable[[Any], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A network of OpenCLIP's own, and what our encoder is told about it."""

    network: Any
    spec: ModelSpec
    configuration: Mapping[str, Any]

    def encoder(self, path: Path) -> ClipEncoder:
        return load(self.spec, configuration=self.configuration, weights=identify(path), device="cpu")

    def tiles(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        prepare = open_clip.image_transform(self.spec.size, is_train=False)
        with torch.inference_mode():
            inputs = torch.stack([prepare(Image.fromarray(picture.transpose(1, 2, 0))) for picture in pictures])
            rows: NDArray[np.float32] = self.network.encode_image(inputs, normalize=True).numpy()
        return rows

    def texts(self) -> NDArray[np.float32]:
        with torch.inference_mode():
            rows: NDArray[np.float32] = self.network.encode_text(
                open_clip.tokenize(list(TEXTS), 16), normalize=True
            ).numpy()
        return rows


def make(tower: str, *, quick_gelu: bool = False) -> Made:
    torch.manual_seed(7)
    configuration = {"embed_dim": 32, "vision_cfg": TOWERS[tower], "text_cfg": TEXT, "quick_gelu": quick_gelu}
    network = open_clip.CLIP(**configuration)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after a training: no mean 0 and no deviation 1
            module.running_mean.normal_(0, 0.2)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
            module.num_batches_tracked.fill_(99)  # type: ignore[union-attr]
    size = int(TOWERS[tower]["image_size"])
    spec = replace(spec_of("open_clip:ViT-B-32"), size=size, dimension=32, context=16)
    return Made(network=network.eval(), spec=spec, configuration=configuration)


@pytest.fixture(scope="module", params=list(TOWERS))
def made(request: pytest.FixtureRequest) -> Made:
    return make(request.param)


def distributed(network: Any) -> dict[str, Tensor]:  # noqa: ANN401 - OpenCLIP has no types
    return {f"module.{name}": tensor for name, tensor in network.state_dict().items()}


def trained(network: Any) -> dict[str, object]:  # noqa: ANN401
    """Write a checkpoint of an epoch as OpenCLIP's training does, after a real step of its optimizer."""
    copy = [torch.nn.Parameter(parameter.detach().clone()) for parameter in network.parameters()]
    groups = [
        {"params": [parameter for parameter in copy if parameter.ndim < 2], "weight_decay": 0.0},
        {"params": [parameter for parameter in copy if parameter.ndim >= 2], "weight_decay": 1.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-9, betas=(0.9, 0.98), eps=1e-6)
    torch.stack([parameter.sum() for parameter in copy]).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    scaler = torch.amp.GradScaler("cpu")
    return {
        "epoch": 20,
        "name": "SkyCLIP_ViT_B32_top50pct",
        "state_dict": distributed(network),
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
    }


LAYOUTS: Mapping[str, Content] = {
    "RemoteCLIP": lambda network: network.state_dict(),
    "GeoRSCLIP": lambda network: dict(network.state_dict()),
    "GeoRSCLIP wrapped": lambda network: {"state_dict": network.state_dict()},
    "GeoRSCLIP distributed": distributed,
    "SkyCLIP": trained,
    "with a temperature of one number in a list": lambda network: (
        network.state_dict() | {"logit_scale": network.logit_scale.detach().reshape(1)}
    ),
    "with OpenAI's sizes": lambda network: (
        dict(network.state_dict()) | {"vocab_size": torch.tensor(49408), "context_length": torch.tensor(16)}
    ),
}


def check(made: Made, path: Path) -> None:
    """Compare a file's encoder with the network, by value, in both towers."""
    draws = np.random.default_rng(4)
    pictures = draws.integers(0, 256, (3, 3, made.spec.size, made.spec.size)).astype(np.uint8)
    encoder = made.encoder(path)
    np.testing.assert_allclose(encoder.encode_tiles(pictures), made.tiles(pictures), atol=2e-6)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), made.texts(), atol=2e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_gives_the_networks_own_embeddings(
    made: Made, tmp_path: Path, layout: str, *, zipped: bool
) -> None:
    path = tmp_path / "w.pt"
    torch.save(LAYOUTS[layout](made.network), path, _use_new_zipfile_serialization=zipped)
    check(made, path)


def test_safetensors_give_them_too(made: Made, tmp_path: Path) -> None:
    save_file(made.network.state_dict(), tmp_path / "w.safetensors")
    check(made, tmp_path / "w.safetensors")


def test_the_activation_is_that_of_the_architecture(tmp_path: Path) -> None:
    quick, usual = make("ViT", quick_gelu=True), make("ViT")
    torch.save(quick.network.state_dict(), tmp_path / "w.pt")
    check(quick, tmp_path / "w.pt")
    # The same numbers fit the other network, and say something else there: only the name tells them apart.
    assert np.abs(quick.texts() - usual.texts()).max() > 1e-3
    check(usual, tmp_path / "w.pt")


class Runs:
    """What runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        (np.float64(0.53), r"numpy\.\w+\.multiarray\.scalar"),
        (np.arange(3), r"numpy\.\w+\.multiarray\._reconstruct"),
        (argparse.Namespace(lr=1e-9), r"argparse\.Namespace"),
        (Path("/data"), r"pathlib\.\w*Path"),
        (torch.nn.Sequential(torch.nn.Linear(2, 2)), r"torch\.nn\.modules\.container\.Sequential"),
    ],
    ids=["numpy scalar", "numpy array", "arguments", "path", "whole module"],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_else_a_training_kept_is_named_and_not_run(
    tmp_path: Path, extra: object, named: str, *, zipped: bool
) -> None:
    path, mark = tmp_path / "w.pt", tmp_path / "ran"
    weights = {"module.a": torch.ones(2)}
    for content in ({"best": extra, "state_dict": weights}, {"best": extra, "state_dict": weights, "x": Runs(mark)}):
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(WeightsError, match=rf"holds something besides tensors \({named}\).*Save .*state_dict\(\)"):
            open_checkpoint(path)
    assert not mark.exists()


def test_plain_values_of_a_training_are_passed_over(tmp_path: Path) -> None:
    kept = {"epoch": 20, "args": {"lr": 1e-9, "aug": (0.67, 1.0)}, "best": 0.5, "seen": {1, 2}, "none": None}
    torch.save(kept | {"state_dict": {"module.a": torch.ones(2)}}, tmp_path / "w.pt")
    assert list(open_checkpoint(tmp_path / "w.pt")) == ["a"]
