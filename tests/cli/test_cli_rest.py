"""`info`, `verify`, `models`, and the program as a whole."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from msclip_search import models
from msclip_search.cli.app import app
from msclip_search.cli.bench_data import DATA
from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "index", "query", "classify", "info", "verify", "remove", "compact", "export", "import",
    "models", "simulate", "train",
)  # fmt: skip
BENCH = ("run", "compare", *DATA)


def test_info(run: Run, index: Path) -> None:
    done = run("info", "--index", index)
    assert "12 in 1 segment" in done.stdout
    assert "untrained, 64 numbers a tile" in done.stdout
    assert "12 tiles from 2023-06-01 to 2023-06-01" in done.stdout
    body = json.loads(run("info", "--index", index, "--format", "json").stdout)
    assert (body["tiles"], body["kind"], body["dimension"], body["deleted"]) == (12, "flat", 64, 0)
    assert body["size"] == sum(path.stat().st_size for path in (index / "segments").rglob("*") if path.is_file())


def test_verify_finds_an_altered_byte_that_opening_does_not(run: Run, index: Path, tmp_path: Path) -> None:
    sound = run("verify", "--index", index)
    assert sound.exit_code == 0
    assert "is sound: 2 files" in sound.stderr
    copy = shutil.copytree(index, tmp_path / "idx")
    vectors = copy / "segments" / "000001" / "vectors.npy"
    content = bytearray(vectors.read_bytes())
    content[-3] ^= 0x10
    vectors.write_bytes(content)
    assert run("info", "--index", copy).exit_code == 0
    altered = run("verify", "--index", copy)
    assert altered.exit_code == 1
    assert "segments/000001/vectors.npy has been altered" in altered.stderr
    assert "Error: The index" in altered.stderr
    vectors.write_bytes(content[:-1])
    truncated = run("query", "x", "--index", copy)
    assert truncated.exit_code == 1
    assert "vectors.npy" in truncated.stderr
    vectors.unlink()
    missing = run("query", "x", "--index", copy)
    assert missing.exit_code == 1
    assert "lacks segments/000001/vectors.npy" in missing.stderr


def test_an_index_of_a_newer_format_is_refused(run: Run, index: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(index, tmp_path / "idx")
    manifest = max((copy / "manifests").glob("*.json"))
    body = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**body, "version": 99}))
    done = run("query", "x", "--index", copy)
    assert done.exit_code == 1
    assert "format 99" in done.stderr
    assert "upgrade msclip-search" in done.stderr


def test_models(run: Run) -> None:
    done = run("models")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    for spec in models.specs():
        assert spec.summary in rows[spec.name]
        assert spec.licence in rows[spec.name]
    assert rows["s2-nano"].startswith("s2-nano (default)")
    for name, words in {
        "s2-nano": "10     any        bundled  ",
        "llama3-ms-clip-base": "10     224        hub, or --weights  ",
        "untrained": "10     any        none: random  ",
        "open_clip:ARCH[/PRETRAINED]": "3      its own    hub, or --weights  ",
    }.items():
        assert words in rows[name]
    assert "--model llama3-ms-clip-base (604 MB)" in done.stderr
    body = json.loads(run("models", "--format", "json").stdout)
    assert [entry["name"] for entry in body] == [spec.name for spec in models.specs()]
    assert [entry["weights"] for entry in body] == ["bundled", "hub", "seed"]
    assert [entry["default"] for entry in body] == [True, False, False]
    assert body[0]["bands"] == list(models.specs()[0].bands)


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"msclip-search {version('msclip-search')}\n"


@pytest.mark.parametrize("command", [*COMMANDS, *(f"bench {name}" for name in BENCH)])
def test_every_help_has_an_example(run: Run, command: str) -> None:
    shown = run(*command.split(), "--help")
    assert shown.exit_code == 0
    assert f"msclip-search {command}" in shown.stdout.split("Options")[0].split("Usage", 1)[1].split("\n", 1)[1]


def test_every_command_and_option_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    assert tuple(commands) == (*COMMANDS, "bench")
    benches = commands.pop("bench").commands
    assert tuple(benches) == BENCH
    for name, command in (commands | {f"bench {name}": command for name, command in benches.items()}).items():
        assert f"msclip-search {name}" in readme
        for parameter in command.params:
            for option in (long for long in parameter.opts if long.startswith("--")):
                assert re.search(rf"`{option}\b", readme), f"{name} {option} is not in the README"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    line = {"COMP_WORDS": "msclip-search in", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "msclip-search in"}
    environment = {"_MSCLIP_SEARCH_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **line}
    program = Path(sys.executable).with_name("msclip-search")
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert "index" in done.stdout
    assert "info" in done.stdout
    assert "query" not in done.stdout


def test_no_colour_where_there_is_no_terminal(run: Run, index: Path) -> None:
    for arguments in (["query", "x"], ["info"], ["models"]):
        extra = [] if arguments == ["models"] else ["--index", index]
        assert "\x1b" not in run(*arguments, *extra).output


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_colour_on_a_terminal_unless_it_is_refused(index: Path, no_color: str | None, coloured: bool) -> None:  # noqa: FBT001
    command = f"{sys.executable} -m msclip_search query x --index {index}"
    environment = {"TERM": "xterm-256color", "PATH": "/usr/bin:/bin", **({"NO_COLOR": no_color} if no_color else {})}
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], env=environment, capture_output=True, text=True, check=True
    )
    assert "12 tiles" in done.stdout
    styles = re.findall(r"\x1b\[([0-9;]*)m", done.stdout)
    colours = [style for style in styles if re.search(r"(?:^|;)(?:3[0-7]|9[0-7]|38)(?:;|$)", style)]
    assert bool(styles) or not coloured
    assert not colours or coloured
