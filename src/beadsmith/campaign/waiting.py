"""Waiting for work that runs elsewhere, in a way that Ctrl-C can end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

Result = TypeVar("Result")

#: How long the main thread waits without looking up, seconds: a Ctrl-C that comes just before a wait, or that the
#: system hands to another thread, is noticed only when the wait ends, and a simulation may take hours.
_LOOK = 0.5


def until_one_ends(futures: Iterable[Future[Any]], patience: float = math.inf) -> bool:
    """Wait until one of several has ended; whether it has before patience, in seconds, was.

    Raises:
        KeyboardInterrupt: soon after Ctrl-C.
    """
    waiting = list(futures)
    deadline = time.monotonic() + patience
    while not any(one.done() for one in waiting):
        left = deadline - time.monotonic()
        if left <= 0.0:
            return False
        wait(waiting, min(left, _LOOK), FIRST_COMPLETED)
    return True


def result_of(future: Future[Result]) -> Result:
    """Wait for a result.

    Raises:
        KeyboardInterrupt: soon after Ctrl-C.
    """
    until_one_ends([future])
    return future.result()
