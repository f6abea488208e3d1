"""The cells of a window against a second measurement, written plainly in float64, cell by cell."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from msclip_search.models.nano import cells, descriptor
from msclip_search.models.nano.descriptor import describe
from tests.models.test_models_nano_descriptor import INDICES, Window, halved, planes_of, window

Plane = NDArray[np.float64]
WHAT = ("mean", "deviation", "steepness rms 1", "steepness most 1", "steepness rms 2")
SIZES = [(8, 8), (64, 64), (224, 224), (65, 31), (9, 40), (30, 100)]
SMALLER_THAN_A_CELL = [(5, 7), (3, 20), (20, 3)]


def steepness(plane: Plane) -> Plane:
    """Square and add the differences to the right and to the lower neighbour, where there is one."""
    steep = np.zeros_like(plane)
    steep[:, :-1] += (plane[:, 1:] - plane[:, :-1]) ** 2
    steep[:-1] += (plane[1:] - plane[:-1]) ** 2
    return steep


def cut(plane: Plane, row: int, column: int, side: int) -> Plane:
    """Cut out a square; beyond the edge the last pixels go on."""
    down, right = np.arange(row * side, (row + 1) * side), np.arange(column * side, (column + 1) * side)
    square: Plane = plane[down.clip(max=plane.shape[0] - 1)][:, right.clip(max=plane.shape[1] - 1)]
    return square


def measured(plane: Plane) -> dict[str, Plane]:
    """Measure the cells of one plane."""
    rows, columns = (max(1, side // 8) for side in plane.shape)
    numbers = {what: np.zeros((rows, columns)) for what in WHAT}
    fine, coarse = steepness(plane), steepness(halved(plane))
    for row in range(rows):
        for column in range(columns):
            values, steep = cut(plane, row, column, 8), cut(fine, row, column, 8)
            numbers["mean"][row, column] = values.mean() - plane.mean()
            numbers["deviation"][row, column] = np.log(values.std() + 1e-2)
            numbers["steepness rms 1"][row, column] = np.log(steep.mean() + 1e-4)
            numbers["steepness most 1"][row, column] = np.log(steep.max() + 1e-4)
            numbers["steepness rms 2"][row, column] = np.log(cut(coarse, row, column, 4).mean() + 1e-4)
    return numbers


def oracle(pixels: Window) -> dict[str, Plane]:
    """Measure the cells of a window in float64."""
    return {
        f"{name} {what}": numbers
        for name, plane in planes_of(pixels).items()
        for what, numbers in measured(plane).items()
    }


def found(pixels: Window) -> dict[str, Window]:
    """Measure the cells of a single window."""
    (one,) = describe(torch.from_numpy(pixels[None])).cells.numpy()
    return dict(zip(cells.NAMES, one, strict=True))


def assert_near(name: str, number: Window, wanted: Plane | Window) -> None:
    np.testing.assert_allclose(number, wanted, rtol=0, atol=2e-4, err_msg=name)


def test_names_stand_measure_by_measure_and_plane_by_plane() -> None:
    planes = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", *INDICES)
    assert tuple(f"{plane} {what}" for what in WHAT for plane in planes) == cells.NAMES
    assert len(cells.NAMES) == 80


@pytest.mark.parametrize(("height", "width"), SIZES + SMALLER_THAN_A_CELL)
def test_every_number_is_the_oracles(height: int, width: int) -> None:
    pixels = window(height * 1000 + width, height, width)
    wanted = oracle(pixels)
    numbers = found(pixels)
    assert set(numbers) == set(wanted)
    for name, number in numbers.items():
        assert number.shape == cells.grid(height, width), name
        assert_near(name, number, wanted[name])


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(8, 8, 1, 1), (15, 16, 1, 2), (224, 230, 28, 28), (5, 7, 1, 1), (3, 20, 1, 2)],
)
def test_what_is_left_at_the_edge_belongs_to_no_cell(height: int, width: int, rows: int, columns: int) -> None:
    assert cells.grid(height, width) == (rows, columns)


def test_an_edge_between_two_cells_belongs_to_the_first() -> None:
    pixels = np.full((10, 16, 16), 0.1, np.float32)
    pixels[:, :, 8:] = 0.2
    jump = np.log(0.205 / 0.105)
    wanted = {
        "B04 mean": (-jump / 2, jump / 2),
        "B04 deviation": (np.log(1e-2),) * 2,
        "B04 steepness rms 1": (np.log(jump**2 / 8 + 1e-4), np.log(1e-4)),
        "B04 steepness most 1": (np.log(jump**2 + 1e-4), np.log(1e-4)),
        "B04 steepness rms 2": (np.log(jump**2 / 4 + 1e-4), np.log(1e-4)),
    }
    numbers = found(pixels)
    for name, columns in wanted.items():
        assert_near(name, numbers[name], np.array([columns, columns]))


def test_pixels_without_data_count_as_the_mean_of_the_others() -> None:
    pixels = window(1, 24, 24)
    holes = np.zeros((24, 24), bool)
    holes[:8, 8:16] = holes[20, 20] = True  # a whole cell, and a pixel of another
    mean = pixels[:, ~holes].astype(np.float64).mean(axis=1)
    filled, empty, negative = (np.where(holes, value, pixels) for value in (mean[:, None, None], 0, -0.1))
    wanted = oracle(filled)
    for missing in (empty, negative):
        for name, number in found(missing.astype(np.float32)).items():
            assert_near(name, number, wanted[name])


def test_a_window_of_one_value_has_no_contrasts() -> None:
    for value in (0.0, 0.2):  # without any data, and even
        for name, number in found(np.full((10, 16, 24), value, np.float32)).items():
            wanted = 0.0 if name.endswith("mean") else np.log(1e-2 if name.endswith("deviation") else 1e-4)
            assert_near(name, number, np.full((2, 3), wanted))


@pytest.mark.parametrize("room", [1, 3 * 24 * 40, 1 << 24])
def test_windows_do_not_depend_on_those_beside_them(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    windows = np.stack([window(seed, 24, 40) for seed in range(7)])
    windows[3] = 0
    windows[5, :, :4] = 0
    alone = np.stack([np.stack(list(found(each).values())) for each in windows])
    monkeypatch.setattr(descriptor, "_PIXELS", room)
    np.testing.assert_allclose(describe(torch.from_numpy(windows)).cells.numpy(), alone, atol=1e-5)
    order = [6, 0, 3, 5, 2]
    np.testing.assert_allclose(describe(torch.from_numpy(windows[order])).cells.numpy(), alone[order], atol=1e-5)


def test_a_window_moved_by_a_cell_has_the_same_inner_cells() -> None:
    picture = window(11, 72, 72)
    before, after = found(picture[:, :64, :64].copy()), found(picture[:, 8:, 8:].copy())
    for name in cells.NAMES:
        # The last cells of the first window have no neighbours there.
        one, other = before[name][1:-1, 1:-1], after[name][:-2, :-2]
        if name.endswith("mean"):
            plane = planes_of(picture)[name.removesuffix(" mean")]
            apart = plane[8:, 8:].mean() - plane[:64, :64].mean()
            other = other + apart
        assert_near(name, one, other)
