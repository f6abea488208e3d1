"""The door to FAISS: missing, broken, twice; and not opened before it is needed."""

import importlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import msclip_search.indexes
from msclip_search.indexes import FaissUnavailable
from msclip_search.indexes.faiss_library import load_faiss

CPU, GPU = 'pip install "msclip-search[cpu]"', 'pip install "msclip-search[gpu]"'


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    load_faiss.cache_clear()
    yield
    load_faiss.cache_clear()


def pretend_installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let only these distributions be found."""

    def distribution(name: str) -> str:
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return name

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)


def pretend_import(monkeypatch: pytest.MonkeyPatch, error: ImportError) -> None:
    """Let the import fail."""

    def import_module(_name: str) -> ModuleType:
        raise error

    monkeypatch.setattr(importlib, "import_module", import_module)


def test_faiss_is_imported_once() -> None:
    assert load_faiss() is load_faiss() is sys.modules["faiss"]


def test_without_faiss_both_lines_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch)
    pretend_import(monkeypatch, ModuleNotFoundError("No module named 'faiss'", name="faiss"))
    with pytest.raises(FaissUnavailable, match="FAISS is not installed") as caught:
        load_faiss()
    assert CPU in str(caught.value)
    assert GPU in str(caught.value)


@pytest.mark.parametrize("gpu", ["faiss-gpu", "faiss-gpu-cu12"])
def test_two_at_once_are_refused(monkeypatch: pytest.MonkeyPatch, gpu: str) -> None:
    pretend_installed(monkeypatch, "faiss-cpu", gpu)
    with pytest.raises(FaissUnavailable, match="overwrite each other") as caught:
        load_faiss()
    assert f"pip uninstall -y faiss-cpu {gpu}" in str(caught.value)
    assert CPU in str(caught.value)
    assert GPU in str(caught.value)


@pytest.mark.parametrize("one", ["faiss-cpu", "faiss-gpu"])
def test_either_alone_will_do(monkeypatch: pytest.MonkeyPatch, one: str) -> None:
    pretend_installed(monkeypatch, one)
    assert load_faiss().METRIC_INNER_PRODUCT == 0


def test_a_broken_faiss_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_import(monkeypatch, ImportError("libcudart.so.12: cannot open shared object file"))
    with pytest.raises(FaissUnavailable, match=r"does not load \(libcudart"):
        load_faiss()


def test_what_faiss_itself_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_import(monkeypatch, ModuleNotFoundError("No module named 'packaging'", name="packaging"))
    with pytest.raises(FaissUnavailable, match=r"lacks a module .*packaging"):
        load_faiss()


def test_a_failure_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        pretend_installed(patch, "faiss-cpu", "faiss-gpu")
        with pytest.raises(FaissUnavailable):
            load_faiss()
    assert load_faiss() is sys.modules["faiss"]


def test_the_indexes_are_imported_without_faiss() -> None:
    code = "import sys, msclip_search.indexes; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0


def test_the_public_names_are_sorted_and_there() -> None:
    names = msclip_search.indexes.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name))  # ruff's order: constants first
    assert all(hasattr(msclip_search.indexes, name) for name in names)
