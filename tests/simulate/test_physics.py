"""What our simulations sample, against statistical mechanics that can be done by hand."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate

from beadsmith.build.data_file import data_file
from beadsmith.build.system import isolated
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.problem.state import State
from beadsmith.simulate.engine import run_simulation
from beadsmith.simulate.plan import plan_simulation, plan_simulations
from beadsmith.units import BOLTZMANN

pytestmark = pytest.mark.lammps

PEBAX = Path(__file__).parents[2] / "examples" / "pebax"
AVOGADRO = 6.02214076e23
ATMOSPHERE = 101325.0  # Pa


def test_isolated_dumbbells_stretch_as_boltzmann_says(document, load, model_of, attempt, engine):
    temperature, stiffness, length, replicas = 300.0, 6.0, 3.6, 300
    document["experiments"]["alone"] |= {
        "molecule": "dumbbell",
        "replicas": replicas,
        "protocol": [
            {"stage": "langevin", "temperature": "300 K", "duration": "5 ps", "damping": "0.5 ps"},
            {
                "stage": "langevin",
                "temperature": "300 K",
                "duration": "20 ps",
                "damping": "0.5 ps",
                "record": True,
                "frames": 20,
            },
        ],
    }
    problem = load(document)
    (recording,) = attempt(plan_simulation(problem, "alone", model_of(problem), 1, engine.version))
    ends = recording.frames.positions[1:].reshape(20, replicas, 2, 3)
    lengths = np.linalg.norm(ends[:, :, 1] - ends[:, :, 0], axis=-1)

    def average(quantity) -> float:
        def weight(r: float) -> float:
            return r**2 * math.exp(-stiffness * (r - length) ** 2 / (BOLTZMANN * temperature))

        return (
            integrate.quad(lambda r: quantity(r) * weight(r), 0, 12, points=[length])[0]
            / integrate.quad(weight, 0, 12, points=[length])[0]
        )

    # Molecules that do not see each other are independent samples; frames of one of them are not.
    for quantity in (lambda r: r, lambda r: (r - length) ** 2):
        by_molecule = quantity(lengths).mean(axis=0)
        stderr = by_molecule.std(ddof=1) / math.sqrt(replicas)
        assert stderr < 0.05 * by_molecule.mean()
        assert abs(by_molecule.mean() - average(quantity)) < 4 * stderr

    energy = recording.series.columns["potential_energy"].mean() / replicas
    assert energy == pytest.approx(stiffness * average(lambda r: (r - length) ** 2), rel=0.05)
    assert recording.series.columns["temperature"].mean() == pytest.approx(temperature, rel=0.03)


def test_replicas_do_not_feel_each_other_even_where_they_overlap(document, load, model_of, engine, folder):
    document["molecules"]["trimer"]["beads"] = "A B B A B A"  # long and bent enough to have pairs of its own
    document["parameters"]["angle.*.theta0"] = {"fixed": "100 degree"}
    problem = load(document)
    model = model_of(problem)
    copies = 8
    apart = isolated(problem, model, "trimer", copies, State.of(T=300), np.random.default_rng(3))
    alone = isolated(problem, model, "trimer", 1, State.of(T=300), np.random.default_rng(3))
    molecules = apart.positions.reshape(copies, 6, 3)
    molecules = molecules - molecules.mean(axis=1, keepdims=True) + 0.5 * alone.edges

    document["experiments"]["alone"]["replicas"] = copies
    text = plan_simulation(load(document), "alone", model, 1, engine.version).files["in.lammps"]
    header = text.split("velocity")[0].split("# langevin")[0]
    assert "exclude molecule/inter" in header
    # All of them at one place: without the exclusion the energy would be enormous.
    files = {"all.data": data_file(replace(apart, positions=molecules.reshape(-1, 3)), "all")}
    files |= {
        f"{number}.data": data_file(replace(alone, positions=positions), "one")
        for number, positions in enumerate(molecules)
    }
    lines = []
    for name in files:
        lines += ["clear", header.replace("system.data", name), "run 0 post no"]
        lines += ['print "FOUND $(pe:%.12g) $(evdwl:%.12g) $(eangle:%.12g)"']
    simulation = plan_simulation(load(document), "alone", model, 1, engine.version)
    simulation = replace(simulation, files={"in.lammps": "\n".join(lines) + "\n", **files})
    log = run_simulation(simulation, folder, engine, stop=lambda: False).ending.log
    found = np.array([line.split() for line in re.findall(r"^FOUND (-?[\d.].*)$", log, re.MULTILINE)], dtype=float)
    together, singles = found[0], found[1:]
    assert singles.shape == (copies, 3)
    assert (singles[:, 1] != 0).sum() > copies / 2
    assert together == pytest.approx(singles.sum(axis=0), rel=1e-6, abs=1e-6)


def test_a_nearly_ideal_gas_has_the_density_of_an_ideal_gas(document, load, model_of, attempt, engine):
    temperature, pressure, beads = 400.0, 100.0, 200
    document["molecules"]["bead"] = {"beads": "A"}
    document["parameters"] |= {"pair.*.epsilon": {"fixed": "1e-4 kcal/mol"}, "pair.*.sigma": {"fixed": "0.5 angstrom"}}
    damping = {"temperature": "400 K", "pressure": "100 atm", "damping": "0.2 ps", "pressure_damping": "1 ps"}
    document["experiments"]["melt"] |= {
        "molecules": {"bead": beads},
        "initial_density": "0.1 g/cm^3",
        "protocol": [
            {"stage": "npt", "duration": "20 ps", **damping},
            {"stage": "npt", "duration": "60 ps", "record": True, **damping},
        ],
    }
    problem = load(document)
    (recording,) = attempt(plan_simulation(problem, "melt", model_of(problem), 1, engine.version))
    kelvin_per_joule = 1.380649e-23
    expected = 40.0 / AVOGADRO / (kelvin_per_joule * temperature) * (pressure * ATMOSPHERE) * 1e-6  # g/cm^3
    density = recording.series.columns["density"]
    blocks = density[: len(density) // 10 * 10].reshape(10, -1).mean(axis=1)
    stderr = blocks.std(ddof=1) / math.sqrt(len(blocks))
    assert stderr < 0.02 * expected
    # Two hundred particles: the ends of an ensemble average differ by one in two hundred.
    assert abs(density.mean() - expected) < 4 * stderr + expected / beads
    volume, mass = recording.series.columns["volume"], beads * 40.0
    assert density * volume == pytest.approx(mass * 1e24 / AVOGADRO, rel=1e-4)


def test_pebax_runs_at_its_smallest_fidelity(attempt, engine, folder):
    problem = load_problem(PEBAX / "problem.yaml", "ci")
    model = load_model(PEBAX / "models" / "martins2025-bo.yaml", problem)
    melt, vacuum = plan_simulations(problem, model, 1, engine.version)
    recordings = attempt(melt)
    assert [recording.state["T"] for recording in recordings] == [500, 475, 450, 425, 225, 200, 175, 150]
    for recording in recordings:
        assert_sound(recording, beads=320)
        assert recording.series.columns.keys() == {"temperature", "potential_energy", "pressure", "density", "volume"}
        box = recording.frames.boxes
        assert box == pytest.approx(box[:, :1, :1] * np.eye(3))
    # This melt is cooled faster than its thermostat can follow, but it is cooled.
    temperatures = mean_temperatures(recordings)
    assert (np.diff(temperatures) < 0).all()
    assert temperatures[0] == pytest.approx(500, rel=0.3)
    densities = [recording.series.columns["density"].mean() for recording in recordings]
    assert densities[-1] > 0.9
    assert densities[0] < densities[-1]

    for path in folder.iterdir():
        path.unlink()
    recordings = attempt(vacuum)
    assert [recording.state["T"] for recording in recordings] == list(range(500, 149, -25))
    for recording in recordings:
        assert_sound(recording, beads=80)
        assert recording.series.columns.keys() == {"temperature", "potential_energy"}
    ratios = mean_temperatures(recordings) / [recording.state["T"] for recording in recordings]
    # Eighty beads for three picoseconds: each temperature is uncertain, all together less so.
    assert ratios == pytest.approx(1.0, abs=0.35)
    assert ratios.mean() == pytest.approx(1.0, abs=0.1)


def mean_temperatures(recordings) -> np.ndarray:
    return np.array([recording.series.columns["temperature"].mean() for recording in recordings])


def assert_sound(recording, beads: int) -> None:
    for column in recording.series.columns.values():
        assert np.isfinite(column).all()
        assert len(column) >= 10
    frames, atoms, _ = recording.frames.positions.shape
    assert frames >= 10
    assert atoms == beads == len(recording.topology.masses)
    assert np.isfinite(recording.frames.positions).all()
    # No bond longer than half a box: molecules are whole.
    chains = recording.frames.positions.reshape(frames, -1, 10, 3)
    assert np.linalg.norm(np.diff(chains, axis=2), axis=-1).max() < 8.0
