"""Which rows of an index fit a filter.

Row groups are passed over where statistics rule them out, columns are read only of those that are left, and outlines
only where boxes leave a doubt. A row fits, fails, or is unknown, as in SQL: unknown is what fails no clause for certain
and lacks what some clause asks about. Unknown rows are not found, and are counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from msclip_search.catalog import Group, Sidecar, open_sidecar
from msclip_search.errors import IndexDamaged
from msclip_search.filters.clauses import Clause, boxes_of, clauses
from msclip_search.filters.filter import Filter
from msclip_search.filters.places import Mask, Place, places
from msclip_search.store import Snapshot


class Condition(Protocol):
    """What evaluates `Filter.where`."""

    @property
    def columns(self) -> Sequence[str]:
        """Columns of the sidecar that it reads."""

    def holds(self, rows: pa.Table) -> Mask:
        """Tell for which rows it is true: bool (rows,).

        It is asked about the rows that no other clause rules out, 32,768 at most at a time, in their order.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The rows that fit a filter."""

    mask: Mask
    """bool (rows,), one for each row of the snapshot; deleted ones are False."""
    matched: int
    """How many are True."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """For "coordinates", "date", "cloud", "nodata", "level": how many live rows are left out only because they lack it.
    A row that lacks two counts for both. What is not asked about, or lacks nowhere, is not named."""

    def warnings(self) -> list[str]:
        """Say what was left out because it is unknown, a sentence each."""
        share = {"cloud": "share of cloud", "nodata": "share of nodata"}
        return [
            f"{count:,} tile{'s have' if count > 1 else ' has'} no {share.get(lacking, lacking)} and "
            f"{'are' if count > 1 else 'is'} left out."
            for lacking, count in self.unknown.items()
        ]


def select(snapshot: Snapshot, wanted: Filter, *, condition: Condition | None = None) -> Selection:
    """Find the live rows that fit a filter.

    Parameters
    ----------
    snapshot
        The index.
    wanted
        The filter.
    condition
        Evaluates `wanted.where`; goes with it.

    Raises
    ------
    IndexDamaged
        A sidecar cannot be read, or has another number of rows than the manifest says.
    StorageError
        It may not be read.
    ValueError
        Of a condition and `where`, there is only one.
    """
    if (condition is None) != (wanted.where is None):
        raise ValueError("`where` and the condition that evaluates it go together.")
    mask = np.ones(snapshot.manifest.rows, dtype=np.bool_) if snapshot.live is None else snapshot.live.copy()
    plan = _Plan.of(wanted, condition)
    if not wanted.is_empty:
        for start, segment in zip(snapshot.starts, snapshot.manifest.segments, strict=False):
            part = mask[start : start + segment.rows]
            if part.any():
                path = snapshot.layout.sidecar(segment.number)
                with snapshot.reading(path), open_sidecar(path, rows=segment.rows) as sidecar:
                    plan.narrow(part, sidecar)
    return Selection(mask, int(np.count_nonzero(mask)), +plan.unknown)


@dataclass(slots=True, eq=False)
class _Plan:
    """A filter taken apart, and what it has met so far."""

    sites: list[Place]
    clauses: list[Clause]
    condition: Condition | None
    unknown: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, wanted: Filter, condition: Condition | None) -> "_Plan":
        sites = places(wanted)
        return cls(sites, clauses(wanted, sites), condition)

    def narrow(self, part: Mask, sidecar: Sidecar) -> None:
        """Leave True, of the rows of a sidecar, those that fit."""
        for group in sidecar.groups:
            rows = part[group.start : group.start + group.rows]
            if not rows.any():
                continue
            if any(clause.hopeless(lambda leaf, group=group: sidecar.span(group, leaf)) for clause in self.clauses):  # type: ignore[misc]
                rows[:] = False
                continue
            lacking = self._by_columns(rows, group, sidecar)
            if self.condition:
                _by_condition(rows, group, sidecar, self.condition)
            for asked, without in lacking.items():
                self.unknown[asked] += int(np.count_nonzero(without & rows))
            for without in lacking.values():
                rows &= ~without

    def _by_columns(self, rows: Mask, group: Group, sidecar: Sidecar) -> dict[str, Mask]:
        """Make False what fails; return, for each thing asked about, which rows lack it."""
        lacking = {clause.asks: np.zeros(group.rows, dtype=np.bool_) for clause in self.clauses}
        doubtful = np.zeros((len(self.sites), group.rows), dtype=np.bool_)
        if not self.clauses:
            return lacking
        for at, batch in sidecar.batches(group, [clause.column for clause in self.clauses]):
            here = slice(at, at + batch.num_rows)
            for clause in self.clauses:
                verdict = clause.judge(batch.column(clause.column))
                rows[here] &= ~verdict.fails
                lacking[clause.asks][here] = verdict.unknown
            if self.sites:
                boxes = boxes_of(batch.column("bbox"))
                for site, doubt in zip(self.sites, doubtful, strict=True):
                    doubt[here] = ~site.surely(boxes)
        if self.sites:
            doubtful &= rows & ~lacking["coordinates"]
            if doubtful.any():
                self._by_outlines(rows, doubtful, group, sidecar)
        return lacking

    def _by_outlines(self, rows: Mask, doubtful: NDArray[np.bool_], group: Group, sidecar: Sidecar) -> None:
        """Make False what is doubtful, (sites, rows), and lies elsewhere."""
        import shapely

        for at, batch in sidecar.batches(group, ["geometry"]):
            here = slice(at, at + batch.num_rows)
            read = np.flatnonzero(doubtful[:, here].any(axis=0))
            if not len(read):
                continue
            try:
                outlines = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False)[read])
                for site, doubt in zip(self.sites, doubtful[:, here], strict=True):
                    asked = doubt[read]
                    rows[here][read[asked]] &= site.holds(outlines[asked])
            except shapely.errors.ShapelyError as error:
                raise IndexDamaged(f"The sidecar {sidecar.path} holds an outline that is none ({error}).") from error


def _by_condition(rows: Mask, group: Group, sidecar: Sidecar, condition: Condition) -> None:
    """Make False the rows for which a condition does not hold."""
    if not rows.any():
        return
    for at, batch in sidecar.batches(group, list(condition.columns) or ["tile_id"]):
        here = rows[at : at + batch.num_rows]
        if here.any():
            asked = pa.Table.from_batches([batch]).filter(pa.array(here))
            here[here] = condition.holds(asked)
