"""Predictions of whole observables: closed forms, limits, both sides of the guard.

Molecules' shapes, and a gas's volumes, are drawn from their exact distributions.
"""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from beadsmith.build.system import topology_of
from beadsmith.errors import EstimateError
from beadsmith.forcefield.energies import harmonic, mie
from beadsmith.observe import observe_recordings
from beadsmith.observe.response import observable_gradients
from beadsmith.observe.reweighting import FEWEST_BLOCKS, Archive, Prediction
from beadsmith.observe.reweighting.mixture import kish, mixture_of
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.state import State
from beadsmith.units import BOLTZMANN

Array = NDArray[np.float64]
Point = Mapping[str, float]

KT = 300.0 * BOLTZMANN
PRESSURE = 200.0 / 68568.415
FILE = """
title: Trimers alone, and a gas of dimers
beads: {A: {mass: 30 g/mol}}
molecules: {trimer: {beads: A A A}, dimer: {beads: A A}}
forcefield: {pair: {style: mie/cut, cutoff: 1.2 angstrom, tail: yes}, special_bonds: [0, 0, 1]}
parameters:
  bond.*.k: 1 to 9 kcal/mol/angstrom^2
  bond.*.length: 1 to 4 angstrom
  angle.*.k: 1 to 9 kcal/mol/rad^2
  angle.*.theta0: 80 to 170 degree
  pair.*.epsilon: 0.1 to 1 kcal/mol
  pair.*.sigma: 0.5 to 1.5 angstrom
  pair.*.repulsive_exponent: {fixed: 12}
  pair.*.attractive_exponent: {fixed: 6}
experiments:
  vacuum:
    kind: vacuum
    molecule: trimer
    replicas: 40
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: langevin, temperatures: 300 K, hold: 300 steps}]
  gas:
    kind: melt
    molecules: {dimer: 216}
    initial_density: 0.1 g/cm^3
    timestep: 1 fs
    protocol: [{stage: ladder, ensemble: npt, temperatures: 300 K, pressure: 200 atm, hold: 300 steps}]
observables:
  bond: {kind: bond_length, experiment: vacuum}
  ends: {kind: end_to_end_distance, experiment: vacuum}
  energy: {kind: potential_energy, experiment: vacuum}
  lengths: {kind: bond_distribution, experiment: vacuum, r: 1.25 to 2.75 by 0.5 angstrom}
  density: {kind: density, experiment: gas}
"""
POINT = {
    "bond.A-A.k": 3.0,
    "bond.A-A.length": 2.0,
    "angle.A-A-A.k": 3.0,
    "angle.A-A-A.theta0": 120.0,
    "pair.A.epsilon": 0.3,
    "pair.A.sigma": 1.0,
}


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    path = tmp_path / "problem.yaml"
    path.write_text(textwrap.dedent(FILE))
    return load_problem(path)


@dataclass(frozen=True)
class Exact:
    """Distributions of one variable by quadrature; ``draw`` takes standard normal numbers, correlated or not."""

    grid: Array
    logarithms: Array

    @property
    def weights(self) -> Array:
        weights = np.exp(self.logarithms - self.logarithms.max())
        return np.asarray(weights / weights.sum())

    def mean(self, values: Array) -> float:
        return float(self.weights @ values)

    def draw(self, normal: Array) -> Array:
        return np.interp(ndtr(normal), np.cumsum(self.weights) - 0.5 * self.weights, self.grid)


def bond_lengths(point: Point) -> Exact:
    """r^2 exp(-k (r - r0)^2/kT)."""
    r = np.linspace(1e-3, 7.0, 8001)
    return Exact(r, 2.0 * np.log(r) - harmonic(r, point["bond.A-A.k"], point["bond.A-A.length"]) / KT)


def angles(point: Point) -> Exact:
    """sin(theta) exp(-k (theta - theta0)^2/kT), radians."""
    theta = np.linspace(1e-4, np.pi - 1e-4, 8001)
    energy = harmonic(theta, point["angle.A-A-A.k"], np.radians(point["angle.A-A-A.theta0"]))
    return Exact(theta, np.log(np.sin(theta)) - energy / KT)


