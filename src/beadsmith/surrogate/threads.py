"""Linear algebra with one thread, whatever else the machine does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import scipy.linalg  # noqa: F401  only libraries that are loaded by then can be told
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for each call of BLAS and LAPACK, and the former number afterwards.

    Their threads wait for each other by spinning: next to simulations on the same cores a fit took ten times the
    processor time.  Several emulators side by side use the cores better, and sums over one thread are the same sums in
    every process.
    """
    with threadpool_limits(1, user_api="blas"):
        yield
