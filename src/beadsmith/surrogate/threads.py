"""Linear algebra with one thread, whatever else the machine does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import scipy.linalg  # noqa: F401  only libraries that are loaded by then can be told
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for each call of BLAS and LAPACK, and the former number afterwards.

    Their threads wait for each other by spinning: next to simulations on the same cores a fit took ten times the
    processor time.  Several emulators side by side use the cores better, and sums over one thread are the same sums in
    every process.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def side_by_side(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result]:
    """A function of several things at once, each with one thread; the results in the order of the things.

    Args:
        workers: how many at once; None for as many as this process may use cores.
    """
    with one_thread(), ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as executor:
        yield from executor.map(function, items)