def volumes(point: Point) -> Exact:
    """V^N exp(-(E_w/V + P V)/kT), with the tail's E_w by quadrature."""
    grid = np.linspace(8e3, 6e4, 20001)
    t = np.linspace(1e-6, 1.0, 20001)
    numbers = (point["pair.A.epsilon"], point["pair.A.sigma"], 12.0, 6.0)
    # -r u' r^2 dr, integrated by parts: r^3 u at the cutoff, and three times the integral of r^2 u.
    integral = np.trapezoid(mie(1.2 / t, *numbers) * (1.2 / t) ** 4 / 1.2, t)
    work = 1.2**3 * float(mie(np.array(1.2), *numbers)) + 3.0 * integral
    energy = 2.0 * np.pi / 3.0 * 432**2 * work
    return Exact(grid, 216 * np.log(grid) - (energy / grid + PRESSURE * grid) / KT)


@pytest.fixture
def trimers(problem: Problem, rng: np.random.Generator) -> Callable[..., Recording]:
    """Frames of isolated trimers of a model; beads of different molecules may sit anywhere."""

    def make(point: Point, frames: int = 30, molecules: int = 40, normal: Array | None = None) -> Recording:
        shape = (frames, molecules)
        draws = rng.normal(size=(3, *shape)) if normal is None else normal
        first, second = (bond_lengths(point).draw(draw) for draw in draws[:2])
        theta = angles(point).draw(draws[2])
        beads = np.zeros((*shape, 3, 3))
        beads[..., 0, 0] = first
        beads[..., 2, 0], beads[..., 2, 1] = second * np.cos(theta), second * np.sin(theta)
        positions = (beads + rng.uniform(0, 50, (*shape, 1, 3))).reshape(frames, 3 * molecules, 3)
        boxes = np.tile(1e3 * np.eye(3), (frames, 1, 1))
        topology = topology_of(problem, {"trimer": molecules})
        return Recording("vacuum", State.of(T=300), None, Frames(1.0, positions, boxes), topology)

    return make


@pytest.fixture
def gas(problem: Problem, rng: np.random.Generator) -> Callable[..., Recording]:
    """Dimers on a lattice that swells and shrinks with the box: only their tails know the volume."""

    def make(point: Point, frames: int = 60, normal: Array | None = None) -> Recording:
        edges = volumes(point).draw(rng.normal(size=frames) if normal is None else normal) ** (1 / 3)
        sites = (np.stack(np.unravel_index(np.arange(216), (6, 6, 6)), axis=1) + 0.5) / 6.0
        # Sites are 5 angstrom apart and bonds 2 long: no bead comes within the cutoff of another molecule's.
        along = np.array([[-1.0, 0, 0], [1.0, 0, 0]])
        positions = (sites[None, :, None, :] * edges[:, None, None, None] + along).reshape(frames, 432, 3)
        topology = topology_of(problem, {"dimer": 216})
        boxes = edges[:, None, None] * np.eye(3)
        return Recording("gas", State.of(T=300), None, Frames(1.0, positions, boxes), topology)

    return make


@pytest.fixture
def model_at(problem: Problem) -> Callable[..., Model]:
    """The model with some parameters changed: ``model_at({"bond.A-A.k": 4.0})``."""

    def make(changes: Point | None = None) -> Model:
        return constant_model("known", problem.parameters, {**POINT, **(changes or {})})

    return make


SPRING, BEND, LENGTH = "bond.A-A.k", "angle.A-A-A.k", "bond.A-A.length"


@pytest.fixture
def archive(problem, trimers, model_at) -> Callable[..., Archive]:
    """Trimers simulated with each of several changes of the model."""

    def make(*changes: Point, **sizes: int) -> Archive:
        archive = Archive(problem, "vacuum")
        for change in changes:
            archive.add(model_at(change), [trimers({**POINT, **change}, **sizes)])
        return archive

    return make


def by_name(predictions: tuple[Prediction, ...]) -> dict[str, Prediction]:
    return {one.observable: one for one in predictions if not one.state.as_dict().get("r")}


