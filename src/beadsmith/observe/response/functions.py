"""From derivatives by a parameter at a state to those by the numbers of the function that gives it there.

Where a parameter is a function of the state, theta = f(x; c), an average at the state x answers to each of its
coefficients by d<A>/dc = (d<A>/dtheta) (df/dc at x).  One set of coefficients serves all states, so a search adds up
what the observables at all of them say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from beadsmith.problem.functions import Constant, Function, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.records import Gradient
from beadsmith.problem.state import State


def by_coefficients(gradient: Gradient, functions: Mapping[str, Function], state: State | None = None) -> Gradient:
    """A gradient by the coefficients of the functions instead of by the parameters' values at one state.

    Args:
        gradient: by the values of the free parameters.
        functions: of the model that was simulated, by parameter.
        state: where the coefficients of the force field were written, if that is not ``gradient.state``
            (:func:`beadsmith.observe.response.derivatives.coefficient_state`).

    Returns: derivatives by ``pair.A.sigma.slope`` and the like; those of lists, such as ``pair.A.sigma.values.0``, are
        numbered from 0; a constant keeps the name of its parameter.  Errors of coefficients of one function are wholly
        correlated: all stem from that of the parameter.

    Raises:
        KeyError: a function needs a variable that the state lacks.
    """
    at = gradient.state if state is None else state
    slopes = {
        f"{parameter}.{name}" if name else parameter: (parameter, slope)
        for parameter in gradient.values
        for name, slope in coefficient_slopes(functions[parameter], at).items()
    }
    return replace(
        gradient,
        values={name: gradient.values[parameter] * slope for name, (parameter, slope) in slopes.items()},
        stderrs={name: gradient.stderrs[parameter] * abs(slope) for name, (parameter, slope) in slopes.items()},
    )


def coefficient_slopes(function: Function, state: State) -> dict[str, float]:
    """Derivative of a function's value at a state by each of its coefficients.

    The places at which a function is tabulated, and the centres of its basis, are not coefficients.

    Raises:
        KeyError: the state lacks the function's variable.
    """
    match function:
        case Constant():
            return {"": 1.0}
        case Linear():
            return {"intercept": 1.0, "slope": state[function.over]}
        case Sigmoid():
            return _of_sigmoid(function, state[function.over])
        case RadialBasis():
            return _of_radial_basis(function, state[function.over])
        case Tabulated():
            unit = np.eye(len(function.points))
            shares = [float(np.interp(state[function.over], function.points, row)) for row in unit]
            return {f"values.{number}": share for number, share in enumerate(shares)}
        case _:
            raise TypeError(f"no derivatives are known for {type(function).__name__}")


def _of_sigmoid(function: Sigmoid, x: float) -> dict[str, float]:
    reduced = (x - function.midpoint) / function.width
    share = 0.5 * (1.0 + float(np.tanh(0.5 * reduced)))
    by_reduced = (function.high - function.low) * share * (1.0 - share)
    return {
        "low": 1.0 - share,
        "high": share,
        "midpoint": -by_reduced / function.width,
        "width": -by_reduced * reduced / function.width,
    }


def _of_radial_basis(function: RadialBasis, x: float) -> dict[str, float]:
    """With a = K^-1 c: df/dc = K^-1 k, and df/dw = (dk/dw - K^-1 k . dK/dw) . a."""
    centres, values = np.asarray(function.centres), np.asarray(function.values)
    shape = 10.0**function.log10_shape
    apart, away = (centres[:, None] - centres[None, :]) ** 2, (x - centres) ** 2
    kernel, near = np.exp(-shape * apart), np.exp(-shape * away)
    shares, weights = np.linalg.solve(kernel, near), np.linalg.solve(kernel, values)
    by_shape = float((-away * near + shares @ (apart * kernel)) @ weights)
    slopes = {f"values.{number}": float(share) for number, share in enumerate(shares)}
    return {**slopes, "log10_shape": by_shape * shape * float(np.log(10.0))}
