"""`msclip-search train` as a person types it."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from msclip_search import training
from msclip_search.models.nano.file import check
from msclip_search.training.plan import Plan
from msclip_search.training.real import CLASSES
from tests.cli.conftest import Run
from tests.cli.terminal import shown_on_a_terminal

# The command's own plan simulates 2,000 tiles to measure on and learns a wide network: hours. What the options set is
# left to them.
FEWER = {
    "validation": 60,
    "channels": 6,
    "blocks": 1,
    "width": 16,
    "real_steps": 3,
    "batch": 16,
    "large_batch": 2,
    "every": 20,
}
ASKED = ("--tiles", "40,2", "--processes", "1")
SMALL = (*ASKED, "--steps", "4")
BEGIN = f"""
import functools, os, sys
from msclip_search import training
training.Plan = functools.partial(training.Plan, **{FEWER})
from msclip_search.cli.app import app
"""


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan less than the command does."""
    monkeypatch.setattr(training, "Plan", functools.partial(training.Plan, **FEWER))


def test_a_run_says_what_it_made_and_what_comes_next(run: Run, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "weights"
    done = run("train", "s2-nano", "--out", out, *SMALL)
    assert (done.exit_code, done.stdout) == (0, "")
    weights, precision, following = done.stderr.splitlines()
    path = out / "s2-nano.safetensors"
    assert weights == f"The weights are {path}, their curve is in {out / 'curve.json'}."
    told = re.fullmatch(
        r"Mean average precision of the tags over simulated tiles not learnt from: (0\.\d{3})\.", precision
    )
    assert told
    about = check(path)
    assert float(about["validation"]) == pytest.approx(float(told[1]), abs=6e-4)
    assert following == f"Next: msclip-search index TILES --weights {path}"
    assert json.loads((out / "curve.json").read_text())["curve"][-1]["step"] == 4
    assert not (out / "real.csv").exists()
    command = following.removeprefix("Next: msclip-search ").replace("TILES", str(archive)).split()
    indexed = run(*command, "--index", tmp_path / "idx")
    assert "12 embedded" in indexed.stdout


def test_options_reach_the_plan(run: Run, tmp_path: Path) -> None:
    done = run("train", "s2-nano", "--out", tmp_path, *SMALL, "--seed", 3)
    assert done.exit_code == 0
    plan = json.loads(check(tmp_path / "s2-nano.safetensors")["plan"])
    assert (plan["seed"], plan["small"], plan["large"], plan["steps"], plan["every"]) == (3, 40, 2, 4, 4)
    assert plan["real_steps"] == FEWER["real_steps"]
    shards = sorted(path.name for path in (tmp_path / "simulated").iterdir())
    assert [re.sub(r"-[0-9a-f]{12}-", " ", name) for name in shards] == [
        "224-1000032 000000-2.npz",
        "64-1000030 000000-60.npz",
        "64-1000031 000000-40.npz",
    ]


def test_steps_are_those_among_simulated_tiles(run: Run, shared: Path, tmp_path: Path) -> None:
    real, out = tmp_path / "real", tmp_path / "out"
    for label in CLASSES:
        (real / label).mkdir(parents=True)
        path = min((shared / "data" / "eurosat_ms" / label).iterdir())
        (real / label / path.name).symlink_to(path)
    done = run("train", "s2-nano", "--out", out, *SMALL, "--real", real)
    assert done.exit_code == 0, done.output
    assert done.stderr.endswith(f" --weights {out / 's2-nano.safetensors'}\n")  # and not those of before
    about, before = (check(out / f"{name}.safetensors") for name in ("s2-nano", "s2-nano-simulated"))
    plan = json.loads(about["plan"])
    assert (plan["steps"], plan["real_steps"]) == (4, FEWER["real_steps"])
    curve = json.loads((out / "curve.json").read_text())["curve"]
    assert [(point["stage"], point["step"]) for point in curve] == [("simulated", 4), ("real", 3)]
    assert len(json.loads(about["trained_on"])) == len(CLASSES)
    assert json.loads(before["trained_on"]) == []


def test_quiet_is_quiet_and_done_is_done(run: Run, tmp_path: Path) -> None:
    once = run("train", "s2-nano", "--out", tmp_path, *SMALL, "--quiet")
    assert (once.exit_code, once.output) == (0, "")
    path = tmp_path / "s2-nano.safetensors"
    before = path.read_bytes()
    path.unlink()
    again = run("train", "s2-nano", "--out", tmp_path, *SMALL, "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--tiles", "x"), 2, "'x' is no SMALL,LARGE, such as 90000,8000."),
        (("--tiles", "40"), 2, "'40' is no SMALL,LARGE"),
        (("--tiles", "40,2,1"), 2, "'40,2,1' is no SMALL,LARGE"),
        (("--tiles", "0,0"), 1, "Error: A training needs tiles"),
        (("--steps", "0"), 2, "greater than or equal to 1"),
        (("--seed", "-1"), 2, "greater than or equal to 0"),
        (("--real", "nowhere"), 1, "Error: There is no folder nowhere."),
        (("--token-vectors", "nowhere"), 1, "Error: nowhere holds no tokenizer.json"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    run: Run, tmp_path: Path, options: tuple[str, str], code: int, said: str
) -> None:
    done = run("train", "s2-nano", "--out", tmp_path, *SMALL, *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in re.sub(r"[│\s]+", " ", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_there_is_one_model_and_it_needs_a_folder(run: Run, tmp_path: Path) -> None:
    for arguments, said in (
        (("s2-large", "--out", tmp_path), "is not one of 's2-nano'"),
        (("s2-nano",), "Missing option '--out'"),
        (("--out", tmp_path), "Missing argument 'MODEL'"),
    ):
        done = run("train", *arguments)
        assert done.exit_code == 2
        assert said in re.sub(r"[│\s]+", " ", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_another_plan_in_the_same_folder_is_refused(run: Run, tmp_path: Path) -> None:
    assert run("train", "s2-nano", "--out", tmp_path, *SMALL).exit_code == 0
    before = (tmp_path / "s2-nano.safetensors").read_bytes()
    other = run("train", "s2-nano", "--out", tmp_path, *ASKED, "--steps", 6)
    assert other.exit_code == 1
    assert f"Error: The checkpoint {tmp_path / 'checkpoint.pt'} is of another training" in other.stderr
    assert "name another folder with --out, or remove it." in other.stderr
    assert (tmp_path / "s2-nano.safetensors").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    run: Run, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    options = (*ASKED, "--steps", "600")
    running = subprocess.Popen(
        [sys.executable, "-c", f"{BEGIN}app()", "train", "s2-nano", "--out", str(out), *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not (out / "checkpoint.pt").exists() and running.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(running.pid, number)  # as a terminal does: to all of them
    _, said = running.communicate(timeout=60)
    assert running.returncode == code, said
    assert said.splitlines() == [
        "Finishing what is begun (Ctrl-C again: at once).",
        f"Interrupted; what is done is kept in {out}. The same command goes on.",
    ]
    assert not (out / "s2-nano.safetensors").exists()
    assert run("train", "s2-nano", "--out", out, *options).exit_code == 0
    assert run("train", "s2-nano", "--out", whole, *options).exit_code == 0
    one, other = ((folder / "s2-nano.safetensors").read_bytes() for folder in (out, whole))
    assert one == other


def test_a_terminal_shows_what_is_going_on(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        f"{BEGIN}app()",
        "train",
        "s2-nano",
        "--out",
        str(tmp_path),
        *ASKED,
        "--steps",
        "200",
    ]
    shown = shown_on_a_terminal(command, columns=120)
    assert b"Simulating" in shown
    assert re.search(rb"Learning: simulated step \d+0, loss \d+\.\d\d, mAP 0\.\d{3}", shown)
    assert re.search(rb"\d+/200", shown)
    assert b"steps/s" in shown


AS_NOBODY = f"""{BEGIN}
def train(folder, *options, code):
    try:
        app(["train", "s2-nano", "--out", folder, {", ".join(map(repr, SMALL))}, "--quiet", *options])
    except SystemExit as done:
        assert done.code == code, done.code
free, locked = sys.argv[1:]
train(free, code=0)
train(free, "--real", "nowhere", code=1)  # so that all that speaks is loaded
os.remove(os.path.join(free, "checkpoint.pt"))
os.chmod(free, 0o555)
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
train(locked, code=1)
train(free, code=1)
"""


def test_no_permission_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "locked").mkdir()
        (folder / "locked").chmod(0o555)
        paths = [str(folder / part) for part in ("free", "locked/weights")]
        done = subprocess.run([sys.executable, "-c", AS_NOBODY, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _, making, writing = (line for line in done.stderr.splitlines() if line.startswith("Error: "))
    assert re.fullmatch(rf"Error: No permission: making {re.escape(paths[1])} is refused .*", making)
    assert re.fullmatch(rf"Error: No permission: writing {re.escape(paths[0])}/checkpoint\.part is refused .*", writing)


def test_a_full_disk_is_one_sentence(run: Run, small_disk: Path, tmp_path: Path) -> None:
    assert run("train", "s2-nano", "--out", tmp_path / "out", *SMALL).exit_code == 0
    said = r"Error: The disk is full: writing {} failed .*\. Make room and run .*\n"
    simulating = run("train", "s2-nano", "--out", small_disk / "out", *SMALL)
    assert simulating.exit_code == 1
    assert re.fullmatch(
        said.format(rf"{re.escape(str(small_disk))}/out/simulated/64-1000000-.*\.npz"), simulating.stderr
    )
    shutil.rmtree(small_disk / "out")
    (small_disk / "out").mkdir()
    (small_disk / "out" / "simulated").symlink_to(tmp_path / "out" / "simulated")
    learning = run("train", "s2-nano", "--out", small_disk / "out", *SMALL)
    assert learning.exit_code == 1
    assert re.fullmatch(
        said.format(rf"{re.escape(str(small_disk))}/out/(checkpoint|s2-nano\.safetensors)\.part"), learning.stderr
    )


def test_help_shows_options_defaults_and_examples(run: Run) -> None:
    shown = run("train", "--help")
    assert shown.exit_code == 0
    text = re.sub(r"[│\s]+", " ", shown.stdout)
    for option in ("--out", "--real", "--token-vectors", "--seed", "--tiles", "--steps", "--processes"):
        assert option in text
    plan = Plan()
    assert f"{plan.small},{plan.large} by default" in text
    assert f"{plan.steps} by default. With --real {plan.real_steps} of both follow." in text
    assert "msclip-search train s2-nano --out weights/ --real eurosat_ms/" in text
