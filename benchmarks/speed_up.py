"""How much faster beads are than atoms: the same molecules, processor time per nanosecond, in one run on one core.

    python benchmarks/speed_up.py                    minutes
    python benchmarks/speed_up.py --published        half an hour: atoms also with all forces every femtosecond

Both sides are prepared alike (packed, relaxed, pressed to a liquid's density at 600 K, cooled), then timed at 300 K and
0 atm.  Atoms have bonds every femtosecond and everything else every three, as examples/epoxy-atomistic has it.  The
paper, which computes all of it every femtosecond, says that beads are about 1,000 times faster.
"""

import argparse
import json
import os
import platform
import tempfile
from dataclasses import replace
from pathlib import Path

from beadsmith.campaign.curing import model_of_cure
from beadsmith.campaign.timing import LOOP
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.schema import Dynamics, Minimize, Network, PushOff, Stage
from beadsmith.simulate.diagnosis import diagnose
from beadsmith.simulate.engine import Engine, find_engine, run_simulation
from beadsmith.simulate.plan import plan_simulation

RESULT = Path("benchmarks/results/speed-up.json")
PUBLISHED = "atoms, all forces every femtosecond"
STEPS = {"beads": 4000, "atoms": 600, PUBLISHED: 600}


def main() -> None:
    """Time all three, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=int, default=64, help="of DGEBA; half as many of PACM")
    parser.add_argument("--published", action="store_true", help="time atoms with all forces every femtosecond, too")
    arguments = parser.parse_args()
    count = arguments.molecules
    engine = find_engine()
    beads = load_problem(Path("examples/epoxy/pacm.yaml"))
    atoms = load_problem(Path("examples/epoxy-atomistic/pacm.yaml"))
    sides = {
        "beads": timed(beads, "beads", count, engine),
        "atoms": timed(atoms, "atoms", count, engine),
    }
    if arguments.published:
        sides[PUBLISHED] = timed(atoms, PUBLISHED, count, engine, timestep=1.0, bonded_substeps=1)
    per_nanosecond = {name: side["core_seconds_per_nanosecond"] for name, side in sides.items()}
    result = {
        "command": f"python benchmarks/speed_up.py --molecules {count}{' --published' * arguments.published}",
        "molecules": {"dgeba": count, "pacm": count // 2},
        "machine": {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "engine": engine.version,
        "sides": sides,
        **{
            f"speed_up, {name}": round(spent / per_nanosecond["beads"], 1)
            for name, spent in per_nanosecond.items()
            if name != "beads"
        },
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def timed(problem: Problem, side: str, count: int, engine: Engine, **changes: float) -> dict[str, float]:
    """Processor time of a liquid at 300 K and 0 atm."""
    network = problem.experiments["network"]
    assert isinstance(network, Network)
    experiment = network.model_copy(
        update={
            "molecules": {"dgeba": count, "pacm": count // 2},
            "protocol": protocol(network, STEPS[side], changes.get("timestep", network.timestep)),
            "state": {"DC": 0.0},
            **changes,
        }
    )
    trial = replace(problem, file=problem.file.model_copy(update={"experiments": {"network": experiment}}))
    model = model_of_cure(problem, "network")
    assert model is not None
    simulation = plan_simulation(trial, "network", model, 1, engine.version)
    with tempfile.TemporaryDirectory() as folder:
        finished = run_simulation(simulation, Path(folder), engine, stop=lambda: False)
    failure = diagnose(finished.ending, side)
    if failure is not None:
        raise SystemExit(failure.sentence)
    seconds, steps, particles, used = LOOP.findall(finished.ending.log)[-1]
    spent = float(seconds) * float(used) / 100
    return {
        "particles": int(particles),
        "timestep_femtoseconds": experiment.timestep,
        "core_seconds": round(spent, 2),
        "steps": int(steps),
        "particle_steps_per_second": round(int(particles) * int(steps) / spent),
        "core_seconds_per_nanosecond": round(spent / (int(steps) * experiment.timestep) * 1e6, 1),
    }


def protocol(network: Network, steps: int, timestep: float) -> tuple[Stage, ...]:
    """To a liquid's density, to 300 K, then the stretch that is timed."""
    first = [stage for stage in network.cure.preparation if isinstance(stage, Minimize | PushOff)]
    quick = {"stage": "npt", "pressure_damping": "500 fs"}
    stages = [
        {**quick, "temperature": "600 K", "pressure": "3000 atm", "duration": "9 ps"},
        {**quick, "temperature": "600 to 300 K", "pressure": "1000 to 0 atm", "duration": "6 ps"},
        {**quick, "temperature": "300 K", "pressure": "0 atm", "duration": f"{steps * timestep:g} fs"},
    ]
    return (*first, *(Dynamics.model_validate(stage) for stage in stages))


def processor() -> str:
    """Name of the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