def exact(point: Point) -> dict[str, float]:
    """Means over the distributions, by quadrature."""
    bond, angle = bond_lengths(point), angles(point)
    r, squares = bond.mean(bond.grid), bond.mean(bond.grid**2)
    stretch = bond.mean(harmonic(bond.grid, point[SPRING], point[LENGTH]))
    bend = angle.mean(harmonic(angle.grid, point[BEND], np.radians(point["angle.A-A-A.theta0"])))
    # |r1 - r2|^2 = r1^2 + r2^2 - 2 r1 r2 cos(theta); its root by drawing lots.
    random = np.random.default_rng(5)
    first, second = (bond.draw(random.normal(size=400_000)) for _ in range(2))
    cosine = np.cos(angle.draw(random.normal(size=400_000)))
    ends = np.sqrt(first**2 + second**2 - 2 * first * second * cosine).mean()
    assert squares == pytest.approx(np.mean(first**2), rel=0.01)
    return {"bond": r, "ends": float(ends), "energy": 40 * (2 * stretch + bend)}


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({SPRING: 3.5}, id="stiffer bonds"),
        pytest.param({BEND: 2.0}, id="softer angles"),
        pytest.param({LENGTH: 2.1, BEND: 4.0}, id="longer bonds, stiffer angles"),
    ],
)
def test_two_simulated_models_tell_a_third(archive, model_at, wanted):
    found = by_name(archive({SPRING: 2.2, BEND: 2.5}, {SPRING: 4.5, BEND: 4.5}).predict(model_at(wanted)))
    truth = exact({**POINT, **wanted})
    assert found.keys() == truth.keys()
    for name, prediction in found.items():
        observation = prediction.observation
        assert observation.value == pytest.approx(truth[name], abs=4 * observation.stderr), name
        # Not honest by being useless: 2400 samples.
        spread = observation.stderr * np.sqrt(observation.samples)
        assert observation.stderr < spread / 15, name
        assert observation.equilibrated


def test_errors_cover_the_truth(archive, model_at):
    """Value and derivative by the spring, from two models to a third."""
    truth = exact({**POINT, SPRING: 3.5})
    step = 0.01
    slope = (exact({**POINT, SPRING: 3.5 + step})["bond"] - exact({**POINT, SPRING: 3.5 - step})["bond"]) / (2 * step)
    covered = dict.fromkeys([*truth, "slope"], 0)
    times = 40
    for _ in range(times):
        archived = archive({SPRING: 2.2}, {SPRING: 4.5, BEND: 3.5}, frames=15)
        found = by_name(archived.predict(model_at({SPRING: 3.5})))
        for name, prediction in found.items():
            covered[name] += abs(prediction.observation.value - truth[name]) < 2 * prediction.observation.stderr
        gradient = found["bond"].gradient
        column = gradient.parameters.index(SPRING)
        covered["slope"] += abs(gradient.values[column] - slope) < 2 * gradient.stderrs[column]
    # 95 % are expected; 82 % or fewer happen once in two thousand times.
    assert min(covered.values()) > 0.82 * times, covered


def test_a_distribution_is_told_bin_by_bin(archive, model_at):
    found = archive({SPRING: 2.2}, {SPRING: 4.5}, frames=60).predict(model_at({SPRING: 3.5}))
    bins = {one.state["r"]: one for one in found if one.observable == "lengths"}
    assert list(bins) == pytest.approx([1.25, 1.75, 2.25, 2.75])
    bond = bond_lengths({**POINT, SPRING: 3.5})
    for centre, prediction in bins.items():
        inside = np.abs(bond.grid - centre) < 0.25
        expected = bond.mean(inside.astype(float)) / 0.5
        assert prediction.observation.value == pytest.approx(expected, abs=4 * prediction.observation.stderr)
        assert prediction.gradient.stderrs[:4].min() > 0.0
        assert prediction.gradient.values[4:] == pytest.approx([0.0, 0.0], abs=1e-12)  # pairs never meet


def test_the_model_that_was_simulated_comes_back_as_it_was_observed(problem, trimers, model_at):
    """Nothing to reweigh: value, error and gradient are those of the plain estimators."""
    recording = trimers(POINT)
    archive = Archive(problem, "vacuum")
    archive.add(model_at(), [recording])
    found = {(one.observable, one.state): one for one in archive.predict(model_at())}
    observations = observe_recordings([replace(recording, series=None)], _of_frames(problem), "vacuum")
    gradients = observable_gradients([recording], problem, model_at(), "vacuum")
    assert {(one.observable, one.state) for one in gradients} == set(found)
    for observation in observations:
        prediction = found[observation.observable, observation.state]
        assert prediction.observation.value == pytest.approx(observation.value)
        assert prediction.observation.stderr == pytest.approx(observation.stderr, rel=0.02)
        assert prediction.samples == pytest.approx(1200)
        assert prediction.blocks == pytest.approx(40)
    for gradient in gradients:
        prediction = found[gradient.observable, gradient.state].gradient
        np.testing.assert_allclose(prediction.values, gradient.values, atol=0.05 * gradient.stderrs.max())
        np.testing.assert_allclose(prediction.stderrs, gradient.stderrs, rtol=0.1, atol=1e-12)


def _of_frames(problem):
    return {name: one for name, one in problem.observables.items() if name != "energy"}


