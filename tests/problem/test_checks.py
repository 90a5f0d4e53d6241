"""Checks across sections, both sides of each."""

import pytest

from beadsmith.problem.checks import recorded_states, temperatures_of
from beadsmith.problem.schema import Dynamics
from beadsmith.problem.state import State
from beadsmith.units import DENSITY_OF_ONE_DALTON

LJ_GROMACS = {"style": "lj/gromacs", "cutoff": "12 Å", "inner_cutoff": "9 Å"}
OWN = {"kind": "script", "script": "in.own", "timestep": "1 fs", "recordings": [{"state": {"T": 300}, "log_run": 0}]}


@pytest.fixture
def own(document, tmp_path):
    """A problem that also has a script of the user's own."""
    (tmp_path / "in.own").write_text("units real\n")
    document["experiments"]["own"] = dict(OWN)
    return document


def dynamics(temperature: str) -> Dynamics:
    return Dynamics(stage="nvt", temperature=temperature, duration="1 ps")


def test_the_document_of_these_tests_is_valid(load, document):
    problem = load(document)
    assert recorded_states(problem.experiments["melt"]) == tuple(State.of(T=t) for t in (400, 375, 325, 300))
    assert recorded_states(problem.experiments["alone"]) == (State.of(T=300),)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("300 K", (300, 300)),
        ("500 to 300 K", (500, 300)),
        ("20 to 30 degC", (293.15, 303.15)),
        ("1e2 to 2.5e2 K", (100, 250)),
    ],
)
def test_a_stretch_has_one_temperature_or_a_ramp(text, ends):
    assert temperatures_of(dynamics(text)) == pytest.approx(ends)


@pytest.mark.parametrize("text", ["300", "300 kg", "0 K", "300 to 0 K", "300 to K", "to 300 K", "500 to 400 to 300 K"])
def test_other_temperatures_are_refused(text):
    with pytest.raises(ValueError, match="temperature"):
        temperatures_of(dynamics(text))


def test_half_the_box_must_exceed_the_cutoff(load, document, complaint):
    # 100 chains of 220 g/mol at 0.8 g/cm^3, the highest density that is meant to come out.
    half = 0.5 * (100 * 220 * DENSITY_OF_ONE_DALTON / 0.8) ** (1 / 3)
    document["forcefield"]["pair"]["cutoff"] = f"{half - 0.01} Å"
    load(document)
    document["forcefield"]["pair"]["cutoff"] = f"{half + 0.01} Å"
    message = complaint(document)
    assert message.startswith("forcefield.pair.cutoff: ")
    assert f"less than half the box of experiment melt, {half:.3g} angstrom at 0.8 g/cm^3" in message
    assert "simulate more molecules (experiments.melt.molecules)" in message
    # Without a target the density at the start is what is known.
    document["targets"] = {}
    load(document)
    document["experiments"]["melt"]["initial_density"] = "0.9 g/cm^3"
    assert "at 0.9 g/cm^3" in complaint(document)


@pytest.mark.parametrize(
    ("pair", "fragment"),
    [
        (LJ_GROMACS, None),
        (
            {**LJ_GROMACS, "inner_cutoff": "12 Å"},
            "inner_cutoff: received 12 angstrom, expected a length below the cutoff of 12",
        ),
        ({"style": "lj/gromacs", "cutoff": "12 Å"}, "inner_cutoff: received nothing, expected a length below"),
        ({**LJ_GROMACS, "tail": True}, "tail: received yes, expected no; lj/gromacs has no tail corrections"),
        ({**LJ_GROMACS, "shift": True}, "shift: received yes, expected no; lj/gromacs is zero at its cutoff already"),
        ({"style": "lj/cut", "cutoff": "12 Å", "inner_cutoff": "9 Å"}, "remove it: lj/cut has only one cutoff"),
        ({"style": "lj/cut", "cutoff": "12 Å", "tail": True}, None),
        ({"style": "lj/cut", "cutoff": "12 Å", "shift": True}, None),
        (
            {"style": "lj/cut", "cutoff": "12 Å", "tail": True, "shift": True},
            "tail: received yes, expected no; its energy is",
        ),
    ],
)
def test_cutoffs_tails_and_shifts_go_with_the_style(load, document, complaint, pair, fragment):
    document["forcefield"]["pair"] = pair
    if fragment is None:
        load(document)
    else:
        message = complaint(document)
        assert message.startswith("forcefield.pair.")
        assert fragment in message


