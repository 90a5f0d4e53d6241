"""From recordings to direct observations."""

import time

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe import observe_recordings
from beadsmith.problem.recording import Frames, Recording, Series, Topology
from beadsmith.problem.schema import FromSeries, GlassTransitionHyperbola, Mean, OfMolecules
from beadsmith.problem.state import State

NAMES = ("density", "potential_energy", "pressure", "temperature", "volume")


def series(rng, samples=90, names=NAMES) -> Series:
    return Series(10.0, {name: number + rng.normal(size=samples) for number, name in enumerate(names, 1)})


def walkers(rng, frames=40, count=40, beads=10) -> tuple[Frames, Topology]:
    positions = np.cumsum(rng.normal(size=(frames, count, beads, 3)), axis=2).reshape(frames, -1, 3)
    identities = np.repeat(np.arange(1, count + 1), beads)
    topology = Topology(
        np.ones(count * beads),
        np.ones(count * beads, dtype=np.int64),
        identities,
        {number: "even" if number % 2 == 0 else "odd" for number in range(1, count + 1)},
    )
    return Frames(100.0, positions, np.tile(np.eye(3), (frames, 1, 1))), topology


def recording(rng, temperature=300.0, **parts) -> Recording:
    return Recording("melt", State.of(T=temperature), **parts)


def test_every_kind_reads_the_column_of_its_name(rng):
    observables = {f"my_{kind}": FromSeries(kind=kind, experiment="melt") for kind in NAMES}
    found = observe_recordings([recording(rng, series=series(rng))], observables, "melt")
    assert [one.observable for one in found] == list(observables)
    for number, one in enumerate(found, 1):
        assert one.value == pytest.approx(number, abs=5 * one.stderr)
        assert one.stderr == pytest.approx(1 / np.sqrt(90), rel=0.5)
        assert one.state == State.of(T=300)
        assert one.samples == pytest.approx(90, rel=0.6)


def test_a_named_column_of_the_users_own(rng):
    own = Series(1.0, {"modulus": np.arange(20) % 2})  # integers are welcome
    found = observe_recordings(
        [recording(rng, series=own)], {"G": Mean(kind="mean", experiment="melt", column="modulus")}, "melt"
    )
    assert found[0].value == 0.5


def test_only_direct_observables_of_this_experiment_are_measured(rng):
    observables = {
        "rho": FromSeries(kind="density", experiment="melt"),
        "elsewhere": FromSeries(kind="density", experiment="vacuum"),
        "tg": GlassTransitionHyperbola(kind="glass_transition_hyperbola", density="rho"),
    }
    records = [recording(rng, temperature, series=series(rng)) for temperature in (300.0, 400.0)]
    found = observe_recordings(records, observables, "melt")
    assert [(one.observable, one.state["T"]) for one in found] == [("rho", 300.0), ("rho", 400.0)]
    assert observe_recordings(records, {}, "melt") == ()


def test_molecules_by_kind_or_all(rng):
    frames, topology = walkers(rng)
    frames.positions[:, topology.molecule_ids % 2 == 0] *= 2.0
    observables = {
        name: OfMolecules(kind="end_to_end_distance", experiment="melt", molecule=kind)
        for name, kind in (("even", "even"), ("odd", "odd"), ("all", None))
    }
    found = observe_recordings([recording(rng, frames=frames, topology=topology)], observables, "melt")
    even, odd, both = (one.value for one in found)
    assert even == pytest.approx(2 * odd, rel=0.1)
    assert both == pytest.approx((even + odd) / 2)


def test_radius_of_gyration_is_the_mean_of_the_root(rng):
    frames, topology = walkers(rng)
    found = observe_recordings(
        [recording(rng, frames=frames, topology=topology)],
        {"rg": OfMolecules(kind="radius_of_gyration", experiment="melt")},
        "melt",
    )
    chains = frames.positions.reshape(40, 40, 10, 3)
    radius = np.sqrt(chains.var(axis=2).sum(axis=2))
    assert found[0].value == pytest.approx(radius.mean())
    assert found[0].value < np.sqrt((radius**2).mean())


