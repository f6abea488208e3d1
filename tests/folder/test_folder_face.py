"""The public face: what `import msclip_search` offers, and what it costs."""

import importlib
import subprocess
import sys

import pytest

import msclip_search

FACE = [
    "ArchiveError",
    "BandsError",
    "Compaction",
    "Encoder",
    "Exported",
    "Failure",
    "Filter",
    "Gallery",
    "Hit",
    "Hits",
    "Imported",
    "IndexConflict",
    "IndexDamaged",
    "IndexFolderError",
    "IndexInfo",
    "IndexLocked",
    "IndexMissing",
    "IndexOutdated",
    "IndexTooNew",
    "ModelError",
    "ModelMismatch",
    "ModelSpec",
    "MsclipError",
    "Pace",
    "QueryError",
    "Question",
    "Removal",
    "Report",
    "SearchIndex",
    "SimulatedTile",
    "Simulation",
    "SimulationError",
    "StorageError",
    "TileError",
    "Verification",
    "WeightsError",
    "compact_index",
    "export_index",
    "import_vectors",
    "index_tiles",
    "make_gallery",
    "remove_tiles",
    "simulate",
    "simulate_archive",
    "verify",
    "write_chips",
]


def test_the_face_is_this() -> None:
    assert msclip_search.__all__ == FACE
    assert sorted(FACE) == FACE
    assert dir(msclip_search) == FACE


@pytest.mark.parametrize("name", FACE)
def test_each_name_is_there_and_says_what_it_is(name: str) -> None:
    member = getattr(msclip_search, name)
    assert member.__name__ == name
    assert member.__doc__
    assert getattr(importlib.import_module(member.__module__), name) is member


def test_errors_are_of_one_family() -> None:
    for name in FACE:
        member = getattr(msclip_search, name)
        if isinstance(member, type) and issubclass(member, Exception):
            assert issubclass(member, msclip_search.MsclipError)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'msclip_search' has no attribute 'nonsense'"):
        _ = msclip_search.nonsense


@pytest.mark.parametrize("package", ["store", "catalog", "ingest", "search", "raster", "simulation", "gallery"])
def test_what_packages_offer_is_sorted_and_there(package: str) -> None:
    module = importlib.import_module(f"msclip_search.{package}")
    names = module.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    for name in names:
        assert getattr(module, name) is not None


def test_the_import_loads_nothing_heavy() -> None:
    code = "import sys, msclip_search; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "torch", "faiss", "rasterio", "pyarrow", "shapely", "open_clip", "xxhash", "yaml"):
        assert f"'{heavy}'" not in done.stdout
