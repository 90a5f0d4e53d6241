r"""What is signal in a noisy Jacobian.

Noise of variance s_ij^2 adds sum_i s_ij^2 to the diagonal of J^T J on average.  Taking that off is not enough when
there are more parameters than targets: the noise has directions of its own, some with far more than the average and
some with none, and each would count as a parameter that the data know (Pebax: 7.7 of them, where 4.4 are right).  So
directions that noise alone could make are told from those it could not, and the latter are freed from what noise adds.

1. Observables are blocks of rows, and may be known with very different precision.  In each, the noise is taken as
   s_ij^2 = a_i^2 c_j^2, with factors that fit on average (W. Leeb, E. Romanov, IEEE Trans. Inf. Theory 67, 3009
   (2021); B. Landa, T. Zhang, Y. Kluger, SIAM J. Math. Data Sci. 4, 1420 (2022)); divided by them, it has variance 1.
2. All blocks share k directions V of parameter space: block J = L V^T, by weighted least squares, L and V in turn
   (K. R. Gabriel, S. Zamir, Technometrics 21, 489 (1979)).  Were each block treated by itself, a direction that two
   observables know would count twice, because they know it with different errors.
3. A further direction is taken in as long as the largest squared singular value of what a block leaves exceeds what
   that of noise does in one of a hundred cases (I. M. Johnstone, Ann. Stat. 29, 295 (2001); S. Kritchman, B. Nadler,
   IEEE Trans. Signal Process. 57, 3930 (2009)): for n rows and p columns

       m + 2.02 w,   m = (sqrt(n - 1/2) + sqrt(p - 1/2))^2,   w = sqrt(m) (1/sqrt(n - 1/2) + 1/sqrt(p - 1/2))^(1/3)

4. What noise adds to a block along a direction is taken off: a true singular value x appears at y,

       y^2 = x^2 + n + q - 1 + (n - 1)(q - 1)/x^2 ,

   with q = p if the block found the direction by itself (F. Benaych-Georges, R. R. Nadakuditi, J. Multivar. Anal. 111,
   120 (2012); to second order in the noise it holds for small matrices too), and q = 1 if others told it.  Each
   direction takes its share of n and p away from the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: 99 % quantile of the Tracy-Widom law of real matrices: each direction of noise that is kept counts as a parameter.
TRACY_WIDOM = 2.0234

#: Rounds in which row and column factors of the noise are fitted in turn; a dozen settle them to a per cent.
_FACTOR_ROUNDS = 20
#: Rounds in which loadings and directions are fitted in turn after each new direction.
_FIT_ROUNDS = 8
#: Values without noise get this part of the smallest noise of the others, or of their own size if none has any.
_EXACT = 1e-4


@dataclass(frozen=True)
class Denoised:
    """A Jacobian without what noise alone could make.

    Attributes:
        values: shape (rows, parameters); of rank ``kept``.
        kept: number of directions above the noise.
        limits: by block, what one more direction would have needed to be seen: its true sum of squares over the block,
            in units of the mean variance of the noise; 0 without noise or without room for one more.
    """

    values: Array
    kept: int
    limits: tuple[float, ...]


def denoised(values: Array, stderrs: Array, blocks: Sequence[slice]) -> Denoised:
    """Take out of a matrix what its noise alone could be.

    Args:
        values: shape (rows, parameters).
        stderrs: standard deviation of the noise of each value, independent of the others, same shape.  Without any
            noise everything comes back as it is.
        blocks: which rows belong together, such as those of one observable; every row to one block.
    """
    if not stderrs.any():
        return Denoised(values, int(np.linalg.matrix_rank(values)) if values.size else 0, (0.0,) * len(blocks))
    parts = [_Block.of(values[rows], stderrs[rows]) for rows in blocks]
    shared = _Shared(np.zeros((values.shape[1], 0)), tuple(_Seen.nothing(part) for part in parts))
    while (further := _further(parts, shared)) is not None:
        shared = _fitted(parts, np.column_stack([shared.directions, further]))
    cleaned = np.zeros_like(values)
    for rows, part, seen in zip(blocks, parts, shared.seen, strict=True):
        cleaned[rows] = part.restored(seen.without_noise(len(part.rows), *shared.directions.shape))
    return Denoised(cleaned, shared.kept, tuple(_limit(*_left(seen, shared)) for seen in shared.seen))


@dataclass(frozen=True, eq=False)
class _Block:
    """Rows divided by the row factors of their noise.

    Attributes:
        rows: shape (rows, parameters).
        of_rows, of_columns: factors of the noise, shapes (rows,) and (parameters,).
    """

    rows: Array
    of_rows: Array
    of_columns: Array

    @classmethod
    def of(cls, values: Array, stderrs: Array) -> _Block:
        of_rows, of_columns = _factors(_positive(np.square(stderrs), values))
        return cls(values / of_rows[:, None], of_rows, of_columns)

    @property
    def white(self) -> Array:
        """With noise of variance 1."""
        return np.asarray(self.rows / self.of_columns)

    def restored(self, white: Array) -> Array:
        """From noise of variance 1 back to the noise of the values."""
        return np.asarray(white * self.of_columns * self.of_rows[:, None])


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a block sees of the shared directions, with noise of variance 1: its singular value decomposition.

    Attributes:
        left, squares, right: vectors as columns, squared values, vectors as rows.
        shares: how far the block found each of its directions by itself, 0 to 1.
        residual: what it leaves.
    """

    left: Array
    squares: Array
    right: Array
    shares: Array
    residual: Array

    @classmethod
    def nothing(cls, block: _Block) -> _Seen:
        rows, columns = block.rows.shape
        return cls(np.zeros((rows, 0)), np.zeros(0), np.zeros((0, columns)), np.zeros(0), block.white)

    def without_noise(self, rows: int, parameters: int, kept: int) -> Array:
        """The block along the shared directions, freed from what noise adds to it."""
        if not kept:
            return np.zeros((rows, parameters))
        others = kept - 1
        n = rows - others * self.shares
        q = 1.0 + others * (1.0 - self.shares) + self.shares * (parameters - kept)
        squares = np.where(self.squares > _threshold(rows, kept), _true_squares(self.squares, n, q), 0.0)
        return np.asarray((self.left * np.sqrt(squares)) @ self.right)


