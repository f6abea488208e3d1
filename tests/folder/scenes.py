"""Moments in the life of an index at which something is about to be done to it."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from msclip_search.filters import Filter
from tests.folder.life import LABELS, Action, Archive, Held, check, foretell, perform
from tests.folder.making import age, newest_body

NAMES = ("first", "append", "ann", "remove", "compact")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is about to be done, and what has to come of it."""

    disk: Path
    """Folder that holds nothing but the index; not to be changed."""
    action: Action
    before: dict[int, Held]
    after: dict[int, Held]

    def copy(self, folder: Path) -> Path:
        """Copy the disk, with the times of its files, and return the index on it."""
        return shutil.copytree(self.disk, folder) / "idx"


def make_scene(name: str, folder: Path) -> Scene:
    """Make a scene: an index of three segments with deleted rows in the first, or none yet."""
    archive, disk = Archive(folder / "archive"), folder / "disk"
    disk.mkdir(parents=True)
    whole = Action(kind="index", archive=str(archive.folder), ann=name in {"append", "compact"})
    for seed in range(9):
        archive.write(LABELS[seed % 3], seed, seed)
    live: dict[int, Held] = {}
    if name != "first":
        for number, names in enumerate(({9: 9, 10: 10}, {11: 5, 12: 0}, {13: 1, 14: 2, 15: 15})):
            perform(whole, disk / "idx")
            live = foretell(whole, archive.files, live)
            for seed, name_of_file in names.items():  # some of these take the place of others
                assert archive.write(LABELS[seed % 3], name_of_file, seed)
            archive.move(archive.path(LABELS[(6 + number) % 3], 6 + number, 6 + number), "town", 20 + number)
        check(disk / "idx", live)
        body = newest_body(disk / "idx")
        assert [bool(segment["deleted_rows"]) for segment in body["segments"]] == [True, False, False]
        assert bool(body["ann"]) == whole.ann
    actions = {"remove": Action(kind="remove", within=Filter(labels=("water", "fields")))}
    actions |= {"compact": Action(kind="compact", ann=True)}
    action = actions.get(name, replace(whole, ann=name != "first"))
    if name == "append":
        age(disk, 7200)  # the run begins by removing what has long been out of force
    return Scene(disk, action, live, foretell(action, archive.files, live))
