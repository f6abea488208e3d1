"""Readers stay on the manifest that they opened, whatever a writer does; files go after a time of grace."""

import functools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from unittest import mock

import pytest

from msclip_search import IndexOutdated, SearchIndex, store
from msclip_search.filters import Filter
from tests.folder.life import (
    LABELS,
    QUERIES,
    SEEDS,
    Action,
    Archive,
    Held,
    check,
    check_answers,
    foretell,
    perform,
)
from tests.folder.making import age, newest_body


@dataclass(slots=True)
class Story:
    """An index that is written to, and what it held as of each manifest."""

    folder: Path
    archive: Archive = field(init=False)
    held: dict[int, dict[int, Held]] = field(default_factory=dict)
    """By the number of the manifest."""
    live: dict[int, Held] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.archive = Archive(self.folder / "archive")

    @property
    def root(self) -> Path:
        return self.folder / "idx"

    def do(self, action: Action) -> None:
        """Do something to the index; every manifest that comes of it shows the state after it."""
        before = max(self.held, default=0)
        wanted = foretell(action, self.archive.files, self.live)
        # Readers may open a manifest before this call comes back.
        self.held |= dict.fromkeys(range(before + 1, before + 4), wanted)
        perform(action, self.root)
        self.live = wanted
        number = newest_body(self.root)["number"]
        assert number <= before + 3
        self.held = {known: held for known, held in self.held.items() if known <= number}

    def index(self, *, ann: bool = True) -> None:
        self.do(Action(kind="index", archive=str(self.archive.folder), ann=ann))

    def turn(self, number: int) -> None:
        """Change the archive, and append, remove or compact in turn."""
        for seed in range(SEEDS):
            if (seed + number) % 5 == 0:
                # A place belongs to a label and the parity of its seed: a new content takes the place of an old one.
                self.archive.write(LABELS[seed % 3], seed % 6, seed)
        self.index(ann=number % 2 == 0)
        self.do(Action(kind="remove", within=Filter(labels=(LABELS[number % 3],))))
        self.do(Action(kind="compact", ann=True))
        self.index()


@dataclass(slots=True)
class Reading:
    """What a thread that reads has seen."""

    story: Story
    stop: threading.Event
    errors: list[BaseException] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    answers: int = 0

    def go_on(self) -> None:
        """Open an index, and ask it again and again while it is written to; then open it anew."""
        try:
            while not self.stop.is_set():
                with SearchIndex.open(self.story.root) as index:
                    number = index._snapshot.manifest.number
                    held = self.story.held[number]
                    self.numbers.add(number)
                    for _ in range(6):
                        check_answers(index, held)
                        self.answers += 1
        except BaseException as error:  # noqa: BLE001 - it is raised where the test can see it
            self.errors.append(error)


Answers: TypeAlias = list[list[list[str | float]]]
"""Source and score of each hit of each query."""

# Opens an index, and answers each line that comes in until there is no more.
ELSEWHERE = """
import json, sys
from msclip_search import SearchIndex
from tests.folder.life import QUERIES
with SearchIndex.open(sys.argv[1]) as index:
    for _ in sys.stdin:
        found = index.search_vectors(QUERIES, k=48)
        print(json.dumps([[[hit.source, hit.score] for hit in hits] for hits in found]), flush=True)
"""


@contextmanager
def reader_elsewhere(root: Path) -> Iterator[functools.partial[Answers]]:
    """Open an index in another process, and yield what asks it."""
    process = subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, str(root)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(reader: subprocess.Popen[str]) -> Answers:
        assert reader.stdin
        assert reader.stdout
        print("ask", file=reader.stdin, flush=True)
        answers: Answers = json.loads(reader.stdout.readline())
        return answers

    with process:
        yield functools.partial(ask, process)


