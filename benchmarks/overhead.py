"""What the machinery costs: a search against the same LAMMPS simulations run bare, side by side.

    python benchmarks/overhead.py --evaluations 100 --output benchmarks/results/overhead.json

Both sides run the same input scripts, two (or as many as there are cores) at a time; the bare side only starts LAMMPS
in folders that are already prepared.  Numbers: wall time of each, their ratio, and the processor time of everything
that is not LAMMPS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from beadsmith.campaign.calibration import Plan, calibrate
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.pool import available_cores
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import load_problem
from beadsmith.simulate.engine import Engine, find_engine


def main() -> None:
    """Run both sides and write the result."""
    arguments = _arguments()
    problem = load_problem(arguments.problem, arguments.fidelity)
    engine = find_engine()
    with tempfile.TemporaryDirectory(prefix="beadsmith-overhead-") as folder:
        study = Study(Path(folder) / "study")
        plan = Plan(arguments.search, arguments.evaluations, 1, available_cores(), remeasure=0, candidates=1)
        before = _used()
        began = time.monotonic()
        with open_laboratory(problem, study) as laboratory:
            for step in calibrate(laboratory, study, plan):
                print(f"\r{step.done}/{step.total}", end="", flush=True)
        wall = time.monotonic() - began
        after = _used()
        names = study.store.names()
        runs = [study.store.root / name for name in names[:: arguments.bare_every]]
        began = time.monotonic()
        with ThreadPoolExecutor(available_cores()) as executor:
            list(executor.map(lambda run: _bare(run, engine), runs))
        bare = time.monotonic() - began
        bare_core = _used()[1] - after[1]
    lammps_core = after[1] - before[1]
    result = {
        "command": f"python benchmarks/overhead.py --evaluations {arguments.evaluations} --search {arguments.search} "
        f"--bare-every {arguments.bare_every}",
        "problem": arguments.problem.as_posix(),
        "fidelity": problem.fidelity,
        "simulations": len(names),
        "campaign_wall_seconds": round(wall, 1),
        "lammps_core_seconds": round(lammps_core, 1),
        "bare_simulations": len(runs),
        "bare_wall_seconds": round(bare, 1),
        "bare_lammps_core_seconds": round(bare_core, 1),
        # Both sides run different numbers of simulations: compare wall time per second that LAMMPS used.
        "wall_overhead": round(wall / lammps_core / (bare / bare_core) - 1.0, 4),
        "other_core_seconds": round(after[0] - before[0], 1),
        "core_overhead": round((after[0] - before[0]) / lammps_core, 4),
        "machine": f"{available_cores()} cores, {platform.machine()}, {platform.system()}",
        "lammps": engine.version,
    }
    print("\n" + json.dumps(result, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, default=Path("examples/pebax/problem.yaml"))
    parser.add_argument("--fidelity", default="quick")
    parser.add_argument("--search", default="tpe")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--bare-every", type=int, default=1, help="run only every so many of the simulations bare")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def _used() -> tuple[float, float]:
    """Processor seconds of this process, and of its children that have ended (LAMMPS)."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def _bare(run: Path, engine: Engine) -> None:
    environment = {**os.environ, "LD_LIBRARY_PATH": engine.library_path, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:
        for name in ("in.lammps", "system.data"):
            (Path(folder) / name).write_bytes((run / name).read_bytes())
        command = [engine.executable, "-in", "in.lammps", "-log", "log.lammps", "-screen", "none", "-nocite"]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
