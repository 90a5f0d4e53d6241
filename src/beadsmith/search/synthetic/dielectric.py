"""A dielectric spectrum: six parameters, a strongly bent answer, and a region that fails.

The relaxation of a polymer in an alternating field, after Havriliak and Negami,

    eps(w) = eps_inf + d_eps / (1 + (i w tau)^alpha)^beta - i sigma / (eps_0 w),

seen as permittivity Re eps and loss -Im eps at twelve frequencies from 1 Hz to 1 MHz.  Where the peak lies decides
which frequencies say anything about its shape, so far from the answer most derivatives vanish or point elsewhere.  A
relaxation needs alpha beta <= 1; beyond that evaluations fail, along a curved border that no range describes.

The targets are an exact spectrum: the answer is known in closed form and its misfit is 0.

References:
    S. Havriliak, S. Negami, Polymer 8, 161 (1967), doi:10.1016/0032-3861(67)90021-3.
    D. W. Davidson, R. H. Cole, J. Chem. Phys. 19, 1484 (1951), for alpha = 1.
    K. S. Cole, R. H. Cole, J. Chem. Phys. 9, 341 (1941), for beta = 1.
"""

from __future__ import annotations

import numpy as np

from beadsmith.problem.parameters import Parameter
from beadsmith.search.box import Array, Box
from beadsmith.search.synthetic.problem import Noise, SyntheticProblem, equal_weights_by_observable, stream_of_problem

PARAMETERS = (
    Parameter("permittivity_at_high_frequency", 2.0, 5.0, "number"),
    Parameter("relaxation_strength", 1.0, 10.0, "number"),
    Parameter("log10_relaxation_time", -6.0, -2.0, "number"),
    Parameter("alpha", 0.3, 1.0, "number"),
    Parameter("beta", 0.3, 1.7, "number"),
    Parameter("log10_conductivity", -12.0, -10.0, "number"),
)

#: Hz.
FREQUENCIES = np.logspace(0, 6, 12)

#: Permittivity of the vacuum, F/m.
VACUUM = 8.8541878188e-12

#: Uncertainty of the targets: relative to their size, and of the instrument.
RELATIVE_UNCERTAINTY = 0.02
LEAST_UNCERTAINTY = 0.02

#: Largest alpha beta of the answers: so that most of their neighbourhood does not fail.
LARGEST_PRODUCT = 0.85


class HavriliakNegami:
    """Permittivity and loss as a function of the unit coordinates of :data:`PARAMETERS`."""

    def __init__(self) -> None:
        box = Box.of(PARAMETERS)
        self._low = np.array(box.low)
        self._widths = np.array(box.high) - self._low
        self._frequencies = 2.0 * np.pi * FREQUENCIES

    def values(self, unit: Array) -> Array | None:
        """Permittivity, then loss, shape (24,); None where alpha beta > 1."""
        high_frequency, strength, log_time, alpha, beta, log_conductivity = self._low + unit * self._widths
        if alpha * beta > 1.0:
            return None
        spectrum = high_frequency + strength * (1.0 + self._power(log_time, alpha)) ** -beta
        return _real_and_loss(spectrum - 1j * self._conduction(log_conductivity))

    def jacobian(self, unit: Array) -> Array:
        """Exact derivatives by the unit coordinates, shape (24, 6)."""
        _, strength, log_time, alpha, beta, log_conductivity = self._low + unit * self._widths
        power = self._power(log_time, alpha)
        shape = (1.0 + power) ** -beta
        by_power = -strength * beta * shape / (1.0 + power)
        columns = [
            np.ones_like(power),
            shape,
            by_power * power * alpha * np.log(10.0),
            by_power * power * np.log(1j * self._frequencies * 10.0**log_time),
            -strength * shape * np.log(1.0 + power),
            -1j * self._conduction(log_conductivity) * np.log(10.0),
        ]
        return np.asarray(np.column_stack([_real_and_loss(column) for column in columns]) * self._widths)

    def _power(self, log_time: float, alpha: float) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
        return np.asarray((1j * self._frequencies * 10.0**log_time) ** alpha)

    def _conduction(self, log_conductivity: float) -> Array:
        return np.asarray(10.0**log_conductivity / (VACUUM * self._frequencies))


def dielectric_spectrum(seed: int, *, gradients: bool = True) -> SyntheticProblem:
    """A problem whose answer is drawn at random from the middle of the box.

    Args:
        seed: non-negative; each has its own answer.
        gradients: whether evaluations tell (exact) derivatives.
    """
    random = stream_of_problem(seed)
    box = Box.of(PARAMETERS)
    while True:
        unit = random.uniform(0.15, 0.85, box.dimension)
        answer = box.point(unit)
        if answer["alpha"] * answer["beta"] <= LARGEST_PRODUCT:
            break
    truth = HavriliakNegami()
    targets = truth.values(unit)
    assert targets is not None  # alpha beta is at most LARGEST_PRODUCT
    sigmas = RELATIVE_UNCERTAINTY * np.abs(targets) + LEAST_UNCERTAINTY
    return SyntheticProblem(
        name="dielectric spectrum",
        parameters=PARAMETERS,
        targets=targets,
        target_stderrs=sigmas,
        weights=equal_weights_by_observable((len(FREQUENCIES), len(FREQUENCIES))),
        truth=truth,
        noise=Noise(np.diag(0.5 * sigmas), 0.5 * sigmas, np.zeros((len(targets), box.dimension))),
        answer=answer,
        gradients=gradients,
    )


def _real_and_loss(spectrum: np.ndarray[tuple[int, ...], np.dtype[np.complex128]]) -> Array:
    return np.concatenate([spectrum.real, -spectrum.imag])
