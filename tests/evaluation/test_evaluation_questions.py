"""Files of questions, and every way in which they can be wrong."""

from pathlib import Path

import pytest

from msclip_search import QueryError
from msclip_search.evaluation import Question, Relevance, of_classes, read_questions


def written(folder: Path, text: str) -> Path:
    path = folder / "queries.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_form_of_a_condition(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
queries:
  - {text: a forest, relevant: Forest}
  - {text: green land, relevant: [Forest, Pasture], name: green}
  - text: dry forest
    relevant: {all: [Forest], none: River}
""",
    )
    assert read_questions(path) == [
        Question("a forest", "a forest", Relevance(any=("Forest",))),
        Question("green", "green land", Relevance(any=("Forest", "Pasture"))),
        Question("dry forest", "dry forest", Relevance(all=("Forest",), none=("River",))),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queries: [", r"line 1, column 11: this is not YAML"),
        ("queries:\n  - {text: a, relevant: b\n  - c", r"line 3, column \d+: this is not YAML"),
        ("- a", "is to have a list 'queries'"),
        ("queries: []", "holds no queries"),
        ("queries: [a forest]", "query 1 has no text"),
        ("queries: [{relevant: Forest}]", "query 1 has no text"),
        ("queries: [{text: ' ', relevant: Forest}]", "query 1 has no text"),
        ("queries: [{text: a}]", "query 1 does not say what is relevant"),
        ("queries: [{text: a, relevant: {some: [b]}}]", "query 1 does not say what is relevant"),
        ("queries: [{text: a, relevant: []}]", r"query 1: labels are texts, got \[\]"),
        ("queries: [{text: a, relevant: [1]}]", r"query 1: labels are texts, got \[1\]"),
        ("queries: [{text: a, relevant: b, weight: 2}]", "query 1 has an unknown key, weight"),
        ("queries: [{text: a, relevant: b}, {text: a, relevant: c}]", "asks twice for a"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(QueryError, match=said) as caught:
        read_questions(written(tmp_path, text))
    assert str(tmp_path / "queries.yaml") in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"queries\.yaml cannot be read: No such file"):
        read_questions(tmp_path / "queries.yaml")


def test_classes_are_named_once() -> None:
    assert of_classes([("Forest", "a forest")]) == [Question("Forest", "a forest", Relevance(any=("Forest",)))]
    with pytest.raises(QueryError, match="named twice: Forest"):
        of_classes([("Forest", "a forest"), ("Forest", "woods")])


def test_a_condition_names_a_label() -> None:
    with pytest.raises(QueryError, match="names no label"):
        Relevance()
