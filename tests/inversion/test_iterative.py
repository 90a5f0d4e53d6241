"""One step of the iteration, its end, and its pressure, on gases whose answer is in closed form."""

import math

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.inversion.iterative import (
    Distribution,
    Pressure,
    Target,
    corrected,
    deviation,
    inverted,
    pressure_converged,
    ramp_height,
    table_of,
    with_ramp,
)
from beadsmith.inversion.radial import pair_energy, radial_bins
from beadsmith.units import ATMOSPHERES

KT = 0.6
R = radial_bins(10.0, 0.1)


def energy(epsilon=0.6, sigma=4.0):
    return pair_energy("lj/cut", R, epsilon, sigma, (8.0, 10.0))


def gas(potential, kt=KT, stderr=1e-6):
    return Distribution(np.exp(-potential / kt), np.full(len(R), stderr))


def target(*states, kt=(KT,)):
    return Target("pair", "A-A", R, states, kt)


def test_a_gas_is_inverted_at_once():
    wanted = target(gas(energy()))
    first = inverted(wanted)
    seen = wanted.believed & (R < 9.9)
    assert first[seen] == pytest.approx(energy()[seen], abs=1e-3)


def test_one_step_leads_from_any_potential_of_a_gas_to_the_right_one():
    wanted = target(gas(energy()))
    wrong = energy(0.5, 4.0)
    right = corrected(wanted, wrong, [gas(wrong)], damping=1.0)
    seen = wanted.believed & (np.abs(energy() - wrong) < 0.5 * KT)
    assert right[seen] == pytest.approx(energy()[seen], abs=2e-3)
    half = corrected(wanted, wrong, [gas(wrong)], damping=0.5)
    assert half[seen] == pytest.approx(0.5 * (wrong + energy())[seen], abs=2e-3)


def test_a_bond_of_which_hardly_anything_is_seen_has_no_table():
    x = np.arange(0.5, 6.0)
    thin = Target("bond", "A-B", x, (Distribution(np.array([0, 1.0, 2.0, 1.0, 0, 0]), np.full(6, 0.05)),), (KT,))
    with pytest.raises(EstimateError, match=r"^bond A-B: its distribution stands out of the noise in 3 bins, and .* 4"):
        table_of(thin, inverted(thin))


@pytest.mark.parametrize("stderr", [0.0, 0.01])
def test_a_state_in_which_nothing_is_seen_says_nothing(stderr):
    nothing = Distribution(np.zeros(len(R)), np.full(len(R), stderr))
    one, both = target(gas(energy())), target(gas(energy()), nothing, kt=(KT, 2 * KT))
    assert inverted(both) == pytest.approx(inverted(one))
    wrong = energy(0.5, 4.0)
    gave = gas(wrong)
    assert corrected(both, wrong, [gave, gave], 1.0) == pytest.approx(corrected(one, wrong, [gave], 1.0))


def test_what_is_noise_is_not_followed():
    wanted = target(gas(energy(), stderr=0.1))
    wrong = energy(0.59)
    moved = corrected(wanted, wrong, [gas(wrong, stderr=0.1)], damping=1.0)
    seen = wanted.believed & (R > 4.0)
    followed = np.abs(moved - wrong)[seen].max() / np.abs(energy() - wrong)[seen].max()
    assert followed < 0.2


def test_several_states_are_averaged_and_the_cutoff_is_left_alone():
    states = (gas(energy(0.6), 0.6), gas(energy(0.6), 0.9))
    wanted = target(*states, kt=(0.6, 0.9))
    wrong = energy(0.5)
    moved = corrected(wanted, wrong, [gas(wrong, 0.6), gas(wrong, 0.9)], damping=1.0)
    middle = int(np.argmin(np.abs(R - 5.05)))
    gone = (moved[middle] - wrong[middle]) / (energy()[middle] - wrong[middle])
    assert gone == pytest.approx(1.0 - 5.05 / 10.0, rel=0.1)
    assert moved[-1] == pytest.approx(0.0, abs=1e-3)


