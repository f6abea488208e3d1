"""`open_clip:ARCH/PRETRAINED` against OpenCLIP's own table, its own preprocessing, and a hub on this machine."""

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.pretrained import _PRETRAINED
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from safetensors.torch import save_file

from msclip_search import models
from msclip_search.errors import ModelError, WeightsError
from msclip_search.models import HubFile, WeightsFile, architectures, registry, spec_of
from msclip_search.models.preprocess import Preprocess
from msclip_search.models.weights import identify
from tests.models.conftest import COMMIT, Hub
from tests.models.test_models_registry import hollow

ALL = [
    (architecture, tag)
    for architecture, tag in open_clip.list_pretrained()
    if architecture in set(architectures.names())
]
OWNER = "someone/some-clip"
SMALL = "ViT-S-32-alt"  # has no weights in the table, so that tests can give it some
HALVES = (0.5, 0.5, 0.5)


def entry(**changes: object) -> dict[str, Any]:
    """Write an entry as OpenCLIP's table has them."""
    usual = {"url": "", "hf_hub": f"{OWNER}/", "interpolation": "bicubic", "resize_mode": "squash"}
    return usual | {"mean": HALVES, "std": HALVES} | changes


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give an architecture a table of its own for a test."""
    tags: dict[str, Any] = {"made": entry()}
    monkeypatch.setitem(_PRETRAINED, SMALL, tags)
    return tags


@pytest.mark.parametrize(("architecture", "tag"), ALL)
def test_every_entry_becomes_the_model_that_it_describes(architecture: str, tag: str) -> None:
    spec = spec_of(f"open_clip:{architecture}/{tag}")
    theirs: dict[str, Any] = open_clip.get_pretrained_cfg(architecture, tag)
    assert spec.name == f"open_clip:{architecture}/{tag}"
    assert (spec.mean, spec.deviation) == (theirs["mean"], theirs["std"])
    assert spec.hub is not None
    assert f"{spec.hub.repo}/" == theirs["hf_hub"]
    assert (spec.hub.filename, spec.hub.alternative) == ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    ours, named = (open_clip.get_model_config(name) for name in (spec.architecture, architecture))
    assert ours.pop("quick_gelu", False) == theirs.get("quick_gelu", False)
    named.pop("quick_gelu", None)
    assert ours == named
    plain = spec_of(f"open_clip:{architecture}")
    changed = {"name", "summary", "hub", "architecture", "mean", "deviation", "resampling"}
    assert {key: value for key, value in spec.to_dict().items() if key not in changed} == {
        key: value for key, value in plain.to_dict().items() if key not in changed
    }


def test_the_table_is_as_large_as_expected() -> None:
    assert len(ALL) > 80
    assert {("ViT-B-32", "openai"), ("ViT-L-14", "laion2b_s32b_b82k"), ("ViT-H-14-quickgelu", "dfn5b")} <= set(ALL)


@pytest.mark.parametrize(
    ("name", "resampling"),
    [
        ("ViT-B-32/laion2b_s34b_b79k", "bicubic"),
        ("ViT-L-14/laion2b_s32b_b82k", "bicubic"),  # with means and deviations of its own
        ("ViT-H-14/dfn5b", "bicubic-squash"),
        ("RN50x4/openai", "bicubic"),
    ],
)
@pytest.mark.parametrize(("height", "width"), [(60, 72), (400, 300), (224, 300), (288, 288)])
def test_pictures_are_prepared_as_open_clip_does(name: str, resampling: str, height: int, width: int) -> None:
    architecture, tag = name.split("/")
    spec = spec_of(f"open_clip:{name}")
    assert spec.resampling == resampling
    draws = np.random.default_rng(3)
    blocks = draws.integers(60, 196, (height // 4, width // 4, 3))
    picture = np.kron(blocks, np.ones((4, 4, 1))).astype(np.uint8)
    wanted = merge_preprocess_dict(PreprocessCfg(size=spec.size), open_clip.get_pretrained_cfg(architecture, tag))
    theirs = image_transform_v2(PreprocessCfg(**wanted), is_train=False)(Image.fromarray(picture))
    ours = Preprocess(spec, device=torch.device("cpu"))(picture.transpose(2, 0, 1)[None].copy())[0]
    assert ours.shape == theirs.shape
    # They round to 8 bits after each of two passes, whose weights' sizes add up to 1.25 at most; we do not.
    apart = ((ours - theirs) * torch.tensor(spec.deviation)[:, None, None] * 255).abs()
    assert apart.max() < 0.5 * 1.25 + 0.5
    assert apart.mean() < 0.5


def test_the_tag_is_part_of_the_fingerprint_where_it_changes_something() -> None:
    sha = "a" * 64
    plain, usual, means, quick, squash = (
        spec_of(f"open_clip:{name}").fingerprint(sha)
        for name in (
            "ViT-L-14",
            "ViT-L-14/datacomp_xl_s13b_b90k",
            "ViT-L-14/laion2b_s32b_b82k",
            "ViT-L-14/openai",
            "ViT-H-14/dfn5b",
        )
    )
    assert plain == usual
    assert len({plain, means, quick, squash}) == 4
    assert quick == spec_of("open_clip:ViT-L-14-quickgelu/openai").fingerprint(sha)
    assert quick == spec_of("open_clip:ViT-L-14-quickgelu").fingerprint(sha)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "RN50/yfcc",
            "OpenCLIP has no weights 'yfcc' for RN50. Did you mean yfcc15m, cc12m? For RN50 there are openai, ",
        ),
        (
            "RN101/cc12m",
            "OpenCLIP has no weights 'cc12m' for RN101. Did you mean yfcc15m? It has weights of this name for RN50,",
        ),
        (
            "ViT-L-14-336/OpenAI",
            "OpenCLIP has no weights 'OpenAI' for ViT-L-14-336. Did you mean openai? It has weights of this name for ",
        ),
        ("RN50x4/zzzz", "OpenCLIP has no weights 'zzzz' for RN50x4. For RN50x4 there are openai."),
        ("RN50x4/", "OpenCLIP has no weights '' for RN50x4. For RN50x4 there are openai."),
        (
            "ViT-S-32/openai",
            "OpenCLIP has no weights for ViT-S-32: leave '/openai' out and pass a file with --weights.",
        ),
        ("ViT-B32/openai", "OpenCLIP has no architecture 'ViT-B32'. Did you mean ViT-B-32"),
    ],
)
def test_an_unknown_tag_is_answered_with_those_there_are(name: str, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        spec_of(f"open_clip:{name}")
    assert str(caught.value).startswith(said)


def test_a_file_named_by_the_table_is_that_file(table: dict[str, Any]) -> None:
    table["made"] = entry(hf_hub=f"{OWNER}/clip.bin")
    assert spec_of(f"open_clip:{SMALL}/made").hub == HubFile(repo=OWNER, filename="clip.bin", revision="main")


def test_an_unsupported_way_to_resize_is_refused(table: dict[str, Any]) -> None:
    table["made"] = entry(interpolation="bilinear")
    with pytest.raises(ModelError, match=r"want pictures resized in a way that is not supported \(bilinear, squash\)"):
        spec_of(f"open_clip:{SMALL}/made")


def test_weights_from_another_server_come_as_a_file(table: dict[str, Any], tmp_path: Path) -> None:
    table["made"] = entry(hf_hub="", url="http://127.0.0.1:1/weights-0123abcd.pt")
    name = f"open_clip:{SMALL}/made"
    with pytest.raises(WeightsError) as caught:
        models.load(name)
    assert str(caught.value) == (
        f"The weights of {name} are not on the hub: get the file by other means and pass it with --weights."
    )
    path = hollow(f"open_clip:{SMALL}", tmp_path / "w.pt")
    encoder = models.load(name, weights=path, device="cpu")
    assert (encoder.spec.mean, encoder.spec.resampling) == (HALVES, "bicubic-squash")
    assert encoder.fingerprint == spec_of(name).fingerprint(identify(path).sha256)
    assert encoder.fingerprint != models.load(f"open_clip:{SMALL}", weights=path, device="cpu").fingerprint


def tiny(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:  # noqa: ANN401 - OpenCLIP has no types
    """Add an architecture small enough to be served, with weights in the table, and return a network of it."""
    configuration = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    file = folder / "tiny.json"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    known = architectures._files()
    monkeypatch.setattr(architectures, "_files", lambda: known | {"tiny": file})
    monkeypatch.setitem(_PRETRAINED, "tiny", {"made": entry()})
    torch.manual_seed(11)
    return open_clip.CLIP(**configuration).eval()


@pytest.mark.parametrize("filename", ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"])
def test_weights_come_from_the_hub_and_are_pinned(
    monkeypatch: pytest.MonkeyPatch, served: Hub, cache: Path, tmp_path: Path, filename: str
) -> None:
    network = tiny(monkeypatch, tmp_path)
    path = tmp_path / filename
    if path.suffix == ".bin":
        torch.save(network.state_dict(), path)
    else:
        save_file(network.state_dict(), path)
    served.repo, served.name, served.content = OWNER, filename, path.read_bytes()
    served.etag = hashlib.sha256(served.content).hexdigest()
    encoder = models.load("open_clip:tiny/made", device="cpu", endpoint=served.address, cache_dir=cache)
    assert encoder.weights is not None
    assert (encoder.weights.origin, encoder.weights.revision) == ("hub", COMMIT)
    assert encoder.weights.sha256 == identify(path).sha256

    picture = np.random.default_rng(2).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    prepare = image_transform_v2(PreprocessCfg(size=32, mean=HALVES, std=HALVES, resize_mode="squash"), is_train=False)
    with torch.inference_mode():
        expected = network.encode_image(prepare(Image.fromarray(picture))[None], normalize=True).numpy()
        words = network.encode_text(open_clip.tokenize(["a lake"], 16), normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_tiles(picture.transpose(2, 0, 1)[None].copy()), expected, atol=1e-6)
    np.testing.assert_allclose(encoder.encode_texts(["a lake"]), words, atol=1e-6)
    assert encoder.fingerprint == models.load("open_clip:tiny/made", weights=path, device="cpu").fingerprint

    served.asked.clear()
    again = partial(models.load, "open_clip:tiny/made", device="cpu", endpoint=served.address, cache_dir=cache)
    assert again(known=encoder.weights).weights == again().weights == encoder.weights
    other = replace(encoder.weights, path=str(tmp_path / "gone" / filename), sha256="b" * 64)
    with pytest.raises(WeightsError, match="is not the file that was asked for"):
        again(known=other)
    assert served.asked == []


def test_the_users_file_goes_before_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from msclip_search.models import clip

    taken: list[tuple[WeightsFile, dict[str, Any]]] = []
    monkeypatch.setattr(clip, "load", lambda _, *, weights, configuration, **__: taken.append((weights, configuration)))
    (tmp_path / "w.pt").write_bytes(b"weights")
    registry.load("open_clip:ViT-B-32/openai", weights=tmp_path / "w.pt")
    assert taken[0][0] == identify(tmp_path / "w.pt")
    assert taken[0][1]["quick_gelu"] is True
