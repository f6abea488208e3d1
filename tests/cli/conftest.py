"""Running commands inside the test's own process, and leaving no trace."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from msclip_search.cli import console
from msclip_search.cli.app import app
from tests.made import make_archive

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def quiet_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command changes for its whole process."""
    monkeypatch.delenv("MSCLIP_INDEX", raising=False)
    forget()  # the fixture of the index has run a command before this fixture looked
    yield
    forget()


def forget() -> None:
    """Leave everything as it is before any command."""
    logger = logging.getLogger("msclip_search")
    logger.setLevel(logging.NOTSET)
    logger.propagate = True
    logger.handlers.clear()
    console.VOICE.quiet = console.VOICE.verbose = False


@pytest.fixture
def run() -> Run:
    """Run the program with arguments; the result has exit_code, stdout and stderr."""

    def invoke(*arguments: object, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)

    return invoke


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tiles."""
    folder = tmp_path_factory.mktemp("archive")
    make_archive(folder, 12)
    return folder


@pytest.fixture(scope="session")
def index(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index them by the command."""
    folder = tmp_path_factory.mktemp("made") / "idx"
    result = CliRunner().invoke(app, ["index", str(archive), "--model", "untrained", "--index", str(folder), "--quiet"])
    assert result.exit_code == 0, result.output
    return folder
