"""Optuna without its announcements on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna


@contextmanager
def quietly() -> Iterator[None]:
    """Silence Optuna's remarks ("A new study created ...") inside the block, then restore its setting."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
