"""From recordings to direct observations."""

import time
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.errors import EstimateError
from beadsmith.observe import observe_recordings
from beadsmith.problem.recording import Bonded, Frames, Recording, Series, Topology
from beadsmith.problem.schema import (
    AngleDistribution,
    BondAngle,
    BondDistribution,
    BondLength,
    FromSeries,
    GlassTransitionHyperbola,
    Mean,
    OfMolecules,
    RadialDistribution,
)
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


def chained(frames, topology):
    """A recording of the walkers with the bonds of chains; the box is as wide as they need."""
    first = np.arange(len(topology.masses) - 1)
    first = first[topology.molecule_ids[first] == topology.molecule_ids[first + 1]]
    inner = first[:-1][np.diff(first) == 1]
    own = Topology(
        topology.masses,
        topology.bead_types,
        topology.molecule_ids,
        topology.molecule_kinds,
        ("A",),
        Bonded(np.stack([first, first + 1], axis=1), np.zeros(len(first), dtype=np.int64), ("A-A",)),
        Bonded(np.stack([inner, inner + 1, inner + 2], axis=1), np.zeros(len(inner), dtype=np.int64), ("A-A-A",)),
    )
    return replace(frames, boxes=40.0 * frames.boxes), own


def test_a_distribution_is_one_observation_for_each_bin_at_each_state(rng):
    frames, topology = chained(*walkers(rng))
    observables = {
        "length": BondLength(kind="bond_length", experiment="melt"),
        "bonds": BondDistribution(
            kind="bond_distribution", experiment="melt", bond="A-A", r="0.5 to 4.5 by 1 angstrom"
        ),
        "elsewhere": BondLength(kind="bond_length", experiment="vacuum"),
        "rdf": RadialDistribution(kind="radial_distribution", experiment="melt", r="5 10 angstrom"),
        "bends": AngleDistribution(kind="angle_distribution", experiment="melt", theta="45 135 degree"),
        "bend": BondAngle(kind="bond_angle", experiment="melt"),
    }
    records = [recording(rng, temperature, frames=frames, topology=topology) for temperature in (300.0, 400.0)]
    found = observe_recordings(records, observables, "melt")
    assert [(one.observable, one.state.label) for one in found] == [
        *[("length", f"T={T}") for T in (300, 400)],
        *[("bonds", f"T={T}, r={r}") for T in (300, 400) for r in (0.5, 1.5, 2.5, 3.5, 4.5)],
        *[("rdf", f"T={T}, r={r}") for T in (300, 400) for r in (5, 10)],
        *[("bends", f"T={T}, theta={theta}") for T in (300, 400) for theta in (45, 135)],
        *[("bend", f"T={T}") for T in (300, 400)],
    ]
    values = {(one.observable, one.state.label): one for one in found}
    # Steps of a normal walk: |r| has the mean sqrt(8/pi), two steps at random are as often bent as not.
    length, bend = values["length", "T=300"], values["bend", "T=300"]
    assert length.value == pytest.approx(np.sqrt(8 / np.pi), abs=4 * length.stderr)
    assert bend.value == pytest.approx(90.0, abs=4 * bend.stderr)
    assert bend.samples > 1000
    bent = values["bends", "T=300, theta=45"]
    assert bent.value == pytest.approx(0.5 / 90, abs=4 * bent.stderr)


def test_a_broken_distribution_tells_its_place(rng):
    frames, topology = walkers(rng)
    observables = {"rdf": RadialDistribution(kind="radial_distribution", experiment="melt", r="5 10 angstrom")}
    where = (
        "rdf of experiment melt at T=300: its bins reach 12.5 angstrom, more than half an edge of the box, 0.5 angst"
    )
    with pytest.raises(EstimateError, match=where):
        observe_recordings([recording(rng, frames=frames, topology=topology)], observables, "melt")
    with pytest.raises(
        EstimateError, match="rdf: experiment melt recorded no frames of positions with known molecules"
    ):
        observe_recordings([recording(rng, series=series(rng))], observables, "melt")
