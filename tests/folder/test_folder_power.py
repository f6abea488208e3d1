"""The power goes at any moment: what was not yet on the disk is lost or not, piece by piece, and the index is right."""

import pickle
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from msclip_search import IndexMissing, SearchIndex, verify
from msclip_search.store import lock, succession
from tests.folder.forking import Order, Server, forking
from tests.folder.life import Held, check, held_by, perform
from tests.folder.power import Disk, Event, Tree, frozen, tree_of, write_tree
from tests.folder.scenes import NAMES, Scene, make_scene

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and their files looked up")

CUTS = ((1, 1), (0, 0), (1, 0), (0.5, 0.5))
"""How probable it is that a name, and a content, that is not safe is there all the same: the first is a kill."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with forking() as started:
        yield started


def recorded(server: Server, order: Order) -> list[Event]:
    """Have something done in a process that is gone afterwards, and return the record."""
    assert order.record
    assert server.run(order).ended == "done"
    events: list[Event] = pickle.loads(order.record.read_bytes())
    return events


def look(tree: Tree, folder: Path, scene: Scene, allowed: list[dict[int, Held]]) -> None:
    """Make sure that what a power cut has left is sound, answers rightly, and that the next run completes."""
    write_tree(tree, folder)
    root = folder / "idx"
    try:
        SearchIndex.open(root)
    except IndexMissing:
        assert {} in allowed, "an index that was there is gone"
    else:
        found = held_by(root)
        assert found in allowed
        check(root, found)
    perform(scene.action, root)
    assert held_by(root) == scene.after
    assert verify(root).problems == ()
    shutil.rmtree(folder)


def cuts(events: list[Event], disk: Disk, draws: random.Random) -> Iterator[tuple[bool, Tree]]:
    """Yield what may be left after each event, and whether the commit counts for good by then."""
    seen, counts = set(), False
    for event in events:
        disk.happen(event)
        counts |= event.kind == "rename" and event.other == "idx/LATEST"  # which names it
        for names, contents in CUTS:
            tree = disk.cut(draws, names=names, contents=contents)
            if (counts, frozen(tree)) not in seen:
                seen.add((counts, frozen(tree)))
                yield counts, tree


@pytest.mark.parametrize(
    ("name", "links"),
    [*((name, True) for name in NAMES), *((name, False) for name in ("append", "compact"))],
)
def test_a_power_cut_costs_nothing_that_was_committed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, links: bool
) -> None:
    for module in (succession, lock):
        monkeypatch.setattr(module, "PATIENCE", 0.01)  # nobody will finish what a dead process has left
    scene = make_scene(name, tmp_path / "scene")
    disk, ran = Disk.of(scene.disk), tmp_path / "ran"
    root = scene.copy(ran)
    events = recorded(
        server, Order(action=scene.action, root=root, folder=ran, record=tmp_path / "record", links=links)
    )
    states: Counter[bool] = Counter()
    for counts, tree in cuts(events, disk, random.Random(f"{name} {links}")):
        states[counts] += 1
        look(tree, tmp_path / "cut", scene, [scene.after] if counts else [scene.before, scene.after])
    # The record is whole: carried out to its end it gives what is really there.
    assert disk.whole() == tree_of(ran)
    assert held_by(root) == scene.after
    assert states[True]
    assert states.total() > len(events)


def test_an_index_in_new_folders_is_safe_when_its_run_has_ended(server: Server, tmp_path: Path) -> None:
    scene, ran = make_scene("first", tmp_path / "scene"), tmp_path / "ran"
    scene.copy(ran)
    order = Order(action=scene.action, root=ran / "a" / "b" / "idx", folder=ran, record=tmp_path / "record")
    disk = Disk()
    for event in recorded(server, order):
        disk.happen(event)
    write_tree(disk.cut(random.Random(4), names=0, contents=0), tmp_path / "cut")
    check(tmp_path / "cut" / "a" / "b" / "idx", scene.after)
