"""Names and units as a reader wants them: ``radius_of_gyration`` is ``Radius of gyration``, ``angstrom`` is ``Å``."""

from __future__ import annotations

import re

from beadsmith.problem.problem import Problem
from beadsmith.problem.state import State
from beadsmith.problem.targets import KIND_OF_VARIABLE, unit_of
from beadsmith.report.formatting import SUPERSCRIPTS
from beadsmith.units import UNIT_OF_KIND

#: Names of people, which names of observables cannot spell.
_NAMES = {"youngs": "Young's", "poissons": "Poisson's", "debye waller": "Debye-Waller"}
_POWER = re.compile(r"\^(-?\d+)")


def observable_label(name: str) -> str:
    """``Radius of gyration`` for ``radius_of_gyration``, ``Young's modulus`` for ``youngs_modulus``.

    Capitals inside a name stay.
    """
    words = name.replace("_", " ").strip()
    for plain, proper in _NAMES.items():
        words = words.replace(plain, proper)
    return words[:1].upper() + words[1:]


def observable_unit(problem: Problem, name: str) -> str:
    """Unit of an observable of the problem; empty if it has none or the problem does not know it."""
    observable = problem.observables.get(name)
    return "" if observable is None else pretty_unit(unit_of(observable))


def variable_unit(name: str) -> str:
    """Unit of a state variable; empty for plain numbers."""
    return pretty_unit(UNIT_OF_KIND[KIND_OF_VARIABLE[name]]) if name in KIND_OF_VARIABLE else ""


def pretty_unit(unit: str) -> str:
    """``kcal/mol/Å²`` for ``kcal/mol/angstrom^2``, ``°`` for ``degree``."""
    short = unit.replace("angstrom", "Å").replace("degree", "°")
    return _POWER.sub(lambda match: match[1].translate(SUPERSCRIPTS), short)


def with_unit(label: str, unit: str) -> str:
    """``Density (g/cm³)``."""
    return f"{label} ({unit})" if unit else label


def state_label(state: State) -> str:
    """``DC = 0.5, T = 150 K``; empty for the empty state."""
    return ", ".join(f"{name} = {value:g} {variable_unit(name)}".rstrip() for name, value in state.variables)


def shortened(text: str, limit: int = 36) -> str:
    """At most so many characters, for places that cannot wrap."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
