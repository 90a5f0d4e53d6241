"""Every number of a force field has a name: ``pair.T1.sigma``, ``bond.T1-T2.k``, ``angle.T1-T2-T3.theta0``.

This module lists the names that a problem needs, and resolves the rules of its ``parameters`` section into free,
fixed and tied ones.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beadsmith.errors import ProblemError
from beadsmith.problem.molecules import MoleculeTopology, interaction_name
from beadsmith.problem.quantity import article, check_coefficient, parse_quantity, parse_range
from beadsmith.problem.schema import ForceField, ParameterRule
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, PAIR_STYLES, Style

_PATTERN = re.compile(r"^[A-Za-z0-9_*?.-]{1,120}$")
_CROSS_PAIR = re.compile(r"^pair\.([A-Za-z][A-Za-z0-9_]*)-([A-Za-z][A-Za-z0-9_]*)\.([a-z0-9_]+)$")


@dataclass(frozen=True)
class Parameter:
    """A free parameter: one coordinate of the search.

    Attributes:
        low, high: its range, in the unit of ``kind``.
        kind: kind of quantity (:mod:`beadsmith.units`).
    """

    name: str
    low: float
    high: float
    kind: str


@dataclass(frozen=True)
class ParameterSpace:
    """All force-field numbers of a problem.

    Attributes:
        kinds: kind of quantity of every parameter, in a fixed order.
        free: the coordinates of the search, in the same order.
        fixed: values of those held.
        tied: name of the parameter that each tied one follows (never itself a tied one).
    """

    kinds: Mapping[str, str]
    free: tuple[Parameter, ...]
    fixed: Mapping[str, float]
    tied: Mapping[str, str]

    @property
    def middle(self) -> dict[str, float]:
        """The middle of the range of every free parameter."""
        return {parameter.name: 0.5 * (parameter.low + parameter.high) for parameter in self.free}

    def complete(self, point: Mapping[str, float]) -> dict[str, float]:
        """Values of all parameters, from those of the free ones.

        Raises:
            KeyError: if ``point`` lacks a free parameter.
        """
        values = {parameter.name: point[parameter.name] for parameter in self.free} | dict(self.fixed)
        values |= {name: values[leader] for name, leader in self.tied.items()}
        return {name: values[name] for name in self.kinds}


#: Of a problem whose force field is known in full.
NO_PARAMETERS = ParameterSpace({}, (), {}, {})


def interactions(
    beads: Sequence[str], molecules: Iterable[MoleculeTopology]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of all bond types and all angle types that the molecules contain, in order of first appearance."""
    order = {name: index for index, name in enumerate(beads)}
    bonds: dict[str, None] = {}
    angles: dict[str, None] = {}
    for molecule in molecules:
        bonds |= dict.fromkeys(interaction_name([molecule.beads[i] for i in bond], order) for bond in molecule.bonds)
        angles |= dict.fromkeys(
            interaction_name([molecule.beads[i] for i in angle], order) for angle in molecule.angles
        )
    return tuple(bonds), tuple(angles)


def resolve_parameters(
    rules: Mapping[str, ParameterRule],
    forcefield: ForceField,
    beads: Sequence[str],
    bonds: Sequence[str],
    angles: Sequence[str],
) -> ParameterSpace:
    """Match the rules with the parameters that the force field needs.

    Args:
        rules: by name or pattern.
        forcefield: form of the interactions.
        beads, bonds, angles: names of all types.

    Raises:
        ProblemError: a name that nothing has, a parameter without a rule, a wrong unit, swapped ends, a circular tie.
    """
    kinds, defaults = _needed(forcefield, beads, bonds, angles)
    kinds |= _cross_pairs(rules, forcefield, beads)
    chosen: dict[str, tuple[str, ParameterRule]] = {}
    for pattern, rule in rules.items():
        for name in _matches(pattern, kinds):
            chosen[name] = (pattern, rule)
    free: list[Parameter] = []
    fixed: dict[str, float] = {}
    tied: dict[str, str] = {}
    for name, kind in kinds.items():
        if name not in chosen:
            if name not in defaults:
                raise ProblemError(
                    f"parameters.{name}",
                    "nothing",
                    "a range, a fixed value or a tie",
                    f"add '{name}: ...' under parameters",
                )
            fixed[name] = defaults[name]
            continue
        pattern, rule = chosen[name]
        _resolve_one(name, kind, pattern, rule, free, fixed, tied)
    space = ParameterSpace(kinds, tuple(free), fixed, _follow_ties(tied, kinds))
    _check_exponents(space)
    return space


def _needed(
    forcefield: ForceField, beads: Sequence[str], bonds: Sequence[str], angles: Sequence[str]
) -> tuple[dict[str, str], dict[str, float]]:
    sections: list[tuple[str, Sequence[str], Style]] = [
        ("bond", bonds, BOND_STYLES[forcefield.bond.style]),
        ("angle", angles, ANGLE_STYLES[forcefield.angle.style]),
        ("pair", beads, PAIR_STYLES[forcefield.pair.style]),
    ]
    kinds: dict[str, str] = {}
    defaults: dict[str, float] = {}
    for section, names, style in sections:
        for coefficient in style.coefficients:
            for name in names:
                full = f"{section}.{name}.{coefficient.name}"
                kinds[full] = coefficient.kind
                if coefficient.default is not None:
                    defaults[full] = coefficient.default
    return kinds, defaults


