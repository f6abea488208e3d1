"""Append, replace, remove and compact in any order: the answers are those of a fresh index of the same tiles."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from msclip_search import SearchIndex
from msclip_search.filters import Filter
from msclip_search.maintenance import compact_index, remove_tiles
from tests.folder.life import (
    LABELS,
    LEAST,
    SEEDS,
    Action,
    Archive,
    Held,
    box_around,
    check,
    check_answers,
    check_as_fresh,
    check_codes,
    fits,
    foretell,
    held_by,
    live_rows,
    perform,
    tiny_plans,
)
from tests.folder.making import age, newest_body

labels, names, seeds = st.sampled_from(LABELS), st.integers(0, 4), st.integers(0, SEEDS - 1)
files = st.runner().flatmap(lambda life: st.sampled_from(sorted(life.archive.files)))


class Life(RuleBasedStateMachine):
    """An archive that changes, its index, and the model of what the index holds."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.archive = Archive(self.folder / "archive")
        self.root = self.folder / "idx"
        self.live: dict[int, Held] = {}
        self.readers: list[tuple[SearchIndex, dict[int, Held]]] = []
        self.generation = 0

    @initialize(first=st.sampled_from([3, LEAST, SEEDS]))
    def begin(self, first: int) -> None:
        for seed in range(first):
            self.archive.write(LABELS[seed % 3], seed, seed)
        self.index(10_000, 8, ann=True)

    @rule(label=labels, name=names, content=st.lists(seeds, min_size=1, max_size=4))
    def write(self, label: str, name: int, content: list[int]) -> None:
        """Add files, or overwrite some, perhaps with what others hold too."""
        for more, seed in enumerate(content):
            self.archive.write(label, name + more, seed)

    @precondition(lambda self: self.archive.files)
    @rule(path=files, label=labels, name=names)
    def move(self, path: Path, label: str, name: int) -> None:
        self.archive.move(path, label, name)

    @precondition(lambda self: self.archive.files)
    @rule(path=files)
    def touch(self, path: Path) -> None:
        self.archive.touch(path)

    @precondition(lambda self: self.archive.files)
    @rule(path=files)
    def delete(self, path: Path) -> None:
        self.archive.delete(path)

    @precondition(lambda self: self.archive.files)
    @rule(commit_tiles=st.sampled_from([1, 3, 10_000]), batch=st.sampled_from([1, 3, 8]), ann=st.booleans())
    def index(self, commit_tiles: int, batch: int, *, ann: bool) -> None:
        archive = str(self.archive.folder)
        self.do(Action(kind="index", archive=archive, commit_tiles=commit_tiles, batch=batch, ann=ann))

    @rule(chosen=st.sets(labels, min_size=1, max_size=2))
    def remove_labels(self, chosen: set[str]) -> None:
        self.remove(Filter(labels=tuple(sorted(chosen))))

    @rule(ends=st.tuples(seeds, seeds).map(sorted))
    def remove_box(self, ends: list[int]) -> None:
        self.remove(box_around(*ends))

    def remove(self, within: Filter) -> None:
        gone = [held for held in self.live.values() if fits(held, within)]
        numbers = len(list((self.root / "manifests").iterdir()))
        would = remove_tiles(self.root, within=within, dry_run=True)
        asked = remove_tiles(self.root, within=within, confirm=lambda _: False)
        for told in (would, asked):
            assert (told.matched, told.tiles, told.done) == (len(gone), len(self.live) - len(gone), False)
        assert len(list((self.root / "manifests").iterdir())) == numbers
        done = remove_tiles(self.root, within=within)
        self.live = foretell(Action(kind="remove", within=within), self.archive.files, self.live)
        assert (done.matched, done.tiles, done.done) == (len(gone), len(self.live), bool(gone))
        assert set(done.sources) <= {held.source for held in gone}

    @rule(ann=st.booleans())
    def compact(self, *, ann: bool) -> None:
        before = newest_body(self.root)
        with tiny_plans() if ann else tempfile.TemporaryDirectory():
            done = compact_index(self.root)
            body = newest_body(self.root)
            assert (done.tiles, done.segments) == (len(self.live), len(body["segments"]))
            assert done.segments_before == len(before["segments"])
            assert done.dropped == sum(segment["deleted_rows"] for segment in before["segments"])
            assert done.changed == (body["number"] > before["number"])
            assert len(body["segments"]) == (1 if self.live else 0)
            assert all(segment["deleted"] is None for segment in body["segments"])
            covered = body["ann"]["rows"] if body["ann"] else 0
            assert covered == (len(self.live) if ann and len(self.live) >= LEAST else 0)
            assert not compact_index(self.root).changed

    @rule()
    def open(self) -> None:
        """Keep a reader on the manifest of this moment, and have it open its files."""
        reader = SearchIndex.open(self.root)
        check_answers(reader, self.live)
        self.readers.append((reader, dict(self.live)))

    @rule()
    def hours_pass(self) -> None:
        """Let the next run remove what has long been out of force; readers of it end before."""
        self.let_go()
        age(self.root, 7200)

    def do(self, action: Action) -> None:
        wanted = foretell(action, self.archive.files, self.live)
        perform(action, self.root)
        self.live = self.settled(wanted)

    def settled(self, wanted: dict[int, Held]) -> dict[int, Held]:
        """Take note which of several equal files an index has chosen: that is left to it."""
        for seed, held in held_by(self.root).items():
            if seed in wanted and self.archive.files.get(Path(held.source)) == seed:
                wanted[seed] = held
        return wanted

    @invariant()
    def answers_are_right(self) -> None:
        check(self.root, self.live)
        check_codes(self.root, self.live)
        self.a_new_generation_covers_all()
        with SearchIndex.open(self.root) as index:
            check_answers(index, self.live, LABELS[len(self.live) % 3])
        for reader, live in self.readers:
            check_answers(reader, live)

    def a_new_generation_covers_all(self) -> None:
        """Expand the runs of an ANN index that was just built: they name the live rows in their order."""
        body = newest_body(self.root)
        if body["ann"] and body["ann"]["generation"] > self.generation:
            self.generation = body["ann"]["generation"]
            runs = np.load(self.root / "ann" / f"{self.generation:06d}" / "rows.npy").tolist()
            named = [(segment, first + at) for segment, first, count in runs for at in range(count)]
            assert named == list(live_rows(self.root, body))

    def let_go(self) -> None:
        while self.readers:
            self.readers.pop()[0].close()

    def teardown(self) -> None:
        self.let_go()
        try:
            check_as_fresh(self.root, self.live, self.folder / "fresh")
        finally:
            shutil.rmtree(self.folder)


def test_any_order_gives_the_answers_of_a_fresh_index() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=20, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


def test_an_ann_index_over_rows_with_gaps() -> None:
    life = Life()
    try:
        life.begin(SEEDS)
        for label in LABELS:
            life.remove_labels({label})
            life.index(10_000, 8, ann=False)  # what was removed comes back in new rows, and the ANN index goes
            life.index(10_000, 8, ann=True)
            life.answers_are_right()
        assert life.generation == 1 + len(LABELS)
    finally:
        life.teardown()