def test_a_state_without_the_pair_does_not_count():
    wanted = target(gas(energy()), None, kt=(KT, KT))
    wrong = energy(0.5)
    alone = corrected(target(gas(energy())), wrong, [gas(wrong)], damping=1.0)
    assert corrected(wanted, wrong, [gas(wrong), None], damping=1.0) == pytest.approx(alone)


def test_deviation_is_one_for_noise_alone(rng):
    truth, stderr = gas(energy()).value, 0.02
    ratios = []
    for _ in range(50):
        one, other = (Distribution(truth + stderr * rng.normal(size=len(R)), np.full(len(R), stderr)) for _ in "ab")
        found = deviation(target(one), [other])
        ratios.append(found.ratio)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)
    assert deviation(target(one), [one]).converged
    far = deviation(target(one), [gas(energy(0.8), stderr=stderr)])
    assert not far.converged
    assert far.relative > 5 * far.floor


def test_a_distribution_of_noise_is_refused(rng):
    noise = Distribution(np.abs(0.01 * rng.normal(size=len(R))), np.full(len(R), 0.05))
    with pytest.raises(EstimateError, match="all noise"):
        inverted(target(noise))


def test_the_ramp_changes_the_virial_pressure_by_what_lacks():
    """Two routes: the height from the pressure, and the pressure from the force of the ramp, pair by pair."""
    random = np.random.default_rng(3)
    edge, count = 40.0, 400
    positions = random.uniform(0, edge, (count, 3))
    apart = positions[:, None] - positions[None]
    apart -= edge * np.round(apart / edge)
    distances = np.linalg.norm(apart, axis=2)[np.triu_indices(count, 1)]
    edges = np.linspace(0, 10, 101)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    pairs = count * (count - 1) // 2
    g = np.histogram(distances, edges)[0] * edge**3 / (pairs * shells)
    height = ramp_height(-250.0, 10.0, edge**3, {"A-A": (pairs, R, g)}, largest=9.0)
    assert height < 0
    near = distances[distances < 10.0]
    virial = float((near * height / 10.0).sum()) / (3 * edge**3)  # force of A (1 - r/rc) is A/rc
    assert virial * ATMOSPHERES == pytest.approx(-250.0, rel=0.01)
    assert ramp_height(-250.0, 10.0, edge**3, {"A-A": (pairs, R, g)}, largest=1e-4) == -1e-4
    ramped = with_ramp(target(gas(energy())), np.zeros(len(R)), height)
    assert ramped[0] == pytest.approx(height, rel=0.01)
    assert ramped[-1] == pytest.approx(0.0, abs=0.01 * abs(height))


def test_pressures_agree_within_their_errors():
    assert pressure_converged(Pressure(110.0, 5.0), Pressure(100.0, 5.0))
    assert not pressure_converged(Pressure(120.0, 5.0), Pressure(100.0, 5.0))


@pytest.mark.parametrize("kind", ["bond", "angle"])
def test_bonds_and_angles_are_inverted_with_their_measures(kind):
    x = np.linspace(2.05, 5.95, 40) if kind == "bond" else np.linspace(62.5, 177.5, 24)
    centre, k = (3.5, 3.0) if kind == "bond" else (120.0, 3.0 * (math.pi / 180) ** 2)
    truth = k * (x - centre) ** 2
    weight = x**2 if kind == "bond" else np.sin(np.radians(x))
    density = weight * np.exp(-truth / KT)
    density /= density.sum() * (x[1] - x[0])
    wanted = Target(kind, "A-B", x, (Distribution(density, np.full(len(x), 1e-6)),), (KT,))
    seen = wanted.believed
    assert inverted(wanted)[seen] == pytest.approx((truth - truth.min())[seen], abs=1e-6)
    table = table_of(wanted, inverted(wanted))
    assert table(np.array([centre]))[0] == pytest.approx(0.0, abs=0.02)
