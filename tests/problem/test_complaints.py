"""Every wrong file gets one sentence: where, what was received, what was expected, what to do."""

import re

import pytest

from beadsmith.errors import BeadsmithError, ProblemError

MISSING = object()


def changed(document, path: str, value):
    """The document with one entry replaced, added or left out; numbers in the path are places in a list, 1 first."""
    *parents, last = [int(step) - 1 if step.isdigit() else step for step in path.split("/")]
    section = document
    for step in parents:
        section = section[step]
    if value is MISSING:
        del section[last]
    else:
        section[last] = value
    return document


def case(path, value, where, *fragments, name=None):
    return pytest.param(
        path, value, where, fragments, id=name or f"{path} {'missing' if value is MISSING else value}"[:70]
    )


MISSPELT = [
    case("titel", "x", "titel", "received the key 'titel'", "did you mean 'title'?"),
    case("beads/A/mas", "1 g/mol", "beads.A.mas", "expected one of mass, description; did you mean 'mass'?"),
    case("molecules/chain/angels", "1-2-3", "molecules.chain.angels", "did you mean 'angles'?"),
    case("forcefield/pair/cutof", "9 Å", "forcefield.pair.cutof", "one of style, cutoff,", "did you mean 'cutoff'?"),
    case(
        "experiments/melt/timestap",
        "4 fs",
        "experiments.melt.timestap",
        "initial_density, kind;",
        "did you mean 'timestep'?",
    ),
    case(
        "experiments/alone/replica", 4, "experiments.alone.replica", "molecule, replicas;", "did you mean 'replicas'?"
    ),
    case(
        "experiments/melt/protocol/2/temperatur",
        "3 K",
        "experiments.melt.protocol.2.temperatur",
        "expected one of stage, temperature, pressure, coupling, duration, record, damping, pressure_damping, frames;",
        "did you mean 'temperature'?",
    ),
    case("experiments/melt/protocol/3/holt", "1 ps", "experiments.melt.protocol.3.holt", "did you mean 'hold'?"),
    case(
        "observables/tg/dense", "x", "observables.tg.dense", "one of kind, density, cold, hot; did you mean 'density'?"
    ),
    case("observables/density/cold", "1 to 2 K", "observables.density.cold", "one of kind, experiment; remove it"),
    case("targets/density/sauce", "x", "targets.density.sauce", "did you mean 'source'?"),
    case("parameters/bond.*.k", {"fixd": "8"}, "parameters.bond.*.k.fixd", "did you mean 'fixed'?"),
    case("misfit", {"kind": "martins2025", "weight": "w"}, "misfit.weight", "did you mean 'weights'?"),
    case("search/evaluatons", 9, "search.evaluatons", "did you mean 'evaluations'?"),
    case("compute", {"slrum": {}}, "compute.slrum", "did you mean 'slurm'?"),
    case("compute", {"slurm": {"core": 1}}, "compute.slurm.core", "did you mean 'cores'?"),
    case("fidelities/quick", {"experiment": {}}, "fidelities.quick.experiment", "did you mean 'experiments'?"),
    case("fidelities/quick", {"title": "x"}, "fidelities.quick.title", "a fidelity changes no others"),
    case(
        "fidelities/quick",
        {"experiments": {"malt": {"timestep": "4 fs"}}},
        "fidelities.quick.experiments.malt",
        "received the name 'malt', expected one of melt, alone; did you mean 'melt'?",
    ),
]

