"""Whether the optional libraries behind Gaussian processes are installed."""

from __future__ import annotations

import importlib.util

from beadsmith.errors import ProblemError, install

#: Of the extra ``gp``, what is imported.
LIBRARIES = ("torch", "botorch")


def gaussian_processes_available() -> bool:
    """Whether all are installed; none of them is imported."""
    return not _missing()


def require_gaussian_processes(where: str, what: str) -> None:
    """Refuse if a library is missing; none of them is imported.

    Args:
        where: what of the user's words asks for them, such as ``search.method``.
        what: those words.

    Raises:
        ProblemError: a library is missing; the sentence says how to install it.
    """
    if missing := _missing():
        raise ProblemError(where, what, f"the optional {', '.join(missing)} to be installed", install("gp"))


def _missing() -> list[str]:
    return [library for library in LIBRARIES if importlib.util.find_spec(library) is None]
