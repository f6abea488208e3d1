"""Runs of the product in processes that can be killed.

One process has everything loaded and forks a child for each run, which takes milliseconds.
"""

import importlib
import json
import os
import pickle
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from tests.folder.announcing import Death, announcing
from tests.folder.life import Action, perform
from tests.folder.power import Record

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a child is to do, and how it is to end."""

    action: Action
    root: Path
    folder: Path
    """Operations in it are announced."""
    die_at: int | None = None
    """Die before so many operations."""
    die_after: float | None = None
    """Be killed after so many seconds."""
    record: Path | None = None
    """Where to leave the record of all operations."""
    links: bool = True
    """Whether the file system makes hard links."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended."""

    ended: str
    """ "done" or "killed"."""
    seconds: float


@dataclass(slots=True)
class Server:
    """The process that forks."""

    process: subprocess.Popen[bytes]
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, order: Order) -> Outcome:
        """Have a child do something, and wait for its end; an error of its own is an error here."""
        assert self.process.stdin
        assert self.process.stdout
        pickle.dump(order, self.process.stdin)
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        assert said["ended"] in {"done", "killed"}, said["ended"]
        self.outcomes.append(Outcome(**said))
        return self.outcomes[-1]


@contextmanager
def forking() -> Iterator[Server]:
    """Start a server, and end it."""
    command = [sys.executable, "-c", "from tests.folder.forking import serve; serve()"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        yield Server(process)


def serve() -> None:
    """Fork a child for each order that comes in, and say how it ended."""
    for name in ("faiss", "pyarrow.compute", "rasterio.warp", "shapely"):  # no child is to load these again
        importlib.import_module(name)
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    while True:
        try:
            order = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        print(json.dumps(_forked(order)), file=channel, flush=True)


def _forked(order: Order) -> dict[str, Any]:
    begun = time.perf_counter()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        _obey(order, write)
    os.close(write)
    if order.die_after is not None and not select.select([read], [], [], order.die_after)[0]:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(read) as errors:
        said = errors.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    ended = "killed" if killed else said or ("done" if status == 0 else f"ended with {status}")
    return {"ended": ended, "seconds": time.perf_counter() - begun}


def _obey(order: Order, errors: int) -> None:
    """Do what is to be done, and leave without a look back: all else belongs to the parent."""
    status = 1
    try:
        record = Record(order.folder) if order.record else None
        with ExitStack() as stack:
            if not order.links:
                stack.enter_context(mock.patch.object(os, "link", _refuse))
            if listener := record or (Death(order.die_at) if order.die_at else None):
                stack.enter_context(announcing(order.folder, listener))
            perform(order.action, order.root)
        if order.record and record:
            order.record.write_bytes(pickle.dumps(record.events))
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        os.write(errors, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")
