"""What every test may rely on: no display, one thread per process, the same random examples each time.

And a small network, which tests of several rooms cure.
"""

import copy
import os
from typing import Any

import hypothesis
import pytest
import yaml

# Before anything imports matplotlib or a BLAS; simulations started by tests inherit it.
os.environ["MPLBACKEND"] = "Agg"
os.environ["OMP_NUM_THREADS"] = "1"

# A test that fails for one must fail for all. No deadline: the machine may be busy.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")


NETWORK = yaml.safe_load("""
title: A toy resin and its hardener
beads: {E: {mass: 50 g/mol}, N: {mass: 60 g/mol}, M: {mass: 70 g/mol}}
molecules: {resin: {beads: E M E}, hardener: {beads: N M N}}
reactions: {capacities: {E: 1, N: 2}, bonds: E-N}
forcefield: {pair: {style: lj/cut, cutoff: 6 angstrom}}
parameters:
  pair.*.epsilon: 0.6 to 1.4 kcal/mol
  pair.*.sigma: {fixed: 3.8 angstrom}
  bond.*.k: {fixed: 10 kcal/mol/angstrom^2}
  bond.*.length: {fixed: 3.8 angstrom}
  angle.*.k: {fixed: 3 kcal/mol/rad^2}
  angle.*.theta0: {fixed: 130 degree}
experiments:
  network:
    kind: network
    molecules: {resin: 12, hardener: 6}
    initial_density: 0.5 g/cm^3
    timestep: 5 fs
    time_limit: 2 min
    cure:
      cutoff: 8 angstrom
      bonds_per_cycle: 6
      rules: [{virgin: N, until: 0.5}, {different_networks: yes, until: 0.75}, {}]
      preparation:
        - {stage: push-off, temperature: 350 K, steps: 200}
        - {stage: npt, temperature: 350 K, pressure: 1 atm, duration: 1000 steps}
      relaxation:
        - {stage: minimize, iterations: 50}
        - {stage: npt, temperature: 350 K, pressure: 1 atm, duration: 300 steps}
    degrees: 0 0.5 0.9
    protocol:
      - {stage: npt, temperature: 300 K, pressure: 1 atm, duration: 1000 steps}
      - {stage: npt, temperature: 300 K, pressure: 1 atm, duration: 2000 steps, record: yes, frames: 40}
observables:
  density: {kind: density, experiment: network}
""")


@pytest.fixture
def network_document() -> dict[str, Any]:
    """A problem whose only experiment is a small network, cured within seconds; to be changed."""
    return copy.deepcopy(NETWORK)


@pytest.fixture(scope="session")
def unchanged_network() -> dict[str, Any]:
    """The same, for what is cured once for several tests."""
    return copy.deepcopy(NETWORK)
