"""What is done to descriptions before they are learnt from, each kind by itself."""

import dataclasses

import pytest
import torch
from torch import Tensor

from msclip_search.models.nano import cells
from msclip_search.models.nano.descriptor import NAMES, Description
from msclip_search.models.nano.planes import PLANES
from msclip_search.training import Plan
from msclip_search.training.augmentation import GROUPS, augment

STILL = Plan(noise=0, group_noise=0, cell_noise=0, left_out=0)
"""Turns and mirrors grids, and does nothing else."""
MANY = 3_000
"""Tiles at once: enough for a deviation to be right to a few hundredths."""


def groups() -> dict[str, set[str]]:
    """Say which names belong together, without a look at how the package does it."""
    found = {}
    for plane in PLANES:
        found[f"{plane} levels"] = {f"{plane} mean"} | {f"{plane} p{level}" for level in (2, 10, 25, 50, 75, 90, 98)}
        found[f"{plane} deviation"] = {f"{plane} deviation"}
        for scale in (1, 2, 4, 8):
            what = ["rms", "most", "p10", "p30", "p50", "p70", "p90", "p98"]
            found[f"{plane} contrasts {scale}"] = {f"{plane} steepness {one} {scale}" for one in what}
            if scale < 8:
                found[f"{plane} contrasts {scale}"].add(f"{plane} curvature {scale}")
    return found


PLACES = [[NAMES.index(name) for name in sorted(names)] for names in groups().values()]


def tiles(count: int, *, value: float | None = None, side: int = 2) -> Description:
    """Make standardized descriptions at random, or all of one number."""
    shape = (count, len(cells.NAMES), side, side)
    if value is not None:
        return Description(torch.full((count, len(NAMES)), value), torch.full(shape, value))
    random = torch.Generator().manual_seed(1)
    return Description(torch.randn((count, len(NAMES)), generator=random), torch.randn(shape, generator=random))


def varied(standard: Description, plan: Plan, seed: int = 0) -> Description:
    torch.manual_seed(seed)
    return augment(standard, plan)


def positions(grid: Tensor) -> list[Tensor]:
    """Return the eight ways in which a square lies on itself, by indices."""
    found = []
    for one in (grid, grid.transpose(-1, -2)):
        found += [one, one.flip(-1), one.flip(-2), one.flip(-1, -2)]
    return found


def values(numbers: Tensor) -> set[float]:
    return set(numbers.flatten().tolist())


def test_each_number_is_of_one_group_of_its_plane_and_kind() -> None:
    wanted = groups()
    assert len(NAMES) == sum(map(len, wanted.values())) == 704
    assert GROUPS.shape == (len(wanted), len(NAMES)) == (6 * 16, 704)
    assert values(GROUPS) == {0, 1}
    assert (GROUPS.sum(dim=0) == 1).all()
    found = {frozenset(NAMES[place] for place in row.nonzero()[:, 0].tolist()) for row in GROUPS}
    assert found == {frozenset(names) for names in wanted.values()}


def test_without_noise_the_whole_stays_and_grids_are_turned_and_mirrored_alike() -> None:
    standard = tiles(3, side=3)
    wanted = positions(standard.cells)
    seen = set()
    for seed in range(80):
        found = varied(standard, STILL, seed)
        assert torch.equal(found.whole, standard.whole)
        (place,) = (place for place, one in enumerate(wanted) if torch.equal(found.cells, one))
        seen.add(place)
    assert seen == set(range(8))


def test_what_it_is_given_stays_and_the_same_seed_gives_the_same() -> None:
    standard, plan = tiles(5), Plan()
    before = Description(*(part.clone() for part in standard))
    one, same, other = (varied(standard, plan, seed) for seed in (3, 3, 4))
    for kind in ("whole", "cells"):
        assert torch.equal(getattr(standard, kind), getattr(before, kind))
        assert torch.equal(getattr(one, kind), getattr(same, kind))
        assert not torch.equal(getattr(one, kind), getattr(other, kind))


