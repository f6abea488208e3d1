"""`make demo`: what it would run is run, in an empty folder and with fewer tiles."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "msclip-search"


def test_the_demo_runs_in_an_empty_folder(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    dry = subprocess.run([make, "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = dry.replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines if re.match(rf"\S*{PROGRAM} ", line)]
    assert [command[1] for command in commands] == ["simulate", "index", "query"]
    count = commands[0].index("--count") + 1
    assert int(commands[0][count]) >= 100
    commands[0][count] = "12"
    shown = []
    for command in commands:
        asked = [sys.executable, "-m", "msclip_search", *command[1:]]
        done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        shown.append(done.stdout + done.stderr)
    assert "24 simulated tiles" in shown[0]
    assert "24 embedded" in shown[1]
    assert shown[2].count("5 of 24 tiles") == 5
    page = (tmp_path / "demo" / "gallery.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp") >= 25
    assert (tmp_path / "demo" / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "The model is s2-nano" in dry
    assert "s2-nano, bundled" in shown[1]
