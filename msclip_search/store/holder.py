"""Who holds the lock of an index folder, and whether that process still runs."""

import datetime as dt
import json
import os
import socket
from collections.abc import Container
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_DEAD = {"Z", "X"}
"""States of a process that has ended, and is still listed because nobody asked how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, as the lock file says."""

    host: str
    process: int
    """Its number on that host."""
    start: str | None
    """When the process started, in words of its system; None where that cannot be known."""
    since: str
    """When the lock was taken, ISO 8601 with its offset from UTC."""
    doing: str
    """What the holder does: "indexing"."""
    token: str
    """Drawn for this one lock."""

    @classmethod
    def here(cls, doing: str) -> Self:
        """Describe this process."""
        return cls(
            host=socket.gethostname(),
            process=os.getpid(),
            start=_start_of(os.getpid()),
            since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            doing=doing,
            token=os.urandom(8).hex(),
        )

    @classmethod
    def parse(cls, content: bytes) -> Self | None:
        """Read a lock file; None where it does not say who holds it: damaged, empty, half written."""
        try:
            body = json.loads(content)
            holder = cls(**{name: body[name] for name in cls.__slots__})
            dt.datetime.fromisoformat(holder.since)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        words = [holder.host, holder.since, holder.doing, holder.token]
        words += [] if holder.start is None else [holder.start]
        sane = all(isinstance(word, str) and word.isprintable() for word in words)
        return holder if sane and type(holder.process) is int and 0 < holder.process < 1 << 31 else None

    def to_json(self) -> bytes:
        """Encode as the lock file has it."""
        return (json.dumps(asdict(self)) + "\n").encode()

    def is_gone(self, held: Container[str]) -> bool:
        """Tell whether the holder surely holds it no more: it was on this host, and there is no such process now.

        Parameters
        ----------
        held
            Tokens of the locks that this process holds or is about to take. One that names this process and is none
            of them was left behind by a process that had its number, as every one has in some containers.
        """
        if self.host != socket.gethostname():
            return False
        if self.process == os.getpid():
            return self.token not in held
        if not _runs(self.process):
            return True
        start = _start_of(self.process)
        return None not in {start, self.start} and start != self.start  # else the number was given anew

    def __str__(self) -> str:
        """Say who it is, as the subject of "has been indexing since …"."""
        return f"process {self.process} on host {self.host}"


def _runs(process: int) -> bool:
    """Tell whether a process of this host runs, as far as can be known; where it cannot, it does."""
    if os.name == "nt":  # there, os.kill kills
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return (_status(process) or [""])[0] not in _DEAD


def _start_of(process: int) -> str | None:
    """When a process started, in clock ticks since a start of the machine that has a name; None where not known."""
    status = _status(process)
    if status is None:
        return None
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {status[19]}"
    except (OSError, ValueError, IndexError):
        return None


def _status(process: int) -> list[str] | None:
    """Return what Linux says of a process, from the third field of `/proc/…/stat` on; None elsewhere."""
    try:
        line = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return line.rpartition(")")[2].split() or None  # its name may hold spaces and brackets
