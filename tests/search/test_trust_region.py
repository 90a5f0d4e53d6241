"""The trust region, read off expected misfits."""

import numpy as np
import pytest

from beadsmith.search.trust_region import FAILURES, FIRST, LARGEST, SMALLEST, trust_region

STARTS = (9.0, 5.0, 7.0)


def region(*later, starts=STARTS, restarts=2):
    return trust_region(np.array([*starts, *later]), len(starts), restarts)


def test_the_best_of_the_beginning_is_its_first_centre():
    assert (region().best, region().radius, region().since) == (1, FIRST, 0)


def test_two_successes_double_it_and_no_more_than_to_the_largest():
    assert region(4.0).radius == FIRST
    assert region(4.0, 3.0).radius == 2 * FIRST
    assert region(*[4.0 / 2**k for k in range(12)]).radius == LARGEST


def test_three_failures_halve_it():
    assert region(6.0, 6.0).radius == FIRST
    assert region(6.0, 6.0, 6.0).radius == FIRST / 2
    assert region(6.0, 6.0, 4.0, 6.0, 6.0).radius == FIRST  # not in a row


def test_the_centre_moves_with_success_only():
    assert region(6.0).best == 1
    assert region(6.0, 4.0).best == 4


def test_failed_evaluations_are_failures_and_never_a_centre():
    failed = region(np.inf, np.inf, np.inf)
    assert (failed.best, failed.radius) == (1, FIRST / 2)
    assert region(starts=(np.inf, np.inf)).best is None
    assert region(3.0, starts=(np.inf, np.inf)).best == 2


def test_a_gain_of_nothing_is_none():
    assert region(5.0 * (1 - 1e-6)).best == 1


def test_once_it_cannot_narrow_it_begins_anew_elsewhere():
    halvings = int(np.floor(np.log2(FIRST / SMALLEST))) + 1
    almost = region(*[6.0] * (FAILURES * halvings - 1))
    assert almost.since == 0
    assert SMALLEST <= almost.radius < 2 * SMALLEST
    anew = region(*[6.0] * (FAILURES * halvings))
    assert (anew.since, anew.best, anew.radius) == (3 + FAILURES * halvings, None, FIRST)
    # Its own points count, though the first region had better ones.
    after = region(*[6.0] * (FAILURES * halvings), 8.0, 7.5)
    assert (after.best, after.radius) == (3 + FAILURES * halvings + 1, FIRST)


@pytest.mark.parametrize("centre", [np.array([0.0, 1.0]), np.array([0.5, 0.1]), np.array([0.99, 0.3])])
def test_it_stays_in_the_box(centre):
    low, high = region().bounds(centre)
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert (low <= centre).all()
    assert (centre <= high).all()
    assert (high - low <= 2 * FIRST + 1e-15).all()