def test_derivatives_are_differences_of_predictions(archive, model_at, monkeypatch):
    """The same frames asked about two neighbours of a model; the identity, which takes noise away, left out."""
    monkeypatch.setattr("beadsmith.observe.response.gradients.constant_pressure", lambda *_: None)
    archived = archive({SPRING: 2.4}, {SPRING: 4.0, BEND: 4.0}, frames=60, molecules=60)
    middle = by_name(archived.predict(model_at({SPRING: 3.1})))
    for name, step in ((SPRING, 0.02), (LENGTH, 0.002), (BEND, 0.02), ("angle.A-A-A.theta0", 0.2)):
        point = {**POINT, SPRING: 3.1}
        above, below = (
            by_name(archived.predict(model_at({**point, name: point[name] + sign * step}))) for sign in (1, -1)
        )
        for observable, prediction in middle.items():
            ends = [side[observable].observation.value for side in (above, below)]
            gradient = prediction.gradient
            column = gradient.parameters.index(name)
            # What is left between them is the bias of a covariance, which only the derivative takes out.
            expected = pytest.approx((ends[0] - ends[1]) / (2 * step), abs=0.4 * gradient.stderrs[column])
            assert gradient.values[column] == expected, (name, observable)


@pytest.mark.parametrize("stiffness", [3.6, 8.0])
def test_what_is_left_of_the_samples_is_what_the_integral_says(archive, model_at, stiffness):
    """Kish's fraction <w>^2/<w^2>, by quadrature; a trimer has two independent bonds, whose fractions multiply."""
    bond = bond_lengths(POINT)
    weights = np.exp(-(stiffness - POINT[SPRING]) * (bond.grid - POINT[LENGTH]) ** 2 / KT)
    expected = (bond.mean(weights) ** 2 / bond.mean(weights**2)) ** 2
    found = by_name(archive({}, frames=100, molecules=200).predict(model_at({SPRING: stiffness})))["bond"]
    assert found.samples / 20_000 == pytest.approx(expected, rel=0.03)


def test_more_simulated_models_make_the_answer_better(archive, model_at):
    alone = by_name(archive({SPRING: 2.4}).predict(model_at({SPRING: 3.2})))["bond"]
    together = by_name(archive({SPRING: 2.4}, {SPRING: 3.0}, {SPRING: 4.0}).predict(model_at({SPRING: 3.2})))["bond"]
    assert together.samples > 2 * alone.samples
    assert together.observation.stderr < 0.75 * alone.observation.stderr


def test_far_models_are_refused_and_harm_nobody(archive, model_at):
    """Bonds a whole angstrom longer: no overlap at all."""
    far = {LENGTH: 3.2, SPRING: 8.0}
    assert archive(far).predict(model_at()) == ()
    near = {SPRING: 3.3}
    alone = by_name(archive(near).predict(model_at()))["ends"]
    beside = by_name(archive(far, near).predict(model_at()))["ends"]
    assert beside.samples == pytest.approx(alone.samples, rel=0.1)


def test_too_little_overlap_gives_its_size_and_no_answer(archive, model_at):
    """On the way to no overlap there is a place where something is left, but not enough."""
    archived = archive({})
    sizes = []
    for length in np.linspace(2.0, 3.0, 21):
        for prediction in archived.predict(model_at({LENGTH: length, SPRING: 6.0})):
            if prediction.observable == "bond":
                answered = prediction.observation is not None
                assert answered == (prediction.blocks >= FEWEST_BLOCKS) == (prediction.gradient is not None)
                sizes.append((prediction.blocks, answered))
    assert {answered for _, answered in sizes} == {True, False}
    assert max(blocks for blocks, answered in sizes if not answered) > 1.5


def test_a_gas_under_its_tail_is_weighed_frame_by_frame(problem, gas, model_at):
    """Density at another well depth, from two simulated ones: the tail alone decides it."""
    archive = Archive(problem, "gas")
    for depth in (0.3, 0.36):
        archive.add(model_at({"pair.A.epsilon": depth}), [gas({**POINT, "pair.A.epsilon": depth}, frames=400)])
    (found,) = archive.predict(model_at({"pair.A.epsilon": 0.33}))
    exact = volumes({**POINT, "pair.A.epsilon": 0.33})
    expected = exact.mean(432 * 30.0 * 1.66053906660 / exact.grid)
    assert found.observation.value == pytest.approx(expected, abs=4 * found.observation.stderr)
    assert found.observation.stderr < 0.005 * expected
    assert 200 < found.samples <= 800
    assert found.blocks <= 20  # ten stretches of time each