MISSING_KEYS = [
    case(
        path,
        MISSING,
        path.replace("/", "."),
        "received nothing, expected this key (",
        f"add '{path.split('/')[-1]}: ...'",
    )
    for path in (
        "title",
        "beads",
        "molecules",
        "forcefield",
        "parameters",
        "experiments",
        "observables",
        "beads/A/mass",
        "molecules/chain/beads",
        "forcefield/pair",
        "forcefield/pair/style",
        "forcefield/pair/cutoff",
        "experiments/melt/timestep",
        "experiments/melt/protocol",
        "experiments/melt/molecules",
        "experiments/melt/initial_density",
        "experiments/alone/molecule",
        "experiments/melt/protocol/2/duration",
        "experiments/melt/protocol/3/hold",
        "observables/density/experiment",
        "observables/tg/cold",
        "targets/density/value",
        "targets/density/uncertainty",
        "targets/density/source",
    )
]

WRONG_KIND = [
    case(
        "experiments/melt/kind",
        "smelt",
        "experiments.melt.kind",
        "one of melt, network, vacuum, script, formulas; did you mean 'melt'?",
    ),
    case(
        "experiments/melt/kind",
        MISSING,
        "experiments.melt.kind",
        "received nothing, expected one of melt,",
        "add 'kind",
    ),
    case(
        "experiments/melt/kind", 7, "experiments.melt.kind", "received 7, expected one of melt, network, vacuum, script"
    ),
    case("experiments/melt/protocol/2/stage", "nph", "experiments.melt.protocol.2.stage", "did you mean 'npt'?"),
    case(
        "experiments/melt/protocol/2/stage", MISSING, "experiments.melt.protocol.2.stage", "one of minimize, push-off"
    ),
    case(
        "experiments/melt/protocol/3/ensemble",
        "nvp",
        "experiments.melt.protocol.3.ensemble",
        "one of npt, nvt, langevin",
    ),
    case("observables/density/kind", "densty", "observables.density.kind", "did you mean 'density'?"),
    case(
        "forcefield/pair/style", "lj/cat", "forcefield.pair.style", "one of lj/cut, lj/gromacs, mie/cut; did you mean"
    ),
    case("forcefield/pair/style", "buck", "forcefield.pair.style", "received buck, expected one of lj/cut"),
    case(
        "forcefield/bond/style", "harmonik", "forcefield.bond.style", "one of harmonic, morse; did you mean 'harmonic'?"
    ),
    case("forcefield/pair/mixing", "arithmetical", "forcefield.pair.mixing", "did you mean 'arithmetic'?"),
    case("search/method", "tpee", "search.method", "tpe-martins2025, optuna-gp, cma-es", "did you mean 'tpe'?"),
    case("misfit", "combined", "misfit", "did you mean 'combined_variance'?"),
    case("misfit", {}, "misfit.kind", "received nothing, expected one of combined_variance, relative, martins2025"),
    case("misfit", 5, "misfit", "received 5, expected one of combined_variance"),
]

