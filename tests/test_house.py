"""The rules of the house, read from the imports: downward only, one door a library, nothing heavy at start."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "msclip_search": ROOT / "msclip_search",
    "msclip_search.cli": ROOT / "cli",
    "msclip_search.indexes": ROOT / "indexes",
}

# Who stands on whom: a module imports from lower storeys, or from its own package.
STOREYS = (
    {"errors", "indexes"},
    {"bands", "classification", "damage", "metrics", "disk", "files", "geometry", "radiometry"},
    {"tile", "pictures", "words"},
    {"raster"},
    {"archives", "catalog", "models"},
    {"store", "pairing", "simulation", "datasets"},
    {"filters"},
    {"ingest", "search"},
    {"chips", "evaluation", "exchange", "gallery", "maintenance"},
    {"training"},
    {""},
    {"cli"},
    {"__main__"},
)
DOORS: dict[str, str | tuple[str, ...]] = {
    "torch": ("msclip_search.models", "msclip_search.training"),
    "torchvision": "msclip_search.models",
    "open_clip": "msclip_search.models",
    "safetensors": "msclip_search.models",
    "huggingface_hub": "msclip_search.models",
    "tokenizers": "msclip_search.models",
    "rasterio": ("msclip_search.raster", "msclip_search.filters.distance"),
    "PIL": "msclip_search.pictures",
    "jinja2": "msclip_search.gallery.page",
    "markupsafe": "msclip_search.gallery.page",
    "shapely": ("msclip_search.geometry", "msclip_search.filters", "msclip_search.exchange.outlines"),
    "faiss": "msclip_search.indexes.faiss_library",
    "duckdb": "msclip_search.filters.sandbox",
    "typer": "msclip_search.cli",
    "rich": "msclip_search.cli",
    "matplotlib": "msclip_search.evaluation.figure",
    "yaml": "msclip_search.search.queries",
    "pyarrow": ("msclip_search.catalog", "msclip_search.store.snapshot", "msclip_search.filters"),
}
HEAVY = {"duckdb", "numpy", "torch", "open_clip", "faiss", "rasterio", "pyarrow", "shapely", "PIL", "jinja2"}
LONGEST = 300


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the three floors, by the name it is imported under."""
    for package, folder in FLOORS.items():
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder).with_suffix("").parts
            if package == "msclip_search" and inside[0] in {"cli", "indexes"}:
                continue  # the links: their targets come in their own turn
            yield ".".join((package, *(part for part in inside if part != "__init__"))), path


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            assert node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room(module: str) -> str:
    """Name the package or module right below `msclip_search` that a module belongs to."""
    return module.removeprefix("msclip_search").lstrip(".").split(".")[0]


def storey(module: str) -> int:
    """How high a module stands."""
    return next(height for height, rooms in enumerate(STOREYS) if room(module) in rooms)


MODULES = dict(modules())


def test_the_three_floors_are_found() -> None:
    assert {"msclip_search.cli.app", "msclip_search.indexes.flat", "msclip_search.store.manifest"} <= set(MODULES)
    assert len(MODULES) > 40


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downward(module: str) -> None:
    for name in imported(MODULES[module]):
        if not name.startswith("msclip_search"):
            continue
        known = name if room(name) in set().union(*STOREYS) else "msclip_search"
        same = room(known) == room(module)
        assert same or storey(known) < storey(module), f"{module} imports {name} from above or beside it"


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("msclip_search.indexes")])
def test_the_lowest_floor_knows_numpy_and_faiss_only(module: str) -> None:
    for name in imported(MODULES[module]):
        top = name.split(".")[0]
        allowed = top in sys.stdlib_module_names or top in {"numpy", "faiss"}
        assert allowed or name.startswith("msclip_search.indexes"), f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_each_heavy_library_has_its_doors(module: str) -> None:
    for name in imported(MODULES[module]):
        top = name.split(".")[0]
        if doors := DOORS.get(top):
            among = (doors,) if isinstance(doors, str) else doors
            assert any(module == door or module.startswith(f"{door}.") for door in among), f"{module} imports {name}"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("msclip_search.cli")])
def test_only_the_command_line_reads_the_environment(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"environ", "getenv"}, f"{module} reads the environment"


@pytest.mark.parametrize("module", MODULES)
def test_a_room_is_not_a_hall(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{module} has {lines} lines"


def loaded_after(*command: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after some Python."""
    code = "\n".join(("import sys", *command, "print('|'.join(sorted({name.split('.')[0] for name in sys.modules})))"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return set(done.stdout.splitlines()[-1].split("|"))


def test_nothing_heavy_is_loaded_by_the_import() -> None:
    assert not loaded_after("import msclip_search") & HEAVY


def test_nothing_heavy_is_loaded_by_the_help() -> None:
    loaded = loaded_after(
        "from msclip_search.cli.app import app",
        "try:\n    app(['--help'])",
        "except SystemExit:\n    pass",
    )
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_a_query_without_a_network_loads_no_torch(tmp_path: Path) -> None:
    from msclip_search.raster import write_chip
    from tests.made import BANDS, made_pixels

    write_chip(tmp_path / "a.tif", made_pixels(1), bands=BANDS, crs="EPSG:32632", west=600_000, north=5_300_000)
    loaded = loaded_after(
        "from msclip_search import SearchIndex, index_tiles",
        f"index_tiles({str(tmp_path / 'a.tif')!r}, index={str(tmp_path / 'idx')!r}, model='untrained')",
        f"assert len(SearchIndex.open({str(tmp_path / 'idx')!r}).search('a lake')) == 1",
    )
    assert "pyarrow" in loaded
    assert not loaded & {"torch", "open_clip", "faiss"}


def test_a_query_of_the_bundled_model_loads_what_it_needs_alone(tmp_path: Path) -> None:
    from msclip_search import index_tiles
    from tests.made import make_archive
    from tests.models.nano import made_weights

    make_archive(tmp_path / "tiles", 4)
    weights = made_weights(tmp_path / "w.safetensors")
    index_tiles(tmp_path / "tiles", index=tmp_path / "idx", weights=weights)
    loaded = loaded_after(
        "from msclip_search.cli.app import app",
        f"try:\n    app(['query', 'flooded farmland', '--top-k', '100', '--index', {str(tmp_path / 'idx')!r}])",
        "except SystemExit as left:\n    assert left.code == 0",
    )
    assert {"tokenizers", "safetensors", "pyarrow", "typer"} <= loaded
    idle = {"torch", "torchvision", "open_clip", "huggingface_hub", "rasterio", "matplotlib", "faiss", "PIL", "jinja2"}
    assert not loaded & (idle | {"shapely", "yaml"})


def test_the_text_tower_of_the_bundled_model_loads_no_torch() -> None:
    loaded = loaded_after("import msclip_search.models.nano.text")
    assert "tokenizers" in loaded
    assert not loaded & (HEAVY - {"numpy"})
