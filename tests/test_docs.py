"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_pages_that_code_and_pages_name_are_there() -> None:
    named = re.compile(r"\b((?:docs/decisions|benchmarks|tests)/[\w/.-]+\.(?:md|py))\b")
    sources = [
        *PAGES,
        *(path for folder in ("msclip_search", "indexes", "cli") for path in (ROOT / folder).rglob("*.py")),
    ]
    mentioned = {name for path in sources for name in named.findall(path.read_text(encoding="utf-8"))}
    assert len(mentioned) > 5
    assert [name for name in sorted(mentioned) if not (ROOT / name).exists()] == []
