"""Gauss-Newton with somebody who foresees responses: inner steps cost no evaluation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.calibrate.response import Response
from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search
from beadsmith.search.gauss_newton import INNER_STEPS, LARGEST_STEP

PARAMETERS = [Parameter(f"pair.B{number}.sigma", 2.0, 3.0, "length") for number in range(6)]
SIGMAS = np.full(9, 0.05)


class Bent:
    """Nine targets that depend strongly non-linearly on six parameters; the answer is known."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self._directions = random.normal(size=(9, 6))
        self.hidden = random.uniform(0.35, 0.65, 6)
        self._targets = self._values(self.hidden)

    def response(self, point: dict[str, float], rows: np.ndarray | None = None, noise: float = 1e-3) -> Response:
        """Exact values and derivatives; those of other rows than the given ones are not known."""
        unit = np.array([point[one.name] for one in PARAMETERS]) - 2.0
        known = np.ones(9, dtype=bool) if rows is None else rows
        slopes = (1.0 + 6.0 * (self._directions @ (unit - 0.5)))[:, None] * self._directions
        return Response(
            targets=self._targets,
            target_stderrs=SIGMAS,
            weights=np.full(9, 1 / 9),
            values=np.where(known, self._values(unit), np.nan),
            stderrs=np.where(known, noise, np.inf),
            jacobian=np.where(known[:, None], slopes, np.nan),
            jacobian_stderrs=np.where(known[:, None], noise, np.inf),
        )

    def misfit(self, point: dict[str, float]) -> float:
        values = self.response(point).values
        return float(np.mean(((values - self._targets) / SIGMAS) ** 2))

    def _values(self, unit: np.ndarray) -> np.ndarray:
        along = self._directions @ (unit - 0.5)
        return along + 3.0 * along**2


def misfits(bent: Bent, evaluations: int, foresee=None) -> list[float]:
    """Of the points that are proposed one after the other."""
    search = make_search("gauss-newton", PARAMETERS, 1, foresee=foresee)
    found = []
    for number in range(evaluations):
        point = search.ask(number)
        found.append(bent.misfit(point))
        search.tell(number, found[-1], bent.response(point))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_inner_steps_arrive_in_the_first_evaluation_after_the_start(seed):
    bent = Bent(seed)
    start, alone = misfits(bent, 2)
    _, foreseen = misfits(bent, 2, bent.response)
    assert foreseen < 0.25 * alone
    assert foreseen < 0.05 * start


def test_a_half_that_is_foreseen_helps_and_the_other_half_keeps_its_linear_model():
    rows = np.arange(9) < 5
    alone, half, all_ = [], [], []
    for seed in range(6):
        bent = Bent(seed)
        alone.append(misfits(bent, 3)[-1])
        half.append(misfits(bent, 3, lambda point, bent=bent: bent.response(point, rows))[-1])
        all_.append(misfits(bent, 3, bent.response)[-1])
    assert np.mean(all_) < np.mean(half) < np.mean(alone)


@pytest.mark.parametrize(
    "foresee",
    [
        pytest.param(lambda point: None, id="nothing"),
        pytest.param(lambda point: Bent(0).response(point, np.zeros(9, dtype=bool)), id="no target"),
    ],
)
def test_who_foresees_nothing_changes_nothing(foresee):
    assert misfits(Bent(0), 5, foresee) == misfits(Bent(0), 5)


def test_it_is_asked_about_few_points_and_only_where_a_step_may_lead():
    bent = Bent(1)
    asked: list[np.ndarray] = []

    def foresee(point: dict[str, float]) -> Response:
        asked.append(np.array([point[one.name] for one in PARAMETERS]) - 2.0)
        return bent.response(point)

    search = make_search("gauss-newton", PARAMETERS, 1, foresee=foresee)
    told: list[np.ndarray] = []
    for number in range(6):
        before = len(asked)
        point = search.ask(number)
        here = np.array([point[one.name] for one in PARAMETERS]) - 2.0
        assert len(asked) - before <= (INNER_STEPS if told else 0)
        for place in asked[before:]:
            assert ((place >= 0) & (place <= 1)).all()
            assert min(np.abs(place - one).max() for one in told) <= LARGEST_STEP + 1e-9
        search.tell(number, bent.misfit(point), bent.response(point))
        told.append(here)
    assert asked


def test_the_same_conversation_twice_gives_the_same_points():
    bent = Bent(3)
    assert misfits(bent, 6, bent.response) == misfits(bent, 6, bent.response)


def test_a_poor_foresight_is_not_believed():
    """Wrong by ten target errors, and saying so: it weighs next to nothing beside what was simulated nearby."""
    bent = Bent(2)

    def wild(point: dict[str, float]) -> Response:
        response = bent.response(point, noise=0.5)
        return replace(response, values=response.values + 0.5, jacobian_stderrs=np.full((9, 6), 5.0))

    alone, misled = misfits(bent, 8), misfits(bent, 8, wild)
    assert min(misled) < 0.05 * alone[0]
