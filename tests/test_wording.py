"""The unseen wordings name tags, and no caption contains them."""

import csv
from pathlib import Path

import pytest

from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.vocabulary import WORDS

KINDS = {"everyday", "expert", "british", "american", "singular", "plural"}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "wording.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_a_phrase_a_tag_and_kinds(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= 100
    assert all(set(row) == {"phrase", "tag", "kind"} for row in rows)
    assert [row["phrase"] for row in rows if not row["phrase"] or row["phrase"] != row["phrase"].strip()] == []
    assert [row["tag"] for row in rows if row["tag"] not in WORDS] == []
    kinds = [set(row["kind"].split(";")) for row in rows]
    assert all(kind <= KINDS and kind & {"everyday", "expert"} for kind in kinds)


def test_every_tag_has_an_everyday_and_an_expert_phrase(rows: list[dict[str, str]]) -> None:
    for kind in ("everyday", "expert"):
        tags = {row["tag"] for row in rows if kind in row["kind"].split(";")}
        assert set(WORDS) - tags == set()


def test_no_phrase_twice(rows: list[dict[str, str]]) -> None:
    phrases = [row["phrase"].casefold() for row in rows]
    assert sorted(phrases) == sorted(set(phrases))


def test_no_phrase_is_part_of_a_caption_a_tag_or_a_scene(rows: list[dict[str, str]]) -> None:
    seen = [phrase for word in WORDS.values() for phrase in word.phrases] + [*WORDS, *SCENES]
    folded = [phrase.casefold() for phrase in seen]
    phrases = [row["phrase"] for row in rows]
    assert [phrase for phrase in phrases if any(phrase.casefold() in other for other in folded)] == []
