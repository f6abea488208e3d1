"""How Ctrl-C and polite kills end commands: 130 and 143, and nothing half done stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from msclip_search.cli.interrupts import Interrupt, exit_code
from msclip_search.cli.progress import Display, interruptible
from msclip_search.filters.sql import OpenCondition, SqlCondition
from tests.cli.conftest import Run
from tests.cli.terminal import interrupted_on_a_terminal
from tests.exchange.making import plain_table, unit_vectors, write
from tests.folder.making import files_of

PROGRAM = [sys.executable, "-m", "msclip_search"]
BOTH = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def copy(index: Path, tmp_path: Path) -> Path:
    """Copy the index of twelve tiles, to spoil it."""
    return Path(shutil.copytree(index, tmp_path / "idx"))


@pytest.mark.parametrize(("pressed", "code"), [(signal.SIGTERM, 143), (b"\x03", 130)])
def test_an_interrupt_at_the_question_removes_nothing_and_lets_go(
    copy: Path, pressed: signal.Signals | bytes, code: int
) -> None:
    before = files_of(copy)
    command = [*PROGRAM, "remove", "--index", str(copy), "--datetime", "2023"]
    ended, shown = interrupted_on_a_terminal(command, b"[y/N]", pressed)
    assert ended == code, shown
    assert shown.splitlines()[-1] == "Interrupted.", shown
    assert "Traceback" not in shown
    assert files_of(copy) == before  # no LOCK either


def test_the_end_of_input_is_no_yes(copy: Path) -> None:
    before = files_of(copy)
    command = [*PROGRAM, "remove", "--index", str(copy), "--datetime", "2023"]
    ended, shown = interrupted_on_a_terminal(command, b"[y/N]", b"\x04")
    assert (ended, shown.splitlines()[-1].endswith("Nothing was removed.")) == (1, True), shown
    assert "Interrupted" not in shown
    assert files_of(copy) == before


@pytest.mark.parametrize(("number", "code"), BOTH)
@pytest.mark.parametrize("options", [["--yes"], ["--dry-run"]])
def test_a_removal_that_is_interrupted_while_it_looks_leaves_everything(  # noqa: PLR0917 - fixtures
    run: Run, copy: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], number: signal.Signals, code: int
) -> None:
    before = files_of(copy)
    opened = SqlCondition.opened
    locked: list[bool] = []

    def pressed(condition: SqlCondition) -> AbstractContextManager[OpenCondition]:
        signal.raise_signal(number)
        locked.append((copy / "LOCK").exists())
        return opened(condition)

    monkeypatch.setattr(SqlCondition, "opened", pressed)
    done = run("remove", "--index", copy, "--where", "tile_id < '8'", *options)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (code, "Interrupted.")
    assert locked == [options == ["--yes"]]
    assert files_of(copy) == before


@pytest.mark.parametrize(("number", "code"), BOTH)
def test_a_second_signal_ends_a_removal_at_once(
    run: Run, copy: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    before = files_of(copy)

    def pressed(_condition: SqlCondition) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(number)

    monkeypatch.setattr(SqlCondition, "opened", pressed)
    done = run("remove", "--index", copy, "--where", "tile_id < '8'", "--yes")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (code, "Interrupted.")
    assert files_of(copy) == before


@pytest.mark.parametrize(("number", "code"), BOTH)
def test_a_command_without_progress_ends_politely(
    index: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    queries = tmp_path / "queries.txt"
    os.mkfifo(queries)
    command = [*PROGRAM, "query", "--queries-file", str(queries), "--index", str(index)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running,
        queries.open("w"),  # opens when the command has opened it, which then waits
    ):
        running.send_signal(number)
        out, said = running.communicate(timeout=60)
    assert (running.returncode, out, said) == (code, "", "Interrupted.\n")


@pytest.mark.parametrize(("number", "code"), BOTH)
@pytest.mark.parametrize("command", ["compact", "import", "export"])
def test_an_interrupt_before_anything_is_done(  # noqa: PLR0917 - fixtures
    run: Run,
    copy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    number: signal.Signals,
    code: int,
) -> None:
    table = write(tmp_path / "v.parquet", plain_table(unit_vectors(3)))
    run("remove", "--index", copy, "--where", "tile_id < '8'", "--yes")
    before = files_of(copy)

    def pressed(_display: Display, *_said: object, **_counts: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(Display, "update", pressed)
    options: dict[str, list[object]] = {
        "compact": ["--index", copy],
        "import": [table, "--model", "m", "--index", tmp_path / "new"],
        "export": [tmp_path / "out.parquet", "--index", copy],
    }
    done = run(command, *options[command])
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (code, "Interrupted.")
    assert files_of(copy) == before
    assert not (tmp_path / "out.parquet").exists()
    assert not (tmp_path / "new" / "LOCK").exists()


@pytest.mark.parametrize(("number", "code"), BOTH)
def test_a_second_signal_ends_a_run_at_once(number: signal.Signals, code: int) -> None:
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Display(stop) as display:
        display.update("x", done=0, total=1)
        with interruptible(stop, display) as received:
            signal.raise_signal(signal.SIGINT)
            assert received == [signal.SIGINT]
            assert stop.is_set()
            with pytest.raises(Interrupt) as caught:
                signal.raise_signal(number)
    assert exit_code(caught.value) == code
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def interrupted(number: int) -> None:
    """Do what DuckDB does with an interrupt."""
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt as error:
        raise RuntimeError("Query interrupted") from error


@pytest.mark.parametrize(("number", "code"), BOTH)
def test_an_interrupt_that_a_library_has_made_another_error_of(  # noqa: PLR0917 - fixtures
    run: Run, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    from msclip_search.search import SearchIndex

    monkeypatch.setattr(SearchIndex, "info", lambda _index: interrupted(number))
    done = run("info", "--index", index)
    assert (done.exit_code, done.stderr) == (code, "Interrupted.\n")
    monkeypatch.setattr(Display, "update", lambda *_said, **_counts: interrupted(number))
    done = run("export", tmp_path / "out.parquet", "--index", index)
    assert (done.exit_code, done.stderr) == (code, "Interrupted.\n")


def test_what_a_shell_ignores_for_a_job_in_the_background_stays_ignored(index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.txt"
    os.mkfifo(queries)
    command = [*PROGRAM, "query", "--queries-file", str(queries), "--index", str(index), "--format", "csv"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a child inherits it
    try:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        with queries.open("w") as asked:
            running.send_signal(signal.SIGINT)
            asked.write("a lake")
        out, said = running.communicate(timeout=60)
    assert (running.returncode, len(out.splitlines()), said) == (0, 11, "")