WRONG_TYPE = [
    case("title", ["a"], "title", "received the list ['a'], expected text"),
    case("title", 5, "title", "received 5, expected text; put it in quotes"),
    case("title", None, "title", "received nothing, expected text"),
    case("beads", {}, "beads", "received nothing, expected this key (kinds of beads)"),
    case("beads", "A B", "beads", "received A B, expected a section of keys and values"),
    case("beads/A", "50 g/mol", "beads.A", "received 50 g/mol, expected a section such as {mass: ...}"),
    case("forcefield", "lj", "forcefield", "expected a section such as {pair: ...}"),
    case("forcefield/bond", "harmonic", "forcefield.bond", "expected a section such as {style: ...}"),
    case("forcefield/pair/tail", "maybe", "forcefield.pair.tail", "received maybe, expected yes or no"),
    case(
        "forcefield/special_bonds",
        [0, 0],
        "forcefield.special_bonds",
        "three factors between 0 and 1, such as [0, 0, 1]",
    ),
    case("forcefield/special_bonds", [0, 0, 2], "forcefield.special_bonds", "three factors between 0 and 1"),
    case("forcefield/special_bonds", 1, "forcefield.special_bonds", "three factors between 0 and 1"),
    case("experiments", {}, "experiments", "at least 1 entry"),
    case(
        "experiments/melt",
        None,
        "experiments.melt",
        "received nothing, expected a section such as {kind: ...}",
    ),
    case(
        "experiments/melt/protocol",
        [],
        "experiments.melt.protocol",
        "received an empty list, expected at least 1 entry",
    ),
    case("experiments/melt/protocol", "npt", "experiments.melt.protocol", "expected a list, such as [a, b]"),
    case(
        "experiments/melt/protocol/2", "npt", "experiments.melt.protocol.2", "expected a section such as {stage: ...}"
    ),
    case("experiments/melt/molecules", "chain", "experiments.melt.molecules", "a section of keys and values"),
    case("experiments/melt/molecules", {}, "experiments.melt.molecules", "at least 1 entry"),
    case(
        "experiments/melt/molecules/chain",
        0,
        "experiments.melt.molecules.chain",
        "received 0, expected a number above 0",
    ),
    case(
        "experiments/melt/molecules/chain",
        1.5,
        "experiments.melt.molecules.chain",
        "received 1.5, expected a whole number",
    ),
    case("experiments/melt/molecules/chain", "ten", "experiments.melt.molecules.chain", "expected a whole number"),
    case("experiments/melt/molecules/chain", 10**9, "experiments.melt.molecules.chain", "10000000 or less"),
    case("experiments/melt/processors", 0, "experiments.melt.processors", "a number above 0"),
    case("experiments/melt/state", {"DC": "half"}, "experiments.melt.state.DC", "received half, expected a number"),
    case("parameters", [], "parameters", "received an empty list, expected a section of keys and values"),
    case(
        "parameters/bond.*.k", None, "parameters.bond.*.k", "received nothing, expected a range such as", "{tied: ...}"
    ),
    case("parameters/bond.*.k", [1, 12], "parameters.bond.*.k", "received the list [1, 12], expected a range such as"),
    case(
        "parameters/bond.*.k",
        5,
        "parameters.bond.*.k",
        "received 5, expected two ends of a bond stiffness and the unit",
    ),
    case("parameters/bond.*.k", {"fixed": [8]}, "parameters.bond.*.k.fixed", "a number or numbers with a unit"),
    case("targets/density/weight", -1, "targets.density.weight", "received -1, expected 0 or more"),
    case("misfit", {"kind": "martins2025", "weights": "w9"}, "misfit.weights", "w, w2, w3, or three numbers"),
    case("misfit", {"kind": "martins2025", "weights": [1, 2]}, "misfit.weights", "w, w2, w3, or three numbers"),
    case("misfit", {"kind": "martins2025", "weights": [1, 2, -3]}, "misfit.weights", "not negative"),
    case("search", "tpe", "search", "expected a section such as {method: ...}"),
    case("search/evaluations", "many", "search.evaluations", "expected a whole number"),
    case("search/remeasure", -1, "search.remeasure", "0 or more"),
    case("compute", {"slurm": {}}, "compute.slurm.cores", "2 more places in this file are wrong"),
    case(
        "compute", {"slurm": {"cores": 1, "memory": "1 GB", "walltime": 86400}}, "compute.slurm.walltime", "in quotes"
    ),
    case("citations", "martins2025", "citations", "expected a list, such as [a, b]"),
    case("fidelities", None, "fidelities", "expected a section of keys and values"),
    case("fidelities/quick", None, "fidelities.quick", "received nothing, expected a section of keys and values"),
    case("fidelities/quick", {"experiments": None}, "fidelities.quick.experiments", "add 'experiments: ...'"),
    case("fidelities/base", {}, "fidelities.base", "another name; 'base' means the file as it stands"),
]

