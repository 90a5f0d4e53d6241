"""What LAMMPS makes of our files, against the formulas of the paper written out in NumPy, and against OpenMM.

The reference below knows the paper's rules by itself: it shares no table and no line with the package.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate
from scipy.special import erfc

from beadsmith.atomistic.system import crosslinked_atoms

#: e^2/(4 pi epsilon_0), kcal/mol angstrom: the value of LAMMPS' units real.
COULOMB = 332.06371

#: Bond radius, angle, R0, D0, zeta.
NUMBERS = {
    "H_": (0.33, 180, 3.195, 0.0152, 12.382),
    "C_3": (0.77, 109.471, 3.8983, 0.0951, 14.034),
    "C_R": (0.70, 120, 3.8983, 0.0951, 14.034),
    "C_2": (0.67, 120, 3.8983, 0.0951, 14.034),
    "N_3": (0.702, 106.7, 3.6621, 0.0774, 13.843),
    "N_R": (0.65, 120, 3.6621, 0.0774, 13.843),
    "O_3": (0.66, 104.51, 3.4046, 0.0957, 13.483),
    "O_R": (0.66, 120, 3.4046, 0.0957, 13.483),
    "O_2": (0.56, 120, 3.4046, 0.0957, 13.483),
    "S_3": (1.04, 92.1, 4.03, 0.344, 12.0),
    "Br": (1.167, 180, 3.95, 0.37, 12.0),
}


def rule(i: str, j: str, k: str, m: str, order: float) -> tuple[float, int, float]:
    """V, n and phi0 about the bond j-k of molecules without two rings side by side."""
    kinds = sorted(each[-1] for each in (j, k))
    oxygens = sum(each in {"O_3", "S_3"} for each in (j, k))
    if kinds == ["3", "3"]:
        return (2.0, 2, 90.0) if oxygens == 2 else (2.0, 3, 180.0)
    if "3" not in kinds:
        return {2.0: 45.0, 1.5: 25.0}.get(order, 5.0), 2, 180.0
    if oxygens:
        return 2.0, 2, 180.0
    beside = i if j[-1] != "3" else m
    return (1.0, 6, 0.0) if beside[-1] in "2R" else (2.0, 3, 180.0)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return math.acos(np.clip(unit(a) @ unit(b), -1, 1))


def dihedral(points: np.ndarray) -> float:
    first, middle, last = np.diff(points, axis=0)
    normals = np.cross(first, middle), np.cross(middle, last)
    return math.atan2(np.linalg.norm(middle) * (first @ normals[1]), normals[0] @ normals[1])


def by_hand(system) -> dict[str, float]:
    """kcal/mol, term by term, in plain loops."""
    types = [system.type_names[each] for each in system.atom_types]
    x, atoms = system.positions, range(len(system.positions))
    bonds = [tuple(bond) for bond in system.topology.bonds.members.tolist()]
    orders = {frozenset(bond): order for bond, order in zip(bonds, system.orders.tolist(), strict=True)}
    near = {atom: [] for atom in atoms}
    for first, second in bonds:
        near[first].append(second)
        near[second].append(first)
    energy = dict.fromkeys(("bonds", "angles", "torsions", "inversions", "exp-6", "coulomb"), 0.0)
    excluded = set()
    for first, second in bonds:
        excluded.add(frozenset((first, second)))
        rest = NUMBERS[types[first]][0] + NUMBERS[types[second]][0] - 0.01
        order = orders[frozenset((first, second))]
        energy["bonds"] += 0.5 * 700 * order * (np.linalg.norm(x[first] - x[second]) - rest) ** 2
    for vertex in atoms:
        for first, last in itertools.combinations(near[vertex], 2):
            excluded.add(frozenset((first, last)))
            bent = angle(x[first] - x[vertex], x[last] - x[vertex]) - math.radians(NUMBERS[types[vertex]][1])
            energy["angles"] += 0.5 * 100 * bent**2
    for j, k in bonds:
        quads = [(i, m) for i in near[j] for m in near[k] if i != k and m != j]
        for i, m in quads:
            barrier, fold, phase = rule(*(types[each] for each in (i, j, k, m)), orders[frozenset((j, k))])
            phi = dihedral(x[[i, j, k, m]])
            energy["torsions"] += 0.5 * barrier / len(quads) * (1 - math.cos(fold * (phi - math.radians(phase))))
    for centre in atoms:
        if types[centre][-1] in "2R" and len(near[centre]) == 3:
            for lifted in near[centre]:
                plane = [x[each] - x[centre] for each in near[centre] if each != lifted]
                sine = unit(np.cross(*plane)) @ unit(x[lifted] - x[centre])
                energy["inversions"] += 40 / 3 * (1 - math.sqrt(1 - sine**2))
    pairs = np.array([pair for pair in itertools.combinations(atoms, 2) if frozenset(pair) not in excluded])
    energy["exp-6"] = exp_6(system, types, pairs)
    if system.options.coulomb:
        energy["coulomb"] = ewald(x, system.edges, system.charges, [tuple(pair) for pair in excluded])
    return energy


def nearest(vectors: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return vectors - edges * np.round(vectors / edges)


def exp_6(system, types: list[str], pairs: np.ndarray) -> float:
    r = np.linalg.norm(nearest(system.positions[pairs[:, 0]] - system.positions[pairs[:, 1]], system.edges), axis=1)
    pairs, r = pairs[r < system.options.cutoff], r[r < system.options.cutoff]
    one, other = (np.array([NUMBERS[types[each]][2:] for each in pairs[:, side]]) for side in (0, 1))
    distance, zeta = (one[:, 0] + other[:, 0]) / 2, (one[:, 2] + other[:, 2]) / 2
    depth = np.sqrt(one[:, 1] * other[:, 1])
    wall = 6 / (zeta - 6) * np.exp(zeta * (1 - r / distance))
    return float(np.sum(depth * (wall - zeta / (zeta - 6) * (distance / r) ** 6)))


def ewald(x: np.ndarray, edges: np.ndarray, charges: np.ndarray, excluded: list[tuple[int, int]]) -> float:
    """Coulomb energy of a neutral periodic box, with the pairs in ``excluded`` left out."""
    alpha, reach = 0.4, 22
    first, second = np.triu_indices(len(x), 1)
    real = 0.0
    for image in itertools.product((-1, 0, 1), repeat=3):
        r = np.linalg.norm(nearest(x[first] - x[second], edges) + edges * np.array(image), axis=1)
        real += np.sum(charges[first] * charges[second] * erfc(alpha * r) / r)
    waves = np.array([n for n in itertools.product(range(-reach, reach + 1), repeat=3) if n != (0, 0, 0)])
    waves = 2 * np.pi * waves / edges
    square = np.sum(waves**2, axis=1)
    waves, square = waves[square < 25 * 4 * alpha**2], square[square < 25 * 4 * alpha**2]
    structure = np.abs(np.exp(1j * waves @ x.T) @ charges) ** 2
    reciprocal = 2 * np.pi / np.prod(edges) * np.sum(np.exp(-square / (4 * alpha**2)) / square * structure)
    own = alpha / math.sqrt(math.pi) * np.sum(charges**2)
    a, b = np.array(excluded).T
    bonded = np.sum(charges[a] * charges[b] / np.linalg.norm(nearest(x[a] - x[b], edges), axis=1))
    return float(COULOMB * (real + reciprocal - own - bonded))


SYSTEMS = {
    "dgeba and pacm": {"dgeba": 1, "pacm": 1},
    "sulfone and bromine": {"brominated": 1, "sulfone": 1},
    "no sites": {"propene": 2, "ethane": 1},
}


def joined(system):
    """The same, the second molecule moved to the first, and one bond between the nearest sites of both."""
    names, molecules = system.topology.bead_names, system.topology.molecule_ids
    kinds = np.array([names[kind - 1] for kind in system.topology.bead_types])
    epoxide, amine = np.flatnonzero(kinds == "epoxide")[-1], np.flatnonzero(kinds == "amine")[0]
    x = system.positions.copy()
    outwards = unit(x[epoxide] - x[molecules == 1].mean(axis=0))
    x[molecules == 2] += x[epoxide] + 1.7 * outwards - x[amine]
    return crosslinked_atoms(replace(system, positions=np.round(x, 6)), np.array([[epoxide, amine]]))


@pytest.mark.lammps
@pytest.mark.parametrize("cured", [False, True])
@pytest.mark.parametrize("name", ["dgeba and pacm", "sulfone and bromine"])
def test_lammps_agrees_with_the_paper_written_out(system_of, lammps_energies, name, cured):
    system = system_of(SYSTEMS[name], spacing=7.0, accuracy=1e-8)
    system = joined(system) if cured else system

    # Without LAMMPS' table of the Coulomb sum, whose error is 1e-4 of the energy.
    found, expected = lammps_energies(system, "pair_modify table 0\nrun 0 post no"), by_hand(system)

    for term in ("bonds", "angles", "torsions", "inversions", "exp-6"):
        assert found[term] == pytest.approx(expected[term], rel=2e-6), term
    assert found["coulomb"] == pytest.approx(expected["coulomb"], rel=5e-6, abs=1e-4)  # of +60 and -55
    assert found["total"] == pytest.approx(sum(expected.values()), rel=1e-5)
    assert all(abs(expected[term]) > 0.05 for term in expected)  # none of them is silent


@pytest.mark.lammps
@pytest.mark.parametrize("name", ["dgeba and pacm", "no sites"])
def test_without_charges_there_is_no_coulomb_energy(system_of, lammps_energies, name):
    for chosen in ({"charges": "none"}, {"electrostatics": "none"}):
        system = system_of(SYSTEMS[name], **chosen)

        found, expected = lammps_energies(system), by_hand(system)

        assert found["coulomb"] == 0
        for term in ("bonds", "angles", "torsions", "inversions", "exp-6"):
            assert found[term] == pytest.approx(expected[term], rel=2e-6, abs=1e-9), term


@pytest.mark.lammps
@pytest.mark.parametrize("name", ["dgeba and pacm", "sulfone and bromine"])
def test_lammps_agrees_with_openmm(system_of, lammps_energies, name):
    system = joined(system_of(SYSTEMS[name], spacing=7.0, accuracy=1e-8))

    found, expected = lammps_energies(system, "pair_modify table 0\nrun 0 post no"), in_openmm(system)

    for term in ("bonds", "angles", "torsions", "inversions", "exp-6"):
        assert found[term] == pytest.approx(expected[term], rel=5e-6), term
    assert found["coulomb"] == pytest.approx(expected["coulomb"], rel=1e-5, abs=1e-3)


@pytest.mark.lammps
@pytest.mark.parametrize("chosen", [{}, {"charges": "none"}])
def test_the_tail_is_the_integral_beyond_the_cutoff_of_a_uniform_liquid(system_of, lammps_energies, chosen):
    with_tail, without = (system_of(SYSTEMS["dgeba and pacm"], tail=tail, **chosen) for tail in (True, False))

    found = lammps_energies(with_tail)["exp-6"] - lammps_energies(without)["exp-6"]

    counts = np.bincount(without.atom_types, minlength=len(without.type_names))
    expected = 0.0
    for i, j in itertools.product(range(len(counts)), repeat=2):
        beyond = integrate.quad(lambda r, i=i, j=j: without.pairs.energy(r, i, j) * r**2, 10.0, np.inf)[0]
        expected += 2 * math.pi * counts[i] * counts[j] / np.prod(without.edges) * beyond
    assert found == pytest.approx(expected, rel=1e-4)
    assert found < -0.1


#: In OpenMM's words: the first atom is the centre, omega the angle between the bond to the fourth and the plane.
UMBRELLA = """
k*(1 - sqrt(1 - s*s)); s = (nx*dx + ny*dy + nz*dz)/sqrt((nx*nx + ny*ny + nz*nz)*(dx*dx + dy*dy + dz*dz));
nx = by*cz - bz*cy; ny = bz*cx - bx*cz; nz = bx*cy - by*cx;
bx = x2 - x1; by = y2 - y1; bz = z2 - z1; cx = x3 - x1; cy = y3 - y1; cz = z3 - z1;
dx = x4 - x1; dy = y4 - y1; dz = z4 - z1
""".replace("\n", " ")


def in_openmm(system) -> dict[str, float]:
    """kcal/mol, term by term, each as a force of its own; distances in nanometres, energies in kJ/mol inside."""
    mm = pytest.importorskip("openmm")
    kj, nm = 4.184, 0.1
    degrees = math.pi / 180
    forces = {
        "bonds": mm.HarmonicBondForce(),
        "angles": mm.HarmonicAngleForce(),
        "torsions": mm.PeriodicTorsionForce(),
        "inversions": mm.CustomCompoundBondForce(4, UMBRELLA),
        "exp-6": mm.CustomNonbondedForce("a(kind1, kind2)*exp(-r/b(kind1, kind2)) - c(kind1, kind2)/r^6"),
        "coulomb": mm.NonbondedForce(),
    }
    terms = system.terms
    for members, each in zip(terms.bonds.members.tolist(), terms.bonds.types, strict=True):
        k, r = terms.bonds.coefficients[each]
        forces["bonds"].addBond(*members, r * nm, 2 * k * kj / nm**2)
    for members, each in zip(terms.angles.members.tolist(), terms.angles.types, strict=True):
        k, theta = terms.angles.coefficients[each]
        forces["angles"].addAngle(*members, theta * degrees, 2 * k * kj)
    for members, each in zip(terms.torsions.members.tolist(), terms.torsions.types, strict=True):
        k, fold, phase, _ = terms.torsions.coefficients[each]
        forces["torsions"].addTorsion(*members, int(fold), phase * degrees, k * kj)
    forces["inversions"].addPerBondParameter("k")
    for members, each in zip(terms.inversions.members.tolist(), terms.inversions.types, strict=True):
        forces["inversions"].addBond(members, [terms.inversions.coefficients[each][0] * kj])
    pairs = system.pairs
    tables = {"a": pairs.prefactors * kj, "b": pairs.ranges * nm, "c": pairs.dispersions * kj * nm**6}
    for name, table in tables.items():
        function = mm.Discrete2DFunction(*table.shape, table.ravel(order="F").tolist())
        forces["exp-6"].addTabulatedFunction(name, function)
    forces["exp-6"].addPerParticleParameter("kind")
    forces["exp-6"].setNonbondedMethod(mm.CustomNonbondedForce.CutoffPeriodic)
    forces["coulomb"].setNonbondedMethod(mm.NonbondedForce.PME)
    forces["coulomb"].setEwaldErrorTolerance(1e-6)
    whole = mm.System()
    whole.setDefaultPeriodicBoxVectors(*(np.diag(system.edges) * nm).tolist())
    for charge, kind, mass in zip(system.charges, system.atom_types, system.topology.masses, strict=True):
        whole.addParticle(mass)
        forces["exp-6"].addParticle([int(kind)])
        forces["coulomb"].addParticle(charge, 1.0, 0.0)
    ends = {tuple(sorted((each[0], each[-1]))) for each in terms.bonds.members.tolist() + terms.angles.members.tolist()}
    for first, last in ends:
        forces["exp-6"].addExclusion(first, last)
        forces["coulomb"].addException(first, last, 0.0, 1.0, 0.0)
    for group, force in enumerate(forces.values()):
        force.setForceGroup(group)
        whole.addForce(force)
        if group >= 4:
            force.setCutoffDistance(system.options.cutoff * nm)
    context = mm.Context(whole, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions((system.positions * nm).tolist())
    return {
        name: context.getState(getEnergy=True, groups={group}).getPotentialEnergy()._value / kj
        for group, name in enumerate(forces)
    }
