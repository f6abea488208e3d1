"""Which index, how large its parts, and when to build it anew: pure functions of row counts.

The numbers were measured: docs/decisions/0004-ivfpq-defaults.md.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["auto", "ivfpq", "flat"]

POINTS_PER_CENTROID = 39
"""FAISS wants as many training vectors for each centroid, and complains on stderr where it gets fewer."""

TRAINING_MINIMUM = POINTS_PER_CENTROID * 256
"""Rows from which IVF-PQ can be trained: 9,984, for the 256 centroids of 8-bit codes."""

TRAINING_ROWS = 65_536
"""Rows to train with where there are as many: what FAISS uses at most for 256 centroids."""

SUBQUANTIZERS = 64
"""Bytes of a code, at most; each stands for `NUMBERS_PER_BYTE` numbers of the rotated vector."""

NUMBERS_PER_BYTE = 4

PROBES = 256
"""Inverted lists to look into, or all where there are fewer."""

EXACT_ROWS = 10_000
"""Rows that are always scored exactly: codes would gain nothing."""

SHARED = 18
"""Queries for which ranking rows takes as long as reading them: a batch reads each row once."""

PASSED_OVER = 0.15
"""What a code whose row is not allowed costs of one whose row is."""

CODE_BYTE = 0.5
"""What a byte of a code costs of a number of a row that is scored exactly."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build for a number of rows, and why."""

    kind: Literal["ivfpq", "flat"]
    """What is in force: never "auto"."""

    reason: str
    """One sentence for the user."""

    factory: str | None = None
    """Description for `faiss.index_factory`; None for flat."""

    nlist: int = 0
    """Inverted lists; 0 for flat."""

    nprobe: int = 0
    """Lists to look into for a query; 0 for flat."""

    training_rows: int = 0
    """Rows of the training sample; 0 for flat."""

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out."""
        if self.kind == "flat":
            return
        if self.factory is None or not 1 <= self.nprobe <= self.nlist or self.training_rows < TRAINING_MINIMUM:
            raise ValueError(
                f"An IVF-PQ plan has a factory, 1 to nlist lists to look into and at least {TRAINING_MINIMUM:,} "
                f"rows to train with, not {self.factory!r}, {self.nprobe} of {self.nlist} and {self.training_rows:,}."
            )


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard an IVF-PQ search looks: time for recall."""

    nprobe: int | None = None
    """Inverted lists to look into. None: as planned when the index was built."""

    candidates: int | None = None
    """Rows whose stored vectors are scored exactly for each query. None: 1 % of those covered and allowed, 2,000 to
    10,000."""

    candidates_per_hit: int = 20
    """The same for each of the k hits asked for: the larger number counts."""

    exact_rows: int | None = None
    """With no more covered rows than this to choose from, each is scored exactly and no code is looked at. None: as
    many as that takes no longer for, see `rows_worth_scanning`."""

    def __post_init__(self) -> None:
        """Refuse numbers that would lose hits."""
        if self.nprobe is not None and self.nprobe < 1:
            raise ValueError(f"nprobe is at least 1, not {self.nprobe}.")
        if (self.candidates is not None and self.candidates < 1) or self.candidates_per_hit < 1:
            raise ValueError("There is at least 1 candidate, and at least 1 for each hit.")
        if self.exact_rows is not None and self.exact_rows < 0:
            raise ValueError(f"exact_rows is 0 or more, not {self.exact_rows}.")

    def wanted(self, k: int, *, rows: int) -> int:
        """How many candidates to find for k hits among so many covered and allowed rows."""
        least = min(max(rows // 100, 2_000), 10_000) if self.candidates is None else self.candidates
        return max(least, self.candidates_per_hit * k)


def choose(kind: Kind, *, rows: int, dimension: int) -> Plan:
    """Choose the index for a number of rows.

    Parameters
    ----------
    kind
        What was asked for. "auto" is IVF-PQ as soon as it can be trained.
    rows
        Rows that an ANN index would cover.
    dimension
        Numbers a row.

    Raises
    ------
    ValueError
        An unknown kind, a negative number of rows, or a dimension below 1.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"The kinds of index are {', '.join(get_args(Kind))}, not {kind!r}.")
    if rows < 0 or dimension < 1:
        raise ValueError(f"An index has 0 or more rows of at least 1 number, not {rows} of {dimension}.")
    tiles = f"{rows:,} tile{'' if rows == 1 else 's'}"
    if kind == "flat":
        return Plan("flat", f"{tiles}: flat was asked for, so every query scans all of them exactly")
    if rows < TRAINING_MINIMUM:
        return Plan(
            "flat",
            f"{tiles}: IVF-PQ needs at least {TRAINING_MINIMUM:,} to train, so every query scans all of them exactly",
        )
    nlist = inverted_lists(rows)
    codes = min(SUBQUANTIZERS, max(1, dimension // NUMBERS_PER_BYTE))
    rotated = min(dimension, codes * NUMBERS_PER_BYTE)
    return Plan(
        "ivfpq",
        f"{tiles}: IVF-PQ with {nlist:,} lists and {codes} bytes a tile, its candidates re-ranked exactly",
        factory=f"OPQ{codes}_{rotated},IVF{nlist},PQ{codes}",
        nlist=nlist,
        nprobe=min(PROBES, nlist),
        training_rows=min(rows, max(TRAINING_ROWS, POINTS_PER_CENTROID * nlist)),
    )


def rows_worth_scanning(
    queries: int, *, candidates: int, codes: int, allowed: float, code_bytes: int, dimension: int
) -> int:
    """How many rows are ranked exactly in the time that IVF-PQ takes for some queries at once.

    An exact scan reads each row once, whatever the number of queries, and reading one costs as much as scoring it for
    `SHARED` of them; IVF-PQ looks at codes and scores candidates for each query anew. So a batch is worth a longer
    scan.

    Parameters
    ----------
    queries
        How many there are.
    candidates
        Rows that are scored exactly for each of them.
    codes
        Codes that are looked at for each of them.
    allowed
        Share of the covered rows that is allowed.
    code_bytes, dimension
        Bytes of a code, and numbers of a row.
    """
    alone = candidates + codes * min(allowed + PASSED_OVER, 1) * CODE_BYTE * code_bytes / dimension
    return max(EXACT_ROWS, round(alone * queries * (SHARED + 1) / (SHARED + max(queries, 1))))


def inverted_lists(rows: int) -> int:
    """How many lists to cut rows into: about 4 sqrt(rows), and never more than can be trained."""
    return max(1, min(round(4 * math.sqrt(rows)), rows // POINTS_PER_CENTROID))


def due(plan: Plan, *, rows: int, covered: int) -> bool:
    """Tell whether a new ANN index should be built.

    Parameters
    ----------
    plan
        What `choose` says for these rows.
    rows
        Rows there are.
    covered
        Those of them that the present ANN index covers, 0 where there is none. The others are scanned exactly.
    """
    if plan.kind == "flat":
        return False
    return covered == 0 or rows - covered > max(10_000, covered // 10)