def test_noise_of_groups_moves_all_numbers_of_one_alike() -> None:
    standard = tiles(MANY)
    found = varied(standard, dataclasses.replace(STILL, group_noise=0.3))
    moved = (found.whole - standard.whole).double()
    for places in PLACES:
        torch.testing.assert_close(moved[:, places], moved[:, places[:1]].expand(-1, len(places)), atol=1e-6, rtol=0)
    of_groups = moved[:, [places[0] for places in PLACES]]
    assert of_groups.std(dim=0).tolist() == pytest.approx([0.3] * len(PLACES), rel=0.06)
    assert float(of_groups.mean(dim=0).abs().max()) < 5 * 0.3 / MANY**0.5
    between = torch.corrcoef(of_groups.T) - torch.eye(len(PLACES))
    assert float(between.abs().max()) < 5 / MANY**0.5
    assert any(torch.equal(found.cells, one) for one in positions(standard.cells))


def test_noise_moves_each_number_by_itself_and_all_cells_of_a_tile_alike() -> None:
    standard = tiles(MANY, value=1.0)
    found = varied(standard, dataclasses.replace(STILL, noise=0.1))
    moved = (found.whole - 1).double()
    assert moved.std(dim=0).tolist() == pytest.approx([0.1] * len(NAMES), rel=0.08)
    one, other = torch.corrcoef(moved[:, PLACES[0][:2]].T)[0]
    assert float(one) == pytest.approx(1)
    assert abs(float(other)) < 5 / MANY**0.5
    of_cells = (found.cells - 1).double()
    assert torch.equal(of_cells, of_cells[..., :1, :1].expand_as(of_cells))
    assert of_cells[..., 0, 0].std(dim=0).tolist() == pytest.approx([0.1] * len(cells.NAMES), rel=0.08)


def test_noise_of_cells_moves_each_number_of_each_cell_by_itself() -> None:
    standard = tiles(MANY, value=1.0)
    found = varied(standard, dataclasses.replace(STILL, cell_noise=0.2))
    assert torch.equal(found.whole, standard.whole)
    moved = (found.cells - 1).double().flatten(1)
    assert moved.std(dim=0).tolist() == pytest.approx([0.2] * moved.shape[1], rel=0.08)
    between = torch.corrcoef(moved[:, :40].T) - torch.eye(40)  # of ten kinds, in four cells each
    assert float(between.abs().max()) < 5 / MANY**0.5


def test_whole_groups_are_left_out_and_as_many_as_asked_for() -> None:
    standard = tiles(MANY, value=1.0)
    found = varied(standard, dataclasses.replace(STILL, left_out=0.15))
    assert values(found.whole) == {0, 1}
    for places in PLACES:
        assert torch.equal(found.whole[:, places], found.whole[:, places[:1]].expand(-1, len(places)))
    kept = found.whole[:, [places[0] for places in PLACES]]
    for axis in (0, 1):  # each group, and each tile
        shares = 1 - kept.mean(dim=axis)
        error = (0.15 * 0.85 / kept.shape[axis]) ** 0.5
        assert float((shares - 0.15).abs().max()) < 5 * error
    assert values(found.cells) == {0, 1}
    assert torch.equal(found.cells, found.cells[..., :1, :1].expand_as(found.cells))
    error = (0.15 * 0.85 / MANY) ** 0.5
    assert float((1 - found.cells[..., 0, 0].mean(dim=0) - 0.15).abs().max()) < 5 * error


def test_what_is_left_out_has_no_noise() -> None:
    found = varied(tiles(50), dataclasses.replace(Plan(), left_out=0.5))
    for places in PLACES:
        silent = (found.whole[:, places] == 0).double().mean(dim=1)
        assert values(silent) == {0, 1}
    assert values((found.cells == 0).double().mean(dim=(2, 3))) == {0, 1}
