"""How a run uses the machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Threads and commits of a run."""

    threads: int = 4
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
