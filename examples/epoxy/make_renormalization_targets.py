"""Targets of renormalization.yaml: the published model on networks that no run of its design has seen.

    beadsmith evaluate examples/epoxy/renormalization.yaml --fidelity targets --state DC=0,0.3,0.6,0.9 \
        --model examples/epoxy/models/giuntoli2021.yaml --json targets.json
    python examples/epoxy/make_renormalization_targets.py targets.json

The text that it prints is the `targets` section of renormalization.yaml.
"""

import json
import sys
from pathlib import Path
from typing import Any

UNITS = {"density": "g/cm^3", "debye_waller_factor": "angstrom^2", "youngs_modulus": "GPa", "yield_stress": "MPa"}


def main() -> None:
    """Print the section."""
    answer = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("targets: # the published model, four networks: python examples/epoxy/make_renormalization_targets.py")
    found: dict[str, list[dict[str, Any]]] = {}
    for part in answer.get("states", [answer]):
        for name, entries in part["observables"].items():
            found.setdefault(name, []).extend(entries)
    for name, entries in found.items():
        unit = UNITS.get(name.partition("_")[2])
        known = [entry for entry in entries if entry["value"] is not None and entry["stderr"] is not None]
        if unit is not None and known:
            print(section(name, known, unit), end="")


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
