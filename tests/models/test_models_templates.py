from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from msclip_search.errors import QueryError
from msclip_search.models import Embeddings, load, templates


def test_msclip_is_the_published_fifty_in_order(shared: Path) -> None:
    lines = (shared / "golden" / "msclip_templates.txt").read_text(encoding="utf-8").splitlines()
    assert templates.expand("msclip", "{c}") == lines


@pytest.mark.parametrize("text", ["sea lake", "a {text} in braces", "{article}", ""])
def test_every_sentence_says_the_text_as_it_is(text: str) -> None:
    sentences = templates.expand("msclip", text)
    assert len(sentences) == len(set(sentences)) == 50
    assert all(text in sentence for sentence in sentences)


def test_names_and_an_unknown_one() -> None:
    assert templates.names() == ("msclip",)
    with pytest.raises(QueryError, match=r"no templates 'imagenet'\. There are msclip\."):
        templates.expand("imagenet", "forest")


def test_an_embedding_is_the_unit_mean_of_its_sentences() -> None:
    encoder = load("untrained")
    rows = templates.encode(encoder, ["forest", "sea lake"], templates="msclip")
    assert rows.dtype == np.float32
    for row, text in zip(rows, ["forest", "sea lake"], strict=True):
        mean = encoder.encode_texts(templates.expand("msclip", text)).astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_without_templates_a_text_goes_in_as_it_is() -> None:
    encoder = load("untrained")
    np.testing.assert_array_equal(templates.encode(encoder, ["forest"]), encoder.encode_texts(["forest"]))


@pytest.mark.parametrize("texts", [[], ["forest"]])
def test_an_unknown_set_is_refused_whatever_is_asked(texts: Sequence[str]) -> None:
    with pytest.raises(QueryError):
        templates.encode(load("untrained"), texts, templates="imagenet")


def test_no_texts_give_no_rows() -> None:
    rows: Embeddings = templates.encode(load("untrained"), [], templates="msclip")
    assert rows.shape == (0, 64)
