"""What searches of an index use, and why."""

from dataclasses import dataclass

from msclip_search.indexes import choose
from msclip_search.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Method:
    """How an index is searched."""

    kind: str
    """ "ivfpq" or "flat"."""
    reason: str
    """Why, to be read after its name."""


def method(manifest: Manifest) -> Method:
    """Tell what searches use under a manifest."""
    tiles = f"{manifest.tiles:,} tile{'s' * (manifest.tiles != 1)}"
    if ann := manifest.ann:
        hint = "; `msclip-search compact` fits it to what is left" if 2 * manifest.tiles < ann.rows else ""
        return Method(
            ann.kind,
            f"{tiles}: {ann.nlist:,} lists, made over {ann.rows:,} tiles; candidates are re-ranked exactly{hint}",
        )
    plan = choose(manifest.kind, rows=manifest.tiles, dimension=manifest.dimension)  # type: ignore[arg-type]
    if plan.kind == "flat":
        return Method("flat", plan.reason)
    return Method("flat", f"{tiles}: IVF-PQ is not built yet; `msclip-search index` builds it at its end")
