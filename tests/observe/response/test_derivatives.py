"""Energies and their derivatives against the plainest route: one pair after the other, finite differences."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.forcefield.energies import mie
from beadsmith.observe.response.derivatives import energies
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.state import State


@pytest.mark.parametrize("experiment", ["melt", "vacuum"])
def test_energies_are_those_of_the_plain_sum(make_problem, model_of, record, plain, forcefield, experiment):
    problem = make_problem(**forcefield)
    model, recording = model_of(problem), record(problem, experiment)
    energy, route = energies(recording, problem, model), plain(problem, recording)
    for frame in range(2):
        printed, sampled = route.energies(model, frame)
        assert energy.printed.values[frame].sum() == pytest.approx(printed, rel=1e-9)
        assert energy.sampled.values[frame].sum() == pytest.approx(sampled, rel=1e-7)


@pytest.mark.parametrize("experiment", ["melt", "vacuum"])
def test_derivatives_are_finite_differences(make_problem, model_of, record, plain, slope, forcefield, experiment):
    problem = make_problem(**forcefield)
    model, recording = model_of(problem), record(problem, experiment, frames=1)
    energy, route = energies(recording, problem, model), plain(problem, recording)
    for column, parameter in enumerate(problem.parameters.free):
        printed, sampled = slope(lambda model: route.energies(model, 0), problem, model, parameter.name)
        assert energy.printed.slopes[0, :, column].sum() == pytest.approx(printed, rel=1e-6, abs=1e-6), parameter.name
        assert energy.sampled.slopes[0, :, column].sum() == pytest.approx(sampled, rel=1e-6, abs=1e-6), parameter.name


def test_the_virial_and_its_derivatives_are_those_of_a_scaled_box(make_problem, model_of, record, slope, forcefield):
    # -sum r dU/dr = -dW/d(ln scale) when all positions and the box are stretched: a second route to the virial.
    problem = make_problem(**forcefield)
    model, recording = model_of(problem), record(problem, frames=1)

    def stretched(factor, model):
        frames = Frames(1.0, recording.frames.positions * factor, recording.frames.boxes * factor)
        other = Recording(recording.experiment, recording.state, None, frames, recording.topology)
        return energies(other, problem, model).sampled.values[0, 0]

    def virial(model, step=1e-5):
        return -(stretched(1 + step, model) - stretched(1 - step, model)) / (2.0 * step)

    found = energies(recording, problem, model).virial
    assert found.values[0, 0] == pytest.approx(virial(model), rel=1e-6)
    for column, parameter in enumerate(problem.parameters.free):
        expected = slope(virial, problem, model, parameter.name)
        assert found.slopes[0, 0, column] == pytest.approx(expected, rel=1e-5, abs=1e-2), parameter.name


def test_a_tied_parameter_moves_with_its_leader(make_problem, model_of, record, slope):
    ties = {
        "pair.C.sigma": "{tied: pair.A.sigma}",
        "bond.A-C.k": "{tied: bond.A-B.k}",
        "pair.B.epsilon": "{fixed: 1 kcal/mol}",
    }
    problem = make_problem(more=ties)
    model, recording = model_of(problem), record(problem, frames=1)
    names = [parameter.name for parameter in problem.parameters.free]
    assert not set(ties) & set(names)
    found = energies(recording, problem, model).sampled.slopes[0, 0]
    for name in ("pair.A.sigma", "bond.A-B.k", "pair.A.epsilon"):
        expected = slope(lambda m: energies(recording, problem, m).sampled.values[0, 0], problem, model, name)
        assert found[names.index(name)] == pytest.approx(expected, rel=1e-7)


def test_isolated_molecules_are_groups_of_their_own(make_problem, model_of, record):
    problem = make_problem()
    model, recording = model_of(problem), record(problem, "vacuum")
    together = energies(recording, problem, model).sampled
    assert together.values.shape == (2, 10)
    # Moving one molecule, even onto another, changes nothing; stretching it changes it alone.
    positions = recording.frames.positions.copy()
    positions[:, :6] += positions[:, 6:12].mean(axis=1, keepdims=True) - positions[:, :6].mean(axis=1, keepdims=True)
    positions[:, 12:18] *= 1.05
    other = Recording(
        "vacuum", recording.state, None, Frames(1.0, positions, recording.frames.boxes), recording.topology
    )
    apart = energies(other, problem, model).sampled
    same = np.arange(10) != 2
    assert apart.slopes[:, same] == pytest.approx(together.slopes[:, same], rel=1e-7, abs=1e-9)
    assert np.all(np.abs(apart.values[:, 2] - together.values[:, 2]) > 1e-3)


def test_a_shifted_and_a_plain_cutoff_sample_the_same(make_problem, model_of, record):
    plain = make_problem(pair="style: lj/cut, cutoff: 6 angstrom")
    model, recording = model_of(plain), record(plain)
    one = energies(recording, plain, model)
    other = energies(recording, make_problem(pair="style: lj/cut, cutoff: 6 angstrom, shift: yes"), model)
    assert one.sampled.slopes == pytest.approx(other.sampled.slopes)
    assert one.printed.values != pytest.approx(other.printed.values)
    assert other.printed.values == pytest.approx(other.sampled.values)


def test_what_is_printed_and_what_is_sampled_agree_for_evenly_spread_beads(make_problem, model_of, record, rng):
    # The shift of the pairs within the cutoff makes up for the difference of the two tails, on average.
    problem = make_problem(special="[1, 1, 1]")
    model, recording = model_of(problem), record(problem)
    types = recording.topology.bead_types
    edge = 20.0
    frames = Frames(1.0, rng.uniform(0, edge, (4000, len(types), 3)), np.tile(edge * np.eye(3), (4000, 1, 1)))
    gas = energies(Recording("melt", State.of(T=300), None, frames, recording.topology), problem, model)
    difference = (gas.printed.values - gas.sampled.values)[:, 0]
    # Tails count every bead with itself; pairs do not.
    values = model.at(State())
    names = ("epsilon", "sigma", "repulsive_exponent", "attractive_exponent")
    edges = {bead: float(mie(6.0, *(values[f"pair.{bead}.{name}"] for name in names))) for bead in "ABC"}
    itself = sum(edges["ABC"[kind - 1]] for kind in types) * (2 * np.pi / 3) * (6.0 / edge) ** 3
    assert difference.mean() == pytest.approx(-itself, abs=4 * difference.std() / np.sqrt(4000))
    assert difference.std() > 3 * abs(itself)


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        (np.diag([20.0, 20.0, 11.0]), "less than twice the cutoff, 6 angstrom"),
        (20.0 * np.eye(3) + np.array([[0, 0, 0], [3.0, 0, 0], [0, 0, 0]]), "not rectangular"),
    ],
)
def test_boxes_that_the_neighbour_search_cannot_do_are_refused(make_problem, model_of, record, box, sentence):
    problem = make_problem()
    recording = record(problem, frames=1)
    frames = Frames(1.0, recording.frames.positions, box[None])
    with pytest.raises(EstimateError, match=sentence):
        energies(Recording("melt", recording.state, None, frames, recording.topology), problem, model_of(problem))


def test_a_box_need_not_be_cubic(make_problem, model_of, record, plain):
    problem = make_problem()
    recording = record(problem, frames=1)
    frames = Frames(1.0, recording.frames.positions, np.diag([15.0, 17.5, 16.0])[None])
    other = Recording("melt", recording.state, None, frames, recording.topology)
    model = model_of(problem)
    expected = plain(problem, other).energies(model, 0)[1]
    assert energies(other, problem, model).sampled.values[0, 0] == pytest.approx(expected, rel=1e-7)


def test_a_bead_on_the_face_of_the_box_is_inside(make_problem, model_of, record):
    # A hair below zero, and wrapping rounds it to the edge itself.
    problem = make_problem()
    model, recording = model_of(problem), record(problem, frames=1)
    found = []
    for place in (0.0, -1e-17, recording.frames.boxes[0, 0, 0]):
        positions = recording.frames.positions.copy()
        positions[0, -1] = [place, 1.0, 1.0]
        frames = Frames(1.0, positions, recording.frames.boxes)
        other = Recording("melt", recording.state, None, frames, recording.topology)
        found.append(energies(other, problem, model).sampled.slopes[0, 0, -1])
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(found[0], rel=1e-12)
