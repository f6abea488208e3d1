"""The main job: an archive goes in, an index folder comes out."""

import threading
import time
from pathlib import Path

from msclip_search import geometry
from msclip_search.archives import Archive, Labels
from msclip_search.errors import ArchiveError
from msclip_search.indexes import Kind
from msclip_search.ingest.ann import check_kind
from msclip_search.ingest.pace import Pace
from msclip_search.ingest.report import Progress, Report
from msclip_search.ingest.session import Session
from msclip_search.models import Encoder
from msclip_search.pairing import check_model, describe_model
from msclip_search.store import sweep, writing


def ingest(
    archive: Archive,
    root: Path,
    encoder: Encoder,
    *,
    kind: Kind | None = None,
    labels: Labels | None = None,
    pace: Pace | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    total: int | None = None,
    break_lock: bool = False,
) -> Report:
    """Embed what is new or changed in an archive, and commit it to an index folder.

    Parameters
    ----------
    archive
        What to read.
    root
        The index folder; made where there is none.
    encoder
        The model. An index holds vectors of one model only.
    kind
        What searches are to use; "auto" takes IVF-PQ as soon as it can be trained. None keeps to what the index was
        last given, "auto" for a new one.
    labels
        Where labels come from; None gives new tiles none, and leaves those alone that stand in the index.
    pace
        Threads and commits; None takes those of `Pace()`.
    stop
        When set, the run commits what is done and comes back.
    progress
        Told often how far the run is.
    total
        Items of the archive, where they have been counted already.
    break_lock
        Whether to write although another process holds the index's lock.

    Returns
    -------
    Report
        Counts, times, and what is in force now.

    Raises
    ------
    ArchiveError
        The archive is missing or empty, or nothing in it could be read.
    ModelMismatch
        The index was made with another model.
    IndexLocked
        Another process writes to the index.
    StorageError, IndexFolderError
        The index folder cannot be written, or is damaged. What was committed before stands.
    QueryError
        There is no such `kind`.
    """
    begun = time.perf_counter()
    check_kind(kind)
    geometry.prepare()
    total = archive.count() if total is None else total
    described = describe_model(encoder)
    with writing(root, model=described, kind=kind, doing="indexing", break_lock=break_lock) as writer:
        if writer.manifest.number:
            check_model(writer.manifest.model, encoder, root)
        sweep(writer.layout, writer.manifest)
        report = Report(
            total=total, failures_file=writer.layout.failures, model=encoder.spec.name, weights=encoder.weights
        )
        session = Session(
            writer=writer,
            encoder=encoder,
            report=report,
            labels=labels,
            pace=pace or Pace(),
            stop=stop or threading.Event(),
            progress=progress,
        )
        _carry_out(session, archive)
    report.seconds = time.perf_counter() - begun
    return report


def _carry_out(session: Session, archive: Archive) -> None:
    """Embed an archive and bring the index up to date."""
    report = session.report
    try:
        session.embed(archive)
    finally:
        session.close()
    if report.nothing_read:
        listed = "" if report.total == 1 else f" All are listed in {report.failures_file}."
        raise ArchiveError(f"{report.why_nothing()}{listed}")
    session.settle()