WRONG_NAME = [
    case(
        "beads/A-x", {"mass": "1 g/mol"}, "beads.A-x", "expected a name: a letter, then up to 39 letters, digits or '_'"
    ),
    case("beads/$(reboot)", {"mass": "1 g/mol"}, "beads.$(reboot)", "received $(reboot), expected a name"),
    case("beads/A\nB", {"mass": "1 g/mol"}, "beads.A B", "expected a name", name="a bead on two lines"),
    case("beads/\x1b[31mred", {"mass": "1 g/mol"}, "beads. [31mred", "expected a name", name="a bead in colour"),
    case("experiments/melt; rm", {}, "experiments.melt; rm", "expected"),
    case("fidelities/qu ick", {}, "fidelities.qu ick", "expected a name"),
    case("parameters/$(x)", "1 to 2 K", "parameters.$(x)", "a name of letters, digits, '_', '.', '-'"),
    case("parameters/pair.A.sigma; rm -rf x", "1 to 2 K", "parameters.pair.A.sigma; rm -rf x", "a name of letters"),
    case("parameters/pair.A.sigmaa", "1 to 2 Å", "parameters.pair.A.sigmaa", "did you mean pair.A.sigma?"),
]

WRONG_QUANTITY = [
    case("beads/A/mass", "50 Å", "beads.A.mass", "received 50 Å, expected a mass such as '42.04 g/mol'"),
    case("beads/A/mass", 50, "beads.A.mass", "received 50, expected a mass with its unit, such as"),
    case("beads/A/mass", "-5 g/mol", "beads.A.mass", "expected a positive mass"),
    case("beads/A/mass", "0 g/mol", "beads.A.mass", "expected a positive mass"),
    case(
        "experiments/melt/timestep",
        "4 kg",
        "experiments.melt.timestep",
        "received 4 kg, expected a time such as '4 fs'",
    ),
    case("experiments/melt/timestep", "0 fs", "experiments.melt.timestep", "expected a positive time"),
    case("experiments/melt/initial_density", "1 K", "experiments.melt.initial_density", "a density such as"),
    case("experiments/melt/time_limit", "3 kg", "experiments.melt.time_limit", "a wall-clock time such as '10 min'"),
    case("experiments/melt/protocol/2/duration", "4 kg", "experiments.melt.protocol.2.duration", "36 ps", "2500 steps"),
    case("experiments/melt/protocol/2/duration", 5, "experiments.melt.protocol.2.duration", "received 5", "36 ps"),
    case("experiments/melt/protocol/2/duration", "-1 ps", "experiments.melt.protocol.2.duration", "a positive time"),
    case("experiments/melt/protocol/3/ramp", "5", "experiments.melt.protocol.3.ramp", "36 ps"),
    case("experiments/melt/protocol/3/hold", "0 steps", "experiments.melt.protocol.3.hold", "a positive time"),
    case("experiments/melt/protocol/2/temperature", 300, "experiments.melt.protocol.2.temperature", "such as '300 K'"),
    case(
        "experiments/melt/protocol/2/temperature",
        "-3 K",
        "experiments.melt.protocol.2.temperature",
        "a positive temperature",
    ),
    case(
        "experiments/melt/protocol/2/temperature",
        "500 K to 300 K",
        "experiments.melt.protocol.2.temperature",
        "450 to 300 K",
    ),
    case("experiments/melt/protocol/2/pressure", "1 K", "experiments.melt.protocol.2.pressure", "a pressure such as"),
    case("experiments/melt/protocol/3/temperatures", "400 300", "experiments.melt.protocol.3.temperatures", "its unit"),
    case(
        "experiments/melt/protocol/3/temperatures",
        "300 to 400 K",
        "experiments.melt.protocol.3.temperatures",
        "a step too",
    ),
    case("experiments/melt/protocol/3/temperatures", "0 300 K", "experiments.melt.protocol.3.temperatures", "positive"),
    case(
        "experiments/melt/protocol/3/temperatures",
        "0 to 1e9 by 1e-9 K",
        "experiments.melt.protocol.3.temperatures",
        "100000",
    ),
    case("forcefield/pair/cutoff", "inf Å", "forcefield.pair.cutoff", "a length such as"),
    case("observables/tg/cold", "350 to 300 K", "observables.tg.cold", "the lower end first, '300 to 350 K'"),
    case("observables/tg/cold", "350 K", "observables.tg.cold", "two ends of a temperature and the unit"),
    case("parameters/pair.*.sigma", "5 to 4 Å", "parameters.pair.*.sigma", "the lower end first, '4 to 5 Å'"),
    case("parameters/pair.*.sigma", "4 to 5 K", "parameters.pair.*.sigma", "a length such as"),
    case("targets/density/uncertainty", 0.01, "targets.density.uncertainty", "a density with its unit"),
    case("targets/density/uncertainty", None, "targets.density.uncertainty", "received nothing"),
    case("targets/density/uncertainty", "0 g/cm^3", "targets.density.uncertainty", "positive standard deviations"),
    case("search/time", "3 kg", "search.time", "a wall-clock time"),
    case(
        "fidelities/quick",
        {"experiments": {"melt": {"timestep": "4 kg"}}},
        "fidelities.quick.experiments.melt.timestep",
        "received 4 kg, expected a time",
        name="inside a fidelity",
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "fragments"),
    [*MISSPELT, *MISSING_KEYS, *WRONG_KIND, *WRONG_TYPE, *WRONG_NAME, *WRONG_QUANTITY],
)
def test_each_wrong_entry_is_named_with_what_was_expected(document, complaint, path, value, where, fragments):
    message = complaint(changed(document, path, value))
    assert message.startswith(f"{where}: ")
    for fragment in fragments:
        assert fragment in message


