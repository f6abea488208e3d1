"""What a query leaves beside its table: a page of pictures, and chips."""

import datetime as dt
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from msclip_search.cli.console import err, fail, out, say
from msclip_search.cli.streaming import write
from msclip_search.disk import disk_errors
from msclip_search.errors import StorageError

if TYPE_CHECKING:
    from msclip_search.filters import Selection
    from msclip_search.search import Hits, SearchIndex

_NAMED = 3
"""How many of the sources that are gone are named."""
_LABELS = 8
"""How many labels are named where none is near."""


def check_target(path: Path | None) -> None:
    """Refuse a file that could not be written, before there is anything to write."""
    if path is None:
        return
    with disk_errors("writing", path):
        if path.is_dir():
            raise StorageError(f"{path} is a folder: name a file.")
        if path.exists() and not path.is_file():
            return  # a device or a pipe
        named = path.resolve().parent if path.is_symlink() else path.parent
        if not named.exists():
            raise StorageError(f"There is no folder {named}: make it, or name another file.")
        if not named.is_dir():
            raise StorageError(f"{named} is no folder: name another file than {path}.")
        if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
            raise StorageError(f"No permission to write into the folder {named}: name another file, or ask its owner.")


def check_targets(*, gallery: Path | None, chips: Path | None, overwrite: bool) -> None:
    """Refuse what could not be written, before anything is searched."""
    if overwrite and chips is None:
        raise typer.BadParameter(
            "It says that a folder of chips may be replaced: give --chips.", param_hint="--overwrite"
        )
    check_target(gallery)
    if chips is not None:
        from msclip_search.chips import check_folder

        check_folder(chips, overwrite=overwrite)


def write_gallery(results: Sequence["Hits"], path: Path, *, index: str, model: str) -> None:
    """Write the page of pictures."""
    from msclip_search.gallery import make_gallery

    made = make_gallery(results, index=index, model=model, written=dt.datetime.now(dt.UTC))
    content = made.html.encode()
    write_file(content, path)
    say(f"Gallery of {_tiles(made.tiles)} written to {path} ({_size(len(content))}).{_gone(made.missing, 'shown')}")


def write_tiles(results: Sequence["Hits"], folder: Path, *, overwrite: bool) -> None:
    """Write the chips."""
    from msclip_search.chips import write_chips

    done = write_chips(results, folder, overwrite=overwrite)
    gone = _gone(done.missing, "written")
    if done.missing and not done.tiles:
        fail(f"No chip was written to {folder}.{gone}")
    say(f"{_tiles(done.tiles)} written to {folder}, with {done.pictures:,} in true colour.{gone}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How good hits are."""

    lines: tuple[str, ...] = ()
    """A sentence a query."""
    notes: tuple[str, ...] = ()
    """What is odd about the labels that were named."""


def judged(
    index: "SearchIndex", results: Sequence["Hits"], labels: Sequence[str], *, within: "Selection | None" = None
) -> Verdict:
    """Say how good the hits are of each query, by the labels that make a tile right, of the tiles that may be found."""
    from msclip_search.evaluation import Relevance, judge, percent

    known = {name for names in index.tiles(["labels"])["labels"].to_pylist() for name in names}
    if not known:
        return Verdict(notes=("no tile of the index is labelled: `index` takes --labels or --label-from.",))
    notes = tuple(_unknown(label, known) for label in dict.fromkeys(labels) if label not in known)
    there = [label for label in dict.fromkeys(labels) if label in known]
    if not there:
        return Verdict(notes=notes)
    what = " or ".join(there)
    of = "tiles" if within is None else "selected tiles"
    lines = []
    for hits in results:
        found = judge(index, hits, Relevance(any=tuple(there)), within=within)
        lines.append(
            f"{hits.query}: {found.right:,} of {len(hits):,} hits are {what}, of {found.relevant:,} {of} that are. "
            f"AP@{found.k} {percent(found.standard)} % (standard), {percent(found.torchmetrics)} % (torchmetrics)."
        )
    return Verdict(tuple(lines), notes)


def print_verdict(verdict: Verdict, *, beside_table: bool) -> None:
    """Print what was asked for, also quietly: on standard output with a table, never among data."""
    for line in verdict.lines:
        (out() if beside_table else err()).print(line, soft_wrap=True)
    from rich.text import Text

    for note in verdict.notes:
        err().print(Text.assemble(("Warning: ", "bold yellow"), note), soft_wrap=True)


def _unknown(label: str, known: set[str]) -> str:
    """Say that the index lacks a label, and which of its labels are near."""
    folded: dict[str, str] = {}
    for name in sorted(known):
        folded.setdefault(name.casefold(), name)
    near = [folded[word] for word in difflib.get_close_matches(label.casefold(), folded, n=3, cutoff=0.5)]
    hint = f" Near it are: {', '.join(near)}." if near else f" It has {_some(sorted(known))}."
    return f"no tile of the index has the label {label}.{hint}"


def write_file(content: bytes, path: Path) -> None:
    """Write a file that appears whole or not at all."""
    write([content], path)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LABELS:,} more" if len(names) > _LABELS else ""
    return f"{', '.join(names[:_LABELS])}{more}"


def _gone(missing: Sequence[tuple[str, str]], done: str) -> str:
    """Say which sources could not be read."""
    if not missing:
        return ""
    named = "; ".join(f"{source} {reason}" for source, reason in missing[:_NAMED])
    more = f"; and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return f" {_tiles(len(missing))} could not be {done}: {named}{more}."


def _tiles(number: int) -> str:
    return f"{number:,} tile{'s' * (number != 1)}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(round(count / 1e3), 1)} kB"
