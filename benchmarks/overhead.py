"""What the machinery costs: a search against the same LAMMPS simulations run bare, side by side.

    python benchmarks/overhead.py --output benchmarks/results/overhead.json
    python benchmarks/overhead.py --search gauss-newton --output benchmarks/results/overhead-gradients.json

Both sides run the same input scripts, two (or as many as there are cores) at a time; the bare side only starts LAMMPS
in folders that are already prepared.  Numbers: wall time of each, their ratio, and the processor time of everything
that is not LAMMPS.  The ratio of wall times means something on a quiet machine only, that of processor times on any:
``--bare-every 0`` leaves the bare side out.
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
        startup = _used()
        began = time.monotonic()
        with open_laboratory(problem, study) as laboratory:
            for step in calibrate(laboratory, study, plan):
                print(f"\r{step.done}/{step.total}", end="", flush=True)
        wall = time.monotonic() - began
        searched = _used() - startup
        results = [study.store.result(name) for name in study.store.names()]
        lammps = sum(result.core_seconds for result in results if result is not None)
        result = {
            "command": f"python benchmarks/overhead.py --evaluations {arguments.evaluations} "
            f"--search {arguments.search} --bare-every {arguments.bare_every}",
            "problem": arguments.problem.as_posix(),
            "fidelity": problem.fidelity,
            "simulations": len(results),
            "campaign_wall_seconds": round(wall, 1),
            "lammps_core_seconds": round(lammps, 1),
            # Of everything that is not LAMMPS; importing the package and reading the problem file comes once.
            "startup_core_seconds": round(startup, 2),
            "other_core_seconds": round(searched - lammps, 2),
            "core_overhead": round((startup + searched - lammps) / lammps, 4),
        }
        if arguments.bare_every:
            result |= _compared(study, engine, arguments.bare_every, wall / lammps)
    result |= {"machine": f"{available_cores()} cores, {platform.machine()}, {platform.system()}"}
    result |= {"lammps": engine.version}
    print("\n" + json.dumps(result, indent=1))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, default=Path("examples/pebax/problem.yaml"))
    parser.add_argument("--fidelity", default="quick")
    parser.add_argument("--search", default="tpe")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument(
        "--bare-every", type=int, default=1, help="run every so many of the simulations bare; 0 for none"
    )
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def _compared(study: Study, engine: Engine, every: int, campaign: float) -> dict[str, float]:
    """Some of the simulations once more, bare; ``campaign`` is the wall time per second that LAMMPS used."""
    runs = [study.store.root / name for name in study.store.names()[::every]]
    before, began = _used(), time.monotonic()
    with ThreadPoolExecutor(available_cores()) as executor:
        list(executor.map(lambda run: _bare(run, engine), runs))
    wall, core = time.monotonic() - began, _used() - before
    return {
        "bare_simulations": len(runs),
        "bare_wall_seconds": round(wall, 1),
        "bare_core_seconds": round(core, 1),
        # Both sides run different numbers of simulations: compare wall time per second that LAMMPS used.
        "wall_overhead": round(campaign / (wall / core) - 1.0, 4),
    }


def _used() -> float:
    """Processor seconds of this process, and of its children that have ended (LAMMPS, and Dask's processes)."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _bare(run: Path, engine: Engine) -> None:
    environment = {**os.environ, "LD_LIBRARY_PATH": engine.library_path, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:
        for name in ("in.lammps", "system.data"):
            (Path(folder) / name).write_bytes((run / name).read_bytes())
        command = [engine.executable, "-in", "in.lammps", "-log", "log.lammps", "-screen", "none", "-nocite"]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
