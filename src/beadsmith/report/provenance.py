"""Where results come from: who made a study, with which programs, and who says what should come out."""

from __future__ import annotations

from collections.abc import Mapping

from beadsmith.campaign.study import Manifest
from beadsmith.problem.problem import Problem
from beadsmith.report.labels import observable_label


def made_with(manifest: Manifest) -> Mapping[str, str]:
    """Programs and machine of a study, by what they are."""
    libraries = ", ".join(" ".join(one) for one in manifest.libraries.items())
    return {
        "LAMMPS": manifest.engine,
        "Beadsmith": manifest.beadsmith,
        "Python": manifest.python,
        **({"Libraries": libraries} if libraries else {}),
        "Machine": manifest.machine,
    }


def sources_of_targets(problem: Problem) -> Mapping[str, str]:
    """Where the targets come from, by observable."""
    found: dict[str, list[str]] = {}
    for target in problem.targets:
        known = found.setdefault(observable_label(target.observable), [])
        if target.source and target.source not in known:
            known.append(target.source)
    return {name: "; ".join(sources) or "no source given" for name, sources in found.items()}