@dataclass(frozen=True, eq=False)
class _Shared:
    """Directions of parameter space as columns, shape (parameters, kept), and what each block sees of them."""

    directions: Array
    seen: tuple[_Seen, ...]

    @property
    def kept(self) -> int:
        """How many."""
        return int(self.directions.shape[1])


def _further(parts: Sequence[_Block], shared: _Shared) -> Array | None:
    """The direction that stands most above the noise in what a block leaves, shape (parameters,); None if none does."""
    if shared.kept == min(len(shared.directions), sum(len(part.rows) for part in parts)):
        return None
    found, highest = None, 1.0
    for part, seen in zip(parts, shared.seen, strict=True):
        n, p = _left(seen, shared)
        if min(n, p) < 1.0:
            continue
        _, values, right = np.linalg.svd(seen.residual, full_matrices=False)
        height = float(values[0] ** 2) / _threshold(n, p)
        if height > highest:
            found, highest = right[0] * part.of_columns, height
    return found


def _left(seen: _Seen, shared: _Shared) -> tuple[float, float]:
    """Dimensions of the noise in what a block leaves."""
    return len(seen.residual) - float(seen.shares.sum()), float(len(shared.directions) - shared.kept)


def _fitted(parts: Sequence[_Block], directions: Array) -> _Shared:
    """Weighted least squares, beginning with some directions."""
    for _ in range(_FIT_ROUNDS):
        directions, _ = np.linalg.qr(directions)
        loadings = [_loadings(part, directions) for part in parts]
        precision = sum(
            (own.T @ own)[None] / np.square(part.of_columns)[:, None, None]
            for part, own in zip(parts, loadings, strict=True)
        )
        weighted = sum(
            (part.rows / np.square(part.of_columns)).T @ own for part, own in zip(parts, loadings, strict=True)
        )
        covariance = _inverse(np.asarray(precision))
        directions = np.einsum("jkl,jl->jk", covariance, np.asarray(weighted))
    seen = (_seen(part, own, directions, covariance) for part, own in zip(parts, loadings, strict=True))
    return _Shared(directions, tuple(seen))


