"""Distributions whose densities are known: values, error bars, what is discarded."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from beadsmith.errors import EstimateError
from beadsmith.observe import observe_recordings
from beadsmith.observe.distributions import Histograms, histograms, mean_distribution
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import load_problem
from beadsmith.problem.recording import Bonded, Frames, Recording, Topology
from beadsmith.problem.schema import AngleDistribution, BondDistribution, RadialDistribution
from beadsmith.problem.state import State
from beadsmith.simulate.engine import find_engine, run_simulation
from beadsmith.simulate.outputs import read_recordings
from beadsmith.simulate.plan import plan_simulation


def trimers(count: int) -> Topology:
    first = 3 * np.arange(count)
    return Topology(
        masses=np.ones(3 * count),
        bead_types=np.ones(3 * count, dtype=np.int64),
        molecule_ids=np.repeat(np.arange(1, count + 1), 3),
        molecule_kinds=dict.fromkeys(range(1, count + 1), "trimer"),
        bead_names=("A",),
        bonds=Bonded(
            np.concatenate([np.stack([first, first + 1], 1), np.stack([first + 1, first + 2], 1)]),
            np.zeros(2 * count, dtype=np.int64),
            ("A-A",),
        ),
        angles=Bonded(np.stack([first, first + 1, first + 2], 1), np.zeros(count, dtype=np.int64), ("A-A-A",)),
    )


def recorded(arms: np.ndarray, edge: float = 100.0) -> Recording:
    """Trimers with given arms, shape (frames, molecules, 2, 3)."""
    frames, count = arms.shape[:2]
    shapes = np.stack([arms[:, :, 0], np.zeros((frames, count, 3)), arms[:, :, 1]], axis=2)
    positions = (shapes + np.arange(count)[:, None, None]).reshape(frames, 3 * count, 3)
    boxes = np.tile(edge * np.eye(3), (frames, 1, 1))
    return Recording("melt", State.of(T=300), None, Frames(1.0, positions, boxes), trimers(count))


def random_arms(rng: np.random.Generator, lengths: np.ndarray) -> np.ndarray:
    directions = rng.normal(size=(*lengths.shape, 3))
    return lengths[..., None] * directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def bonds(per: str = "length", r: str = "0.1 to 3.9 by 0.2 angstrom") -> BondDistribution:
    return BondDistribution(kind="bond_distribution", experiment="melt", r=r, per=per)


def angles(per: str = "angle") -> AngleDistribution:
    return AngleDistribution(kind="angle_distribution", experiment="melt", theta="5 to 175 by 10 degree", per=per)


def test_directions_at_random_make_a_sine_and_are_flat_on_the_sphere(rng):
    recording = recorded(random_arms(rng, np.full((40, 50, 2), 1.3)))
    plain = mean_distribution(histograms(angles(), recording))
    edges = np.radians(angles().edges)
    exact = 0.5 * -np.diff(np.cos(edges)) / 10.0
    assert np.all([abs(one.value - true) < 4 * one.stderr for one, true in zip(plain, exact, strict=True)])
    flat = mean_distribution(histograms(angles("solid_angle"), recording))
    assert np.all([abs(one.value - 1 / (4 * np.pi)) < 4 * one.stderr for one in flat])
    # The same counts with another measure.
    middle = 2 * np.pi * -np.diff(np.cos(edges))
    assert [one.value for one in flat] == pytest.approx(10.0 * np.array([one.value for one in plain]) / middle)


@pytest.mark.parametrize(("per", "measure"), [("length", lambda r: r), ("volume", lambda r: 4 / 3 * np.pi * r**3)])
def test_a_density_adds_up_to_the_share_within_its_bins(rng, per, measure):
    lengths = rng.uniform(0.5, 4.5, (30, 20, 2))
    found = mean_distribution(histograms(bonds(per), recorded(random_arms(rng, lengths))))
    share = np.dot([one.value for one in found], np.diff(measure(np.array(bonds().edges))))
    assert share == pytest.approx(np.mean(lengths <= 4.0), abs=1e-12)
    assert share < 0.95


def test_a_value_on_an_edge_belongs_to_the_bin_below():
    arms = np.zeros((10, 8, 2, 3))
    arms[..., 0] = 0.5
    found = histograms(bonds(r="0.25 to 1.25 by 0.5 angstrom"), recorded(arms))
    assert [found.of_bin(number).mean() for number in range(3)] == pytest.approx([2.0, 0.0, 0.0])


def test_counts_are_those_of_every_molecule_in_every_frame(rng):
    lengths = rng.uniform(0.0, 4.5, (12, 5, 2))
    found = histograms(bonds(), recorded(random_arms(rng, lengths)))
    edges = np.array(bonds().edges)
    for number in range(len(edges) - 1):
        inside = ((lengths > edges[number]) & (lengths <= edges[number + 1])).sum(axis=2)
        assert found.of_bin(number) == pytest.approx(inside / (2 * 0.2))


def test_many_bins_of_many_molecules_need_no_memory_of_their_own(rng):
    recording = recorded(random_arms(rng, rng.uniform(0.5, 4.5, (100, 500, 2))))
    fine = bonds(r="0.01 to 4.99 by 0.02 angstrom")
    tracemalloc.start()
    try:
        mean_distribution(histograms(fine, recording))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 10 * recording.frames.positions.nbytes


@pytest.mark.parametrize(("molecules", "inefficiency"), [(3, 1.0), (3, 4.0), (40, 1.0), (40, 30.0)])
def test_the_errors_of_bins_are_honest(autoregressive, rng, molecules, inefficiency):
    edges = np.array(bonds().edges)
    exact = np.diff(ndtr((edges - 2.0) / 0.5)) / 0.2
    frequent = exact > 0.02
    inside, times, errors, spread = np.zeros(len(exact)), 60, [], []
    for _ in range(times):
        series = [autoregressive(120, inefficiency) for _ in range(2 * molecules)]
        lengths = 2.0 + 0.5 * np.stack(series, axis=1).reshape(120, molecules, 2)
        found = mean_distribution(histograms(bonds(), recorded(random_arms(rng, np.abs(lengths)))))
        inside += [abs(one.value - true) < 1.96 * one.stderr for one, true in zip(found, exact, strict=True)]
        errors.append([one.stderr for one in found])
        spread.append([one.value for one in found])
    low, _ = binom.interval(0.9999, times * frequent.sum(), 0.90)
    assert inside[frequent].sum() >= low
    # Nor are they useless.
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(spread, axis=0)
    assert np.median(ratio[frequent]) == pytest.approx(1.1, abs=0.25)


def test_an_empty_bin_has_the_error_of_a_single_count(rng):
    found = mean_distribution(histograms(bonds(), recorded(random_arms(rng, np.full((40, 20, 2), 1.25)))))
    empty = found[0]
    assert (empty.value, empty.equilibrated) == (0.0, True)
    assert empty.stderr == pytest.approx(1.0 / (40 * 40 * 0.2))


def test_a_beginning_that_was_not_equilibrated_is_left_out_of_all_bins(rng):
    lengths = rng.normal(2.0, 0.1, (200, 20, 2))
    lengths[:40] += 0.5
    found = mean_distribution(histograms(bonds(), recorded(random_arms(rng, lengths))))
    assert len({(one.start, one.note, one.equilibrated) for one in found}) == 1
    assert found[0].start == pytest.approx(40, abs=15)
    assert "discarded" in found[0].note
    assert 0.2 * sum(one.value for one in found) == pytest.approx(1.0)
    assert found[12].value < 0.05  # 2.5 angstrom, where they began


def test_all_bins_are_flagged_together(rng):
    lengths = rng.normal(2.0, 0.1, (40, 20, 2)) + np.linspace(0, 1, 40)[:, None, None]
    found = mean_distribution(histograms(bonds(), recorded(random_arms(rng, lengths))))
    assert {one.equilibrated for one in found} == {False}


def test_a_few_counts_in_a_burst_are_no_drift(rng):
    """Rare events come together: a bin of its own would be cut, and the whole would not add up."""
    lengths = rng.normal(2.0, 0.1, (200, 20, 2))
    lengths[:10, 0, 0] = 3.1
    found = mean_distribution(histograms(bonds(), recorded(random_arms(rng, lengths))))
    assert {one.start for one in found} == {0}
    assert found[15].value == pytest.approx(10 / (200 * 40 * 0.2))
    assert found[15].stderr > 0.5 * found[15].value


def test_long_recordings_are_averaged_over_blocks(rng):
    values = rng.poisson(3.0, size=(1000, 1, 4)).astype(float)
    marker = rng.normal(size=(1000, 1))
    found = mean_distribution(Histograms(lambda number: values[:, :, number], marker, np.ones(4)))
    assert [one.value for one in found] == pytest.approx(values.mean(axis=(0, 1)))
    assert [one.stderr for one in found] == pytest.approx([np.sqrt(3.0 / 1000)] * 4, rel=0.4)


def test_radial_distributions_settle_with_their_highest_bin(rng):
    """Beads with a core that begin on a lattice and wander off: its peak decays over the first 40 of 200 frames."""
    sites = np.stack(np.unravel_index(np.arange(216), (6, 6, 6)), axis=1) * 2.0
    wander = np.minimum(0.05 + 0.01 * np.arange(200), 0.45)[:, None, None]
    positions = sites + wander * rng.uniform(-1, 1, size=(200, 216, 3))
    topology = Topology(np.ones(216), np.ones(216, np.int64), np.arange(216) + 1, dict.fromkeys(range(1, 217), "bead"))
    frames = Frames(1.0, positions, np.tile(12.0 * np.eye(3), (200, 1, 1)))
    observable = RadialDistribution(kind="radial_distribution", experiment="melt", r="0.5 to 4.5 by 0.5 angstrom")
    found = mean_distribution(histograms(observable, Recording("melt", State.of(T=300), None, frames, topology)))
    assert len({one.start for one in found}) == 1
    assert 10 <= found[0].start <= 80
    assert found[0].value == 0.0
    assert found[0].equilibrated


def test_without_frames_or_with_broken_ones_there_is_no_distribution(rng):
    recording = recorded(random_arms(rng, np.ones((12, 10, 2))))
    with pytest.raises(EstimateError, match="no frames of positions with known molecules"):
        histograms(bonds(), Recording("melt", State.of(T=300), None, None, recording.topology))
    recording.frames.positions[3, 4, 1] = np.nan
    with pytest.raises(EstimateError, match="1 of 1080 values are NaN"):
        histograms(bonds(), recording)


def test_too_few_frames_of_few_molecules_are_refused(rng):
    with pytest.raises(EstimateError, match="9 samples are too few"):
        mean_distribution(histograms(bonds(), recorded(random_arms(rng, rng.uniform(1, 2, (9, 3, 2))))))


STIFF = """
title: Stiff molecules
beads: {A: {mass: 40 g/mol}, B: {mass: 50 g/mol}}
molecules: {star: {beads: B A A B A, bonds: 1-2 2-3 3-4 3-5}, dimer: {beads: A B}}
forcefield: {pair: {style: lj/cut, cutoff: 6 angstrom}, special_bonds: [0, 0, 0]}
parameters:
  bond.*.k: {fixed: 100 kcal/mol/angstrom^2}
  bond.A-A.length: {fixed: 2.5 angstrom}
  bond.A-B.length: {fixed: 3.5 angstrom}
  angle.*.k: {fixed: 100 kcal/mol/rad^2}
  angle.A-A-A.theta0: {fixed: 150 degree}
  angle.A-A-B.theta0: {fixed: 120 degree}
  pair.*.epsilon: {fixed: 0.001 kcal/mol}
  pair.*.sigma: 2 to 3 angstrom