def test_whole_frames_and_single_molecules_give_one_answer(rng):
    """Eight independent molecules a frame, a small step: both weights agree, those of whole frames are worse.

    Each molecule is a coordinate x with u = k x^2/2; a frame's weight is the product of its molecules', so Kish's
    fraction is that of one molecule to the power of eight.
    """
    x = rng.normal(size=(4000, 8))
    step = 0.25  # from k = 1 to 1.25
    single, whole = -0.5 * step * x**2, -0.5 * step * np.square(x).sum(axis=1)
    by_molecule = mixture_of(0.5 * x.reshape(1, -1) ** 2, (32_000,)).weights((0.5 * x**2 - single).ravel())
    by_frame = mixture_of(0.5 * np.square(x).sum(axis=1)[None], (4000,)).weights(0.5 * np.square(x).sum(axis=1) - whole)
    means = by_molecule @ x.ravel() ** 2, by_frame @ np.square(x).mean(axis=1)
    assert means == pytest.approx((0.8, 0.8), rel=0.02)
    fraction = np.sqrt(1 + 2 * step) / (1 + step)  # <w>^2/<w^2> of one molecule
    assert kish(by_molecule) / 32_000 == pytest.approx(fraction, rel=0.01)
    assert kish(by_frame) / 4000 == pytest.approx(fraction**8, rel=0.05)


def test_recordings_of_one_state_are_taken_together(problem, trimers, model_at):
    """A simulation and its continuation: the same molecules, so forty blocks and not eighty."""
    archive = Archive(problem, "vacuum")
    archive.add(model_at(), [trimers(POINT, frames=20), trimers(POINT, frames=12)])
    found = by_name(archive.predict(model_at()))["bond"]
    assert found.samples == pytest.approx(40 * 32)
    assert found.blocks == pytest.approx(40)


def test_a_few_evenly_spaced_frames_stand_for_all(problem, trimers, model_at):
    """Frames that come in equal pairs: every second one knows all, and the last one is among those that are kept."""
    once = trimers(POINT, frames=16)
    frames = replace(
        once.frames, positions=np.repeat(once.frames.positions, 2, axis=0), boxes=np.tile(np.eye(3), (32, 1, 1))
    )
    archives = [Archive(problem, "vacuum"), Archive(problem, "vacuum", most_frames=20)]
    for archive, recording in zip(archives, (once, replace(once, frames=frames)), strict=True):
        archive.add(model_at(), [recording])
    expected, thinned = (by_name(archive.predict(model_at({SPRING: 3.3})))["ends"] for archive in archives)
    assert thinned.samples == pytest.approx(expected.samples)
    assert thinned.observation.value == pytest.approx(expected.observation.value, rel=1e-12)
    assert thinned.observation.stderr == pytest.approx(expected.observation.stderr, rel=1e-6)


def test_what_cannot_be_weighed_is_passed_over(problem, trimers, gas, model_at):
    archive = Archive(problem, "vacuum")
    recording = trimers(POINT)
    archive.add(model_at(), [replace(recording, frames=None), replace(recording, state=State()), gas(POINT)])
    assert archive.predict(model_at()) == ()


def test_frames_of_other_molecules_are_refused(problem, trimers, model_at):
    recording = trimers(POINT)
    frames = replace(recording.frames, positions=recording.frames.positions[:, :-1])
    with pytest.raises(EstimateError, match="119 beads"):
        Archive(problem, "vacuum").add(model_at(), [replace(recording, frames=frames)])


def test_the_same_questions_get_the_same_answers_in_any_order(problem, trimers, model_at):
    """What is kept from one question to the next changes nothing, bit for bit."""
    one, other = model_at({SPRING: 3.1}), model_at({SPRING: 2.6, BEND: 3.5})
    fresh, asked = Archive(problem, "vacuum"), Archive(problem, "vacuum")
    for spring in (2.4, 3.3, 4.0):
        recording = trimers({**POINT, SPRING: spring})
        for archive in (fresh, asked):
            archive.add(model_at({SPRING: spring}), [recording])
            if archive is asked:
                asked.predict(other)
    for first, second in zip(fresh.predict(one), asked.predict(one), strict=True):
        assert first.observation == second.observation
        np.testing.assert_array_equal(first.gradient.values, second.gradient.values)
        np.testing.assert_array_equal(first.gradient.stderrs, second.gradient.stderrs)