@pytest.mark.parametrize(
    ("experiment", "stage", "where", "fragment"),
    [
        ("alone", {"stage": "nvt", "temperature": "300 K", "duration": "1 ps", "record": True}, "", None),
        (
            "alone",
            {"stage": "npt", "temperature": "300 K", "duration": "1 ps"},
            "",
            "isolated molecules have no pressure",
        ),
        (
            "alone",
            {"stage": "ladder", "ensemble": "npt", "temperatures": "300 K", "hold": "1 ps"},
            "",
            "nvt or langevin",
        ),
        ("alone", {"stage": "minimize"}, None, "these are none"),
        ("melt", {"stage": "minimize"}, None, "these are none"),
    ],
)
def test_stages_go_with_their_experiment(load, document, complaint, experiment, stage, where, fragment):
    document["experiments"][experiment]["protocol"] = [stage]
    document["targets"]["size"] = {"state": {"T": "300 K"}, "value": "4 Å", "uncertainty": "1 Å", "source": "x"}
    if fragment is None:
        load(document)
    else:
        message = complaint(document)
        assert fragment in message
        if where is not None:
            assert message.startswith(f"experiments.{experiment}.protocol.1: received npt")


def test_a_ramp_is_not_recorded(load, document, complaint):
    stage = {"stage": "npt", "temperature": "400 to 300 K", "duration": "1 ps"}
    document["experiments"]["melt"]["protocol"].insert(0, stage)
    load(document)
    stage["record"] = True
    assert complaint(document).startswith("experiments.melt.protocol.1.record: received yes for a ramp")
    assert "use a ladder" in complaint(document)
    stage["temperature"] = "350 to 350 K"
    assert State.of(T=350) in recorded_states(load(document).experiments["melt"])


def test_the_protocol_and_not_the_state_sets_the_temperature(load, document, complaint):
    document["experiments"]["melt"]["state"] = {"DC": 0.5}
    document["targets"] = {}
    assert recorded_states(load(document).experiments["melt"])[0] == State.of(T=400, DC=0.5)
    document["experiments"]["melt"]["state"] = {"T": 300}
    assert complaint(document).startswith("experiments.melt.state.T: received 300")


@pytest.mark.parametrize(
    ("path", "fragment"),
    [
        (("experiments", "melt", "molecules"), "experiments.melt.molecules: received chian, expected one of chain"),
        (("experiments", "alone", "molecule"), "experiments.alone.molecule: received chian, expected one of chain"),
        (("observables", "size", "molecule"), "observables.size.molecule: received chian, expected one of chain"),
        (("molecules", "chain", "beads"), "molecules.chain.beads: received chian, expected one of A, B; declare it"),
    ],
)
def test_molecules_and_beads_must_be_declared(document, complaint, path, fragment):
    section, name, key = path
    document[section][name][key] = {"chian": 100} if key == "molecules" else "chian"
    assert fragment in complaint(document)
    assert "did you mean chain?" in complaint(document) or key == "beads"


@pytest.mark.parametrize(
    ("observable", "entries", "fragment"),
    [
        ("density", {"experiment": "malt"}, "received malt, expected one of melt, alone; did you mean melt?"),
        (
            "density",
            {"experiment": "alone"},
            "received alone, expected a melt, or a script of your own: in vacuum there is no",
        ),
        ("size", {"experiment": "melt"}, None),
        ("tg", {"density": "densty"}, "expected one of density, size, tg; did you mean density?"),
        ("tg", {"density": "size"}, "received size, expected an observable of kind density"),
        ("tg", {"cold": "300 to 310 K"}, "tg.cold: received 300 to 310 K, expected a range with at least two recorded"),
        ("tg", {"hot": "500 to 600 K"}, "experiment melt records at 300, 325, 375, 400 K"),
        ("tg", {"cold": "300 to 325 K"}, None),
    ],
)
def test_observables_need_an_experiment_that_can_deliver_them(load, document, complaint, observable, entries, fragment):
    document["observables"][observable] |= entries
    if fragment is None:
        load(document)
    else:
        message = complaint(document)
        assert message.startswith(f"observables.{observable}.")
        assert fragment in message


