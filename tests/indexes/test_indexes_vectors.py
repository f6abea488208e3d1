"""Stacked vectors, and half precision widened."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.indexes import StackedVectors
from msclip_search.indexes.half import widen, widened


def made_parts(*lengths: int, dimension: int = 3) -> list[NDArray[np.float16]]:
    """Each row holds its own number."""
    ends = np.cumsum(lengths)
    return [
        np.repeat(np.arange(end - length, end)[:, np.newaxis], dimension, axis=1).astype(np.float16)
        for end, length in zip(ends, lengths, strict=True)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 600, 10_000])
@pytest.mark.parametrize("lengths", [(5,), (0,), (3, 0, 4, 1), (1, 1, 1, 1), (700, 300, 5), ()])
def test_blocks_are_all_rows_in_order(lengths: tuple[int, ...], size: int) -> None:
    stacked = StackedVectors(made_parts(*lengths), dimension=3)
    assert stacked.shape == (sum(lengths), 3)
    seen = 0
    for first, block in stacked.blocks(size):
        assert first == seen
        assert len(block) == min(size, stacked.shape[0] - first)
        np.testing.assert_array_equal(block[:, 0], np.arange(first, first + len(block)))
        seen += len(block)
    assert seen == stacked.shape[0]


def test_a_block_within_one_part_is_not_copied() -> None:
    part = made_parts(10)[0]
    assert all(np.shares_memory(block, part) for _, block in StackedVectors([part]).blocks(4))


@pytest.mark.parametrize("rows", [[], [0], [6, 0, 3, 3, 7], [0, 1, 2, 3, 4, 5, 6, 7], [7, 6, 5, 4, 3, 2, 1, 0]])
def test_take_keeps_the_order_asked_for(rows: list[int]) -> None:
    taken = StackedVectors(made_parts(3, 0, 4, 1)).take(np.array(rows, dtype=np.int64))
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, np.repeat(np.array(rows)[:, np.newaxis], 3, axis=1))


def test_take_from_memory_mapped_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    parts = [rng.standard_normal((rows, 16)).astype(np.float16) for rows in (900, 5, 1_200)]
    for number, part in enumerate(parts):
        np.save(tmp_path / f"{number}.npy", part)
    stacked = StackedVectors([np.load(tmp_path / f"{number}.npy", mmap_mode="r") for number in range(3)])
    rows = rng.integers(0, 2_105, size=3_000)
    np.testing.assert_array_equal(stacked.take(rows), np.concatenate(parts)[rows].astype(np.float32))


@pytest.mark.parametrize("rows", [[-1], [8], [0, 8]])
def test_take_refuses_rows_that_are_not_there(rows: list[int]) -> None:
    with pytest.raises(IndexError, match="Rows are 0 to 7"):
        StackedVectors(made_parts(8)).take(np.array(rows, dtype=np.int64))


def test_parts_have_to_fit() -> None:
    with pytest.raises(ValueError, match="dimension has to be given"):
        StackedVectors([])
    with pytest.raises(ValueError, match=r"shape \(rows, 3\), not \(2, 4\)"):
        StackedVectors([*made_parts(2), *made_parts(2, dimension=4)])
    with pytest.raises(TypeError, match="float64"):
        StackedVectors([np.zeros((2, 3))])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="at least 1 row"):
        next(StackedVectors(made_parts(2)).blocks(0))


def test_float32_is_taken_as_it_is() -> None:
    part = np.random.default_rng(0).standard_normal((10, 4)).astype(np.float32)
    stacked = StackedVectors([part])
    np.testing.assert_array_equal(stacked.take(np.array([9, 2])), part[[9, 2]])
    assert widened(part) is not None
    assert np.shares_memory(widened(part), part)


def test_every_half_is_widened_exactly() -> None:
    halves = np.arange(65_536, dtype=np.uint32).astype(np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)].reshape(-1, 1)
    np.testing.assert_array_equal(widened(finite).view(np.uint32), finite.astype(np.float32).view(np.uint32))
    # Chunks that hold infinities or NaN go another way.
    np.testing.assert_array_equal(widened(halves.reshape(-1, 64)), halves.reshape(-1, 64).astype(np.float32))


def test_a_strided_array_is_widened() -> None:
    halves = np.random.default_rng(0).standard_normal((600, 8)).astype(np.float16)[::2, ::2]
    np.testing.assert_array_equal(widened(halves), halves.astype(np.float32))
    wide = np.empty((0, 4), dtype=np.float32)
    widen(halves[:0], wide)
