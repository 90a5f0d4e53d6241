"""Balls and sticks: their size on the image is known, and the nearer one is seen."""

import numpy as np
import pytest

from beadsmith.report.figures.raster import Balls, Sticks, image_of

EXTENT = (0.0, 10.0, 0.0, 10.0)
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def balls(*given: tuple[tuple[float, float, float], float, tuple[float, float, float]]) -> Balls:
    centres, radii, colours = zip(*given, strict=True) if given else ((), (), ())
    return Balls(np.array(centres).reshape(-1, 3), np.array(radii), np.array(colours).reshape(-1, 3))


def covered(image: np.ndarray) -> np.ndarray:
    return (image < 250).any(axis=2)


def test_a_ball_covers_the_area_of_a_circle():
    image = image_of(balls(((5, 5, 0), 3.0, RED)), [], EXTENT, 400)
    assert image.shape == (400, 400, 3)
    assert covered(image).mean() == pytest.approx(np.pi * 9 / 100, rel=0.01)
    red, green, blue = image[200, 200].astype(int)
    assert red > 180
    assert green == blue < 40


def test_up_is_up_and_right_is_right():
    image = image_of(balls(((2, 8, 0), 1.0, RED)), [], EXTENT, 100)
    rows, columns = np.nonzero(covered(image))
    assert rows.mean() == pytest.approx(20, abs=1)
    assert columns.mean() == pytest.approx(20, abs=1)


def test_the_image_is_as_high_as_the_extent_asks():
    assert image_of(balls(), [], (0.0, 20.0, 0.0, 5.0), 80).shape == (20, 80, 3)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_nearer_ball_hides_the_other_whatever_the_order(swapped: bool):
    both = [((5, 5, 1), 2.0, RED), ((5, 5, -4), 2.0, BLUE)]
    image = image_of(balls(*both[:: -1 if swapped else 1]), [], EXTENT, 100)
    assert (image[..., 2] <= image[..., 0]).all()


def test_farther_things_fade():
    image = image_of(balls(((3, 5, 5), 1.0, RED), ((7, 5, -5), 1.0, RED)), [], EXTENT, 100).astype(int)
    assert image[50, 70, 1] > image[50, 30, 1] + 50


def test_a_stick_is_as_long_and_wide_as_it_says():
    one = Sticks(np.array([[2.0, 5.0, 0.0]]), np.array([[8.0, 5.0, 0.0]]), np.array([0.5]), np.array([BLUE]))
    rows, columns = np.nonzero(covered(image_of(balls(), [one], EXTENT, 400)))
    assert np.ptp(columns) / 40 == pytest.approx(6.0 + 2 * 0.5, abs=0.1)  # its ends are round
    assert np.ptp(rows) / 40 == pytest.approx(1.0, abs=0.1)


def test_a_stick_towards_the_viewer_is_a_disc():
    one = Sticks(np.array([[5.0, 5.0, -3.0]]), np.array([[5.0, 5.0, 3.0]]), np.array([1.0]), np.array([BLUE]))
    assert covered(image_of(balls(), [one], EXTENT, 400)).mean() == pytest.approx(np.pi / 100, rel=0.03)


def test_nothing_is_white_and_what_lies_outside_is_not_drawn():
    assert (image_of(balls(), [], EXTENT, 50) == 255).all()
    assert (image_of(balls(((20, 5, 0), 1.0, RED), ((5, -9, 0), 1.0, RED)), [], EXTENT, 50) == 255).all()