def _cross_pairs(rules: Mapping[str, ParameterRule], forcefield: ForceField, beads: Sequence[str]) -> dict[str, str]:
    """Unlike pairs mix unless a rule names them outright."""
    known = {coefficient.name: coefficient.kind for coefficient in PAIR_STYLES[forcefield.pair.style].coefficients}
    order = {name: index for index, name in enumerate(beads)}
    found = {}
    for pattern in rules:
        match = _CROSS_PAIR.match(pattern)
        if match is None:
            continue
        first, second, coefficient = match.groups()
        if first not in order or second not in order or coefficient not in known or first == second:
            continue
        canonical = f"pair.{interaction_name((first, second), order)}.{coefficient}"
        if pattern != canonical:
            raise ProblemError(
                f"parameters.{pattern}",
                pattern,
                canonical,
                "name the beads in the order of the beads section",
            )
        found[canonical] = known[coefficient]
    return found


def _matches(pattern: str, kinds: Mapping[str, str]) -> list[str]:
    where = f"parameters.{pattern}" if pattern else "parameters"
    if not _PATTERN.match(pattern):
        raise ProblemError(
            where,
            pattern or "an empty name",
            "a name of letters, digits, '_', '.', '-', with '*' as wild card",
        )
    names = [name for name in kinds if fnmatch.fnmatchcase(name, pattern)]
    if not names:
        near = difflib.get_close_matches(pattern, kinds, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"for example {next(iter(kinds))}"
        raise ProblemError(where, pattern, "the name of a parameter of this force field", remedy)
    return names


def _resolve_one(
    name: str,
    kind: str,
    pattern: str,
    rule: ParameterRule,
    free: list[Parameter],
    fixed: dict[str, float],
    tied: dict[str, str],
) -> None:
    where = f"parameters.{pattern}"
    given = [key for key in ("range", "fixed", "tied") if getattr(rule, key) is not None]
    if len(given) != 1:
        raise ProblemError(where, " and ".join(given) or "nothing", "exactly one of range, fixed and tied")
    if rule.tied is not None:
        tied[name] = rule.tied
    elif rule.fixed is not None:
        try:
            fixed[name] = parse_quantity(rule.fixed, kind)
            check_coefficient(fixed[name], kind)
        except ValueError as error:
            raise ProblemError(f"{where}.fixed", rule.fixed, str(error)) from error
    elif rule.range is not None:
        try:
            low, high = parse_range(rule.range, kind)
            check_coefficient(low, kind)
            check_coefficient(high, kind)
        except ValueError as error:
            remedy = f"to hold it there, write {{fixed: {rule.range}}}" if _is_quantity(rule.range, kind) else ""
            raise ProblemError(where, rule.range, str(error), remedy) from error
        free.append(Parameter(name, low, high, kind))


def _is_quantity(text: str, kind: str) -> bool:
    try:
        parse_quantity(text, kind)
    except ValueError:
        return False
    return True


def _check_exponents(space: ParameterSpace) -> None:
    """A Mie potential whose repulsive exponent is not the larger one has no minimum."""
    lowest = {parameter.name: parameter.low for parameter in space.free} | dict(space.fixed)
    highest = {parameter.name: parameter.high for parameter in space.free} | dict(space.fixed)
    for name in space.kinds:
        prefix, _, coefficient = name.rpartition(".")
        other = f"{prefix}.attractive_exponent"
        if coefficient != "repulsive_exponent" or other not in space.kinds:
            continue
        low, high = lowest[space.tied.get(name, name)], highest[space.tied.get(other, other)]
        if low <= high:
            raise ProblemError(f"parameters.{name}", f"{low:g}", f"more than the attractive exponent, {high:g}")


def _follow_ties(tied: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, str]:
    leaders = {}
    for name, leader in tied.items():
        seen = {name}
        while True:
            if leader not in kinds:
                near = difflib.get_close_matches(leader, kinds, n=1)
                raise ProblemError(
                    f"parameters.{name}.tied",
                    leader,
                    "the name of a parameter",
                    f"did you mean {near[0]}?" if near else f"for example {next(iter(kinds))}",
                )
            if kinds[leader] != kinds[name]:
                raise ProblemError(f"parameters.{name}.tied", leader, f"a parameter that is {article(kinds[name])} too")
            if leader in seen:
                raise ProblemError(f"parameters.{name}.tied", leader, "a tie that ends at a free or fixed parameter")
            if leader not in tied:
                break
            seen.add(leader)
            leader = tied[leader]  # noqa: PLW2901  (walking the chain of ties)
        leaders[name] = leader
    return leaders
