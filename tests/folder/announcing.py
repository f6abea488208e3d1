"""Announce what is done to the files of a folder, so that a test can die there, refuse it, or keep a record.

Announced are the calls of Python's `os` and `io`, which is where everything passes that the package writes, and those
of Arrow's writer of Parquet, which opens its file itself. Writes are announced twice, the second time with half of the
bytes on the disk.
"""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import pyarrow.parquet as pq

GROWING = frozenset({"create", "write", "rest", "sync", "mkdir", "link"})
"""Operations that a full disk may refuse; removing and renaming go on."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done to a name or a file."""

    kind: str
    """create, write, rest, sync, mkdir, link, rename, unlink, rmdir."""
    path: Path
    other: Path | None = None
    """Where a link or a rename leads."""


class Listener(Protocol):
    """Told of every operation."""

    def before(self, operation: Operation) -> None:
        """Hear what is about to happen; what is raised here is what the caller gets instead."""

    def after(self, operation: Operation) -> None:
        """Hear what has happened."""


@dataclass(slots=True)
class Death:
    """Ends the process, with nothing done on the way out, just before an operation."""

    at: int
    """Which one, from 1."""
    seen: int = 0

    def before(self, _: Operation) -> None:
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, _: Operation) -> None:
        """Live on."""


@dataclass(slots=True)
class FullDisk:
    """Refuses what takes room, from one such operation on, or this one alone."""

    at: int
    """Which one, from 1."""
    stays: bool
    """Whether those after it are refused too."""
    seen: int = 0
    refused: list[Operation] | None = None

    def before(self, operation: Operation) -> None:
        if operation.kind not in GROWING:
            return
        self.seen += 1
        if self.seen == self.at or (self.stays and self.seen > self.at):
            self.refused = [*(self.refused or []), operation]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(operation.path))

    def after(self, _: Operation) -> None:
        """Take no notice."""


class _Raw(io.FileIO):
    """A file whose writes are announced."""

    def __init__(self, path: Path, mode: str, listener: Listener) -> None:
        super().__init__(path, mode)
        self._path, self._listener = path, listener

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has bytes
        view = memoryview(data).cast("B")
        half = len(view) // 2
        done = 0
        for kind, part in (("write", view[:half]), ("rest", view[half:])):
            operation = Operation(kind, self._path)
            self._listener.before(operation)
            done += super().write(part) or 0
            self._listener.after(operation)
        return done


def _path(name: Any, dir_fd: int | None = None) -> Path:  # noqa: ANN401 - whatever names a file
    """Find what a call means: a path, an open file, or a name within an open folder."""
    if isinstance(name, int):
        return Path(f"/proc/self/fd/{name}").readlink()
    inside = Path.cwd() if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
    return inside / os.fsdecode(name)


@dataclass(frozen=True, slots=True)
class _Announcer:
    """Stands in for calls of the system, and makes them."""

    folder: Path
    listener: Listener

    @contextmanager
    def told(self, kind: str, path: Path, other: Path | None = None) -> Iterator[None]:
        if not path.is_relative_to(self.folder):
            yield
            return
        operation = Operation(kind, path, other)
        self.listener.before(operation)
        yield
        self.listener.after(operation)

    def of_one(self, kind: str, call: Callable[..., None]) -> Callable[..., None]:
        def announced(name: Any, *rest: Any, dir_fd: int | None = None) -> None:  # noqa: ANN401
            with self.told(kind, _path(name, dir_fd)):
                call(name, *rest, **({} if dir_fd is None else {"dir_fd": dir_fd}))

        return announced

    def of_two(self, kind: str, call: Callable[..., None]) -> Callable[..., None]:
        def announced(source: Any, target: Any) -> None:  # noqa: ANN401
            with self.told(kind, _path(source), _path(target)):
                call(source, target)

        return announced

    def opening(self, really_open: Callable[..., Any]) -> Callable[..., Any]:
        def announced(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
            path = Path("/") if isinstance(file, int) else _path(file)
            if not set(mode) & set("wxa") or not path.is_relative_to(self.folder):
                return really_open(file, mode, buffering, *rest, **options)
            assert "+" not in mode
            assert buffering == -1
            with self.told("create", path):
                raw = _Raw(path, mode.replace("b", "").replace("t", ""), self.listener)
            binary = io.BufferedWriter(raw)
            return binary if "b" in mode else io.TextIOWrapper(binary, *rest, **options)

        return announced

    def parquet(self, really: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        told = self.told

        class Announced(really):  # type: ignore[misc]
            is_open: bool

            def __init__(self, where: Any, *rest: Any, **options: Any) -> None:  # noqa: ANN401
                self.announced = _path(where) if isinstance(where, str | Path) else Path("/")
                with told("create", self.announced):
                    super().__init__(where, *rest, **options)

            def write_table(self, *rest: Any, **options: Any) -> None:  # noqa: ANN401
                with told("write", self.announced):
                    super().write_table(*rest, **options)

            def close(self) -> None:
                if self.is_open:
                    self.is_open = False  # refused once, it is not to be tried again when the writer is thrown away
                    with told("write", self.announced):
                        self.is_open = True
                        super().close()

        return Announced


@contextmanager
def announcing(folder: Path, listener: Listener) -> Iterator[None]:
    """Announce what happens in a folder to a listener. For Linux."""
    stand_in = _Announcer(folder, listener)
    calls = {name: stand_in.of_one(name, getattr(os, name)) for name in ("mkdir", "rmdir", "unlink")}
    calls |= {"remove": stand_in.of_one("unlink", os.remove), "fsync": stand_in.of_one("sync", os.fsync)}
    calls |= {name: stand_in.of_two("rename", getattr(os, name)) for name in ("rename", "replace")}
    calls["link"] = stand_in.of_two("link", os.link)
    opening = stand_in.opening(io.open)
    with ExitStack() as stack:
        for name, call in calls.items():
            stack.enter_context(mock.patch.object(os, name, call))
        stack.enter_context(mock.patch.object(io, "open", opening))
        stack.enter_context(mock.patch.object(builtins, "open", opening))
        stack.enter_context(mock.patch.object(pq, "ParquetWriter", stand_in.parquet(pq.ParquetWriter)))
        yield
