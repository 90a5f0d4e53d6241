"""Derived observables of several replicas: from mean densities, with an error that holds what it promises."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.campaign.replicas import pooled, pooled_networks, pooled_with_derived
from beadsmith.observe import derive_observations
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import FromSeries, GlassTransitionLines
from beadsmith.problem.state import State

OBSERVABLES = {
    "density": FromSeries(kind="density", experiment="melt"),
    "tg": GlassTransitionLines(
        kind="glass_transition_lines", density="density", cold="150 to 225 K", hot="425 to 500 K"
    ),
}
TEMPERATURES = np.arange(150.0, 501.0, 25.0)
TG = 330.0


def replica(random, quench=0.0, tilt=0.0, noise=1e-3):
    """A cooled melt; the glass keeps a shift and a slope from its quench that no length of the run averages out."""
    below = np.maximum(TG - TEMPERATURES, 0.0)
    density = 1.18 + 6.2e-4 * (TG - TEMPERATURES) - 3.2e-4 * below
    glass = TEMPERATURES < TG
    density = density + glass * quench * random.normal() + tilt * below / 150 * random.normal()
    density = density + noise * random.normal(size=len(TEMPERATURES))
    direct = [
        Observation("density", State.of(T=float(t)), float(value), noise, 20.0)
        for t, value in zip(TEMPERATURES, density, strict=True)
    ]
    return (*direct, *derive_observations(direct, OBSERVABLES))


def tg_of(observations):
    (found,) = [one for one in observations if one.observable == "tg"]
    return found


def test_it_is_that_of_the_mean_densities():
    random = np.random.default_rng(1)
    replicas = [replica(random) for _ in range(3)]
    together = pooled_with_derived(replicas, OBSERVABLES)
    assert [one for one in together if one.observable == "density"] == [
        one for one in pooled(replicas) if one.observable == "density"
    ]
    means = pooled([[one for one in own if one.observable == "density"] for own in replicas])
    assert tg_of(together) == tg_of(derive_observations(means, OBSERVABLES))
    assert pooled_with_derived([], OBSERVABLES) == ()


def test_one_replica_is_itself():
    one = replica(np.random.default_rng(1))
    assert tg_of(pooled_with_derived([one], OBSERVABLES)) == tg_of(one)


def test_mean_densities_give_a_tg_where_single_replicas_do_not():
    """Sixteen short quenches: hardly any has a Tg, their mean of numbers like -6 and 1,080 K is none, the fit is."""
    random = np.random.default_rng(5)
    replicas = [replica(random, noise=8e-3) for _ in range(16)]
    alone = [tg_of(own) for own in replicas]
    assert sum("not determined" in one.note for one in alone) > 8
    together = tg_of(pooled_with_derived(replicas, OBSERVABLES))
    assert "not determined" not in together.note
    assert abs(together.value - TG) < 2 * together.stderr < 100
    assert tg_of(pooled(replicas)).stderr > 1.5 * together.stderr


@pytest.mark.parametrize(("quench", "tilt"), [(0.0, 0.0), (2e-3, 0.0), (4e-3, 0.0), (2e-3, 2e-3)])
@pytest.mark.parametrize("count", [2, 4])
def test_its_interval_holds_the_truth_also_for_glasses_that_remember_their_quench(quench, tilt, count):
    """Errors of a glass are common to its temperatures; taking them as independent is on the safe side for lines."""
    random = np.random.default_rng(8)
    sets = [[replica(random, quench, tilt) for _ in range(count)] for _ in range(400)]
    found = [tg_of(pooled_with_derived(replicas, OBSERVABLES)) for replicas in sets]
    z = np.array([abs(one.value - TG) / one.stderr for one in found])
    # 400 tries scatter by 0.023 and 0.011 about 68 % and 95 %.
    assert (z < 1).mean() > 0.683 - 0.06
    assert (z < 1.96).mean() > 0.95 - 0.03
    assert np.std([one.value for one in found]) < 1.1 * math.sqrt(np.mean([one.stderr**2 for one in found]))


def test_replicas_that_share_their_networks_do_not_know_them_better():
    """Two networks differ by 0.2: another look at the same two says nothing of a third."""
    state = State.of(DC=0.9, T=300)

    def looked(*values: float):
        return pooled_networks([[[Observation("density", state, value, 0.001)]] for value in values])

    (once,) = looked(1.0, 1.2)
    assert (once.networks, once.within) == (2, None)
    assert once.between == pytest.approx(math.sqrt(0.02), rel=1e-3)
    assert once.stderr == pytest.approx(0.1, rel=1e-3)
    (twice,) = pooled([looked(1.0, 1.2), looked(1.001, 1.199)])
    assert twice.stderr == pytest.approx(once.stderr, rel=0.01)
    (apart,) = pooled([[replace(one, networks=0) for one in looked(1.0, 1.2)] for _ in range(2)])
    assert apart.stderr == pytest.approx(once.stderr / math.sqrt(2), rel=0.01)


def test_pulls_that_say_nothing_are_left_out_of_the_mean_and_told():
    state = State.of(DC=0.9, T=300)
    pulls = [Observation("yield", state, 100.0, 5.0), Observation("yield", state, math.nan, math.inf, note="no yield")]
    (mean,) = pooled_networks([[[one] for one in pulls], [[pulls[0]], [pulls[0]]]])
    assert mean.value == pytest.approx(100)
    assert mean.note == "no yield; not determined in 1 of 4 measurements"
    (none,) = pooled_networks([[[pulls[1]]], [[pulls[1]]]])
    assert math.isinf(none.stderr)
    assert none.note == "no yield"


def test_a_state_that_is_left_open_says_nothing_of_the_scatter_at_others():
    """Two replicas differ by 0.2 and each claim 0.01; at another degree no curve has a yield."""

    def replica_of(shift: float, *open_degrees: float):
        known = [Observation("yield", State.of(DC=degree), 0.1 + shift, 0.01) for degree in (0.6, 0.7)]
        return [
            *[
                Observation("yield", State.of(DC=degree), math.nan, math.inf, note="no yield")
                for degree in open_degrees
            ],
            *known,
        ]

    alone = pooled([replica_of(0.0), replica_of(0.2)])
    none, *others = pooled([replica_of(0.0, 0.5), replica_of(0.2, 0.5)])
    assert others == list(alone)
    assert [one.stderr for one in others] == pytest.approx([0.1, 0.1])
    assert (math.isnan(none.value), none.stderr, none.note) == (True, math.inf, "no yield")


def test_replicas_that_leave_a_state_open_are_left_out_there_and_told():
    """Of what a single replica has, the scatter is that of other states: its own claim misses it."""
    states = [State.of(DC=degree) for degree in (0.5, 0.6, 0.7)]
    first = [Observation("yield", state, 0.1, 0.01) for state in states]
    second = [Observation("yield", state, 0.3, 0.01) for state in states[1:]]
    broken = replace(first[0], value=math.nan, stderr=math.inf, note="no yield")
    half, *_ = pooled([first, [broken, *second]])
    assert half.value == pytest.approx(0.1)
    assert half.stderr == pytest.approx(math.sqrt(0.02))
    assert half.note == "no yield; not determined in 1 of 2 measurements"
    (only,) = pooled([first[:1], [broken]])
    assert (only.value, only.stderr) == (0.1, 0.01)
