"""What a cure costs beside its molecular dynamics, on a system of the published size with short relaxations.

    python benchmarks/cure.py

Each cycle is timed from the choice of its bonds to the copy of its positions on disk; molecular dynamics is what LAMMPS
itself calls its loops.  The rest is ours: bonds, topology, input, the start of LAMMPS, reading back, storing.  The
longer the relaxation, the smaller its share; the published one is four hundred times as long as the one here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import tempfile
import time
from pathlib import Path

import yaml

from beadsmith.crosslink.cure import CureOrder, run_cure
from beadsmith.problem.problem import load_model, load_problem
from beadsmith.simulate import engine as engines

EXAMPLE = Path("examples/epoxy")
RESULT = Path("benchmarks/results/cure.json")
_LOOP = re.compile(r"^Loop time of ([\d.eE+-]+) on", re.MULTILINE)


def main() -> None:
    """Cure a few cycles and write the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=6)
    parser.add_argument("--steps", type=int, default=500, help="of each relaxation; 50,000 were published")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = _measured(Path(folder), arguments.cycles, arguments.steps)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def _measured(folder: Path, cycles: int, steps: int) -> dict[str, object]:
    problem = load_problem(_shortened(folder, steps))
    model = load_model(EXAMPLE / "models" / "giuntoli2021.yaml", problem)
    engine = engines.find_engine()
    order = CureOrder(problem, model, "network", 1, engine.version, 0.0, ())
    most = order.sites.most
    order = CureOrder(problem, model, "network", 1, engine.version, 10 * cycles / most, ())
    loops: list[float] = []
    run = engines.run_simulation

    def timed(simulation, attempt, own, stop):  # type: ignore[no-untyped-def]
        finished = run(simulation, attempt, own, stop)
        loops.append(sum(map(float, _LOOP.findall(finished.ending.log))))
        return finished

    from beadsmith.crosslink import cure

    cure.run_simulation = timed
    started = time.monotonic()
    cured = run_cure(order, folder / "cure", engine, lambda: False)
    rows = [
        {
            "cycle": one.number,
            "bonds": one.bonds,
            "seconds": round(one.seconds, 3),
            "dynamics": round(loop, 3),
            "not_dynamics": round(1.0 - loop / one.seconds, 4),
        }
        for one, loop in zip(cured.cycles, loops, strict=True)
    ]
    beads = len(order.packed.positions)
    return {
        "command": f"python benchmarks/cure.py --cycles {cycles} --steps {steps}",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "engine": engine.version},
        "beads": beads,
        "steps_of_a_relaxation": steps,
        "seconds": round(time.monotonic() - started, 1),
        "not_dynamics": round(statistics.median(row["not_dynamics"] for row in rows[1:]), 4),
        "seconds_beside_dynamics": round(statistics.median(row["seconds"] - row["dynamics"] for row in rows[1:]), 3),
        "bead_steps_per_second": round(statistics.median(beads * steps / row["dynamics"] for row in rows[1:])),
        "cycles": rows,
    }


def _shortened(folder: Path, steps: int) -> Path:
    """The paper's system; what is inferred and how it is written stay as they are."""
    for name in ("common.yaml", "pacm.yaml"):
        (folder / name).write_text((EXAMPLE / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "models").symlink_to((EXAMPLE / "models").absolute())
    cure = {
        "preparation": [
            {"stage": "push-off", "temperature": "1000 K", "steps": 200},
            {"stage": "npt", "temperature": "1000 K", "pressure": "0 atm", "duration": f"{2 * steps} steps"},
        ],
        "relaxation": [
            {"stage": "minimize", "iterations": 50},
            {"stage": "npt", "temperature": "1000 K", "pressure": "0 atm", "duration": f"{steps} steps"},
        ],
    }
    network = {"molecules": {"dgeba": 2000, "pacm": 1000}, "networks": 1, "cure": cure}
    document = {"title": "of the published size", "extends": "pacm.yaml", "experiments": {"network": network}}
    path = folder / "big.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
