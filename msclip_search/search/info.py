"""What can be said of an index without searching it."""

from dataclasses import asdict, dataclass
from typing import Any

from msclip_search import catalog, store
from msclip_search.geometry import Box
from msclip_search.store import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """An index, described."""

    path: str
    format: int
    """Version of the format."""
    manifest: int
    """Number of the manifest in force."""
    created: str
    """When that was written, ISO 8601."""
    software: str
    """By what."""
    model: str
    fingerprint: str
    """Of the model, its weights and preprocessing."""
    weights: str | None
    """Path of the weights; None where they come with the program."""
    dimension: int
    tiles: int
    """Live ones."""
    deleted: int
    """Rows that are deleted and not yet removed."""
    segments: int
    kind: str
    """What searches use: "ivfpq" or "flat"."""
    reason: str
    """Why."""
    factory: str | None
    """FAISS's name of the ANN index."""
    scanned: int
    """Tiles that every search scans exactly, since the ANN index does not hold them."""
    size: int
    """Bytes of the files in force."""
    located: int
    """Tiles that have coordinates."""
    bounds: Box | None
    """Planar bounds of all tiles, degrees."""
    dated: int
    """Tiles that have a date."""
    first: str | None
    """Earliest date, ISO 8601."""
    last: str | None
    """Latest date."""
    labelled: int
    """Tiles that have labels."""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def describe(snapshot: Snapshot) -> IndexInfo:
    """Describe an index.

    Raises
    ------
    IndexDamaged
        A sidecar cannot be read.
    """
    manifest = snapshot.manifest
    spec, weights = manifest.model["spec"], manifest.model["weights"]
    found = store.method(manifest)
    summary = catalog.summarise(snapshot.columns(catalog.SUMMARY_COLUMNS), snapshot.live)
    return IndexInfo(
        path=str(snapshot.layout.root),
        format=store.FORMAT_VERSION,
        manifest=manifest.number,
        created=manifest.created,
        software=manifest.software,
        model=spec["name"],
        fingerprint=manifest.model["fingerprint"],
        weights=(weights or {}).get("path") or None,
        dimension=snapshot.dimension,
        tiles=manifest.tiles,
        deleted=manifest.deleted_rows,
        segments=len(manifest.segments),
        kind=found.kind,
        reason=found.reason,
        factory=manifest.ann.factory if manifest.ann else None,
        scanned=manifest.tiles - store.covered(snapshot),
        size=sum(file.size for file in manifest.files),
        located=summary.located,
        bounds=summary.bounds,
        dated=summary.dated,
        first=summary.first.isoformat() if summary.first else None,
        last=summary.last.isoformat() if summary.last else None,
        labelled=summary.labelled,
    )