@pytest.mark.parametrize("kind", ["pressure", "volume"])
def test_a_vacuum_has_no_property_of_a_box(load, document, complaint, kind):
    document["observables"]["extra"] = {"kind": kind, "experiment": "melt"}
    load(document)
    document["observables"]["extra"]["experiment"] = "alone"
    assert f"in vacuum there is no {kind}" in complaint(document)


def test_a_target_stands_at_a_state_that_is_recorded(load, document, complaint):
    target = document["targets"]["density"]
    target["state"] = {"T": "325.00001 400 K"}
    load(document)
    target["state"] = {"T": "350 400 K"}
    message = complaint(document)
    assert message.startswith("targets.density.state: received T=350, expected one of the states that experiment melt")
    assert "these are T=400; T=375; T=325; T=300" in message
    target["state"] = {"T": "300 400 K", "DC": "0.5"}
    assert "received DC=0.5, T=300" in complaint(document)


def test_what_is_held_out_are_states_of_targets(load, document, complaint):
    temperatures = {one.state["T"] for one in load(document).targets if "T" in one.state}
    document["calibration"] = {"held_out": {"T": f"{max(temperatures)} K"}}
    load(document)
    document["calibration"]["held_out"] = {"T": "777 K"}
    assert "calibration.held_out.T: received 777, expected values at which there is a target (" in complaint(document)
    document["calibration"]["held_out"] = {"dc": "0.5"}
    message = complaint(document)
    assert "calibration.held_out.dc: received dc, expected a state variable of a target, one of T" in message


def test_a_derived_target_has_no_temperature(document, complaint):
    document["targets"]["tg"]["state"] = {"T": "350 K"}
    assert complaint(document).startswith("targets.tg.state: received T=350, expected no temperature: tg has none")


def test_the_published_misfit_needs_what_it_compares(load, document, complaint):
    document["misfit"] = "martins2025"
    assert "a target that is an observable of kind radius_of_gyration; or choose another misfit" in complaint(document)
    document["targets"]["size"] = {"state": {"T": "300 K"}, "value": "4 Å", "uncertainty": "1 Å", "source": "x"}
    load(document)
    del document["observables"]["tg"], document["targets"]["tg"]
    assert "of kind glass_transition_lines" in complaint(document)


def test_a_script_of_the_users_own_is_there(load, own, complaint, tmp_path):
    load(own)
    own["experiments"]["own"] |= {"data": "own.data", "files": ["tables/a.txt", "b.txt"]}
    assert complaint(own).startswith(
        "experiments.own.data: received own.data, expected a file, relative to the problem"
    )
    (tmp_path / "own.data").write_text("")
    (tmp_path / "b.txt").write_text("")
    assert complaint(own).startswith("experiments.own.files.1: received tables/a.txt")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.txt").write_text("")
    load(own)
    own["experiments"]["own"]["script"] = "in.other"
    assert complaint(own).startswith("experiments.own.script: received in.other")


def test_files_of_a_script_do_not_overwrite_each_other(own, complaint, tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("in.lammps", "sub/a.txt", "a.txt"):
        (tmp_path / name).write_text("")
    own["experiments"]["own"]["files"] = ["in.lammps"]
    assert "files.1: received in.lammps, expected a name that no other file of the simulation has" in complaint(own)
    own["experiments"]["own"]["files"] = ["a.txt", "sub/a.txt"]
    assert "files.2: received a.txt" in complaint(own)


@pytest.mark.parametrize(
    ("recording", "fragment"),
    [
        ({"log_run": -1}, None),
        ({"series": "a.txt", "dump": "b.dump"}, None),
        ({}, "recordings.1: received nothing to read, expected what to read: log_run, series or dump"),
        ({"log_run": 0, "series": "a.txt"}, "recordings.1: received both log_run and series, expected one of them"),
    ],
)
def test_a_recording_says_what_to_read(load, own, complaint, recording, fragment):
    own["experiments"]["own"]["recordings"] = [recording]
    if fragment is None:
        load(own)
    else:
        assert fragment in complaint(own)


def test_molecules_of_a_script_must_be_declared(own, complaint):
    own["experiments"]["own"]["molecules"] = {"chian": 2}
    assert complaint(own).startswith("experiments.own.molecules: received chian")
