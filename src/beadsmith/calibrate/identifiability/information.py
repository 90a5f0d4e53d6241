r"""What a linear model with normal errors says: closed forms, each by way of one singular value decomposition.

Parameters z have the prior N(0, 1): z is the distance from the best model in units of the prior's standard deviation.
Target i says a_i . z with an error of N(0, 1): derivatives are in units of the target's error.  With the Jacobian A of
rows a_i, shape (targets, parameters), singular values sqrt(lambda_k) and right singular vectors v_k:

===========================  ===========================================================================
information matrix           F = A^T A, eigenvalues lambda_k (Fisher's, in units of the prior's)
posterior covariance         C = (1 + F)^-1
effective number             gamma = sum_k lambda_k / (1 + lambda_k) = tr(1 - C)   (MacKay 1992)
information                  (1/2) ln det(1 + F) = (1/2) sum_k ln(1 + lambda_k)   nats
variance reduction           1 - C_jj, of parameter j; they sum to gamma
leverage                     h_i = a_i C a_i^T, of target i; they sum to gamma   (the hat matrix's diagonal)
===========================  ===========================================================================

All are as they would be without nonlinearity: near the best model, where posterior and prior are narrow enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Information:
    """What targets say, given their Jacobian in units of the targets' errors and of the prior.

    Attributes:
        jacobian: A, shape (targets, parameters).
    """

    jacobian: Array

    @cached_property
    def _decomposition(self) -> tuple[Array, Array, Array]:
        left, values, right = np.linalg.svd(self.jacobian, full_matrices=False)
        return np.asarray(left), np.asarray(np.square(values)), np.asarray(right)

    @property
    def eigenvalues(self) -> Array:
        """lambda_k in descending order, shape (min(targets, parameters),); all others are 0."""
        return self._decomposition[1]

    @property
    def directions(self) -> Array:
        """v_k as rows, each of length 1, shape (min(targets, parameters), parameters)."""
        return self._decomposition[2]

    @property
    def known(self) -> Array:
        """lambda_k / (1 + lambda_k): how far each direction is known from the targets instead of the prior."""
        return np.asarray(self.eigenvalues / (1.0 + self.eigenvalues))

    @cached_property
    def covariance(self) -> Array:
        """C, shape (parameters, parameters)."""
        return np.asarray(np.eye(self.jacobian.shape[1]) - (self.directions.T * self.known) @ self.directions)

    @property
    def effective_number(self) -> float:
        """gamma: how many parameters the targets know instead of the prior."""
        return float(self.known.sum())

    @property
    def nats(self) -> float:
        """Information that the targets add to the prior."""
        return float(0.5 * np.log1p(self.eigenvalues).sum())

    @property
    def reductions(self) -> Array:
        """Share of each parameter's prior variance that is gone, 0 to 1, shape (parameters,)."""
        return np.asarray(self.known @ np.square(self.directions))

    @property
    def leverages(self) -> Array:
        """h_i: 0 where the prior or the other targets know it already, 1 where this target alone tells; (targets,)."""
        return np.asarray(np.square(self._decomposition[0]) @ self.known)

    @property
    def only_theirs(self) -> Array:
        """Nats that would be lost without each single target, -(1/2) ln(1 - h_i), shape (targets,)."""
        return np.asarray(-0.5 * np.log1p(-np.minimum(self.leverages, 1.0 - 1e-12)))

    def of(self, targets: Flags) -> Information:
        """What some of the targets alone say."""
        return Information(self.jacobian[targets])

    def within(self, parameters: Flags) -> Information:
        """What the targets say of some parameters when all others are known."""
        return Information(self.jacobian[:, parameters])

    def with_(self, more: Array) -> Information:
        """With further targets, shape (further targets, parameters)."""
        return Information(np.concatenate([self.jacobian, more]))

    def spread(self, rows: Array) -> Array:
        """Posterior standard deviation of linear functions of the parameters, shape (rows,).

        Args:
            rows: shape (rows, parameters).
        """
        return np.asarray(np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, self.covariance, rows), 0.0)))

    def along(self, direction: Array) -> float:
        """Information along a direction of length 1, |A d|^2: that of the targets about a step of one prior width."""
        return float(np.square(self.jacobian @ direction).sum())

    def unnoticed(self, parameter: int) -> Array:
        """How all parameters move when one does and the targets hardly notice, of length 1, shape (parameters,).

        A column of the posterior covariance: what the others are expected to do, given that this one moved.  Without
        targets it is that parameter alone; where the targets know only a sum of two, it is their difference.
        """
        column = self.covariance[parameter]
        return np.asarray(column / np.linalg.norm(column))

    def newly_known(self, more: Array) -> Array:
        """The direction that further targets narrow most, of length 1, shape (parameters,).

        The posterior covariance shrinks by C B^T (1 + B C B^T)^-1 B C; this is its principal axis.  It is zero where
        they add nothing.

        Args:
            more: B, shape (further targets, parameters).
        """
        moved = self.covariance @ more.T
        gain = moved @ np.linalg.solve(np.eye(len(more)) + more @ moved, moved.T)
        values, vectors = np.linalg.eigh(0.5 * (gain + gain.T))
        return np.asarray(vectors[:, -1] if values[-1] > 0.0 else np.zeros(len(values)))
