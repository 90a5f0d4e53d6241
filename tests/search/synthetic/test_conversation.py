"""How a search and a synthetic problem talk: the same calls as the campaign's driver makes."""

import math

import numpy as np
import pytest

from beadsmith.search import make_search
from beadsmith.search.synthetic import Exchange, converse, dielectric_spectrum, true_misfits_of_incumbents

#: alpha beta = 1.44.
FAILING = {"alpha": 0.9, "beta": 1.6}


class Listener:
    """A search that asks for the same few points again and again, and writes down every call."""

    def __init__(self, points, wants_gradients=True, finishes_after=math.inf):
        self.wants_gradients = wants_gradients
        self.calls, self.told = [], []
        self._points, self._finishes_after = points, finishes_after

    @property
    def finished(self):
        return len(self.told) >= self._finishes_after

    def ask(self, number):
        self.calls.append(f"ask {number}")
        return self._points[number % len(self._points)]

    def tell(self, number, misfit, response=None):
        self.calls.append(f"tell {number}")
        self.told.append((misfit, response))


@pytest.fixture
def problem():
    return dielectric_spectrum(1)


def test_one_at_a_time(problem):
    search = Listener([problem.answer])
    converse(search, problem, 3, seed=1)
    assert search.calls == ["ask 0", "tell 0", "ask 1", "tell 1", "ask 2", "tell 2"]


def test_two_in_flight(problem):
    search = Listener([problem.answer])
    assert len(converse(search, problem, 3, seed=1, in_flight=2)) == 3
    assert search.calls == ["ask 0", "ask 1", "tell 0", "ask 2", "tell 1", "tell 2"]


def test_a_finished_search_still_hears_of_what_is_in_flight(problem):
    search = Listener([problem.answer], finishes_after=2)
    assert len(converse(search, problem, 9, seed=1, in_flight=3)) == 4
    assert search.calls[-3:] == ["tell 1", "tell 2", "tell 3"]


def test_failures_are_told_as_failures(problem):
    search = Listener([dict(problem.answer) | FAILING, problem.answer])
    exchanges = converse(search, problem, 2, seed=1)
    assert search.told[0] == (None, None)
    assert exchanges[0].misfit is None
    assert exchanges[1].misfit == search.told[1][0]


@pytest.mark.parametrize("wants_gradients", [True, False])
def test_derivatives_are_for_those_who_want_them(problem, wants_gradients):
    search = Listener([problem.answer], wants_gradients)
    converse(search, problem, 1, seed=1)
    [(_, response)] = search.told
    assert np.isfinite(response.values).all()
    assert response.differentiated.all() == wants_gradients


def test_the_noise_of_an_evaluation_depends_on_its_number_and_the_seed_alone(problem):
    def misfits(seed, in_flight):
        return [one.misfit for one in converse(Listener([problem.answer]), problem, 4, seed=seed, in_flight=in_flight)]

    assert misfits(1, 1) == misfits(1, 3)
    assert misfits(1, 1) != misfits(2, 1)
    assert len(set(misfits(1, 1))) == 4


def test_the_incumbent_is_chosen_by_what_was_claimed(problem):
    """A worse point that was lucky replaces a better one: its truth is what the curve then shows."""
    middle = problem.box.point(np.full(6, 0.5))
    good, bad = problem.true_misfit(problem.answer), problem.true_misfit(middle)
    exchanges = [
        Exchange(middle, None),
        Exchange(problem.answer, 3.0),
        Exchange(middle, 2.0),
        Exchange(problem.answer, 2.5),
    ]
    assert true_misfits_of_incumbents(problem, exchanges) == [math.inf, good, bad, bad]


def test_a_real_search_repeats_itself(problem):
    first, again = (
        converse(make_search("cma-es", problem.parameters, 3), problem, 20, seed=1, in_flight=2) for _ in range(2)
    )
    assert first == again
