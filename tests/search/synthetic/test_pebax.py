"""The emulator: a formula with exact derivatives, with the physics and the difficulty of the real problem."""

from pathlib import Path

import numpy as np
import pytest

from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.state import State
from beadsmith.search.synthetic import pebax_emulator
from beadsmith.search.synthetic.pebax import TEMPERATURES_OF_DENSITY, TEMPERATURES_OF_RADIUS, UNCERTAINTIES

EXAMPLE = Path(__file__).parents[3] / "examples" / "pebax" / "problem.yaml"
CENTRE = np.full(41, 0.5)


@pytest.fixture(scope="module")
def emulator():
    return pebax_emulator(1)


def test_parameters_and_targets_are_those_of_the_example(emulator):
    real = load_problem(EXAMPLE)
    assert emulator.parameters == real.parameters.free
    curves = [target for target in real.targets if target.observable != "glass_transition"]
    assert [target.state["T"] for target in curves] == [*TEMPERATURES_OF_DENSITY, *TEMPERATURES_OF_RADIUS]
    np.testing.assert_array_equal([target.stderr for target in curves], UNCERTAINTIES)


def test_derivatives_are_those_of_the_values(emulator):
    truth, random = emulator.truth, np.random.default_rng(1)
    for unit in random.random((3, 41)):
        steps = 1e-6 * np.eye(41)
        differences = [(truth.values(unit + step) - truth.values(unit - step)) / 2e-6 for step in steps]
        np.testing.assert_allclose(truth.jacobian(unit), np.transpose(differences), atol=1e-6)


def test_it_is_a_polymer(emulator):
    """Denser when colder, larger beads and longer bonds take more room, longer bonds make longer chains."""
    values, jacobian = emulator.truth.values(CENTRE), emulator.truth.jacobian(CENTRE)
    assert (np.diff(values[:8]) < 0).all()
    assert ((values[:8] > 1.0) & (values[:8] < 2.0)).all()
    assert ((values[8:] > 3.5) & (values[8:] < 8.0)).all()
    names = [one.name for one in emulator.parameters]
    sigmas = [names.index(f"pair.T{bead}.sigma") for bead in range(1, 6)]
    lengths = [place for place, name in enumerate(names) if name.startswith("bond") and name.endswith("length")]
    assert (jacobian[:8, sigmas] < 0).all()
    assert (jacobian[:8, lengths].sum(axis=1) < 0).all()
    assert (jacobian[8:, lengths].sum(axis=1) > 0).all()


def test_it_repeats_what_was_simulated(emulator):
    """Means of quick evaluations: of the published CG-BO model (five) and of the centre of the box (three).

    In the first the products of different parameters matter, in the second nothing but the constants.
    """
    problem = load_problem(EXAMPLE)
    published = load_model(problem.file_named("models/martins2025-bo.yaml"), problem).at(State.of({"T": 300.0}))
    unit = emulator.box.unit({one.name: published[one.name] for one in emulator.parameters})
    # Densities at 150, 225, 425 and 500 K, radii of gyration at 150, 325 and 500 K.
    some = [0, 3, 4, 7, 8, 15, 22]
    tolerance = np.array([0.015] * 4 + [0.15] * 3)
    of_published = np.array([1.2492, 1.2233, 1.1233, 1.081, 4.0941, 4.6345, 5.1758])
    of_centre = np.array([1.5787, 1.5418, 1.3957, 1.3339, 4.2757, 5.5783, 6.1752])
    assert (np.abs(emulator.truth.values(unit)[some] - of_published) < tolerance).all()
    assert (np.abs(emulator.truth.values(CENTRE)[some] - of_centre) < 2 * tolerance).all()


def test_a_few_numbers_are_all_that_the_targets_tell(emulator):
    """Singular values of the Jacobian over a standard deviation of the box, in units of the targets' errors."""
    scaled = emulator.truth.jacobian(CENTRE) / UNCERTAINTIES[:, None] / np.sqrt(12)
    singular = np.linalg.svd(scaled, compute_uv=False)
    assert 3 <= (singular > 2.0).sum() <= 6
    assert singular[8] < 1e-9 * singular[0]


def test_the_floor_is_the_scatter_of_the_targets():
    """Closed form: a chi-square of each curve, less the four numbers that are fitted of each, counts one half."""
    floors = [pebax_emulator(seed).floor for seed in range(20)]
    expected = 0.5 * (8 - 4) / 8 + 0.5 * (15 - 4) / 15
    deviation = 0.5 * np.sqrt(2 * (8 - 4) / 8**2 + 2 * (15 - 4) / 15**2)
    assert np.mean(floors) == pytest.approx(expected, abs=3 * deviation / np.sqrt(20))


def test_misfits_span_the_decades_that_real_ones_do():
    """Ten to thousands over the box; the real ones of 264 evaluations by two searches from random points: 3 to 4000."""
    problem, random = pebax_emulator(3), np.random.default_rng(1)
    low, middle, high = np.quantile(
        [problem.true_misfit(problem.box.point(unit)) for unit in random.random((500, 41))], [0.02, 0.5, 0.95]
    )
    assert 3 < low < 30
    assert 100 < middle < 1000
    assert 1000 < high < 10000


def test_the_beginning_is_far_away():
    beginnings = [problem.true_misfit(problem.box.point(CENTRE)) for problem in map(pebax_emulator, range(12))]
    assert np.median(beginnings) > 30


def test_the_noise_is_that_of_a_quick_evaluation(emulator):
    noise = emulator.noise
    sd = np.sqrt((noise.scatter**2).sum(axis=1))
    assert ((sd[:8] > 0.002) & (sd[:8] < 0.01)).all()
    assert ((sd[8:] > 0.02) & (sd[8:] < 0.3)).all()
    # A glass says less than it errs; a liquid says about as much.
    assert (noise.stderrs[:4] < 0.6 * sd[:4]).all()
    np.testing.assert_allclose(noise.stderrs[4:8], sd[4:8], rtol=0.6)


def test_the_glass_errs_as_a_whole(emulator):
    covariance = emulator.noise.scatter @ emulator.noise.scatter.T
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert correlation[0, 3] > 0.4
    assert abs(correlation[3, 4]) < 1e-12
    assert abs(correlation[0, 10]) < 1e-12
