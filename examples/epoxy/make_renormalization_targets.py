"""Targets of renormalization.yaml: the published model on networks that no run of its design has seen.

    beadsmith evaluate examples/epoxy/renormalization.yaml --fidelity targets --state DC=0,0.3,0.6,0.9 \
        --model examples/epoxy/models/giuntoli2021.yaml --json targets.json
    python examples/epoxy/make_renormalization_targets.py targets.json

The text that it prints is the `targets` section of renormalization.yaml.
"""

import json
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

UNITS = {"density": "g/cm^3", "debye_waller_factor": "angstrom^2", "youngs_modulus": "GPa", "yield_stress": "MPa"}
#: Curves: the unit, the coordinate, its unit and by what it is divided.
CURVES = {
    "mean_squared_displacement": ("angstrom^2", "t", "ps", 1000.0),
    "stress": ("MPa", "strain", "", 1.0),
}


def main() -> None:
    """Print the section."""
    answer = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("targets: # the published model, four networks: python examples/epoxy/make_renormalization_targets.py")
    found: dict[str, list[dict[str, Any]]] = {}
    for part in answer.get("states", [answer]):
        for name, entries in part["observables"].items():
            found.setdefault(name, []).extend(entries)
    for name, entries in found.items():
        kind = name.partition("_")[2]
        known = [entry for entry in entries if entry["value"] is not None and entry["stderr"] is not None]
        if kind in UNITS and known:
            print(section(name, known, UNITS[kind]), end="")
        elif kind in CURVES and known:
            print(curve(name, known, *CURVES[kind]), end="")


def curve(name: str, entries: list[dict[str, Any]], unit: str, coordinate: str, of: str, divided: float) -> str:
    """Curves at every degree of crosslinking: to be looked at, not to be fitted."""
    entries = sorted(entries, key=lambda entry: (entry["state"]["DC"], entry["state"][coordinate]))
    columns = {
        "DC": " ".join(f"{entry['state']['DC']:g}" for entry in entries),
        coordinate: " ".join(f"{entry['state'][coordinate] / divided:.4g}" for entry in entries) + f" {of}".rstrip(),
    }
    values = " ".join(f"{entry['value']:.4g}" for entry in entries)
    errors = " ".join(f"{entry['stderr']:.2g}" for entry in entries)
    state = ", ".join(f"{key}: {column}" for key, column in columns.items())
    lines = [f"state: {{{state}, T: 300 K}}", f"value: {values} {unit}", f"uncertainty: {errors} {unit}"]
    wrapped = "\n".join(fill(line, 110, initial_indent=4 * " ", subsequent_indent=6 * " ") for line in lines)
    source = f"the published model, {entries[0]['networks']} networks"
    return f"  {name}:\n    weight: 0\n{wrapped}\n    source: {source}\n"


def section(name: str, entries: list[dict[str, Any]], unit: str) -> str:
    """One observable, at every degree of crosslinking."""
    entries = sorted(entries, key=lambda entry: entry["state"]["DC"])
    degrees = " ".join(f"{entry['state']['DC']:g}" for entry in entries)
    values = " ".join(f"{entry['value']:.5g}" for entry in entries)
    errors = " ".join(f"{entry['stderr']:.3g}" for entry in entries)
    return (
        f"  {name}:\n    state: {{DC: {degrees}, T: 300 K}}\n    value: {values} {unit}\n"
        f"    uncertainty: {errors} {unit}\n    source: the published model, {entries[0]['networks']} networks\n"
    )


if __name__ == "__main__":
    main()
