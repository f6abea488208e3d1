"""What is installed is what stands in the tree, links or no links."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"msclip_search": "msclip_search", "cli": "msclip_search/cli", "indexes": "msclip_search/indexes"}
LINKS = ("msclip_search/cli", "msclip_search/indexes")


def copy_tree(target: Path, *, links: bool) -> None:
    """Copy what a build needs; without links, as a system that makes none checks them out: small text files."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, target / name)
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in FLOORS:
        shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=ignore)
    for link in LINKS:
        assert (target / link).is_symlink()
        if not links:
            aim = (target / link).readlink()
            (target / link).unlink()
            (target / link).write_text(str(aim), encoding="utf-8")


def contents(wheel: Path) -> dict[str, bytes]:
    """Files of a wheel but for its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


def tree() -> dict[str, bytes]:
    """Files of the three floors by the name they are to have when installed."""
    return {
        f"{place}/{path.relative_to(ROOT / floor).as_posix()}": path.read_bytes()
        for floor, place in FLOORS.items()
        for path in (ROOT / floor).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.relative_to(ROOT).as_posix().startswith(LINKS)
    }


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_the_wheel_equals_the_tree(tmp_path: Path, links: bool) -> None:  # noqa: FBT001
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    copy_tree(source, links=links)
    # An sdist first, and the wheel out of it: what people install has come this way.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    built, wanted = contents(next(out.glob("*.whl"))), tree()
    assert sorted(built) == sorted(wanted)
    assert "msclip_search/models/nano/weights.safetensors" in built
    assert built == wanted


def test_the_links_lead_to_the_floors() -> None:
    for link in LINKS:
        assert (ROOT / link).resolve() == ROOT / Path(link).name


def test_the_import_is_this_tree() -> None:
    from msclip_search.cli import app
    from msclip_search.indexes import flat

    assert Path(app.__file__).resolve() == ROOT / "cli" / "app.py"
    assert Path(flat.__file__).resolve() == ROOT / "indexes" / "flat.py"
