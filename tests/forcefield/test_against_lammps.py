"""Every style and mixing rule: LAMMPS, given our lines, against our formulas."""

import math

import numpy as np
import pytest

from beadsmith.forcefield.coefficients import coefficient_lines, style_lines
from beadsmith.forcefield.energies import cosine_squared, harmonic, lennard_jones, lennard_jones_gromacs, mie, morse
from beadsmith.forcefield.mixing import mix_distance, mix_energy
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, MIXING_RULES, PAIR_STYLES

pytestmark = pytest.mark.lammps

CUTOFF, INNER = 9.5, 7.5
EPSILON = {"A": 0.35, "B": 1.25}
SIGMA = {"A": 3.1, "B": 4.6}
REPULSIVE = {"A": 10.5, "B": 15.25}
ATTRACTIVE = {"A": 6.0, "B": 6.7}
PAIRS = (("A", "A"), ("A", "B"), ("B", "B"))
DISTANCES = np.array([2.9, 3.3, 3.9, 4.5, 5.1, 6.0, 7.4, 7.6, 8.8, 9.49, 9.51, 12.0])

PAIR_RULES = {
    "lj/cut": {},
    "lj/gromacs": {},
    "mie/cut": {
        **{f"pair.{bead}.repulsive_exponent": {"fixed": REPULSIVE[bead]} for bead in "AB"},
        **{f"pair.{bead}.attractive_exponent": {"fixed": ATTRACTIVE[bead]} for bead in "AB"},
    },
}


def pair_rules(style: str) -> dict[str, object]:
    like = {f"pair.{bead}.epsilon": {"fixed": f"{EPSILON[bead]} kcal/mol"} for bead in "AB"}
    like |= {f"pair.{bead}.sigma": {"fixed": f"{SIGMA[bead]} angstrom"} for bead in "AB"}
    return like | PAIR_RULES[style]


def lines_of(problem: Problem) -> str:
    model = constant_model("fixed", problem.parameters, {})
    return "\n".join([*style_lines(problem, periodic=False), *coefficient_lines(problem, model, State())])


def header(beads: int, **types: int) -> list[str]:
    more = " ".join(f"{kind}/types {count} extra/{kind}/per/atom 8" for kind, count in types.items())
    return [
        "units real",
        "atom_style molecular",
        "boundary f f f",
        "region box block -40 40 -40 40 -40 40",
        f"create_box 2 box {more} extra/special/per/atom 8",
        *[f"create_atoms 1 single {5 * number} 0 0" for number in range(beads)],
        "mass * 50",
        "thermo_modify lost error",
    ]


def two_beads(problem: Problem) -> str:
    """Energy and force between each kind of pair at each distance."""
    lines = [*header(2), lines_of(problem)]
    for first, second in PAIRS:
        lines += [f"set atom 1 type {1 + (first == 'B')}", f"set atom 2 type {1 + (second == 'B')}"]
        for distance in DISTANCES:
            found = 'print "FOUND energy=$(pe:%.15g) force=$(fx[2]:%.15g)"'
            lines += [f"set atom 2 x {distance} y 0 z 0", "run 0 post no", found]
    return "\n".join(lines) + "\n"


def pair_energy(style: str, r: np.ndarray, epsilon: float, sigma: float, exponents: tuple[float, float]) -> np.ndarray:
    match style:
        case "lj/cut":
            energy = lennard_jones(r, epsilon, sigma)
        case "lj/gromacs":
            return lennard_jones_gromacs(r, epsilon, sigma, INNER, CUTOFF)
        case "mie/cut":
            energy = mie(r, epsilon, sigma, *exponents)
    return np.where(r < CUTOFF, energy, 0.0)


def mixed(first: str, second: str, rule: str) -> dict[str, float]:
    return {
        "epsilon": mix_energy(EPSILON[first], EPSILON[second], SIGMA[first], SIGMA[second], rule),
        "sigma": mix_distance(SIGMA[first], SIGMA[second], rule),
        "repulsive": mix_distance(REPULSIVE[first], REPULSIVE[second], rule),
        "attractive": mix_distance(ATTRACTIVE[first], ATTRACTIVE[second], rule),
    }


def expected(style: str, pair: tuple[str, str], rule: str, r: np.ndarray, **own: float) -> np.ndarray:
    numbers = mixed(*pair, rule) | own
    exponents = (numbers["repulsive"], numbers["attractive"])
    return pair_energy(style, r, numbers["epsilon"], numbers["sigma"], exponents)


