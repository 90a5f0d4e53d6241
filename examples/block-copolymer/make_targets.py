"""Make the targets: simulate the hidden model longer and more often than a search ever will, and write what came out.

    python examples/block-copolymer/make_targets.py

About 8 x 55 core-seconds.  Simulations are kept in --study; what stands between the two marks of problem.yaml is
replaced.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROBLEM = HERE / "problem.yaml"
BEGINNING, END = "# Targets: written by make_targets.py\n", "# End of the targets\n"
UNITS = {
    "density": "g/cm^3",
    "radius_of_gyration": "angstrom",
    "end_to_end_distance": "angstrom",
    "potential_energy": "kcal/mol",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--study", type=Path, default=Path("studies/block-copolymer-targets"))
    arguments = parser.parse_args()
    measured = _measured(arguments.replicas, arguments.study)
    text = PROBLEM.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGINNING)
    _, _, after = rest.partition(END)
    section = _section(measured, f"the hidden model, {arguments.replicas} replicas at fidelity targets")
    PROBLEM.write_text(before + BEGINNING + section + END + after, encoding="utf-8")
    print(section)


def _measured(replicas: int, study: Path) -> dict[str, list[dict[str, Any]]]:
    study.mkdir(parents=True, exist_ok=True)
    answer = study / "hidden.json"
    command = [sys.executable, "-m", "beadsmith", "evaluate", str(PROBLEM), "--fidelity", "targets"]
    command += ["--model", str(HERE / "models" / "hidden.yaml"), "--replicas", str(replicas)]
    subprocess.run([*command, "--study", str(study), "--json", str(answer)], check=True)
    found: dict[str, list[dict[str, Any]]] = json.loads(answer.read_text(encoding="utf-8"))["observables"]
    return found


def _section(measured: dict[str, list[dict[str, Any]]], source: str) -> str:
    lines = ["targets:"]
    for name, unit in UNITS.items():
        points = sorted(measured[name], key=lambda point: point["state"]["T"])
        digits = 4 if unit == "g/cm^3" else 3 if unit == "angstrom" else 1
        lines += [
            f"  {name}:",
            f"    state: {{T: {' '.join(format(point['state']['T'], 'g') for point in points)} K}}",
            f"    value: {' '.join(format(point['value'], f'.{digits}f') for point in points)} {unit}",
            f"    uncertainty: {' '.join(format(point['stderr'], '.2g') for point in points)} {unit}",
            f"    source: {source}",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
