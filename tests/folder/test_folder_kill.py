"""Killed at any moment of an append, a removal or a compaction, an index is right, and the next run completes."""

import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from msclip_search import verify
from msclip_search.filters import Filter
from tests.folder.forking import Order, Server, forking
from tests.folder.life import (
    LABELS,
    SEEDS,
    Action,
    Archive,
    Held,
    box_around,
    check,
    check_as_fresh,
    foretell,
    held_by,
    perform,
)
from tests.folder.making import age, newest_body
from tests.folder.scenes import make_scene

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and their files looked up")

KILLS = 200
KINDS = ("index", "remove", "compact")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with forking() as started:
        yield started


def change(archive: Archive, draws: random.Random) -> None:
    """Let a few files come, change, move and go; no two hold the same."""
    for path in draws.sample(sorted(archive.files), min(3, len(archive.files))):
        archive.delete(path)
    for path in draws.sample(sorted(archive.files), min(2, len(archive.files))):
        archive.move(path, draws.choice(LABELS), draws.randrange(9))
    for _ in range(9):
        seed = draws.randrange(SEEDS)
        if seed not in archive.files.values():
            archive.write(draws.choice(LABELS), draws.randrange(9), seed)


def next_action(archive: Archive, live: Mapping[int, Held], kind: str, draws: random.Random) -> Action:
    """Draw what is done next, so that there is something to do."""
    if kind == "remove" and live:
        held = live[draws.choice(sorted(live))]
        within = Filter(labels=held.labels) if draws.random() < 0.5 or not held.seed % 2 else box_around(held.seed, 23)
        return Action(kind="remove", within=within)
    if kind == "compact" and live:
        return Action(kind="compact", ann=draws.random() < 0.5)
    change(archive, draws)
    commit_tiles = draws.choice([2, 10_000])
    return Action(kind="index", archive=str(archive.folder), commit_tiles=commit_tiles, ann=draws.random() < 0.5)


def assert_between(
    found: Mapping[int, Held], before: Mapping[int, Held], after: Mapping[int, Held], action: Action
) -> None:
    """Check that what a killed run left is a state that it passes through."""
    if action.kind != "index" or action.commit_tiles > SEEDS:
        assert found in (before, after)
        return
    for seed in range(SEEDS):
        was, will = before.get(seed), after.get(seed)
        # Of tiles that change places, one commit takes the old rows out, and a later one brings the other back.
        assert found.get(seed) in ((was,) if was == will else (was, will, None))


def test_killed_at_random_moments(server: Server, tmp_path: Path) -> None:
    draws = random.Random(6)
    archive, root = Archive(tmp_path / "archive"), tmp_path / "idx"
    live: dict[int, Held] = {}
    usual = dict.fromkeys(KINDS, 0.2)  # seconds, put right as runs come to their end
    died: Counter[tuple[str, str]] = Counter()
    while died.total() < KILLS:
        action = next_action(archive, live, draws.choice(KINDS), draws)
        kind = action.kind
        wanted = foretell(action, archive.files, live)
        if draws.random() < 0.3:
            age(root, 7200)  # then what earlier runs have left is removed by this one
        outcome = server.run(Order(action=action, root=root, folder=tmp_path, die_after=draws.random() * usual[kind]))
        found = held_by(root)
        if outcome.ended == "done":
            usual[kind] += 0.3 * (outcome.seconds - usual[kind])
            assert found == wanted
        else:
            usual[kind] *= 1.02
            assert_between(found, live, wanted, action)
            stage = "before" if found == live else "after" if found == wanted else "between"
            died[kind, stage if live != wanted else "either"] += 1
        live = found
        if live:
            check(root, live)
        if draws.random() < 0.5:
            perform(action, root)
            live = wanted
            check(root, live)
    perform(Action(kind="index", archive=str(archive.folder)), root)
    live = foretell(Action(kind="index"), archive.files, live)
    perform(Action(kind="compact"), root)
    check(root, live)
    check_as_fresh(root, live, tmp_path / "fresh")
    for kind in KINDS:
        assert sum(count for (of, _), count in died.items() if of == kind) > KILLS / 10
    assert all(any(died[kind, stage] for kind in KINDS) for stage in ("before", "between", "after"))


@pytest.mark.parametrize("name", ["remove", "compact"])
def test_killed_before_each_operation(server: Server, tmp_path: Path, name: str) -> None:
    """Removal and compaction die before each of their operations on files.

    That of an index run, and the rest of what may be left of any, is looked at without a process each: see
    test_folder_power.py, which carries out the beginnings of a record.
    """
    scene = make_scene(name, tmp_path / "scene")
    numbers: list[int] = []
    while True:
        root = scene.copy(tmp_path / "disk")
        order = Order(action=scene.action, root=root, folder=tmp_path / "disk", die_at=len(numbers) + 1)
        ended = server.run(order).ended
        found = held_by(root)
        assert found in (scene.before, scene.after)
        numbers.append(newest_body(root)["number"])
        if ended == "done":
            break
        check(root, found)
        perform(scene.action, root)
        assert held_by(root) == scene.after
        assert verify(root).problems == ()
        shutil.rmtree(tmp_path / "disk")
    assert numbers == sorted(numbers)  # the commit is one of the operations, and none after it takes it back
    assert numbers[0] < numbers[-2] == numbers[-1]
    assert len(numbers) > 20
