"""Processes that simulate, gone when the one that began them is.

They need no bounds on threads: simulation multiplies no matrices, so BLAS has nothing to do in them.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def workers(number: int) -> Iterator[ProcessPoolExecutor]:
    """Begin processes, and end them.

    Spawned, not forked: a fork of a process with threads may stand still forever.
    """
    with ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"), initializer=_begin) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _begin() -> None:
    """Leave Ctrl-C to the process that asked, and follow it when it dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
