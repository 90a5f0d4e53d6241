"""Facts of the LAMMPS input that we write, read from its text."""

import re
from dataclasses import dataclass, replace

import pytest

from beadsmith.problem.functions import Linear
from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.state import State
from beadsmith.simulate.plan import plan_simulation
from beadsmith.simulate.script import COMPLETE

ENGINE = "22 Jul 2025"


@dataclass(frozen=True)
class Run:
    """One run command and what was in force when it came."""

    steps: int
    fixes: dict[str, list[str]]
    dumps: dict[str, list[str]]
    coefficients: tuple[str, ...]
    pair_style: str


def runs_of(text: str) -> list[Run]:
    """Every run of a script; fixes and dumps must be defined once and taken back once."""
    fixes, dumps, coefficients, pair_style, runs = {}, {}, {}, "", []
    for line in text.splitlines():
        command, *words = line.split("#")[0].split()[:1] + line.split()[1:] if line.strip() else [""]
        match command:
            case "fix":
                assert words[0] not in fixes, line
                fixes[words[0]] = words[2:]
            case "unfix":
                del fixes[words[0]]
            case "dump":
                assert words[0] not in dumps, line
                dumps[words[0]] = words[2:]
            case "undump":
                del dumps[words[0]]
            case "pair_style":
                pair_style = words[0]
            case "bond_coeff" | "angle_coeff" | "pair_coeff":
                coefficients[(command, *words[: 2 if command == "pair_coeff" else 1])] = line
            case "run":
                runs.append(Run(int(words[0]), dict(fixes), dict(dumps), tuple(coefficients.values()), pair_style))
    assert dumps == {}
    assert fixes.keys() <= {"box_guard"}
    return runs


def recorded(runs: list[Run]) -> list[Run]:
    return [run for run in runs if "series" in run.fixes]


@pytest.fixture
def planned(document, load, model_of):
    """The simulation of one experiment of the (changed) document."""

    def plan(name: str, model=None, seed: int = 7):
        problem = load(document)
        return plan_simulation(problem, name, model or model_of(problem), seed, ENGINE)

    return plan


def text_of(simulation) -> str:
    return simulation.files["in.lammps"]


def test_a_melt_visits_its_temperatures_in_order(planned):
    runs = runs_of(text_of(planned("melt")))
    thermostats = [run.fixes.get("thermostat", run.fixes["dynamics"]) for run in runs]
    ensembles = [run.fixes["dynamics"][0] for run in runs]
    assert ensembles == ["nve/limit", "nve/limit", "npt", "npt", "npt", "npt", "nvt"]
    ends = [tuple(map(float, words[(2 if words[0] in ("npt", "nvt") else 1) :][:2])) for words in thermostats]
    assert ends == [(400, 400), (400, 400), (400, 400), (400, 400), (400, 350), (350, 350), (350, 350)]
    assert [run.steps for run in runs] == [200, 200, 400, 1000, 200, 1000, 200]
    assert [run.steps for run in recorded(runs)] == [1000, 1000, 200]


def test_isolated_molecules_have_a_friction_of_their_own_and_no_box(planned):
    simulation = planned("alone")
    runs = runs_of(text_of(simulation))
    assert [run.fixes["dynamics"] for run in runs] == [["nve"]] * 3
    assert [run.fixes["thermostat"][:4] for run in runs] == [
        ["langevin", "300", "400", "500"],  # 100 time steps if nothing is said
        ["langevin", "400", "400", "1000"],
        ["langevin", "450", "450", "1000"],
    ]
    text = text_of(simulation)
    assert "neigh_modify exclude molecule/inter all" in text
    assert "box_guard" not in text
    assert "v_density" not in text.split("fix series")[1]
    assert "tail no" in text


def test_a_melt_stops_when_its_box_has_shrunk_below_twice_the_cutoff(planned, document):
    assert "fix box_guard all halt 20 v_shortest_edge < 16 error hard" in text_of(planned("melt"))
    assert "exclude" not in text_of(planned("melt"))
    document["forcefield"]["pair"]["cutoff"] = "7 angstrom"
    assert "v_shortest_edge < 14 error hard" in text_of(planned("melt"))


def test_every_recorded_stretch_has_its_own_files_and_says_what_to_expect(planned):
    simulation = planned("melt")
    runs = recorded(runs_of(text_of(simulation)))
    assert len(runs) == len(simulation.stretches) == 3
    assert [stretch.state["T"] for stretch in simulation.stretches] == [400, 350, 350]
    for number, (run, stretch) in enumerate(zip(runs, simulation.stretches, strict=True)):
        words = run.fixes["series"]
        assert words[:4] == ["ave/time", str(stretch.series_every), "1", str(stretch.series_every)]
        assert f"series_{number}.txt" in words
        assert run.dumps["frames"][:3] == ["custom", str(stretch.frames_every), f"frames_{number}.bin"]
        assert run.dumps["frames"][3:] == ["id", "xu", "yu", "zu"]
        assert run.steps == stretch.steps
    assert simulation.steps == 2200
    assert [stretch.frames_every for stretch in simulation.stretches] == [100, 100, 40]


