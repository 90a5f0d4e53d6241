"""Directions in words."""

import numpy as np

from beadsmith.calibrate.identifiability import in_words

NAMES = ("pair.T1.sigma", "pair.T5.sigma", "angle.T1-T2-T3.k")


def test_the_largest_components_come_first_and_the_first_is_positive():
    assert in_words(np.array([0.4, -0.71, 0.01]), NAMES) == "pair.T5.sigma +0.71, pair.T1.sigma -0.40"


def test_a_direction_and_its_opposite_say_the_same():
    direction = np.array([0.4, -0.71, 0.3])
    assert in_words(direction, NAMES) == in_words(-direction, NAMES)


def test_at_most_so_many_are_named():
    assert in_words(np.array([0.5, 0.6, 0.55]), NAMES, most=1) == "pair.T5.sigma +0.60"


def test_components_that_are_not_known_are_not_named():
    direction, stderrs = np.array([0.4, -0.71, 0.5]), np.array([0.3, 0.1, 0.1])
    assert in_words(direction, NAMES, stderrs) == "pair.T5.sigma +0.71, angle.T1-T2-T3.k -0.50"
    assert in_words(direction, NAMES, 0.5 + stderrs) == ""


def test_nothing_is_said_of_nothing():
    assert in_words(np.zeros(3), NAMES) == ""
