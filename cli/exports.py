"""What a query leaves beside its table: a page of pictures, and chips."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from msclip_search.cli.console import fail, say
from msclip_search.disk import disk_errors
from msclip_search.errors import StorageError

if TYPE_CHECKING:
    from msclip_search.search import Hits, SearchIndex

_NAMED = 3
"""How many of the sources that are gone are named."""


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


def judged(index: "SearchIndex", hits: "Hits", labels: Sequence[str]) -> str:
    """Say how good a query's hits are, by the labels that make a tile right."""
    from msclip_search.evaluation import Relevance, judge, percent

    found = judge(index, hits, Relevance(any=tuple(labels)))
    what = " or ".join(labels)
    if not found.relevant:
        return f"{hits.query}: no tile of the index has the label {what}."
    return (
        f"{hits.query}: {found.right:,} of {len(hits):,} hits are {what}, of {found.relevant:,} tiles that are. "
        f"AP@{found.k} {percent(found.standard)} % (standard), {percent(found.torchmetrics)} % (torchmetrics)."
    )


def write_file(content: bytes, path: Path) -> None:
    """Write a file that appears whole or not at all."""
    target = path.resolve()  # a link stays a link
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with disk_errors("writing", path):
        if path.exists() and not path.is_file():  # a device or a pipe is written to, never replaced
            path.write_bytes(content)
            return
        try:
            draft.write_bytes(content)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


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
