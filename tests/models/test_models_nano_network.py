"""The network against plain numpy."""

from itertools import pairwise
from math import erf

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from msclip_search.models.nano import cells
from msclip_search.models.nano.descriptor import NAMES, Description
from msclip_search.models.nano.network import FARTHEST, Network
from tests.models.nano import made_network

Array = NDArray[np.float64]


def descriptions(count: int, rows: int = 8, columns: int = 8) -> Description:
    """Numbers with gaps and outliers."""
    random = np.random.default_rng(3)
    whole = random.normal(-1, 3, (count, len(NAMES))).astype(np.float32)
    whole[0, 5:50] = np.nan
    whole[1, :3] = (1e6, -1e6, np.inf)
    of_cells = random.normal(-1, 3, (count, len(cells.NAMES), rows, columns)).astype(np.float32)
    of_cells[1, :2, -1, -1] = (1e6, -1e6)
    return Description(torch.from_numpy(whole), torch.from_numpy(of_cells))


def some(description: Description, start: int, end: int) -> Description:
    return Description(description.whole[start:end], description.cells[start:end])


def gelu(values: Array) -> Array:
    found: Array = values * 0.5 * (1 + np.vectorize(erf)(values / np.sqrt(2)))
    return found


def cell_by_cell(weight: Array, bias: Array, values: Array) -> Array:
    """Apply a layer to the channels of each cell."""
    found: Array = np.einsum("oc,nchw->nohw", weight[:, :, 0, 0], values) + bias[:, None, None]
    return found


def around(weight: Array, bias: Array, values: Array) -> Array:
    """Weigh each cell and its eight neighbours, channel by channel; beyond the edge the last cells go on."""
    height, width = values.shape[2:]
    rows, columns = np.arange(height), np.arange(width)
    found: Array = np.zeros_like(values) + bias[:, None, None]
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            neighbours = values[:, :, (rows + down).clip(0, height - 1)][..., (columns + right).clip(0, width - 1)]
            found += weight[:, 0, down + 1, right + 1, None, None] * neighbours
    return found


def plainly(network: Network, description: Description) -> Array:
    """Compute in float64 what the network computes."""
    state = {name: value.double().numpy() for name, value in network.state_dict().items()}

    def numbers(layer: str) -> tuple[Array, Array]:
        return state[f"{layer}.weight"], state[f"{layer}.bias"]

    whole = (description.whole.double().numpy() - state["mean"]) / state["deviation"]
    whole = np.clip(np.where(np.isnan(whole), 0, whole), -4, 4)
    said = description.cells.double().numpy()
    said = (said - state["cell_mean"][:, None, None]) / state["cell_deviation"][:, None, None]
    said = gelu(cell_by_cell(*numbers("lift"), np.clip(said, -4, 4)))
    for block in range(len(network.blocks)):
        wide = gelu(cell_by_cell(*numbers(f"blocks.{block}.widen"), around(*numbers(f"blocks.{block}.around"), said)))
        said = said + cell_by_cell(*numbers(f"blocks.{block}.narrow"), wide)
    hidden = np.concatenate([whole, said.mean((2, 3)), said.max((2, 3)), np.sqrt(said.var(axis=(2, 3)) + 1e-6)], axis=1)
    for layer in (0, 3, 6):
        weight, bias = numbers(f"head.{layer}")
        hidden = hidden @ weight.T + bias
        hidden = gelu(hidden) if layer < 6 else hidden
    unit: Array = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (1, 1), (28, 28), (3, 5), (1, 4)])
@pytest.mark.parametrize("blocks", [1, 2])
def test_embeddings_are_those_of_plain_numpy(rows: int, columns: int, blocks: int) -> None:
    network = made_network(blocks=blocks)
    for value in network.parameters():
        value.mul_(2)  # so that no layer says too little to be heard
    given = descriptions(4, rows, columns)
    found = network(given).numpy()
    np.testing.assert_allclose(found, plainly(network, given), atol=5e-7)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_cells_are_heard() -> None:
    """Whole alike and cells different, embeddings differ, and by more than the oracle's tolerance."""
    network = made_network()
    one, other = (some(descriptions(4), start, start + 1) for start in (2, 3))
    apart = network(one) - network(Description(one.whole, other.cells))
    assert apart.abs().max() > 1e-3
    turned = network(one) - network(Description(one.whole, one.cells.rot90(1, (2, 3))))
    assert turned.abs().max() > 1e-4


def test_what_a_window_does_not_show_is_the_mean() -> None:
    network = made_network()
    given = some(descriptions(2), 0, 1)
    assert given.whole.isnan().any()
    filled = torch.where(given.whole.isnan(), network.mean, given.whole)
    torch.testing.assert_close(network(given), network(Description(filled, given.cells)))


def at(network: Network, *, whole: float, of_cells: float) -> Description:
    """Describe a window whose numbers lie so many deviations off, in every other cell below the mean."""
    sign = torch.ones(3, 5)
    sign[::2, 1::2] = -1
    cell_mean, cell_deviation = network.cell_mean[:, None, None], network.cell_deviation[:, None, None]
    return Description(
        (network.mean + network.deviation * whole)[None], (cell_mean + cell_deviation * of_cells * sign)[None]
    )


def test_numbers_far_off_are_clipped() -> None:
    network = made_network()
    far = network(at(network, whole=FARTHEST, of_cells=FARTHEST))
    torch.testing.assert_close(network(at(network, whole=1000, of_cells=FARTHEST)), far)
    torch.testing.assert_close(network(at(network, whole=FARTHEST, of_cells=1000)), far)
    for nearer in (
        at(network, whole=FARTHEST - 1, of_cells=FARTHEST),
        at(network, whole=FARTHEST, of_cells=FARTHEST - 1),
    ):
        assert not torch.allclose(network(nearer), far, atol=1e-3)


def test_a_description_stays_as_it_is() -> None:
    given, before = descriptions(3), descriptions(3)
    made_network()(given)
    for one, other in zip(given, before, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_there_is_a_slope_to_learn_along_where_all_cells_say_the_same() -> None:
    network = made_network().requires_grad_()
    alike = Description(torch.zeros(1, len(NAMES)), torch.ones(1, len(cells.NAMES), 3, 5))
    network(alike)[0, 0].backward()
    for name, value in network.named_parameters():
        assert value.grad is not None, name
        assert value.grad.isfinite().all(), name


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (1, 1), (28, 28)])
def test_the_company_of_others_changes_nothing(rows: int, columns: int) -> None:
    network = made_network()
    given = descriptions(9, rows, columns)
    together = network(given)
    apart = torch.cat([network(some(given, start, end)) for start, end in pairwise([0, 1, 4, 9])])
    torch.testing.assert_close(apart, together, atol=1e-6, rtol=0)
