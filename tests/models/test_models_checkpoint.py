import os
import pickle
import stat
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from msclip_search.errors import WeightsError
from msclip_search.models.checkpoint import check_shapes, open_checkpoint
from msclip_search.models.weights import identify

PREFIXES = ("clip_base_model.model.", "text_encoder.model.", "image_encoder.model.")
WEIGHTS = {
    "visual.conv1.weight": torch.arange(24.0).reshape(2, 3, 2, 2),
    "text_projection": torch.arange(4.0).reshape(2, 2),
}


class Runs:
    """What runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def published(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"temperature": torch.tensor(0.07)} | {
        prefix + name: tensor for prefix in PREFIXES for name, tensor in weights.items()
    }


def same(found: Mapping[str, Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


@pytest.mark.parametrize(
    "content",
    [
        published(WEIGHTS),
        WEIGHTS,
        OrderedDict(WEIGHTS),
        {"state_dict": WEIGHTS, "epoch": 3, "name": "run"},
        {"module." + name: tensor for name, tensor in WEIGHTS.items()},
        {"state_dict": {"module." + name: tensor for name, tensor in published(WEIGHTS).items()}},
    ],
    ids=["published", "bare", "ordered", "wrapped", "distributed", "wrapped distributed published"],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_every_layout_gives_the_same_tensors(tmp_path: Path, content: object, *, zipped: bool) -> None:
    path = tmp_path / "w.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert same(open_checkpoint(path))


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin"])
def test_safetensors_are_known_by_their_content(tmp_path: Path, name: str) -> None:
    save_file(WEIGHTS, tmp_path / name)
    assert same(open_checkpoint(tmp_path / name))


def test_half_precision_stays_until_it_is_used(tmp_path: Path) -> None:
    torch.save({name: tensor.half() for name, tensor in WEIGHTS.items()}, tmp_path / "w.pt")
    assert {tensor.dtype for tensor in open_checkpoint(tmp_path / "w.pt").values()} == {torch.float16}


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, *, zipped: bool) -> None:
    path, mark = tmp_path / "w.pt", tmp_path / "ran"
    torch.save(WEIGHTS | {"extra": Runs(mark)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"w\.pt holds something besides tensors \(\w+\.mkdir\).* was not run"):
        open_checkpoint(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists(), "the file would have run its code"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_bare_pickle_is_not_run(tmp_path: Path, protocol: int) -> None:
    path, mark = tmp_path / "w.pt", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Runs(mark), protocol=protocol))
    with pytest.raises(WeightsError, match=r"was not run|is not a checkpoint"):
        open_checkpoint(path)
    assert not mark.exists()


def test_torchscript_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", b"\x80\x02N.")
        archive.writestr("w/code/__torch__.py", "raise SystemExit")
    with pytest.raises(WeightsError, match=r"TorchScript archive: it holds code, which was not run"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"these are not weights", "is not a checkpoint"),
        (b"\x00" * 100, "is not a checkpoint"),
        (b"PK", "is not a checkpoint"),
        (b"PK\x03\x04 and nothing more", "is damaged or truncated"),
        (pickle.dumps({"a": 1}), "a pickle that is no checkpoint"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{not json after}", "is a damaged safetensors file"),
    ],
    ids=["text", "zeros", "short", "zip", "pickle", "safetensors"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said) as caught:
        open_checkpoint(path)
    assert str(path) in str(caught.value)


def test_another_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("a.npy", b"")
    with pytest.raises(WeightsError, match="is a zip file, but no checkpoint"):
        open_checkpoint(tmp_path / "w.npz")


@pytest.mark.parametrize("content", [[torch.ones(2)], {}, {"epoch": 3}, {3: torch.ones(2)}, torch.ones(2)])
def test_a_checkpoint_without_named_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="holds no named tensors"):
        open_checkpoint(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")  # PyTorch's, where the damage hit that number
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["zip", "legacy", "safetensors"]))
def test_damage_is_always_said_in_one_sentence(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    path = tmp_path / f"{kind}.pt"
    if kind == "safetensors":
        save_file(WEIGHTS, path)
    else:
        torch.save(WEIGHTS, path, _use_new_zipfile_serialization=kind == "zip")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
            content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    # Where a tensor's numbers or a checksum were hit, only the file's hash can tell.
    with suppress(WeightsError):
        assert all(isinstance(tensor, Tensor) for tensor in open_checkpoint(path).values())


def test_shapes_are_compared_by_name() -> None:
    path = Path("w.pt")
    check_shapes(WEIGHTS | {"vocab_size": torch.tensor(3)}, WEIGHTS, model="m", path=path)
    wide = WEIGHTS | {"visual.conv1.weight": torch.ones(2, 10, 2, 2)}
    with pytest.raises(WeightsError) as caught:
        check_shapes(WEIGHTS, wide, model="m", path=path)
    assert str(caught.value) == (
        "w.pt holds the weights of another model: visual.conv1.weight is (2, 3, 2, 2); m wants (2, 10, 2, 2)."
    )
    with pytest.raises(WeightsError, match=r"does not hold m: it lacks text_projection\."):
        check_shapes({"visual.conv1.weight": WEIGHTS["visual.conv1.weight"]}, WEIGHTS, model="m", path=path)
    with pytest.raises(WeightsError, match=r"it lacks visual.conv1.weight and 1 more\."):
        check_shapes({"a": torch.ones(1)}, WEIGHTS, model="m", path=path)
    with pytest.raises(WeightsError, match=r"m has no visual.conv2.weight\."):
        check_shapes(WEIGHTS | {"visual.conv2.weight": torch.ones(1)}, WEIGHTS, model="m", path=path)


def test_a_file_that_cannot_be_had_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"There is no weights file .*absent\.pt\. Pass .* --weights"):
        identify(tmp_path / "absent.pt")
    with pytest.raises(WeightsError, match=r"is a folder, not a weights file"):
        identify(tmp_path)
    (tmp_path / "empty.pt").touch()
    with pytest.raises(WeightsError, match=r"empty\.pt is empty"):
        identify(tmp_path / "empty.pt")
    with pytest.raises(WeightsError, match=r"There is no weights file|cannot be read"):
        identify(tmp_path / "empty.pt" / "below.pt")


_AS_NOBODY = """
import os, sys
from pathlib import Path
from msclip_search.errors import WeightsError
from msclip_search.models.weights import identify
os.setuid(65534)
try:
    identify(Path(sys.argv[1]))
except WeightsError as error:
    print(error)
"""


def test_no_permission_is_said(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(b"weights")
    path.chmod(0)
    if os.geteuid():
        with pytest.raises(WeightsError, match="No permission to read"):
            identify(path)
        return
    # Root is refused nothing: another user asks, who can reach the folder but not the file.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    asked = subprocess.run([sys.executable, "-c", _AS_NOBODY, str(path)], capture_output=True, text=True, check=False)
    assert asked.stdout == f"No permission to read the weights file {path}.\n", asked.stderr
