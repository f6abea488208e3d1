"""What the name of a file or its tags tell of a tile: when it was sensed, by which platform, at which level."""

import datetime as dt
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

_PRODUCT = re.compile(
    r"S(?P<platform>2[A-Z])_MSI(?P<level>L1C|L2A)_(?P<time>\d{8}T\d{5,6})"  # T93021 is BigEarthNet's 09:30:21
    r"(?:_N(?P<baseline>\d{4}))?(?:_R\d{3})?(?:_T(?P<mgrs>\d{2}[C-X][A-Z]{2}))?"
)
_FULL = re.compile(
    r"(?<![A-Za-z0-9])S2[A-Z]_MSIL(?:1C|2A)_(\d{8}T\d{6})_N\d{4}_R\d{3}_T\d{2}[C-X][A-Z]{2}_(\d{8}T\d{6})(?!\d)"
)
_COMPACT = re.compile(
    r"(?<!\d)(20[1-4]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:T([01]\d|2[0-3])([0-5]\d)([0-5]\d))?(?!\d)"
)
_DASHED = re.compile(r"(?<!\d)(20[1-4]\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d)")
_SENSED = ("datetime", "acquired", "acquisition_date", "acquisition_time", "sensing_time", "date")
_PRODUCT_TAGS = ("product_uri", "product_uri_2a", "s2:product_uri", "product_id")  # GDAL's first, then STAC's
_WRITTEN = "TIFFTAG_DATETIME"  # by its standard the time the file was made, so it comes last


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What a file name says; None where it says nothing."""

    datetime: dt.datetime | None = None
    """UTC."""
    platform: str | None = None
    level: str | None = None
    baseline: str | None = None
    mgrs_tile: str | None = None


@dataclass(frozen=True, slots=True)
class ProductName:
    """The full name of a product, as ESA gives it since December 2016."""

    text: str
    """Without ".SAFE"."""
    sensed: dt.datetime
    """Begin of the data take, UTC, to the second."""
    generated: str
    """Last field of the name, which tells products of one data take apart."""


@functools.lru_cache(maxsize=64)  # a product has many tiles
def product_in(text: str) -> ProductName | None:
    """Find the full name of a product in a text; None where there is none, or more than one."""
    names = {match[0]: match for match in _FULL.finditer(text)}
    if len(names) != 1:
        return None
    [(name, match)] = names.items()
    sensed = _valid(*_compact_parts(match[1]))
    return ProductName(name, sensed, match[2]) if sensed else None


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the name of a source, its tags and the folders above it say; None where they say nothing."""

    named: NameFacts
    """From its own name, and from its product's where that says nothing."""
    datetime: dt.datetime | None
    """See `sensing_time`."""
    product: str | None
    """Full name of its product, without ".SAFE"."""


def facts_of_source(path: Path, tags: Mapping[str, str]) -> SourceFacts:
    """Say what is known of a source without its pixels.

    Its product is the one that its own name carries, else its tags (`PRODUCT_URI` and the like), else the nearest
    folder above it. A product that contradicts the source's own name, or the date in its tags, is not believed.

    Parameters
    ----------
    path
        The source, absolute.
    tags
        Its tags.
    """
    own = facts_of_name(path.name)
    product = product_in(path.name)
    if product is None and not _FULL.search(path.name):
        day = _tagged_time(tags) or own.datetime
        product = next((name for name in _products_around(path, tags) if _agrees(name, own, day)), None)
    if product is None:
        return SourceFacts(own, sensing_time(tags, path.name), None)
    told = facts_of_name(product.text)
    midnight = own.datetime and own.datetime.time() == dt.time()  # a day without a time
    named = replace(told, datetime=told.datetime if midnight else own.datetime or told.datetime)
    return SourceFacts(named, _tagged_time(tags) or named.datetime, product.text)


@functools.lru_cache(maxsize=16)  # asked twice for each tile, once for its time and once for all else
def facts_of_name(name: str) -> NameFacts:
    """Read a file name: a product's pattern first, else any date from 2010 to 2049 in it.

    A name that carries two products says nothing.
    """
    if len({match[0] for match in _FULL.finditer(name)}) > 1:
        return NameFacts()
    if product := _PRODUCT.search(name):
        baseline = product["baseline"]
        return NameFacts(
            datetime=_valid(*_compact_parts(product["time"])),
            platform=f"Sentinel-{product['platform']}",
            level=product["level"],
            baseline=f"{baseline[:2]}.{baseline[2:]}" if baseline else None,
            mgrs_tile=product["mgrs"],
        )
    for pattern in (_COMPACT, _DASHED):
        for match in pattern.finditer(name):
            if found := _valid(*(int(part) for part in match.groups() if part)):
                return NameFacts(datetime=found)
    return NameFacts()


def sensing_time(tags: Mapping[str, str], name: str) -> dt.datetime | None:
    """Tell when a tile was sensed: from tags that say so, else its name, else the tag of TIFF's own date.

    Parameters
    ----------
    tags
        The file's tags.
    name
        The file's name.

    Returns
    -------
    datetime or None
        UTC; a time without a zone is taken as UTC.
    """
    return _tagged_time(tags) or facts_of_name(name).datetime or parse_time(tags.get(_WRITTEN, ""))


def parse_time(text: str) -> dt.datetime | None:
    """Read ISO 8601 or TIFF's "2023:06:01 10:20:30"; None where it is neither."""
    text = text.strip()
    if re.match(r"\d{4}:\d{2}:\d{2}", text):
        text = text[:10].replace(":", "-") + text[10:]
    try:
        found = dt.datetime.fromisoformat(text.removesuffix(" UTC"))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: the first day of year 1, in a zone east of Greenwich
        return None


def _tagged_time(tags: Mapping[str, str]) -> dt.datetime | None:
    lowered = _lowered(tags)
    return next((found for key in _SENSED if (found := parse_time(lowered.get(key, "")))), None)


def _lowered(tags: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in tags.items()}


def _products_around(path: Path, tags: Mapping[str, str]) -> Iterator[ProductName]:
    """Yield the products that a source's tags and the folders above it name, the nearest first."""
    lowered = _lowered(tags)
    for text in (*(lowered.get(key, "") for key in _PRODUCT_TAGS), *(folder.name for folder in path.parents)):
        if name := product_in(text):
            yield name


def _agrees(name: ProductName, own: NameFacts, day: dt.datetime | None) -> bool:
    """Tell whether a product may be the one of a source, by what the source itself says."""
    told = facts_of_name(name.text)
    pairs = ((getattr(own, key), getattr(told, key)) for key in ("platform", "level", "baseline", "mgrs_tile"))
    same_day = day is None or told.datetime is None or day.date() == told.datetime.date()
    return same_day and all(said in {None, meant} for said, meant in pairs)


def _compact_parts(text: str) -> tuple[int, ...]:
    day, _, time = text.partition("T")
    digits = day + time.zfill(6)
    return (int(digits[:4]), *(int(digits[start : start + 2]) for start in range(4, len(digits), 2)))


def _valid(*parts: int) -> dt.datetime | None:
    """Make a time of numbers that may be none (30 February)."""
    try:
        return dt.datetime(*(*parts, 0, 0, 0)[:6], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