experiments:
  box:
    kind: melt
    molecules: {dimer: 30, star: 30}
    initial_density: 0.1 g/cm^3
    timestep: 2 fs
    protocol:
      - {stage: push-off, temperature: 50 K, steps: 200}
      - {stage: langevin, temperature: 50 K, duration: 4 ps, damping: 0.1 ps}
      - {stage: ladder, ensemble: nvt, temperatures: 50 K, hold: 2 ps, frames: 40}
observables:
  like: {kind: bond_length, experiment: box, bond: A-A}
  unlike: {kind: bond_length, experiment: box, bond: A-B}
  of_dimers: {kind: bond_length, experiment: box, molecule: dimer}
  like_angle: {kind: bond_angle, experiment: box, angle: A-A-A}
  unlike_angle: {kind: bond_angle, experiment: box, angle: A-A-B}
  bonds: {kind: bond_distribution, experiment: box, r: 2.25 to 4.0 by 0.25 angstrom}
"""


@pytest.mark.lammps
def test_beads_of_real_simulations_are_bonded_as_the_problem_says(tmp_path):
    path = tmp_path / "stiff.yaml"
    path.write_text(STIFF)
    problem, engine = load_problem(path), find_engine()
    model = constant_model("stiff", problem.parameters, {"pair.A.sigma": 2.5, "pair.B.sigma": 2.5})
    simulation = plan_simulation(problem, "box", model, 1, engine.version)
    ending = run_simulation(simulation, tmp_path, engine, stop=lambda: False).ending
    assert ending.exit_code == 0, ending.log[-2000:]
    recordings = read_recordings(simulation, tmp_path, ending.log)
    found = observe_recordings(recordings, problem.observables, "box")
    means = {one.observable: one.value for one in found if "r" not in one.state}
    assert means["like"] == pytest.approx(2.5, abs=0.02)
    assert means["unlike"] == pytest.approx(3.5, abs=0.02)
    assert means["of_dimers"] == pytest.approx(3.5, abs=0.02)
    # Three angles about one bead compete; that of the bead in the middle of the chain does not.
    assert means["like_angle"] == pytest.approx(150.0, abs=35.0)
    assert means["unlike_angle"] == pytest.approx(120.0, abs=12.0)
    bins = {one.state["r"]: 0.25 * one.value for one in found if one.observable == "bonds"}
    # A star has two bonds of each kind, a dimer one unlike.
    assert bins[2.5] == pytest.approx(2 / 5, abs=0.03)
    assert bins[3.5] == pytest.approx(3 / 5, abs=0.03)
    assert sum(bins.values()) == pytest.approx(1.0)