def test_a_missing_column_is_named_with_those_that_exist(rng):
    observables = {"rho": FromSeries(kind="density", experiment="melt")}
    sentence = "rho of experiment melt at T=300: no column 'density' was recorded; columns recorded: pressure, volume"
    with pytest.raises(EstimateError, match=f"^{sentence}$"):
        observe_recordings([recording(rng, series=series(rng, names=("volume", "pressure")))], observables, "melt")


def test_too_few_and_bad_samples_are_told_with_their_place(rng):
    observables = {"rho": FromSeries(kind="density", experiment="melt")}
    with pytest.raises(EstimateError, match="rho of experiment melt at T=300: 9 samples are too few"):
        observe_recordings([recording(rng, series=series(rng, samples=9))], observables, "melt")
    bad = series(rng)
    bad.columns["density"][3] = np.nan
    with pytest.raises(EstimateError, match="at T=300: 1 of 90 values are NaN"):
        observe_recordings([recording(rng, series=bad)], observables, "melt")


def test_a_log_and_a_trajectory_may_come_apart_but_both_must_come(rng):
    frames, topology = walkers(rng)
    log, dump = recording(rng, series=series(rng)), recording(rng, frames=frames, topology=topology)
    observables = {
        "rho": FromSeries(kind="density", experiment="melt"),
        "rg": OfMolecules(kind="radius_of_gyration", experiment="melt"),
    }
    assert len(observe_recordings([log, dump], observables, "melt")) == 2
    with pytest.raises(EstimateError, match="rg: experiment melt recorded no frames"):
        observe_recordings([log], observables, "melt")
    with pytest.raises(EstimateError, match="rho: experiment melt recorded no series"):
        observe_recordings([dump], observables, "melt")
    with pytest.raises(EstimateError, match="rg: experiment melt recorded no frames of positions with known molecules"):
        observe_recordings([recording(rng, series=series(rng), frames=frames)], observables, "melt")


def test_drift_reaches_the_observation(rng):
    drifting = Series(10.0, {"density": np.linspace(1.0, 1.1, 90) + 1e-3 * rng.normal(size=90)})
    found = observe_recordings(
        [recording(rng, series=drifting)], {"rho": FromSeries(kind="density", experiment="melt")}, "melt"
    )
    assert not found[0].equilibrated
    assert "not equilibrated" in found[0].note


def test_the_analysis_of_a_quick_evaluation_takes_a_tenth_of_a_second(rng, autoregressive):
    frames, topology = walkers(rng)
    melt = [recording(rng, T, series=Series(10.0, {"density": autoregressive(90, 10)})) for T in range(150, 350, 25)]
    vacuum = [recording(rng, T, frames=frames, topology=topology) for T in range(150, 525, 25)]
    observables = {
        "rho": FromSeries(kind="density", experiment="melt"),
        "rg": OfMolecules(kind="radius_of_gyration", experiment="melt"),
    }
    observe_recordings([*melt, *vacuum], observables, "melt")  # imports
    durations = []
    for _ in range(5):
        start = time.process_time()
        found = observe_recordings([*melt, *vacuum], observables, "melt")
        durations.append(time.process_time() - start)
    assert len(found) == 23
    assert min(durations) < 0.1


def test_columns_of_one_state_may_stand_in_several_recordings():
    """A log has the density, a fix ave/time file the rest: each observable finds its own."""
    random = np.random.default_rng(2)
    state = State.of(T=300)
    log = Recording("own", state, Series(1.0, {"density": random.normal(1.0, 0.01, 200)}))
    averages = Recording("own", state, Series(1.0, {"energy": random.normal(-2.0, 0.01, 200)}))
    observables = {
        "density": FromSeries(kind="density", experiment="own"),
        "energy": Mean(kind="mean", experiment="own", column="energy"),
    }
    found = observe_recordings([log, averages], observables, "own")
    assert [(one.observable, round(one.value)) for one in found] == [("density", 1), ("energy", -2)]
