"""Molecules, small systems of atoms, and LAMMPS' energies of them, term by term."""

import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from beadsmith.atomistic.data_file import atomistic_data_file, coefficient_file, style_lines
from beadsmith.atomistic.dreiding import DreidingOptions
from beadsmith.atomistic.system import AtomisticSystem, atomistic_system
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.smiles import conformation, molecular_graph
from beadsmith.simulate.engine import Engine, find_engine, run_simulation
from beadsmith.simulate.plan import Simulation

#: SMILES and kind of site.
MOLECULES = {
    "dgeba": ("*CC(O)COc1ccc(cc1)C(C)(C)c1ccc(cc1)OCC(O)C*", "epoxide"),
    "pacm": ("*N(*)C1CCC(CC1)CC1CCC(CC1)N(*)*", "amine"),
    "sulfone": ("*N(*)c1ccc(cc1)S(=O)(=O)c1ccc(cc1)N(*)*", "amine"),
    "brominated": ("*CC(O)COc1c(Br)cc(cc1Br)C(C)(C)c1cc(Br)c(c(Br)c1)OCC(O)C*", "epoxide"),
    "ether": ("*N(*)C(C)COCC(C)N(*)*", "amine"),
    "ethane": ("CC", ""),
    "benzene": ("c1ccccc1", ""),
    "propene": ("CC=C", ""),
}
#: Terms in LAMMPS' words; long-range Coulomb energies are one term with what the pairs bring.
TERMS = ("ebond", "eangle", "edihed", "eimp", "evdwl", "ecoul", "elong")

GraphOf = Callable[[str], MolecularGraph]
SystemOf = Callable[..., AtomisticSystem]
Energies = Callable[..., dict[str, float]]
Run = Callable[..., tuple[dict[str, float], np.ndarray]]


@pytest.fixture
def graph_of() -> GraphOf:
    """A molecule by its name in the list above."""
    return lambda name: molecular_graph(name, *MOLECULES[name])


@pytest.fixture
def system_of(graph_of: GraphOf) -> SystemOf:
    """Molecules of the list above on a grid, each turned and bent a little: no term is at its minimum."""

    def system(counts: Mapping[str, int], spacing: float = 12.0, seed: int = 1, **chosen: object) -> AtomisticSystem:
        random = np.random.default_rng(seed)
        graphs = {name: graph_of(name) for name in dict.fromkeys([*counts, "dgeba", "pacm"])}
        cells = itertools.product(range(4), repeat=3)
        placed = []
        for name, count in counts.items():
            for _ in range(count):
                turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
                shape = conformation(graphs[name], seed) @ turn
                placed.append(shape + random.normal(scale=0.04, size=shape.shape) + spacing * np.array(next(cells)))
        positions = np.round(np.concatenate(placed), 6)
        edges = np.round(np.ptp(positions, axis=0) + 4.0, 6).clip(min=30.0)
        # Sums over pairs know nothing beyond the cutoff.
        options = DreidingOptions(**{"tail": False, **chosen})
        return atomistic_system(graphs, counts, options, positions, edges, [("epoxide", "amine")])

    return system


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine()


@pytest.fixture
def lammps(engine: Engine, tmp_path: Path) -> Run:
    """What LAMMPS makes of our files after commands of the test: energies, kcal/mol, and unwrapped positions."""

    def run(system: AtomisticSystem, commands: str = "run 0 post no") -> tuple[dict[str, float], np.ndarray]:
        folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        found = " ".join(f"{term}=$({term}:%.15g)" for term in (*TERMS, "pe", "etail"))
        lines = [
            "units real",
            "atom_style full",
            *style_lines(system.options),
            "read_data system.data",
            "include coefficients.lammps",
            f"thermo_style custom step pe {' '.join(TERMS)} etail",
            "thermo_modify norm no",
            commands,
            f'print "FOUND {found}"',
            "write_dump all custom last.dump id xu yu zu modify sort id format float %.10g",
        ]
        files = {
            "in.lammps": "\n".join(lines) + "\n",
            "system.data": atomistic_data_file(system, "test"),
            "coefficients.lammps": coefficient_file(system),
        }
        simulation = Simulation("probe", files, engine.version, timestep=1.0, time_limit=60.0)
        ending = run_simulation(simulation, folder, engine, stop=lambda: False).ending
        assert ending.exit_code == 0, ending.log[-2000:] + ending.errors
        warnings = [line for line in ending.log.splitlines() if line.startswith("WARNING")]
        assert [line for line in warnings if "time integration" not in line] == []
        (line,) = [each for each in re.findall(r"^FOUND (.*)$", ending.log, re.MULTILINE) if "$" not in each]
        values = {name: float(value) for name, value in (word.split("=") for word in line.split())}
        energies = {
            "bonds": values["ebond"],
            "angles": values["eangle"],
            "torsions": values["edihed"],
            "inversions": values["eimp"],
            "exp-6": values["evdwl"],
            "coulomb": values["ecoul"] + values["elong"],
            "total": values["pe"],
        }
        return energies, np.loadtxt(folder / "last.dump", skiprows=9, usecols=(1, 2, 3), ndmin=2)

    return run


@pytest.fixture
def lammps_energies(lammps: Run) -> Energies:
    """The energies alone."""
    return lambda *arguments: lammps(*arguments)[0]