@pytest.mark.parametrize(
    ("hold", "samples"),
    [("50 steps", 50), ("99 steps", 99), ("100 steps", 10), ("5000 steps", 500), ("1e6 steps", 1000)],
)
def test_there_are_enough_samples_but_not_more_than_needed(planned, document, hold, samples):
    document["experiments"]["melt"]["protocol"][2]["hold"] = hold
    (stretch, *_) = planned("melt").stretches
    assert stretch.steps == parse_duration(hold, 5.0)
    assert stretch.steps // stretch.series_every == samples
    assert stretch.steps // stretch.frames_every >= min(10, stretch.steps)


def test_seeds_are_all_different_and_such_that_lammps_takes_them(planned, document):
    document["experiments"]["alone"]["protocol"] += [
        {"stage": "langevin", "temperature": "300 K", "duration": "1 ps"} for _ in range(50)
    ]
    for seed in (0, 1, 2**62 - 1):
        found = [
            int(number)
            for pattern in (r"^fix thermostat all langevin \S+ \S+ \S+ (\d+)$", r"^velocity all create \S+ (\d+)")
            for number in re.findall(pattern, text_of(planned("alone", seed=seed)), re.MULTILINE)
        ]
        assert len(found) == len(set(found)) == 53 + 1
        assert 0 < min(found) <= max(found) < 900_000_000


def test_velocities_are_drawn_once(planned):
    for name in ("melt", "alone"):
        text = text_of(planned(name))
        assert text.count("velocity all create") == 1
        assert text.index("velocity all create") < text.index("\nrun ")


def test_the_true_interactions_come_back_after_the_soft_ones(planned):
    runs = runs_of(text_of(planned("melt")))
    assert [run.pair_style for run in runs] == ["soft"] + ["lj/cut"] * 6
    assert not any("0.55 3.5" in line for line in runs[0].coefficients if line.startswith("pair"))
    assert "pair_coeff 1 1 0.55 3.5  # A" in runs[1].coefficients
    assert "pair_coeff 2 2 0.55 3.5  # B" in runs[1].coefficients


def test_coefficients_are_written_again_only_where_the_state_changes_them(planned, document, load, model_of):
    constant = text_of(planned("alone"))
    assert len(re.findall(r"^pair_coeff 1 1", constant, re.MULTILINE)) == 1

    model = model_of(load(document))
    growing = replace(model, functions={**model.functions, "pair.A.sigma": Linear("T", 3.0, 0.001)})
    runs = runs_of(text_of(planned("alone", growing)))
    sigma = [next(line for line in run.coefficients if line.startswith("pair_coeff 1 1")).split()[4] for run in runs]
    # A ramp runs with the coefficients of its end.
    assert sigma == ["3.4", "3.4", "3.45"]

    melt = runs_of(text_of(planned("melt", growing)))
    sigma = [
        next(line for line in run.coefficients if line.startswith("pair_coeff 1 1")).split()[4] for run in melt[1:]
    ]
    assert sigma == ["3.4", "3.4", "3.4", "3.35", "3.35", "3.35"]


def test_other_variables_of_the_state_reach_the_coefficients_and_the_recordings(planned, document, load, model_of):
    document["experiments"]["alone"]["state"] = {"DC": 0.5}
    model = model_of(load(document))
    crosslinked = replace(model, functions={**model.functions, "pair.A.sigma": Linear("DC", 3.0, 1.0)})
    simulation = planned("alone", crosslinked)
    assert [stretch.state for stretch in simulation.stretches] == [State.of(T=t, DC=0.5) for t in (400, 450)]
    assert "pair_coeff 1 1 0.55 3.5  # A" in text_of(simulation)
    assert 'title1 "# DC=0.5, T=400"' in text_of(simulation)


def test_a_ladder_without_ramps_changes_at_once_and_one_at_the_temperature_before_needs_none(planned, document):
    ladder = document["experiments"]["melt"]["protocol"][2]
    del ladder["ramp"]
    assert [run.steps for run in runs_of(text_of(planned("melt")))] == [200, 200, 400, 1000, 1000, 200]
    ladder |= {"ramp": "1 ps", "temperatures": "400 400 350 K"}
    assert [run.steps for run in runs_of(text_of(planned("melt")))] == [200, 200, 400, 1000, 1000, 200, 1000, 200]


def test_damping_times_are_those_of_the_stage_or_the_usual_ones(planned, document):
    def words(number: int) -> list[str]:
        return runs_of(text_of(planned("melt")))[number].fixes["dynamics"]

    assert words(2) == ["npt", "temp", "400", "400", "500", "iso", "1", "1", "5000"]
    document["experiments"]["melt"]["protocol"][1] |= {
        "damping": "0.2 ps",
        "pressure_damping": "2 ps",
        "pressure": "2 bar",
    }
    assert words(2) == ["npt", "temp", "400", "400", "200", "iso", "1.97385", "1.97385", "2000"]


def test_a_script_ends_by_saying_so_and_watches_over_its_atoms(planned):
    for name in ("melt", "alone"):
        text = text_of(planned(name))
        assert text.splitlines()[-1] == f'print "{COMPLETE}"'
        assert text.startswith("units real\natom_style molecular\nboundary p p p\nread_data system.data")
        assert "thermo_modify lost error lost/bond error flush yes" in text
        assert "timestep 5\n" in text


def test_minimisation_takes_the_limits_of_its_stage(planned, document):
    document["experiments"]["alone"]["protocol"].insert(
        0, {"stage": "minimize", "energy_tolerance": 1e-5, "force_tolerance": 1e-7, "iterations": 50}
    )
    assert "minimize 1e-05 1e-07 50 500\n" in text_of(planned("alone"))