def test_readers_answer_as_of_their_manifest_while_a_writer_works(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for seed in range(12):
        story.archive.write(LABELS[seed % 3], seed % 6, seed)
    story.index()
    stop = threading.Event()
    readings = [Reading(story, stop) for _ in range(2)]
    with reader_elsewhere(story.root) as ask, SearchIndex.open(story.root) as early:
        first, live = ask(), dict(story.live)
        with SearchIndex.open(story.root) as index:
            check_answers(index, live)
            answers = index.search_vectors(QUERIES, k=2 * SEEDS)
        assert first == [[[hit.source, hit.score] for hit in hits] for hits in answers]
        threads = [threading.Thread(target=reading.go_on) for reading in readings]
        for thread in threads:
            thread.start()
        for number in range(8):
            story.turn(number)
            assert ask() == first
        stop.set()
        for thread in threads:
            thread.join()
        check_answers(early, live)  # it opens its files now, an age of manifests later
    for reading in readings:
        assert not reading.errors, reading.errors
        assert len(reading.numbers) > 4
        assert reading.answers > 20
    check(story.root, story.live)


def files_in(root: Path) -> set[str]:
    """Names of the files and folders that hold tiles."""
    return {
        path.relative_to(root).as_posix() for name in ("segments", "ann", "deleted") for path in (root / name).glob("*")
    }


def named_by(root: Path, number: int) -> set[str]:
    """Those of them that a manifest names."""
    body = json.loads((root / "manifests" / f"{number:06d}.json").read_bytes())
    deleted = {segment["deleted"]["path"] for segment in body["segments"] if segment["deleted"]}
    ann = {f"ann/{body['ann']['generation']:06d}"} if body["ann"] else set()
    return {f"segments/{segment['number']:06d}" for segment in body["segments"]} | deleted | ann


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Make an index of some segments with deleted rows and an ANN index."""
    made = Story(tmp_path)
    for first in (0, 6, 3):
        for seed in range(first, first + 9):
            made.archive.write(LABELS[seed % 3], seed, seed)
        made.index()
    made.do(Action(kind="remove", within=Filter(labels=("water",))))
    return made


def test_within_the_grace_every_file_stays(story: Story) -> None:
    number, live, before = max(story.held), dict(story.live), files_in(story.root)
    assert named_by(story.root, number) <= before
    with SearchIndex.open(story.root) as idle:
        story.do(Action(kind="compact", ann=True))
        assert named_by(story.root, max(story.held)).isdisjoint(before)
        story.index()
        assert before <= files_in(story.root)
        check_answers(idle, live)  # its files are opened only now


def test_after_the_grace_what_no_manifest_names_is_gone(story: Story) -> None:
    old = named_by(story.root, max(story.held))
    with mock.patch.dict(store.sweep.__kwdefaults__, grace=100):
        story.do(Action(kind="compact", ann=True))
        assert old <= files_in(story.root)
        age(story.root, 200)
        folded, live = max(story.held), dict(story.live)
        with SearchIndex.open(story.root) as reader:
            story.do(Action(kind="remove", within=Filter(labels=("town",))))
            assert files_in(story.root).isdisjoint(old)
            check_answers(reader, live)  # its own manifest went out of force just now
        age(story.root, 200)
        story.index()
        left = {int(path.stem) for path in (story.root / "manifests").iterdir()}
        assert folded < min(left)
        assert files_in(story.root) == set().union(*(named_by(story.root, number) for number in left))
    check(story.root, story.live)


@pytest.mark.parametrize("searched", [True, False])
def test_a_reader_whose_files_are_gone_is_told_to_open_the_index_again(story: Story, *, searched: bool) -> None:
    with SearchIndex.open(story.root) as reader:
        if searched:
            check_answers(reader, story.live)
        story.do(Action(kind="compact", ann=True))
        age(story.root, 7200)
        story.index()
        with pytest.raises(IndexOutdated, match=r"has gone on since it was opened.*: open it again\.$"):
            reader.search_vectors(QUERIES)
    check(story.root, story.live)
