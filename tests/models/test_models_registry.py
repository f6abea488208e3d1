import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from msclip_search import models
from msclip_search.errors import ModelError, WeightsError
from msclip_search.models import architectures, registry
from msclip_search.models.base import Encoder, WeightsFile
from msclip_search.models.weights import identify

HEAVY = ("torch", "open_clip", "safetensors", "huggingface_hub", "tokenizers")


def hollow(name: str, path: Path, *, channels: int | None = None) -> Path:
    """Write a checkpoint of a model's every shape in a few kilobytes: each tensor is one number, repeated."""
    from msclip_search.models.towers import _empty_model

    spec = models.spec_of(name)
    network = _empty_model(architectures.configuration(spec.architecture), channels=channels or len(spec.bands))
    numbers = {name: torch.tensor(0.01).expand(like.shape) for name, like in network.state_dict().items()}
    torch.save(numbers, path)
    assert path.stat().st_size < 1 << 20
    return path


def test_names() -> None:
    assert models.DEFAULT == "s2-nano"
    assert [spec.name for spec in models.specs()] == ["s2-nano", "llama3-ms-clip-base", "untrained"]
    assert all(models.spec_of(spec.name) == spec for spec in models.specs())


def test_where_weights_come_from_when_none_are_given() -> None:
    names = ("s2-nano", "llama3-ms-clip-base", "untrained", "open_clip:ViT-B-32", "open_clip:ViT-B-32/openai")
    assert [models.source(models.spec_of(name)) for name in names] == ["bundled", "hub", "seed", "file", "hub"]


def test_the_face_is_sorted_and_whole() -> None:
    assert models.__all__ == sorted(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ModelError,
        match=r"no model 'clip'.* s2-nano, llama3-ms-clip-base, untrained, and open_clip:ARCH\[/PRETRAINED\]",
    ):
        models.spec_of("clip")


@pytest.mark.parametrize(
    "statement",
    [
        "import msclip_search.models.registry, msclip_search.models.templates",
        "from msclip_search.models import spec_of; spec_of('llama3-ms-clip-base'); spec_of('open_clip:ViT-B-32')",
        "from msclip_search.models import load; load('untrained').encode_texts(['a'])",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str) -> None:
    code = f"{statement}\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout == "[]\n"


def test_open_clip_names_models_of_pictures() -> None:
    spec = models.spec_of("open_clip:ViT-L-14-336")
    assert (spec.bands, spec.size, spec.dimension, spec.context) == (("B04", "B03", "B02"), 336, 768, 77)
    assert spec.rendering == (0.0, 3000.0)
    assert spec.hub is None


def test_every_architecture_that_is_offered_has_a_spec() -> None:
    names = architectures.names()
    assert {"ViT-B-32", "ViT-L-14", "ViT-H-14", "RN50", "ViT-B-32-quickgelu"} <= set(names)
    assert all(models.spec_of(f"open_clip:{name}").architecture == name for name in names)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("open_clip:ViT-B32", r"no architecture 'ViT-B32'\. Did you mean ViT-B-32"),
        ("open_clip:", "no architecture ''"),
        ("open_clip:zzzz", "There are RN101, RN101-quickgelu, "),
        ("open_clip:ViT-B-16-SigLIP", "needs other libraries beside OpenCLIP"),
        ("open_clip:convnext_base", "needs other libraries beside OpenCLIP"),
    ],
)
def test_other_open_clip_names_are_refused(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        models.load(name)


@pytest.mark.parametrize("name", ["open_clip:ViT-S-32-alt", "open_clip:RN50", "llama3-ms-clip-base"])
def test_a_checkpoint_of_the_right_shapes_loads(tmp_path: Path, name: str) -> None:
    path = hollow(name, tmp_path / "w.pt")
    encoder: Encoder = models.load(name, weights=path, device="cpu")
    assert encoder.spec.name == name
    assert encoder.weights == identify(path)
    assert encoder.fingerprint == encoder.spec.fingerprint(identify(path).sha256)
    assert encoder.encode_texts(["a place"]).shape == (1, encoder.spec.dimension)


def test_a_checkpoint_of_other_shapes_is_refused(tmp_path: Path) -> None:
    path = hollow("llama3-ms-clip-base", tmp_path / "w.pt", channels=3)
    with pytest.raises(WeightsError) as caught:
        models.load("llama3-ms-clip-base", weights=path)
    assert str(caught.value) == (
        f"{path} holds the weights of another model: visual.conv1.weight is (768, 3, 16, 16); "
        "llama3-ms-clip-base wants (768, 10, 16, 16)."
    )


def test_pictures_have_no_weights_of_their_own() -> None:
    with pytest.raises(
        WeightsError, match=r"open_clip:ViT-B-32 has no weights of its own: .* --weights, or .*/PRETRAINED"
    ):
        models.load("open_clip:ViT-B-32")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "", "CPU"])
def test_a_word_that_is_no_device_is_refused(device: str) -> None:
    with pytest.raises(ModelError, match=r"is no device\. There are auto, cpu, cuda and cuda:N"):
        models.load("llama3-ms-clip-base", device=device)


def test_cuda_without_cuda_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    path = hollow("open_clip:ViT-S-32-alt", tmp_path / "w.pt")
    for device in ("cuda", "cuda:1"):
        with pytest.raises(ModelError, match=r"sees no CUDA device here\. Use --device cpu"):
            models.load("open_clip:ViT-S-32-alt", weights=path, device=device)


def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    path = hollow("open_clip:ViT-S-32-alt", tmp_path / "w.pt")
    with pytest.raises(ModelError, match="There is no GPU 2: PyTorch sees 2"):
        models.load("open_clip:ViT-S-32-alt", weights=path, device="cuda:2")


def test_untrained_takes_no_weights_and_no_gpu(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leave --weights out"):
        models.load("untrained", weights=tmp_path / "w.pt")
    with pytest.raises(ModelError, match="leave --device out"):
        models.load("untrained", device="cuda")
    record = models.load("untrained").weights
    assert models.load("untrained", known=record).weights == record


def test_a_hash_that_is_known_is_not_computed_again(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(b"weights")
    first = identify(path)
    told = WeightsFile.from_dict(first.to_dict() | {"sha256": "f" * 64})
    assert identify(path, known=told).sha256 == "f" * 64
    os.utime(path, ns=(0, first.mtime_ns + 1))
    assert identify(path, known=told).sha256 == first.sha256
    os.utime(path, ns=(0, first.mtime_ns))
    path.write_bytes(b"weights and more")
    os.utime(path, ns=(0, first.mtime_ns))
    assert identify(path, known=told).sha256 != first.sha256


def test_recorded_weights_are_found_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hollow("open_clip:ViT-S-32-alt", Path("w.pt"))
    encoder = models.load("open_clip:ViT-S-32-alt", weights=Path("w.pt"), device="cpu")
    assert encoder.weights is not None
    assert encoder.weights.path == str(tmp_path / "w.pt")
    monkeypatch.chdir("/")
    again = models.load("open_clip:ViT-S-32-alt", known=encoder.weights, device="cpu")
    assert again.fingerprint == encoder.fingerprint
    (tmp_path / "w.pt").unlink()
    with pytest.raises(WeightsError, match=r"There is no weights file .*w\.pt\. Pass .* --weights"):
        models.load("open_clip:ViT-S-32-alt", known=encoder.weights)


def test_the_default_is_among_the_models() -> None:
    assert registry.DEFAULT in {spec.name for spec in registry.specs()}