def test_keys_that_yaml_reads_as_something_else(document, complaint):
    document["beads"][False] = {"mass": "30 g/mol"}  # nitric oxide: the key NO without quotes
    assert complaint(document).startswith("beads.no: received no, expected a name")
    assert complaint(document).endswith("; put it in quotes")
    del document["beads"][False]
    document["beads"][7] = {"mass": "30 g/mol"}
    assert complaint(document).startswith("beads.7: received 7, expected a name")


def test_a_misspelt_key_is_told_before_the_missing_one_that_it_makes(document, complaint):
    melt = document["experiments"]["melt"]
    melt["timestap"] = melt.pop("timestep")
    assert complaint(document).startswith("experiments.melt.timestap: received the key 'timestap'")


def test_other_mistakes_are_counted(document, complaint):
    document["beads"]["A"]["mass"] = "50 K"
    assert "more" not in complaint(document)
    document["beads"]["B"]["mass"] = "50 K"
    assert complaint(document).endswith("1 more place in this file is wrong")
    document["title"] = None
    assert complaint(document).endswith("2 more places in this file are wrong")


def test_an_example_in_a_message_is_valid_when_written_into_the_file(document, complaint, load):
    document["experiments"]["melt"]["timestep"] = "4 kg"
    (example,) = re.findall(r"such as '(.*?)'", complaint(document))
    document["experiments"]["melt"]["timestep"] = example
    assert load(document).experiments["melt"].timestep == 4.0


def test_long_and_hostile_text_is_shortened_and_stays_on_its_line():
    error = ProblemError("beads.\x1b[2J\nA", "x" * 500 + "\r\n", "a name", "remove it")
    assert isinstance(error, BeadsmithError)
    assert str(error).isprintable()
    assert "x" * 117 + "..., expected a name; remove it" in str(error)
    assert error.where == "beads.\x1b[2J\nA"


def test_an_error_seen_from_the_file_around_it_is_the_same_error():
    inner = ProblemError("melt.timestep", "4 kg", "a time", "use fs")
    assert str(inner.within("experiments.")) == f"experiments.{inner}"
    assert (inner.within("x.").received, inner.within("x.").remedy) == ("4 kg", "use fs")
    assert str(ProblemError("title", "", "text")) == "title: expected text"