def assert_pairs(found, style: str, rule: str, own: dict[str, float], shift: bool = False) -> None:
    energies = np.array([line["energy"] for line in found]).reshape(len(PAIRS), len(DISTANCES))
    forces = np.array([line["force"] for line in found]).reshape(len(PAIRS), len(DISTANCES))
    for pair, energy, force in zip(PAIRS, energies, forces, strict=True):
        unlike = own if pair == ("A", "B") else {}

        def by_hand(r: np.ndarray, pair=pair, unlike=unlike) -> np.ndarray:
            return expected(style, pair, rule, r, **unlike)

        at_cutoff = float(by_hand(np.array(CUTOFF - 1e-9))) if shift else 0.0
        assert energy == pytest.approx(
            by_hand(DISTANCES) - np.where(DISTANCES < CUTOFF, at_cutoff, 0.0), rel=1e-6, abs=1e-12
        )
        step = 1e-5
        slopes = (by_hand(DISTANCES + step) - by_hand(DISTANCES - step)) / (2 * step)
        assert force == pytest.approx(-slopes, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("rule", MIXING_RULES)
@pytest.mark.parametrize("style", PAIR_STYLES)
def test_pairs_like_and_mixed(forces, lammps, style, rule):
    inner = {"inner_cutoff": f"{INNER} angstrom"} if style == "lj/gromacs" else {}
    problem = forces({"style": style, "mixing": rule, **inner}, pair_rules(style))
    assert_pairs(lammps(two_beads(problem)), style, rule, {})


@pytest.mark.parametrize("style", PAIR_STYLES)
def test_an_unlike_pair_may_be_given_outright_wholly_or_in_part(forces, lammps, tmp_path, style):
    inner = {"inner_cutoff": f"{INNER} angstrom"} if style == "lj/gromacs" else {}
    part = {"pair.A-B.epsilon": {"fixed": "0.2 kcal/mol"}}
    problem = forces({"style": style, "mixing": "sixthpower", **inner}, pair_rules(style) | part)
    assert_pairs(lammps(two_beads(problem)), style, "sixthpower", {"epsilon": 0.2})

    (tmp_path / "run").rename(tmp_path / "first")
    problem = forces(
        {"style": style, "mixing": "sixthpower", **inner},
        pair_rules(style) | {"pair.A-B.sigma": {"fixed": "3.3 angstrom"}},
    )
    assert_pairs(lammps(two_beads(problem)), style, "sixthpower", {"sigma": 3.3})

    (tmp_path / "run").rename(tmp_path / "second")
    whole = part | {"pair.A-B.sigma": {"fixed": "3.3 angstrom"}}
    own = {"epsilon": 0.2, "sigma": 3.3}
    if style == "mie/cut":
        whole |= {"pair.A-B.repulsive_exponent": {"fixed": 9}, "pair.A-B.attractive_exponent": {"fixed": 5}}
        own |= {"repulsive": 9.0, "attractive": 5.0}
    problem = forces({"style": style, "mixing": "geometric", **inner}, pair_rules(style) | whole)
    assert_pairs(lammps(two_beads(problem)), style, "geometric", own)


@pytest.mark.parametrize("style", ["lj/cut", "mie/cut"])
def test_a_shifted_pair_is_zero_at_its_cutoff(forces, lammps, style):
    problem = forces({"style": style, "mixing": "arithmetic", "shift": True}, pair_rules(style))
    assert_pairs(lammps(two_beads(problem)), style, "arithmetic", {}, shift=True)


BOND_RULES = {
    "harmonic": {"k": (7.5, "kcal/mol/angstrom^2"), "length": (3.4, "angstrom")},
    "morse": {"depth": (25.0, "kcal/mol"), "alpha": (0.9, "1/angstrom"), "length": (3.4, "angstrom")},
}
BOND_ENERGIES = {
    "harmonic": lambda r, n: harmonic(r, n["k"], n["length"]),
    "morse": lambda r, n: morse(r, n["depth"], n["alpha"], n["length"]),
}
ANGLE_RULES = {
    "harmonic": {"k": (4.5, "kcal/mol/rad^2"), "theta0": (115.0, "degree")},
    "cosine/squared": {"k": (4.5, "kcal/mol"), "theta0": (115.0, "degree")},
}
ANGLE_ENERGIES = {
    "harmonic": lambda theta, n: harmonic(theta, n["k"], math.radians(n["theta0"])),
    "cosine/squared": lambda theta, n: cosine_squared(theta, n["k"], math.radians(n["theta0"])),
}


def fixed(section: str, rules: dict[str, tuple[float, str]], scale: float = 1.0, name: str = "*") -> dict[str, object]:
    return {f"{section}.{name}.{key}": {"fixed": f"{scale * value} {unit}"} for key, (value, unit) in rules.items()}


def scaled(rules: dict[str, tuple[float, str]], scale: float) -> dict[str, float]:
    return {key: scale * value for key, (value, _) in rules.items()}


@pytest.mark.parametrize("style", BOND_STYLES)
def test_bonds_of_every_type(forces, lammps, style):
    # Two types of bonds with different numbers, so that a mix-up of types shows.
    rules = fixed("bond", BOND_RULES[style]) | fixed("bond", BOND_RULES[style], 0.8, "A-B")
    problem = forces({"style": "lj/cut"}, pair_rules("lj/cut") | rules, ("A A", "A B"), bond={"style": style})
    lengths = np.array([2.2, 3.0, 3.4, 4.1, 5.5])
    lines = [*header(2, bond=2), lines_of(problem)]
    for kind in (1, 2):
        lines += [
            "delete_bonds all bond 1*2 remove special" if kind > 1 else "",
            f"create_bonds single/bond {kind} 1 2",
        ]
        for length in lengths:
            lines += [
                f"set atom 2 x {length} y 0 z 0",
                "run 0 post no",
                'print "FOUND all=$(pe:%.15g) bond=$(ebond:%.15g)"',
            ]
    found = lammps("\n".join(lines) + "\n")
    for name in ("all", "bond"):
        energies = np.array([line[name] for line in found]).reshape(2, -1)
        for energy, scale in zip(energies, (1.0, 0.8), strict=True):
            by_hand = BOND_ENERGIES[style](lengths, scaled(BOND_RULES[style], scale))
            # Beads that are bonded do not see each other otherwise: special_bonds begins with 0.
            assert energy == pytest.approx(by_hand, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("style", ANGLE_STYLES)
def test_angles_of_every_type(forces, lammps, style):
    rules = fixed("bond", BOND_RULES["harmonic"]) | fixed("angle", ANGLE_RULES[style])
    rules |= fixed("angle", ANGLE_RULES[style], 0.9, "A-B-A")
    problem = forces({"style": "lj/cut"}, pair_rules("lj/cut") | rules, ("A A A", "A B A"), angle={"style": style})
    degrees = np.array([60.0, 90.0, 115.0, 150.0, 175.0])
    lines = [*header(3, bond=2, angle=2), lines_of(problem), "set atom 2 x 0 y 0 z 0", "set atom 1 x 3.4 y 0 z 0"]
    lines += ["set atom 3 x 0 y 3.4 z 0", "create_bonds single/bond 1 1 2", "create_bonds single/bond 1 2 3"]
    for kind in (1, 2):
        lines += ["delete_bonds all angle 1*2 remove" if kind > 1 else "", f"create_bonds single/angle {kind} 1 2 3"]
        for degree in degrees:
            x, y = 3.4 * math.cos(math.radians(degree)), 3.4 * math.sin(math.radians(degree))
            lines += [f"set atom 3 x {x:.16g} y {y:.16g} z 0", "run 0 post no"]
            lines += ['print "FOUND angle=$(eangle:%.15g) bond=$(ebond:%.15g) pair=$(evdwl:%.15g)"']
    found = lammps("\n".join(lines) + "\n")
    energies = np.array([line["angle"] for line in found]).reshape(2, -1)
    for energy, scale in zip(energies, (1.0, 0.9), strict=True):
        by_hand = ANGLE_ENERGIES[style](np.radians(degrees), scaled(ANGLE_RULES[style], scale))
        assert energy == pytest.approx(by_hand, rel=1e-6, abs=1e-9)
    assert [abs(line["bond"]) < 1e-12 and line["pair"] == 0 for line in found] == [True] * len(found)


def test_neighbours_of_neighbours_see_each_other_by_the_factor_of_the_problem(forces, lammps):
    rules = fixed("bond", BOND_RULES["harmonic"]) | fixed("angle", ANGLE_RULES["harmonic"])
    problem = forces({"style": "lj/cut"}, pair_rules("lj/cut") | rules, ("A A A", "B"), special_bonds=[0.25, 0.5, 1])
    lines = [*header(3, bond=1, angle=1), lines_of(problem), "set atom 2 x 0 y 0 z 0", "set atom 1 x 3.4 y 0 z 0"]
    lines += ["set atom 3 x 0 y 3.6 z 0", "create_bonds single/bond 1 1 2", "create_bonds single/bond 1 2 3"]
    lines += ["run 0 post no", 'print "FOUND pair=$(evdwl:%.15g)"']
    (found,) = lammps("\n".join(lines) + "\n")
    near, far = (float(lennard_jones(np.array(r), EPSILON["A"], SIGMA["A"])) for r in (3.4, 3.6))
    across = float(lennard_jones(np.array(math.hypot(3.4, 3.6)), EPSILON["A"], SIGMA["A"]))
    assert found["pair"] == pytest.approx(0.25 * (near + far) + 0.5 * across, rel=1e-6)