def _inverse(precision: Array) -> Array:
    """Inverses of positive matrices, shape (matrices, size, size); directions without any information stay finite."""
    size = precision.shape[-1]
    traces = np.trace(precision, axis1=1, axis2=2)[:, None, None]
    return np.asarray(np.linalg.inv(precision + 1e-13 * traces / size * np.eye(size)))


def _loadings(part: _Block, directions: Array) -> Array:
    """What each row of a block has of each direction, shape (rows, directions)."""
    return np.asarray(np.linalg.lstsq(directions / part.of_columns[:, None], part.white.T)[0].T)


def _seen(part: _Block, loadings: Array, directions: Array, covariance: Array) -> _Seen:
    """What a block sees, and how far it found it by itself.

    The variance of a direction of the block would be 1/y^2 if it alone had told it, with noise of variance 1; what it
    is instead, from all blocks, over that, is the share.

    Args:
        covariance: of the directions' components for each parameter, shape (parameters, directions, directions).
    """
    white = directions / part.of_columns[:, None]
    fit = loadings @ white.T
    left, values, right = np.linalg.svd(fit, full_matrices=False)
    size = min(len(fit), directions.shape[1])
    squares = np.square(values[:size])
    mixed = np.linalg.lstsq(white, right[:size].T)[0]
    variances = np.einsum("km,jkl,lm->jm", mixed, covariance, mixed) / np.square(part.of_columns)[:, None]
    shares = np.clip(squares * variances.mean(axis=0), 0.0, 1.0)
    return _Seen(left[:, :size], squares, right[:size], shares, part.white - fit)


def _threshold(n: float, p: float) -> float:
    """99 % quantile of the largest squared singular value of standard normal noise, shape (n, p)."""
    first, second = math.sqrt(n - 0.5), math.sqrt(p - 0.5)
    together = first + second
    spread: float = (1.0 / first + 1.0 / second) ** (1.0 / 3.0)
    return together**2 + TRACY_WIDOM * together * spread


def _true_squares(squares: Array, n: Array | float, p: Array | float) -> Array:
    """Squared singular values without what noise of variance 1 adds to them; shape of ``squares``."""
    middle = squares - (n + p - 1.0)
    root = np.sqrt(np.maximum(middle**2 - 4.0 * (n - 1.0) * (p - 1.0), 0.0))
    return np.asarray(np.maximum(0.5 * (middle + root), 0.0))


def _limit(n: float, p: float) -> float:
    """True square at which a direction would just stand above the noise; 0 without room for one."""
    return float(_true_squares(np.array([_threshold(n, p)]), n, p)[0]) if min(n, p) >= 1.0 else 0.0


def _positive(variances: Array, values: Array) -> Array:
    """Variances, those of values without noise small instead of 0."""
    noisy = variances > 0.0
    if not noisy.any():
        size = float(np.square(values).mean()) if values.any() else 1.0
        return np.full_like(variances, _EXACT**2 * size)
    return np.where(noisy, variances, _EXACT**2 * variances[noisy].min())


def _factors(variances: Array) -> tuple[Array, Array]:
    """Row and column factors whose products, as variances, fit those of the noise on average; see :class:`_Block`."""
    of_rows = np.ones(len(variances))
    of_columns = variances.mean(axis=0)
    for _ in range(_FACTOR_ROUNDS):
        of_rows = (variances / of_columns).mean(axis=1)
        of_columns = (variances / of_rows[:, None]).mean(axis=0)
    return np.sqrt(of_rows), np.sqrt(of_columns)
