"""PyTorch made to give the same numbers in every process, and to leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int = 0) -> Iterator[None]:
    """One thread, a seed of its own, and PyTorch's settings put back afterwards.

    Sums over several threads depend in their last digits on how the work was shared out, and an optimiser turns last
    digits into first ones.

    Args:
        seed: of PyTorch's own stream of random numbers, for libraries that draw from it.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
