"""Formulas of parameters and state variables, as people write them: ``1.06 + 0.11 * DC - 0.02 * pair.B1.sigma``.

Only numbers, names, ``+ - * / **`` and a few functions are understood; nothing else of Python is.  A parameter whose
name holds a hyphen is written in quotes: ``'bond.B1-B2.length' - 3.4``.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

#: What a part of a formula gives, from the values of all names.
Part: TypeAlias = Callable[[Mapping[str, float]], float]

#: No formula written by a person comes near this.
_LONGEST = 10_000

#: ``math.pow``, and not Python's own power: that of whole numbers could grow without end.
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    name: getattr(math, name) for name in ("exp", "log", "sqrt", "tanh", "sin", "cos")
}


@dataclass(frozen=True)
class Formula:
    """A formula that was understood.

    Attributes:
        text: as it was written.
        names: parameters and state variables in it, in order of appearance.
        whole: computes it.
    """

    text: str
    names: tuple[str, ...]
    whole: Part

    def __call__(self, values: Mapping[str, float]) -> float:
        """Its value.

        Args:
            values: of all its names.

        Raises:
            KeyError: a name without a value.
            ArithmeticError: no finite number comes out.
        """
        try:
            result = self.whole(values)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise ArithmeticError(f"{self.text} is no finite number") from error
        if not math.isfinite(result):
            raise ArithmeticError(f"{self.text} is no finite number")
        return result


def parse_formula(text: str) -> Formula:
    """Understand a formula.

    Raises:
        ValueError: a sentence saying what was expected.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a formula of at most {_LONGEST} characters")
    names: dict[str, None] = {}
    try:
        whole = _part(ast.parse(text.strip(), mode="eval").body, names)
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("a formula such as '1.06 + 0.11 * DC - 0.02 * pair.B1.sigma'") from error
    return Formula(text, tuple(names), whole)


def _part(node: ast.expr, names: dict[str, None]) -> Part:
    """How to compute a part of a formula; the names in it are noted."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            constant = float(number)
            return lambda values: constant
        case ast.Constant(value=str()) | ast.Name() | ast.Attribute():
            name = _name(node)
            names[name] = None
            return lambda values: values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            negated = _part(operand, names)
            return lambda values: -negated(values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            combine, first, second = _OPERATORS[type(op)], _part(left, names), _part(right, names)
            return lambda values: combine(first(values), second(values))
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if function in _FUNCTIONS:
            outer, inner = _FUNCTIONS[function], _part(argument, names)
            return lambda values: outer(inner(values))
    raise ValueError(f"numbers, names, + - * / ** and one of {', '.join(_FUNCTIONS)}, not '{ast.unparse(node)}'")


def _name(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as name):
            return name
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=attribute):
            return f"{_name(owner)}.{attribute}"
    raise ValueError(f"a name, not '{ast.unparse(node)}'")
