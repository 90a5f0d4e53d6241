from dataclasses import replace

import pytest

from beadsmith.errors import ProblemError
from beadsmith.forcefield.coefficients import (
    bond_lengths,
    coefficient_lines,
    diameters,
    equilibrium_angles,
    interaction_names,
    style_lines,
)
from beadsmith.forcefield.export import lammps_include, range_warnings
from beadsmith.problem.functions import Constant, Linear
from beadsmith.problem.model import Model, constant_model
from beadsmith.problem.state import State

RULES = {
    "pair.*.epsilon": {"fixed": "0.5 kcal/mol"},
    "pair.A.sigma": {"fixed": "4 angstrom"},
    "pair.B.sigma": {"fixed": "5 angstrom"},
    "bond.*.k": {"fixed": "8 kcal/mol/angstrom^2"},
    "bond.A-B.length": {"fixed": "3.6 angstrom"},
    "bond.B-B.length": {"fixed": "3.8 angstrom"},
    "angle.*.k": {"fixed": "3 kcal/mol/rad^2"},
    "angle.*.theta0": {"fixed": "120 degree"},
}


@pytest.fixture
def chain(forces):
    """A problem with bonds and angles, and its model."""
    problem = forces({"style": "lj/cut", "mixing": "arithmetic", "tail": True}, RULES, ("B B A B",))
    return problem, constant_model(
        "A model", problem.parameters, {}, holds_for={"T": (150, 500)}, citations=("doi:10/x",)
    )


def test_types_are_numbered_in_the_order_of_the_file_and_of_appearance(chain):
    problem, model = chain
    assert interaction_names(problem) == (("B-B", "A-B"), ("A-B-B", "B-A-B"))
    lines = coefficient_lines(problem, model, State())
    assert lines == [
        "bond_coeff 1 8 3.8  # B-B",
        "bond_coeff 2 8 3.6  # A-B",
        "angle_coeff 1 3 120  # A-B-B",
        "angle_coeff 2 3 120  # B-A-B",
        "pair_coeff 1 1 0.5 4  # A",
        "pair_coeff 2 2 0.5 5  # B",
    ]
    assert diameters(problem, model, State()) == {"A": 4.0, "B": 5.0}
    assert bond_lengths(problem, model, State()) == {"B-B": 3.8, "A-B": 3.6}
    assert equilibrium_angles(problem, model, State()) == {"A-B-B": 120.0, "B-A-B": 120.0}


def test_styles_say_cutoffs_mixing_and_what_bonded_beads_see(chain, forces):
    problem, _ = chain
    assert style_lines(problem) == [
        "pair_style lj/cut 9.5",
        "pair_modify mix arithmetic tail yes shift no",
        "special_bonds lj 0 0 1",
        "bond_style harmonic",
        "angle_style harmonic",
    ]
    # Outside a periodic box there is nothing beyond the cutoff to correct for.
    assert "tail no" in style_lines(problem, periodic=False)[1]
    smooth = forces(
        {"style": "lj/gromacs", "inner_cutoff": "7 angstrom"}, {k: v for k, v in RULES.items() if "pair" in k}
    )
    assert style_lines(smooth)[0] == "pair_style lj/gromacs 7 9.5"
    assert not any(line.startswith(("bond", "angle")) for line in style_lines(smooth))


def test_numbers_are_written_with_ten_digits(forces):
    pairs = {name: rule for name, rule in RULES.items() if name.startswith("pair")}
    problem = forces({"style": "lj/cut"}, pairs | {"pair.A.sigma": {"fixed": "3.123456789123 angstrom"}})
    lines = coefficient_lines(problem, constant_model("m", problem.parameters, {}), State())
    assert "pair_coeff 1 1 0.5 3.123456789  # A" in lines


def test_coefficients_follow_the_state(chain):
    problem, model = chain
    functions = {**model.functions, "pair.A.sigma": Linear("T", 4.0, 0.001)}
    changing = Model("m", functions)
    assert "pair_coeff 1 1 0.5 4.3  # A" in coefficient_lines(problem, changing, State.of(T=300))
    with pytest.raises(ProblemError, match="expected a state that says T"):
        coefficient_lines(problem, changing, State.of(DC=1))


def test_an_include_file_says_what_it_is_and_whom_to_cite(chain):
    problem, model = chain
    text = lammps_include(problem, model, State.of(T=300))
    head = text.split("pair_style")[0].splitlines()
    assert all(line.startswith("# ") for line in head)
    for line in ("# A model", "# for: two kinds of beads", "# state: T=300", "# cite: doi:10/x", "# bead type 2: B"):
        assert line in head
    assert "warning" not in text
    assert "# state: any" in lammps_include(problem, model, State())


def test_titles_stay_in_their_comments(chain):
    problem, model = chain
    hostile = replace(problem, file=problem.file.model_copy(update={"title": "one\nshell reboot"}))
    text = lammps_include(hostile, replace(model, title="two\r\nshell reboot", citations=("x\nshell y",)), State())
    assert not any(line.startswith("shell") for line in text.splitlines())
    assert "# for: one shell reboot\n" in text


@pytest.mark.parametrize(("temperature", "warned"), [(149, True), (150, False), (500, False), (500.1, True)])
def test_a_state_outside_the_calibrated_range_is_warned_of(chain, temperature, warned):
    problem, model = chain
    warnings = range_warnings(model, State.of(T=temperature))
    assert bool(warnings) is warned
    text = lammps_include(problem, model, State.of(T=temperature))
    assert (f"# warning: T = {temperature:g} lies outside 150 to 500, where the model was calibrated" in text) is warned


def test_what_the_state_or_the_model_does_not_say_is_not_warned_of(chain):
    _, model = chain
    assert range_warnings(model, State.of(DC=7)) == []
    assert range_warnings(Model("m", {"x": Constant(1.0)}), State.of(T=7)) == []


@pytest.mark.lammps
def test_lammps_reads_the_include_file_after_read_data(chain, lammps, tmp_path):
    problem, model = chain
    include = tmp_path / "coefficients.lammps"
    include.write_text(lammps_include(problem, model, State.of(T=300)))
    (tmp_path / "one.data").write_text(
        "one chain\n\n4 atoms\n3 bonds\n2 angles\n2 atom types\n2 bond types\n2 angle types\n"
        "0 40 xlo xhi\n0 40 ylo yhi\n0 40 zlo zhi\n\nMasses\n\n1 50\n2 60\n\n"
        "Atoms  # molecular\n\n1 1 2 0 0 0\n2 1 2 3.9 0 0\n3 1 1 3.9 3.6 0\n4 1 2 3.9 3.6 3.6\n\n"
        "Bonds\n\n1 1 1 2\n2 2 2 3\n3 2 3 4\n\nAngles\n\n1 1 1 2 3\n2 2 2 3 4\n"
    )
    script = f"units real\natom_style molecular\nread_data {tmp_path}/one.data\ninclude {include}\n"
    (found,) = lammps(script + 'run 0 post no\nprint "FOUND bond=$(ebond:%.12g) angle=$(eangle:%.12g)"\n')
    # One B-B bond is stretched by 0.1 angstrom; both right angles are 30 degrees too small.
    assert found["bond"] == pytest.approx(8 * 0.1**2)
    assert found["angle"] == pytest.approx(2 * 3 * (3.14159265358979 / 6) ** 2)
