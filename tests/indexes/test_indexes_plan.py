"""Which index is chosen, and when it is built anew."""

import dataclasses
from typing import cast

import pytest

from msclip_search.indexes import TRAINING_MINIMUM, Effort, Kind, Plan, choose, due
from msclip_search.indexes.plan import EXACT_ROWS, rows_worth_scanning


def test_the_minimum_is_39_points_for_each_of_256_centroids() -> None:
    assert TRAINING_MINIMUM == 9_984


@pytest.mark.parametrize("kind", ["auto", "ivfpq"])
@pytest.mark.parametrize(("rows", "expected"), [(0, "flat"), (9_983, "flat"), (9_984, "ivfpq"), (10_000_000, "ivfpq")])
def test_ivfpq_as_soon_as_it_can_be_trained(kind: Kind, rows: int, expected: str) -> None:
    assert choose(kind, rows=rows, dimension=512).kind == expected


def test_reasons_are_for_the_user() -> None:
    assert choose("auto", rows=5, dimension=512).reason == (
        "5 tiles: IVF-PQ needs at least 9,984 to train, so every query scans all of them exactly"
    )
    assert choose("flat", rows=1, dimension=512).reason == (
        "1 tile: flat was asked for, so every query scans all of them exactly"
    )
    assert choose("auto", rows=200_000, dimension=512).reason == (
        "200,000 tiles: IVF-PQ with 1,789 lists and 64 bytes a tile, its candidates re-ranked exactly"
    )


@pytest.mark.parametrize(
    ("rows", "nlist", "nprobe", "training_rows"),
    [
        (9_984, 256, 256, 9_984),
        (50_000, 894, 256, 50_000),
        (200_000, 1_789, 256, 69_771),
        (1_000_000, 4_000, 256, 156_000),
    ],
)
def test_lists_grow_with_the_root_of_the_rows(rows: int, nlist: int, nprobe: int, training_rows: int) -> None:
    plan = choose("auto", rows=rows, dimension=512)
    assert (plan.nlist, plan.nprobe, plan.training_rows) == (nlist, nprobe, training_rows)
    assert plan.factory == f"OPQ64_256,IVF{nlist},PQ64"
    # What FAISS asks for, or it complains on stderr.
    assert plan.training_rows >= 39 * plan.nlist


@pytest.mark.parametrize(
    ("dimension", "rotation"),
    [(1, "OPQ1_1"), (3, "OPQ1_3"), (10, "OPQ2_8"), (64, "OPQ16_64"), (256, "OPQ64_256"), (768, "OPQ64_256")],
)
def test_codes_fit_the_dimension(dimension: int, rotation: str) -> None:
    plan = choose("auto", rows=TRAINING_MINIMUM, dimension=dimension)
    codes, _ = rotation.removeprefix("OPQ").split("_")
    assert plan.factory == f"{rotation},IVF256,PQ{codes}"


def test_bad_questions() -> None:
    with pytest.raises(ValueError, match="auto, ivfpq, flat"):
        choose(cast("Kind", "hnsw"), rows=1, dimension=1)
    with pytest.raises(ValueError, match="0 or more rows"):
        choose("auto", rows=-1, dimension=1)
    with pytest.raises(ValueError, match="at least 1 number"):
        choose("auto", rows=1, dimension=0)


@pytest.mark.parametrize(
    ("rows", "covered", "expected"),
    [
        (20_000, 0, True),
        (20_000, 10_000, False),
        (20_001, 10_000, True),
        (220_000, 200_000, False),
        (220_001, 200_000, True),
        (150_000, 200_000, False),
    ],
)
def test_a_new_index_is_due_when_a_tenth_is_uncovered(*, rows: int, covered: int, expected: bool) -> None:
    assert due(choose("auto", rows=rows, dimension=512), rows=rows, covered=covered) is expected


def test_a_flat_plan_is_never_due() -> None:
    assert not due(choose("flat", rows=1_000_000, dimension=512), rows=1_000_000, covered=0)


@pytest.mark.parametrize(
    ("field", "value"), [("factory", None), ("nprobe", 0), ("nprobe", 257), ("training_rows", 9_983)]
)
def test_a_plan_that_cannot_be_carried_out_is_refused(field: str, value: int | None) -> None:
    good = choose("auto", rows=TRAINING_MINIMUM, dimension=64)
    with pytest.raises(ValueError, match="IVF-PQ plan"):
        dataclasses.replace(good, **{field: value})  # type: ignore[arg-type]
    assert Plan("flat", "because").nlist == 0


@pytest.mark.parametrize(
    ("rows", "k", "expected"),
    [(50_000, 10, 2_000), (50_000, 200, 4_000), (500_000, 10, 5_000), (10**7, 10, 10_000), (10**7, 1_000, 20_000)],
)
def test_candidates_grow_with_the_rows_and_the_hits(rows: int, k: int, expected: int) -> None:
    assert Effort().wanted(k, rows=rows) == expected


def test_efforts() -> None:
    assert Effort(candidates=50, candidates_per_hit=3).wanted(10, rows=10**6) == 50
    for field in ("nprobe", "candidates", "candidates_per_hit"):
        with pytest.raises(ValueError, match="at least 1"):
            Effort(**{field: 0})
    with pytest.raises(ValueError, match="0 or more"):
        Effort(exact_rows=-1)


def worth(queries: int, *, codes: int = 64_000, allowed: float = 1.0, dimension: int = 256) -> int:
    return rows_worth_scanning(
        queries, candidates=2_000, codes=codes, allowed=allowed, code_bytes=64, dimension=dimension
    )


def test_a_query_alone_is_worth_as_many_rows_as_it_costs() -> None:
    # 2,000 candidates, and 64,000 codes of which each costs an eighth of a row of 256 numbers.
    assert worth(1) == EXACT_ROWS == 2_000 + 64_000 // 8
    assert worth(1, codes=160_000) == 22_000
    assert worth(1, codes=160_000, dimension=512) == 12_000
    # Codes that are passed over cost 15 % of the others.
    assert worth(1, codes=160_000, allowed=0.35) == 12_000
    assert worth(1, codes=0) == EXACT_ROWS


def test_a_batch_is_worth_more_rows_up_to_a_bound() -> None:
    assert [worth(queries) for queries in (1, 20, 1_000)] == [10_000, 100_000, 186_640]
    assert worth(10**9) == 190_000
    assert worth(0) == EXACT_ROWS
    assert worth(1_000, allowed=0.1) < worth(1_000, allowed=0.5) < worth(1_000)


def test_an_effort_may_say_how_many_rows_are_scored_exactly() -> None:
    assert Effort().exact_rows is None
    assert Effort(exact_rows=0).exact_rows == 0
