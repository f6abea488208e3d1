"""A disk whose power is cut: a record of what was done to the files of a folder, and what may be left of it.

What POSIX promises is taken by the letter. The content of a file is safe once the file is synced, and a name once its
folder is. Of anything later each piece may be on the disk or not, in any combination: of the names of a folder any
selection, of a file nothing, its beginning, its length in zeros, or all.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.folder.announcing import Operation


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a record; paths are relative to the disk."""

    kind: str
    """Those of `Operation`, and "content": what a file holds now."""
    path: str
    other: str = ""
    content: bytes = b""


@dataclass(slots=True)
class Record:
    """Listens to what is done in a folder, and writes it down."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    _known: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = content_of(self.folder)

    def before(self, _: Operation) -> None:
        self._look()

    def after(self, operation: Operation) -> None:
        path, other = self._name(operation.path), self._name(operation.other) if operation.other else ""
        if operation.kind == "create":
            self._known[path] = b""
        elif operation.kind == "link":
            self._known[other] = self._known[path]
        elif operation.kind == "rename":
            self._known[other] = self._known.pop(path)
        elif operation.kind == "unlink":
            self._known.pop(path)
        elif operation.kind in {"write", "rest"}:
            self._look()
            return
        self.events.append(Event(operation.kind, path, other))

    def _look(self) -> None:
        """Note which files have changed since, whoever wrote to them."""
        now = content_of(self.folder)
        assert now.keys() == self._known.keys(), "a file came or went unannounced"
        for path, content in now.items():
            if content != self._known[path]:
                self.events.append(Event("content", path, content=content))
                self._known[path] = content

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


@dataclass(eq=False, slots=True)
class File:
    """A file: what it holds, and how much of it is safe."""

    now: bytes = b""
    safe: bytes = b""


@dataclass(eq=False, slots=True)
class Folder:
    """A folder: its names, and which changes of them are not safe yet."""

    now: dict[str, "Node"] = field(default_factory=dict)
    safe: dict[str, "Node"] = field(default_factory=dict)
    pending: list[dict[str, "Node | None"]] = field(default_factory=list)
    """Each happens as a whole or not at all."""

    def change(self, names: dict[str, "Node | None"]) -> None:
        self.pending.append(names)
        _apply(self.now, names)

    def sync(self) -> None:
        self.safe, self.pending = dict(self.now), []


Node: TypeAlias = File | Folder
Tree: TypeAlias = dict[str, bytes | None]
"""Content of each file by its path; None for a folder."""
Names: TypeAlias = Callable[[Folder], dict[str, Node]]
Content: TypeAlias = Callable[[File], bytes]


@dataclass(slots=True)
class Disk:
    """A disk, as it is and as it would be found after the power was cut."""

    top: Folder = field(default_factory=Folder)

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """Make one that holds what is in a folder, all of it safe."""
        disk = cls()
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            disk._parent(name).change({path.name: Folder() if path.is_dir() else File(*[path.read_bytes()] * 2)})
        disk._settle(disk.top)
        return disk

    def happen(self, event: Event) -> None:
        """Carry out one entry of a record."""
        name = event.path.rpartition("/")[2]
        parent = self._parent(event.path)
        match event.kind:
            case "mkdir":
                parent.change({name: Folder()})
            case "create":
                found = parent.now.get(name)
                if isinstance(found, File):
                    found.now = b""  # opened to be written anew
                else:
                    parent.change({name: File()})
            case "content":
                self._file(event.path).now = event.content
            case "sync":
                node = self._node(event.path)
                if isinstance(node, File):
                    node.safe = node.now
                else:
                    node.sync()
            case "link":
                self._parent(event.other).change({event.other.rpartition("/")[2]: parent.now[name]})
            case "rename":
                assert self._parent(event.other) is parent
                parent.change({name: None, event.other.rpartition("/")[2]: parent.now[name]})
            case "unlink" | "rmdir":
                parent.change({name: None})
            case _:
                raise AssertionError(event)

    def whole(self) -> Tree:
        """Return what is there while the power is on."""
        return _tree(self.top, lambda folder: folder.now, lambda file: file.now)

    def cut(self, draws: random.Random, *, names: float, contents: float) -> Tree:
        """Return what may be left.

        Parameters
        ----------
        draws
            Chance.
        names
            How probable it is that a name which is not safe is as it was last.
        contents
            The same of the content of a file.
        """

        def left(folder: Folder) -> dict[str, Node]:
            found = dict(folder.safe)
            for change in folder.pending:
                if draws.random() < names:
                    _apply(found, change)
            return found

        def content(file: File) -> bytes:
            if file.now == file.safe or draws.random() < contents:
                return file.now
            part = file.now[: draws.randrange(len(file.now) + 1)]
            return draws.choice([b"", file.safe, part, bytes(len(file.now)), part + bytes(len(file.now) - len(part))])

        return _tree(self.top, left, content)

    def _node(self, path: str) -> Node:
        node: Node = self.top
        for part in path.split("/") if path != "." else ():
            assert isinstance(node, Folder)
            node = node.now[part]
        return node

    def _file(self, path: str) -> File:
        node = self._node(path)
        assert isinstance(node, File)
        return node

    def _parent(self, path: str) -> Folder:
        node = self._node(path.rpartition("/")[0] or ".")
        assert isinstance(node, Folder)
        return node

    def _settle(self, folder: Folder) -> None:
        folder.sync()
        for node in folder.now.values():
            if isinstance(node, Folder):
                self._settle(node)


def _apply(names: dict[str, Node], change: dict[str, Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _tree(top: Folder, names: Names, content: Content) -> Tree:
    tree: Tree = {}

    def walk(folder: Folder, prefix: str) -> None:
        for name, node in sorted(names(folder).items()):
            if isinstance(node, Folder):
                tree[prefix + name] = None
                walk(node, f"{prefix}{name}/")
            else:
                tree[prefix + name] = content(node)

    walk(top, "")
    return tree


def content_of(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tree_of(folder: Path) -> Tree:
    """Read a folder as a tree."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")
    }


def write_tree(tree: Tree, folder: Path) -> None:
    """Make a folder of a tree."""
    folder.mkdir()
    for name, content in tree.items():  # a folder comes before what is in it
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)


def frozen(tree: Tree) -> frozenset[tuple[str, bytes | None]]:
    """Return a tree as something that can be compared and kept in a set."""
    return frozenset(tree.items())
