"""A model on a data set, through the same reader, encoder, index and re-rank that users use."""

import hashlib
import os
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msclip_search import models
from msclip_search.archives import Reading, sha256_of
from msclip_search.bands import parse_layout
from msclip_search.datasets import DataSet
from msclip_search.errors import ArchiveError, QueryError
from msclip_search.evaluation.classification import classify
from msclip_search.evaluation.questions import of_classes
from msclip_search.evaluation.report import Report, report
from msclip_search.evaluation.retrieval import DEPTH, evaluate
from msclip_search.indexes import Kind
from msclip_search.ingest import Progress, ingest
from msclip_search.ingest import Report as Run
from msclip_search.models import templates as prompts
from msclip_search.models.spec import is_sha256
from msclip_search.search import SearchIndex
from msclip_search.store import open_snapshot, open_writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Benched:
    """A benchmark, and where its embeddings are kept."""

    report: Report
    run: Run
    """What embedding the tiles came to: those of an earlier benchmark are passed over."""
    index: Path
    notes: tuple[str, ...]
    """What was decided about the data set, or left out, in sentences."""


def bench(
    data: DataSet,
    root: str | os.PathLike[str],
    *,
    cache: str | os.PathLike[str],
    model: str = models.DEFAULT,
    weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    split: str | None = None,
    bands: str | None = None,
    k: int = DEPTH,
    templates: str | None = "msclip",
    exact: bool = False,
    kind: Kind | None = None,
    seed: int = 0,
    seen: Collection[str] | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    show_download: bool = False,
) -> Benched:
    """Embed a data set, or find it embedded, and hold rankings and classes against its labels.

    Parameters
    ----------
    data
        The data set.
    root
        The folder that it was unpacked into.
    cache
        Folder of index folders; that of this data set, root, split and model is made in it, or brought up to date.
    model, weights, device
        The model: see `index_tiles`.
    split
        A part of the data set; None takes all.
    bands
        Order of the bands in files that do not name them.
    k, templates, exact, seed
        See `evaluate`.
    kind
        What searches use: see `index_tiles`.
    seen
        sha256 of the files that the model was trained on; None takes the list that came with the weights.
    stop
        When set, embedding ends after a commit.
    progress
        Told how far the embedding is.
    show_download
        Whether a download of weights shows a bar.

    Raises
    ------
    MsclipError
        The data set is not there, the model cannot be loaded, …; embeddings that were committed stay.
    """
    if templates is not None:
        prompts.find(templates)  # a wrong word or file is said before a model is loaded
    encoder = models.load(
        model, weights=Path(weights) if weights is not None else None, device=device, progress=show_download
    )
    layout = parse_layout(bands) if bands is not None else None
    reading = Reading(want=encoder.spec.bands, substitutes=encoder.spec.substitutes, layout=layout)
    opened = data.open(root, reading=reading, split=split)
    if len(opened.classes) < 2:
        raise QueryError(f"{root} has {len(opened.classes)} class: two at least are told from one another.")
    folder = Path(cache) / _name(data, root, split, bands, encoder.fingerprint)
    run = ingest(opened.archive, folder, encoder, kind=kind, labels=opened.labels, stop=stop, progress=progress)
    if run.interrupted:
        raise ArchiveError(f"Interrupted: {run.done:,} of {run.total:,} tiles are embedded, and kept in {folder}.")
    questions = of_classes([(one.name, one.words) for one in opened.classes])
    gone = _forget(folder, {item.source for item in opened.archive.items()})
    with SearchIndex.open(folder, weights=weights, device=device) as index:
        found = evaluate(index, questions, k=k, templates=templates, exact=exact, seed=seed)
        several = data.several_labels if data.classes else None
        told = classify(index, questions, templates=templates, several_labels=several, seed=seed)
        trained_on = encoder.trained_on if seen is None else seen
        known = None if trained_on is None else _seen(index, trained_on)
        named = data.name if data.classes else str(Path(root).resolve())
        made = report(index, found, told, data=named, templates=templates, seed=seed, seen=known)
        notes = (*opened.notes, *_notes(run, gone))
        if kind == "ivfpq" and not found.ann and not exact:
            notes += (f"What IVF-PQ costs was not measured: {index.info().reason}.",)
    return Benched(report=made, run=run, index=folder, notes=notes)


def _forget(folder: Path, sources: Collection[str]) -> int:
    """Take tiles out of kept embeddings whose files are no longer in the data set; returns how many."""
    snapshot = open_snapshot(folder)
    found = snapshot.table(["source"])["source"].to_pylist()
    gone = snapshot.live_rows[[source not in sources for source in found]]
    if len(gone):
        manifest = snapshot.manifest
        writer = open_writer(folder, model=manifest.model)
        writer.commit([], np.empty((0, manifest.dimension), np.float16), delete=gone)
    return len(gone)


def _notes(run: Run, gone: int) -> Iterator[str]:
    if run.failed:
        first = run.failures[0]
        yield (
            f"{run.failed:,} could not be read and are missing from these numbers. "
            f"The first: {first.source} {first.reason}. All: {run.failures_file}."
        )
    if run.duplicates:
        yield f"{run.duplicates:,} hold the same tile as another file: they count once, with the labels of the first."
    if gone:
        yield f"{gone:,} kept embeddings were of files that are gone, and were dropped."


def _seen(index: SearchIndex, hashes: Collection[str]) -> int:
    """Count the tiles whose files are among those of a list."""
    sources = index.tiles(["source"])["source"].to_pylist()
    found = {source: sha256_of(source) in hashes for source in set(sources)}
    return sum(found[source] for source in sources)


def read_hashes(path: Path) -> frozenset[str]:
    """Read a list of sha256, one a line; what follows it, as `sha256sum` writes, is passed over.

    Raises
    ------
    QueryError
        The file cannot be read, or a line does not begin with a sha256.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"The list {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    found = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        word = line.split()[0].lower()
        if not is_sha256(word):
            raise QueryError(f"{path}, line {number}: this is no sha256 of 64 hexadecimal digits.")
        found.add(word)
    return frozenset(found)


def _name(data: DataSet, root: str | os.PathLike[str], split: str | None, bands: str | None, fingerprint: str) -> str:
    """Name the index folder of a data set's embeddings: other tiles or another model are other folders."""
    where = hashlib.sha256(f"{Path(root).resolve()}|{split}|{bands}".encode()).hexdigest()[:8]
    return f"{data.name}-{where}-{fingerprint[:12]}"
