"""Examples that may not be read, and beginnings of names that most tiles share."""

import json
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from msclip_search import QueryError
from msclip_search.search.examples import find_examples
from msclip_search.store import Layout
from tests.folder.making import index_folder, write_arrays

# Does everything once as it is, which loads what is loaded late; then becomes somebody else, for root is refused
# nothing, and nobody may not read the program.
AS_NOBODY = """
import json, os, sys
from pathlib import Path
from msclip_search import QueryError, Question, SearchIndex

folder = Path(sys.argv[1])
names = ("closed/x.npy", "closed/none.npy", "closed", "open/shut.npy", "link.npy", "open/x.npy")

def everything():
    told = []
    with SearchIndex.open(folder / "idx") as index:
        for name in names:
            try:
                told.append(len(index.search(Question().like(folder / name), k=3)))
            except QueryError as error:
                told.append(str(error))
    return told

before = everything()
(folder / "closed").chmod(0 if os.geteuid() else 0o700)
(folder / "open" / "shut.npy").chmod(0)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(json.dumps([before, everything()]))
"""


def test_an_example_that_may_not_be_looked_at_is_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as name:  # not pytest's own, into which nobody else may look
        folder = Path(name)
        write_arrays(folder / "tiles", range(4))
        index_folder(folder / "tiles", folder / "idx")
        write_arrays(folder / "closed", [9])
        write_arrays(folder / "open", [8, 9])
        (folder / "closed" / "000009.npy").rename(folder / "closed" / "x.npy")
        (folder / "open" / "000009.npy").rename(folder / "open" / "x.npy")
        (folder / "open" / "000008.npy").rename(folder / "open" / "shut.npy")
        (folder / "link.npy").symlink_to(folder / "closed" / "x.npy")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        command = [sys.executable, "-c", AS_NOBODY, str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        finally:
            (folder / "closed").chmod(0o755)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout.splitlines()[-1])
    assert [before[0], *before[3:]] == [3, 3, 3, 3]
    assert "is no file" in before[1]
    assert after[-1] == 3
    may_not = "may not be looked at (Permission denied): name another, or ask its owner."
    for at, example in ((0, "closed/x.npy"), (1, "closed/none.npy"), (4, "link.npy")):
        assert after[at] == f"The example {folder / example} {may_not}"
    assert after[2].startswith(f"The example {folder / 'closed'} ")
    assert "ermission denied" in after[2]
    assert after[3].startswith(f"The example {folder / 'open' / 'shut.npy'} ")
    assert "permission denied" in after[3]


@dataclass
class Namesakes:
    """A snapshot of many tiles whose names begin alike, made as they are asked for."""

    batches: int
    rows: int
    live: NDArray[np.bool_] | None = None
    layout: Layout = field(default_factory=lambda: Layout(Path("idx")))

    def columns(self, _names: list[str]) -> Iterator[tuple[int, Any]]:
        for start in range(0, self.batches * self.rows, self.rows):
            names = pa.array([f"S2A_MSIL2A_{number:020d}" for number in range(start, start + self.rows)])
            yield start, pa.record_batch([names], ["tile_id"])


def test_a_beginning_of_many_names_is_counted_and_not_kept() -> None:
    def peak(batches: int) -> int:
        tracemalloc.start()
        with pytest.raises(QueryError, match=f"^{2000 * batches:,} tiles of the index have a tile_id that begins with"):
            find_examples(Namesakes(batches, 2000), ["S2A_MSIL2A"])  # type: ignore[arg-type]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(40) < 1.5 * peak(2)


def test_of_the_tiles_that_begin_so_only_the_living_count() -> None:
    live = np.zeros(200, np.bool_)
    live[[17, 117]] = True
    many = Namesakes(20, 10, live)
    with pytest.raises(QueryError, match=r"^2 tiles of the index"):
        find_examples(many, ["S2A_MSIL2A"])  # type: ignore[arg-type]
    live[17] = False
    (found,) = find_examples(many, ["S2A_MSIL2A"]).values()  # type: ignore[arg-type]
    assert (found.row, found.tile_id) == (117, f"S2A_MSIL2A_{117:020d}")
