"""Parameters together: by bead, or by kind."""

from __future__ import annotations

from collections.abc import Iterable


def by_kind(names: Iterable[str]) -> dict[str, list[str]]:
    """Groups by the last word of a parameter's name, such as ``epsilon``; states are left alone.

    Args:
        names: of axes; a parameter's has the form ``pair.A.epsilon``, a state's has no dots.
    """
    return _grouped((name, name.split(".")[-1]) for name in names if "." in name)


def by_bead(names: Iterable[str]) -> dict[str, list[str]]:
    """Groups by the middle word of a parameter's name: the bead, or the beads of a bond; states are left alone.

    Args:
        names: of axes; a parameter's has the form ``pair.A.epsilon``, a state's has no dots.
    """
    return _grouped((name, ".".join(name.split(".")[1:-1])) for name in names if name.count(".") >= 2)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, group in pairs:
        groups.setdefault(group, []).append(name)
    return groups
