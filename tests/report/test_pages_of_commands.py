"""The pages that ``cure`` and ``evaluate`` write, from real simulations, and networks found again in their study."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from beadsmith.problem.problem import load_problem
from beadsmith.report.networks import network_table, stored_networks
from beadsmith.simulate.engine import find_engine

EPOXY = Path(__file__).parents[2] / "examples" / "epoxy"


def beadsmith(*words: object, folder: Path) -> None:
    command = [sys.executable, "-m", "beadsmith", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.lammps
def test_pages_say_what_the_answers_say(tmp_path: Path, parse):
    common = ("--fidelity", "ci", "--study", "study")
    words = ("--to", 0.2, "--report", "cure.html", "--json", "cure.json")
    beadsmith("cure", EPOXY / "pacm.yaml", *common, *words, folder=tmp_path)
    page = parse((tmp_path / "cure.html").read_text(encoding="utf-8"))
    (answer,) = json.loads((tmp_path / "cure.json").read_text())["networks"]
    cells = {row[0]: row[1] for row in page.cells if len(row) == 2}
    assert cells["Crosslinks"] == str(sum(cycle["bonds"] for cycle in answer["cycles"])) == "8"
    assert cells["Pieces"] == str(answer["components"])
    assert float(cells["Degree of crosslinking"]) == answer["degree"] == 0.2
    assert "Before the cure, DC = 0: 140 beads, no crosslinks" in page.source
    assert "After the cure, DC = 0.2: 140 beads, 8 crosslinks" in page.source

    model = ("--model", EPOXY / "models" / "giuntoli2021.yaml", "--state", "DC=0.2,0")
    words = ("--report", "model.html", "--json", "model.json")
    beadsmith("evaluate", EPOXY / "pacm.yaml", *common, *model, *words, folder=tmp_path)
    page = parse((tmp_path / "model.html").read_text(encoding="utf-8"))
    answer = json.loads((tmp_path / "model.json").read_text())["states"]
    assert [attributes["id"] for tag, attributes in page.tags if tag == "section"] == [
        "properties",
        "curves",
        "networks",
    ]
    for state in answer:
        (density,) = state["observables"]["density"]
        label = f"DC = {state['state']['DC']:g}, T = 300 K"
        shown = next(row for row in page.cells if row[0].strip() == label)  # density comes first
        value, error = (float(part.strip(" †")) for part in shown[2].split("±"))
        assert value == pytest.approx(density["value"], abs=0.06 * density["stderr"])
        assert error == pytest.approx(density["stderr"], rel=0.06)
    # The cure went to 0.2 whatever the order of the states.
    assert "After the cure, DC = 0.2: 140 beads, 8 crosslinks" in page.source

    problem = load_problem(EPOXY / "pacm.yaml", "ci")
    engine = find_engine(None).version
    (found,) = stored_networks(problem, tmp_path / "study", None, 0, engine)
    assert found.examined.analysis.degree == 0.2
    assert "Network 1 has come to DC\u00a0=\u00a00.2 so far, of 0.9." in network_table([found]).sentences
    assert stored_networks(problem, tmp_path / "study", None, 0, "another engine") == ()
    assert stored_networks(problem, tmp_path, None, 0, engine) == ()
