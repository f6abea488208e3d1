import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from msclip_search.errors import QueryError
from msclip_search.models import Embeddings, load, templates
from msclip_search.models.templates import Templates

OWN = ("a tile of {}.", "{} from above")


def test_msclip_is_the_published_fifty_in_order(shared: Path) -> None:
    lines = (shared / "golden" / "msclip_templates.txt").read_text(encoding="utf-8").splitlines()
    assert templates.expand("msclip", "{c}") == lines


def test_clip_is_the_three_of_eurosat_in_order() -> None:
    assert templates.expand("clip", "sea lake") == [
        "a centered satellite photo of sea lake.",
        "a centered satellite photo of a sea lake.",
        "a centered satellite photo of the sea lake.",
    ]


@pytest.mark.parametrize(("name", "number"), [("msclip", 50), ("clip", 3)])
@pytest.mark.parametrize("text", ["sea lake", "a {text} in braces", "{article}", "{}", ""])
def test_every_sentence_says_the_text_as_it_is(name: str, number: int, text: str) -> None:
    sentences = templates.expand(name, text)
    assert len(sentences) == len(set(sentences)) == number
    assert all(text in sentence for sentence in sentences)


def test_names_and_an_unknown_one() -> None:
    assert templates.names() == ("clip", "msclip")
    with pytest.raises(QueryError) as caught:
        templates.expand("imagenet", "forest")
    assert str(caught.value) == (
        "There are no templates 'imagenet'. There are clip, msclip, or a .txt file of your own: "
        "one sentence a line, with {} where the text goes."
    )


def test_a_set_has_a_name_and_a_hash_of_its_sentences_in_order() -> None:
    found = templates.find("clip")
    assert (found.name, len(found.sentences)) == ("clip", 3)
    assert found.fingerprint == hashlib.sha256(json.dumps(list(found.sentences)).encode()).hexdigest()
    others = [
        Templates(name="clip", sentences=found.sentences[::-1]),
        Templates(name="clip", sentences=found.sentences[:2]),
        templates.find("msclip"),
    ]
    assert len({found.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert Templates(name="other", sentences=found.sentences).fingerprint == found.fingerprint


@pytest.mark.parametrize("sentences", [(), ("no gap",), ("{} and {}",), ("{} fits", "{ } does not")])
def test_a_set_that_does_not_say_the_text_once_is_refused(sentences: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"one sentence at least|one \{\} where the text goes"):
        Templates(name="own", sentences=sentences)


@pytest.mark.parametrize(
    "content",
    [
        b"a tile of {}.\n{} from above\n",
        b"# mine\n\n  a tile of {}. \r\n   \r\n  # not {} this\n{} from above",
        b"\xef\xbb\xbfa tile of {}.\r{} from above\r",
    ],
    ids=["plain", "comments and blanks", "byte order mark"],
)
@pytest.mark.parametrize("name", ["own.txt", "OWN.TXT"])
def test_a_file_of_ones_own(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert templates.find(str(path)) == Templates(name=name, sentences=OWN)
    assert templates.expand(str(path), "a {} {x}") == ["a tile of a {} {x}.", "a {} {x} from above"]


def test_sentences_are_unicode_and_keep_other_braces(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("vue de {} à l\u2028été {article}\n", encoding="utf-8")
    assert templates.expand(str(path), "雪") == ["vue de 雪 à l\u2028été {article}"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a {}\n\nno gap\n", ", line 3: a template has one {} where the text goes; this one has none."),
        (b"# a\r\n{} and {}", ", line 2: a template has one {} where the text goes; this one has 2."),
        (b"a {}\nb { }\n", ", line 2: a template has one {} where the text goes; this one has none."),
        (b"a {}\n{} \xe9t\xe9\n", ", line 2: this is not UTF-8. Save the file as UTF-8."),
        ("a {}".encode("utf-16"), ", line 1: this is not UTF-8. Save the file as UTF-8."),
        (b"", " holds no templates: write one sentence a line, with {} where the text goes."),
        (b"\n# {}\n", " holds no templates: write one sentence a line, with {} where the text goes."),
    ],
    ids=["no gap", "two gaps", "a gap with a space", "latin-1", "utf-16", "empty", "comments alone"],
)
def test_a_file_that_is_none_of_templates(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    with pytest.raises(QueryError) as caught:
        templates.find(str(path))
    assert str(caught.value) == f"{path}{said}"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(QueryError) as caught:
        templates.find(str(tmp_path / "absent.txt"))
    assert str(caught.value) == f"The templates {tmp_path / 'absent.txt'} cannot be read: No such file or directory."
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(QueryError, match=r"folder\.txt cannot be read: Is a directory\."):
        templates.read(tmp_path / "folder.txt")


def test_an_embedding_is_the_unit_mean_of_its_sentences() -> None:
    encoder = load("untrained")
    rows = templates.encode(encoder, ["forest", "sea lake"], templates="msclip")
    assert rows.dtype == np.float32
    for row, text in zip(rows, ["forest", "sea lake"], strict=True):
        mean = encoder.encode_texts(templates.expand("msclip", text)).astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_a_set_can_be_given_as_a_value_or_as_a_file(tmp_path: Path) -> None:
    encoder = load("untrained")
    mean = encoder.encode_texts(["a tile of a lake.", "a lake from above"]).astype(np.float64).mean(axis=0)
    (tmp_path / "own.txt").write_text("\n".join(OWN), encoding="utf-8")
    for given in (Templates(name="own", sentences=OWN), str(tmp_path / "own.txt")):
        rows = templates.encode(encoder, ["a lake"], templates=given)
        np.testing.assert_allclose(rows, [mean / np.linalg.norm(mean)], atol=1e-6)


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
