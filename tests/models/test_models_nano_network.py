"""The network against plain numpy."""

from itertools import pairwise
from math import erf

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from msclip_search.models.nano.descriptor import NAMES
from msclip_search.models.nano.network import FARTHEST, Network
from msclip_search.models.nano.spec import SPEC
from tests.models.nano import made_network

Rows = NDArray[np.float64]


def descriptions(count: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(3).normal(-1, 3, (count, len(NAMES))).astype(np.float32)
    rows[0, 5:50] = np.nan
    rows[1, :3] = (1e6, -1e6, np.inf)
    return rows


def gelu(values: Rows) -> Rows:
    found: Rows = values * 0.5 * (1 + np.vectorize(erf)(values / np.sqrt(2)))
    return found


def plainly(network: Network, rows: NDArray[np.float32]) -> Rows:
    """Compute in float64 what the network computes."""
    state = {name: value.double().numpy() for name, value in network.state_dict().items()}
    standard = (rows.astype(np.float64) - state["mean"]) / state["deviation"]
    standard = np.clip(np.where(np.isnan(standard), 0, standard), -FARTHEST, FARTHEST)
    total = np.zeros((len(rows), SPEC.dimension))
    for member in range(len(network.members)):
        hidden = standard
        for layer in (0, 3, 6):
            hidden = hidden @ state[f"members.{member}.{layer}.weight"].T + state[f"members.{member}.{layer}.bias"]
            hidden = gelu(hidden) if layer < 6 else hidden
        total += hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    unit: Rows = total / np.linalg.norm(total, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize("members", [1, 3])
def test_embeddings_are_those_of_plain_numpy(members: int) -> None:
    network = made_network(members=members)
    rows = descriptions(6)
    found = network(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(found, plainly(network, rows), atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_what_a_window_does_not_show_is_the_mean() -> None:
    network = made_network()
    rows = torch.from_numpy(descriptions(2)[:1])
    filled = torch.where(rows.isnan(), network.mean, rows)
    torch.testing.assert_close(network(rows), network(filled))


def test_numbers_far_off_are_clipped() -> None:
    network = made_network()
    far, farther = (network.mean + network.deviation * times for times in (FARTHEST, 1000.0))
    torch.testing.assert_close(network(far[None]), network(farther[None]))
    nearer = network.mean + network.deviation * (FARTHEST - 1)
    assert not torch.allclose(network(far[None]), network(nearer[None]), atol=1e-3)


def test_members_count_alike_however_long_their_vectors_are() -> None:
    network = made_network()
    rows = torch.from_numpy(descriptions(4))
    before = network(rows)
    state = network.state_dict()
    for name in ("members.1.6.weight", "members.1.6.bias"):
        state[name] *= 50
    network.load_state_dict(state)
    torch.testing.assert_close(network(rows), before)


def test_the_company_of_others_changes_nothing() -> None:
    network = made_network()
    rows = torch.from_numpy(descriptions(9))
    together = network(rows)
    edges = [0, 1, 4, 9]
    apart = torch.cat([network(rows[start:end]) for start, end in pairwise(edges)])
    torch.testing.assert_close(apart, together, atol=1e-6, rtol=0)
