"""The main job in one call: a folder of tiles becomes an index."""

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msclip_search import models
from msclip_search.archives import ChipArchive, Labels, ParentLabels, Reading, read_labels
from msclip_search.bands import parse_layout
from msclip_search.errors import ArchiveError, IndexMissing
from msclip_search.indexes import Kind
from msclip_search.ingest.pace import Pace
from msclip_search.ingest.report import Progress, Report
from msclip_search.ingest.run import ingest
from msclip_search.pairing import check_here, check_name, load_recorded
from msclip_search.store import newest_or_raise, require_folder, require_unlocked

_PARENT = "parent"


def index_tiles(
    archive: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    index: str | os.PathLike[str],
    model: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    bands: str | None = None,
    offset: float | None = None,
    label_from: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    kind: Kind | None = None,
    device: str = "auto",
    pace: Pace | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    show_download: bool = False,
    break_lock: bool = False,
) -> Report:
    """Embed the tiles of an archive into an index folder; what stands there unchanged is passed over.

    Parameters
    ----------
    archive
        Folders, files, globs, or text files with one path a line.
    index
        The index folder; made where there is none.
    model
        Name of the model; None takes that of the index, or `models.DEFAULT` for a new one.
    weights
        File of the model's weights; None finds them where the index says, or on the hub.
    bands
        Order of the bands in files that do not name them: a list ("B02,B03,…") or a layout ("eurosat").
    offset
        Added to the stored values: −1000 for chips that carry the offset of baseline 04.00.
    label_from
        "parent" takes the name of a file's folder as its label.
    labels
        A CSV `file,label`, several labels joined by ";", paths relative to the CSV.
    kind
        What searches are to use: "auto", "ivfpq" or "flat"; None keeps to what the index was last given, or "auto".
    device
        "auto", "cpu" or "cuda".
    pace
        Threads and commits; None suits the machine.
    stop
        When set, the run commits what is done and comes back.
    progress
        Told often what is being done, with the counts so far.
    show_download
        Whether a download of weights shows a bar.
    break_lock
        Whether to write although another process holds the index's lock: for one that is surely gone.

    Returns
    -------
    Report
        Counts, times, and what is in force now.

    Raises
    ------
    MsclipError
        See `msclip_search.errors`; what was committed before stands.

    Examples
    --------
    >>> index_tiles("tiles", index="idx")  # doctest: +SKIP
    """
    roots = (archive,) if isinstance(archive, str | os.PathLike) else tuple(archive)
    root = Path(index)
    recorded = _recorded(root)
    if not break_lock:
        require_unlocked(root)  # it is held below; whoever will be refused is not to wait for a model first
    if recorded and model is not None:
        check_name(recorded, model, root)
    if recorded:
        check_here(recorded, root)
    spec = models.spec_of(str(recorded["spec"]["name"]) if recorded else model or models.DEFAULT)
    layout = parse_layout(bands) if bands is not None else None
    reading = Reading(want=spec.bands, substitutes=spec.substitutes, layout=layout, offset=offset)
    chips = ChipArchive(roots, reading)
    named = _labels(label_from, labels)
    total = chips.count()  # a wrong path is said before a model is loaded
    path = Path(weights) if weights is not None else None
    return ingest(
        chips,
        root,
        load_recorded(recorded, root, weights=path, device=device, progress=show_download)
        if recorded
        else models.load(spec.name, weights=path, device=device, progress=show_download),
        kind=kind,
        labels=named,
        pace=pace or Pace(),
        stop=stop,
        progress=progress,
        total=total,
        break_lock=break_lock,
    )


def _recorded(root: Path) -> Mapping[str, Any] | None:
    """Return what an index says of its model; None where there is no index yet."""
    require_folder(root)
    try:
        return newest_or_raise(root).model
    except IndexMissing:
        return None


def _labels(label_from: str | None, table: str | os.PathLike[str] | None) -> Labels | None:
    if label_from is not None and table is not None:
        raise ArchiveError("Labels come either from the parent folder or from a table: give one of the two.")
    if label_from not in {None, _PARENT}:
        raise ArchiveError(
            f"Labels can be had from '{_PARENT}', the folder that a file lies in, not from '{label_from}'."
        )
    if table is not None:
        return read_labels(Path(table))
    return ParentLabels() if label_from else None
