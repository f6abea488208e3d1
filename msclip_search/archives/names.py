"""What the name of a file or its tags tell of a tile: when it was sensed, by which platform, at which level."""

import datetime as dt
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

_PRODUCT = re.compile(
    r"S(?P<platform>2[A-Z])_MSI(?P<level>L1C|L2A)_(?P<time>\d{8}T\d{5,6})"  # T93021 is BigEarthNet's 09:30:21
    r"(?:_N(?P<baseline>\d{4}))?(?:_R\d{3})?(?:_T(?P<mgrs>\d{2}[C-X][A-Z]{2}))?"
)
_COMPACT = re.compile(
    r"(?<!\d)(20[1-4]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:T([01]\d|2[0-3])([0-5]\d)([0-5]\d))?(?!\d)"
)
_DASHED = re.compile(r"(?<!\d)(20[1-4]\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d)")
_SENSED = ("datetime", "acquired", "acquisition_date", "acquisition_time", "sensing_time", "date")
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


@functools.lru_cache(maxsize=16)  # asked twice for each tile, once for its time and once for all else
def facts_of_name(name: str) -> NameFacts:
    """Read a file name: a product's pattern first, else any date from 2010 to 2049 in it."""
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
    lowered = {key.lower(): value for key, value in tags.items()}
    for key in _SENSED:
        if found := parse_time(lowered.get(key, "")):
            return found
    return facts_of_name(name).datetime or parse_time(tags.get(_WRITTEN, ""))


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
