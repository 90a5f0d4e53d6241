import re

import numpy as np
import pytest

from beadsmith.build.data_file import data_file
from beadsmith.build.system import isolated, melt
from beadsmith.forcefield.coefficients import coefficient_lines, style_lines
from beadsmith.problem.state import State
from beadsmith.simulate.engine import run_simulation
from beadsmith.simulate.outputs import read_dump
from beadsmith.simulate.plan import Simulation


@pytest.fixture
def small(mixture):
    problem, model = mixture
    return melt(problem, model, {"star": 2, "bead": 1, "chain": 2}, 0.1, State(), np.random.default_rng(4))


def section(text: str, name: str) -> list[list[str]]:
    """Rows of a section of a data file."""
    body = re.search(rf"^{name}.*?\n\n(.*?)(?:\n\n|\n?\Z)", text, re.MULTILINE | re.DOTALL)
    return [line.split("#")[0].split() for line in body[1].splitlines()] if body else []


def test_the_file_holds_what_the_system_holds(small):
    text = data_file(small, "five molecules")
    assert text.startswith("five molecules\n\n17 atoms\n12 bonds\n8 angles\n3 atom types\n3 bond types\n")
    assert section(text, "Masses") == [["1", "50"], ["2", "61.5"], ["3", "18"]]
    atoms = np.array(section(text, "Atoms"), dtype=float)
    assert atoms[:, 0].tolist() == list(range(1, 18))
    assert (atoms[:, 1] == small.topology.molecule_ids).all()
    assert (atoms[:, 2] == small.topology.bead_types).all()
    assert atoms[:, 3:] == pytest.approx(small.positions, abs=5.1e-6)
    assert np.array(section(text, "Bonds"), dtype=int)[:, 1:].tolist() == small.bonds.tolist()
    assert np.array(section(text, "Angles"), dtype=int)[:, 1:].tolist() == small.angles.tolist()
    assert f"0 {small.edges[2]:.8f} zlo zhi" in text


def test_a_title_stays_on_its_line(small):
    assert data_file(small, "two\nlines").startswith("two lines\n\n17 atoms")


def test_sections_without_entries_are_left_out(mixture):
    problem, model = mixture
    text = data_file(isolated(problem, model, "bead", 2, State(), np.random.default_rng(1)), "beads")
    assert "0 bonds" in text
    assert "Bonds" not in text
    assert "Angles" not in text


@pytest.mark.lammps
def test_lammps_reads_it_and_finds_bonds_and_angles_at_rest(mixture, engine, tmp_path):
    problem, model = mixture
    # Chains only: their angles are all exact. Some stick out of the box, on whatever side.
    system = melt(problem, model, {"chain": 30, "bead": 10}, 0.4, State(), np.random.default_rng(4))
    assert system.positions.min() < 0
    assert system.positions.max() > system.edges.max()
    script = [
        "units real",
        "atom_style molecular",
        "read_data system.data",
        *style_lines(problem),
        *coefficient_lines(problem, model, State()),
        "dump frames all custom 1 frames.dump id xu yu zu",
        'dump_modify frames sort id format float "%.6f"',
        "thermo_style custom step atoms bonds angles density ebond eangle",
        "run 0 post no",
        'print "FOUND $(atoms) $(bonds) $(angles) $(density:%.12g) $(ebond:%.6g) $(eangle:%.6g) $(mass(all):%.12g)"',
    ]
    files = {"in.lammps": "\n".join(script) + "\n", "system.data": data_file(system, "chains")}
    simulation = Simulation("read", files, engine.version, timestep=1.0, time_limit=60.0)
    log = run_simulation(simulation, tmp_path, engine, stop=lambda: False).ending.log
    found = [float(word) for word in re.findall(r"^FOUND (\d.*)$", log, re.MULTILINE)[0].split()]
    assert found[:3] == [130, 90, 60]
    assert found[3] == pytest.approx(0.4, rel=1e-6)
    # Five decimals of a coordinate: an energy of 8 (1e-5)^2 for each bond.
    assert found[4:6] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert found[6] == pytest.approx(system.topology.masses.sum())
    _, positions, boxes = read_dump(tmp_path / "frames.dump")
    # Unwrapped by LAMMPS' image flags, the molecules are as they were grown, whole.
    assert positions[0] == pytest.approx(system.positions, abs=1e-5)
    assert boxes[0] == pytest.approx(np.diag(system.edges), abs=1e-6)
