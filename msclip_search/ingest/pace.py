"""How a run uses the machine."""

import os
from dataclasses import dataclass, field

_MOST_THREADS = 16


def reading_threads() -> int:
    """Choose how many threads read: one a core, since more only wait for each other, but two at least."""
    return max(2, min(_MOST_THREADS, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Threads and commits of a run."""

    threads: int = field(default_factory=reading_threads)
    """That read."""
    ahead: int = 64
    """Items read or waiting to be encoded, at most."""
    commit_tiles: int = 10_000
    """A commit comes after so many tiles …"""
    commit_seconds: float = 60.0
    """… or after so long, whichever is first."""

    def __post_init__(self) -> None:
        """Refuse what would stand still."""
        if min(self.threads, self.ahead, self.commit_tiles) < 1 or not self.commit_seconds >= 0:
            raise ValueError(f"A run needs a thread, an item ahead and a tile a commit at least, got {self}.")
