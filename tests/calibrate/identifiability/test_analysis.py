"""The whole analysis on models that are linear, whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beadsmith.calibrate.identifiability import Goal, Information, Jacobian, identify
from beadsmith.problem.state import State

PRIOR = 0.4
DENSITY_STATES = [State.of(T=t) for t in (150, 175, 200, 225, 425, 450, 475, 500)]
RADIUS_STATES = [State.of(T=t) for t in range(150, 501, 25)]
ROWS = tuple(("density", at) for at in DENSITY_STATES) + tuple(("radius", at) for at in RADIUS_STATES)
ERRORS = np.where(np.arange(23) < 8, 0.010, 0.15)
NAMES = tuple(f"p{i}" for i in range(41))


def truth(seed=1):
    """Two directions that densities see, three that radii see, as strong as those of Pebax; by unit coordinates."""
    random = np.random.default_rng(seed)
    shapes = [np.linalg.qr(np.vander(np.linspace(-1, 1, n), k, increasing=True))[0] for n, k in ((8, 2), (15, 3))]
    directions = np.linalg.qr(random.normal(size=(41, 5)))[0].T
    strengths = [np.sqrt([7700.0, 80.0]), np.sqrt([300.0, 20.0, 2.0])]
    blocks = [
        shape * strength @ part
        for shape, strength, part in zip(shapes, strengths, (directions[:2], directions[2:]), strict=True)
    ]
    return np.concatenate(blocks) * ERRORS[:, None] / PRIOR


def noise_of_pebax():
    """Standard errors of pooled derivatives: about 1 for densities, 0.08 for radii, in units of errors and prior."""
    return np.where(np.arange(23) < 8, 0.9, 0.08)[:, None] * np.ones(41) * ERRORS[:, None] / PRIOR


def jacobian(values, stderrs):
    return Jacobian(ROWS, values, stderrs, {"density": 8.0, "radius": 7.0})


def goals(rows=range(23), errors=ERRORS):
    return [Goal(*ROWS[row], errors[row], np.eye(23)[row]) for row in rows]


def answered(values, stderrs, considered=None, targets=None, draws=40, seed=1):
    random = np.random.default_rng(seed)
    asked = goals() if targets is None else targets
    return identify(jacobian(values, stderrs), asked, considered or {}, NAMES, PRIOR, random, draws)


def exact(values=None):
    return Information((truth() if values is None else values) * PRIOR / ERRORS[:, None])


def test_without_noise_all_is_as_linear_algebra_says():
    found, expected = answered(truth(), np.zeros((23, 41)), {"density": goals([0])}), exact()
    np.testing.assert_allclose(found.eigenvalues.values, expected.eigenvalues, rtol=1e-9, atol=1e-9)
    assert found.resolved == 5
    assert found.effective.value == pytest.approx(expected.effective_number)
    assert found.effective.stderr == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(found.reductions.values, expected.reductions, atol=1e-12)
    np.testing.assert_allclose(found.widths, np.sqrt(np.diag(expected.covariance)), atol=1e-9)
    np.testing.assert_allclose(found.leverages.values, expected.leverages, atol=1e-12)
    np.testing.assert_allclose(found.raw, expected.eigenvalues, atol=1e-9)
    assert found.limits == {"density": 0.0, "radius": 0.0}


def test_noise_alone_holds_no_numbers():
    stderrs = noise_of_pebax()
    random = np.random.default_rng(5)
    found = [answered(stderrs * random.normal(size=(23, 41)), stderrs, seed=seed) for seed in range(10)]
    naive = [float((one.raw / (1 + one.raw)).sum()) for one in found]
    assert np.mean(naive) > 6
    assert sum(one.effective.value == 0.0 for one in found) >= 9  # each of two observables errs once in a hundred
    assert np.mean([one.effective.value for one in found]) < 0.2
    assert np.median([one.reductions.stderrs.max() for one in found]) < 0.05


def test_the_effective_number_is_right_and_its_error_bar_too():
    """Twenty noisy Jacobians of one truth: no bias, and a scatter like the error bars.

    These may be too large by some draws in which noise is taken for a direction, a whole number more.
    """
    stderrs = noise_of_pebax()
    random = np.random.default_rng(6)
    expected = exact().effective_number
    found = [
        answered(truth() + stderrs * random.normal(size=(23, 41)), stderrs, draws=15, seed=seed) for seed in range(20)
    ]
    values = np.array([one.effective.value for one in found])
    errors = np.array([one.effective.stderr for one in found])
    assert values.mean() == pytest.approx(expected, abs=0.08)
    assert np.mean(np.abs(values - expected) < 2.5 * errors) > 0.85
    assert 0.3 < np.median(errors) / values.std() < 4.0
    reductions = np.array([one.reductions.values for one in found])
    pulls = (reductions - exact().reductions) / np.array([one.reductions.stderrs for one in found])
    assert np.mean(np.abs(pulls) < 2.5) > 0.85


def test_the_spectrum_is_freed_from_noise_and_the_noise_is_shown():
    stderrs = noise_of_pebax()
    values = truth() + stderrs * np.random.default_rng(7).normal(size=(23, 41))
    found = answered(values, stderrs, draws=100)
    np.testing.assert_allclose(found.eigenvalues.values[:3], [7700, 300, 80], rtol=0.35)
    assert (found.raw[2:8] > 1.2 * found.eigenvalues.values[2:8]).all()
    np.testing.assert_allclose(found.noise.sum(), np.square(stderrs * PRIOR / ERRORS[:, None]).sum(), rtol=0.05)
    assert (found.noise_high > found.noise).all()
    assert found.limits["density"] == pytest.approx(0.81 * 30, rel=0.3)
    assert found.limits["radius"] < 0.5


def test_stiff_directions_have_error_bars_though_their_sign_means_nothing():
    stderrs = noise_of_pebax()
    random = np.random.default_rng(9)
    for seed in range(6):
        several = answered(truth(seed) + stderrs * random.normal(size=(23, 41)), stderrs, draws=8).directions
        assert np.abs(several.stderrs[:2]).max() < 0.1
    values = truth() + stderrs * random.normal(size=(23, 41))
    directions = answered(values, stderrs).directions
    expected = exact().directions[0] * np.sign(exact().directions[0] @ directions.values[0])
    assert np.abs(directions.stderrs[0]).max() < 0.05
    assert np.mean(np.abs(directions.values[0] - expected) < 2.5 * directions.stderrs[0]) > 0.9


def test_units_of_observables_and_of_parameters_do_not_matter():
    """Densities in kg/m^3 instead of g/cm^3: the same answer.  (Parameters enter by their ranges alone.)"""
    stderrs = noise_of_pebax()
    values = truth() + stderrs * np.random.default_rng(8).normal(size=(23, 41))
    factor = np.where(np.arange(23) < 8, 1000.0, 1.0)
    plain = answered(values, stderrs)
    scaled = answered(
        values * factor[:, None], stderrs * factor[:, None], targets=goals(errors=ERRORS * factor), seed=1
    )
    assert scaled.effective.value == pytest.approx(plain.effective.value)
    assert scaled.effective.stderr == pytest.approx(plain.effective.stderr)
    np.testing.assert_allclose(scaled.reductions.values, plain.reductions.values)


def test_shares_by_two_routes():
    """What an observable knows alone and what is lost without it, against analyses of parts of the targets."""
    found = answered(truth(), np.zeros((23, 41)))
    alone = {name: answered(truth(), np.zeros((23, 41)), targets=goals(rows)) for name, rows in PARTS.items()}
    others = {"density": "radius", "radius": "density"}
    for share in found.shares:
        name = share.observable
        assert share.targets == len(PARTS[name])
        assert share.alone.value == pytest.approx(alone[name].effective.value)
        assert share.lost.value == pytest.approx(found.effective.value - alone[others[name]].effective.value)
        assert share.nats_lost.value == pytest.approx(found.nats.value - alone[others[name]].nats.value)
        np.testing.assert_allclose(share.reductions_alone.values, alone[name].reductions.values, atol=1e-12)
        np.testing.assert_allclose(
            share.reductions_lost.values, found.reductions.values - alone[others[name]].reductions.values, atol=1e-12
        )


PARTS = {"density": range(8), "radius": range(8, 23)}


def test_what_is_considered_adds_what_it_would_add_as_a_target():
    """Radii as targets, densities considered: together they are the whole problem."""
    found = answered(truth(), np.zeros((23, 41)), {"density": goals(range(8))}, targets=goals(range(8, 23)))
    (addition,) = found.additions
    whole = exact()
    assert addition.gain.value == pytest.approx(whole.effective_number - found.effective.value)
    assert addition.nats.value == pytest.approx(whole.nats - found.nats.value)
    np.testing.assert_allclose(addition.reductions.values, whole.reductions - found.reductions.values, atol=1e-12)
    # Nothing of the densities is known from the radii, so they are open as far as the prior says.
    np.testing.assert_allclose(addition.spread.values, np.linalg.norm(truth()[:8], axis=1) * PRIOR, rtol=1e-6)
    stiffest = exact(np.concatenate([truth()[:8], np.zeros((15, 41))])).directions[0]
    assert abs(addition.direction.values @ stiffest) == pytest.approx(1.0, abs=1e-3)


def test_what_is_known_already_adds_little_and_coarse_measurements_less():
    def gain(row, error):
        considered = {"radius": [replace(goals([row])[0], stderr=error)]}
        return answered(truth(), np.zeros((23, 41)), considered).additions[0].gain.value

    assert gain(15, ERRORS[15]) < 0.1
    assert gain(15, 100 * ERRORS[15]) < 0.01 * gain(15, ERRORS[15])
    assert gain(15, 0.1 * ERRORS[15]) > gain(15, ERRORS[15])


def test_a_derived_observable_is_the_combination_that_its_chain_says():
    """A slope of two densities as the only target: the same as a Jacobian of one row."""
    chain = 3.0 * (np.eye(23)[0] - np.eye(23)[7])
    slope = Goal("expansion", State(), 0.02, chain)
    found = answered(truth(), np.zeros((23, 41)), targets=[slope])
    row = chain @ truth() * PRIOR / 0.02
    assert found.eigenvalues.values[0] == pytest.approx(row @ row)
    np.testing.assert_allclose(np.abs(found.directions.values[0]), np.abs(row) / np.linalg.norm(row))


def test_parameters_that_may_be_held():
    found = answered(truth(), np.zeros((23, 41)))
    inert = found.below(0.05)
    assert inert == tuple(name for name, gone in zip(NAMES, found.reductions.values, strict=True) if gone < 0.05)
    assert found.below(0.0) == ()
    assert found.below(1.1) == NAMES
    kept = np.array([name not in inert for name in NAMES])
    assert found.left(inert) == pytest.approx(exact(truth() * kept).effective_number)
    assert found.left(()) == pytest.approx(found.effective.value)
    assert found.left(NAMES) == 0.0


def test_the_same_seed_gives_the_same_error_bars():
    stderrs = noise_of_pebax()
    one, again, other = (answered(truth(), stderrs, seed=seed) for seed in (1, 1, 2))
    assert one.effective == again.effective
    assert one.effective.stderr != other.effective.stderr


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="at least one target"):
        answered(truth(), noise_of_pebax(), targets=[])
    with pytest.raises(ValueError, match="must be positive"):
        answered(truth(), noise_of_pebax(), targets=[replace(goals([0])[0], stderr=0.0)])
    with pytest.raises(ValueError, match="must be positive"):
        answered(truth(), noise_of_pebax(), considered={"density": [replace(goals([0])[0], stderr=-1.0)]})
    with pytest.raises(ValueError, match="must be positive"):
        identify(jacobian(truth(), noise_of_pebax()), goals(), {}, NAMES, 0.0, np.random.default_rng(1), 2)
