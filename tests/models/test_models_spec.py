import json
from dataclasses import fields, replace
from typing import Any

import pytest

from msclip_search.errors import ModelError
from msclip_search.models import HubFile, ModelSpec, WeightsFile, spec_of, specs

SPEC = spec_of("llama3-ms-clip-base")
SHA = "a" * 64
OTHER: dict[str, Any] = {
    "bands": (*SPEC.bands[:-1], "B09"),
    "substitutes": (),
    "size": 256,
    "resampling": "none",
    "rendering": (0.0, 3000.0),
    "mean": (0.0, *SPEC.mean[1:]),
    "deviation": (1.0, *SPEC.deviation[1:]),
    "dimension": 768,
    "architecture": "ViT-L-14",
    "tokenizer": "another",
    "context": 64,
}
TOLD: dict[str, Any] = {
    "name": "other",
    "summary": "other",
    "hub": None,
    "licence": "other",
    "citation": "other",
}


@pytest.mark.parametrize(
    "spec", [*specs(), spec_of("open_clip:RN50"), spec_of("open_clip:RN50/openai")], ids=lambda spec: spec.name
)
def test_a_spec_survives_json(spec: ModelSpec) -> None:
    again = ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert again == spec
    assert again.fingerprint(SHA) == spec.fingerprint(SHA)


def test_every_field_is_either_hashed_or_told() -> None:
    assert {field.name for field in fields(ModelSpec)} == OTHER.keys() | TOLD.keys()


@pytest.mark.parametrize("field", OTHER)
def test_what_changes_an_embedding_changes_the_fingerprint(field: str) -> None:
    assert replace(SPEC, **{field: OTHER[field]}).fingerprint(SHA) != SPEC.fingerprint(SHA)


@pytest.mark.parametrize("field", TOLD)
def test_what_is_only_told_does_not(field: str) -> None:
    assert replace(SPEC, **{field: TOLD[field]}).fingerprint(SHA) == SPEC.fingerprint(SHA)


def test_the_weights_change_the_fingerprint() -> None:
    assert len({SPEC.fingerprint(SHA), SPEC.fingerprint("b" * 64), SPEC.fingerprint(None)}) == 3


def test_fingerprints_stay_what_they_are() -> None:
    # An index made by an earlier version must still be recognised: change these only with the format's version.
    assert SPEC.fingerprint(SHA) == "664ebebd0eebc61a5c89938360bd1fcc47e6bf557cd36f84340b39f9321b72b1"
    assert (
        spec_of("open_clip:ViT-B-32").fingerprint(SHA)
        == "d0acc8ddb5067cedef0981ae2b4a9466045accaef826923339ac3830c29ba0a4"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "a name and an architecture"),
        ({"bands": ("B02", "B2")}, "got B2"),
        ({"bands": ()}, "one band at least"),
        ({"bands": ("B02", "B02")}, "none twice"),
        ({"substitutes": (("B09", "B08"),)}, "a band of the model"),
        ({"substitutes": (("B08", "B08"),)}, "another band"),
        ({"resampling": "nearest"}, "bicubic, bicubic-squash, none"),
        ({"mean": (0.0,)}, "each of 10 bands, got 1 and 10"),
        ({"deviation": (0.0,) * 10}, "above 0"),
        ({"mean": (float("nan"),) * 10}, "finite"),
        ({"rendering": (1.0, 1.0)}, "lower value to a higher"),
        ({"size": 0}, "got 0, 512 and 77"),
        ({"context": -1}, "0 or more"),
    ],
)
def test_what_fits_no_model_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(SPEC, **change)


@pytest.mark.parametrize(
    "values",
    [{}, {"name": "x"}, SPEC.to_dict() | {"later": 1}, SPEC.to_dict() | {"bands": 3}, SPEC.to_dict() | {"hub": 3}],
)
def test_a_description_that_is_none_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="This description of a model cannot be read"):
        ModelSpec.from_dict(values)


def test_a_file_on_the_hub_is_refused_without_an_address() -> None:
    with pytest.raises(ValueError, match="a repository, a file name and a revision"):
        HubFile(repo="", filename="a", revision="main")
    with pytest.raises(ValueError, match="64 lower-case"):
        HubFile(repo="a/b", filename="a", revision="main", sha256="A" * 64)
    with pytest.raises(ValueError, match="Two files do not have one hash"):
        HubFile(repo="a/b", filename="a", alternative="b", revision="main", sha256=SHA)


def test_a_record_of_weights_survives_json() -> None:
    record = WeightsFile(path="/w.pt", sha256=SHA, size=3, mtime_ns=1 << 60, origin="hub", revision="c" * 40)
    assert WeightsFile.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@pytest.mark.parametrize("change", [{"sha256": "x"}, {"size": -1}, {"origin": "elsewhere"}, {"later": 1}])
def test_a_record_that_is_none_is_refused(change: dict[str, Any]) -> None:
    record = {"path": "/w.pt", "sha256": SHA, "size": 3, "mtime_ns": 5, "origin": "file", "revision": None}
    with pytest.raises(ModelError, match="This record of a model's weights cannot be read"):
        WeightsFile.from_dict(record | change)
