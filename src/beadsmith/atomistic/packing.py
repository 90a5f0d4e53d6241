"""Molecules placed in a box without overlaps, by Packmol (Martínez et al., J. Comput. Chem. 30, 2157 (2009))."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.smiles import conformation

Array = NDArray[np.float64]

#: Atoms of different molecules stay at least so far apart, angstrom.
TOLERANCE = 2.0
#: Conformations of each kind of molecule, if there are as many copies.
CONFORMATIONS = 4
#: Packmol needs less than 20 loops for 3,300 atoms at 0.64 g/cm^3; what has not converged after these will not.
_LOOPS = 60
_SEEDS = 1_000_000


def packing_input(structures: Sequence[tuple[str, int]], edges: Sequence[float], seed: int) -> str:
    """Packmol's input.

    Args:
        structures: files in XYZ format, and copies of each.
        edges: of the periodic box, angstrom, each beyond the tolerance: molecules keep half of that from its faces.
        seed: of the random numbers.

    Returns: text; it asks for a file ``packed.xyz``.
    """
    low = TOLERANCE / 2
    inside = " ".join(f"{value:.4f}" for value in (low, low, low, *(edge - low for edge in edges)))
    lines = [f"tolerance {TOLERANCE:g}", "filetype xyz", "output packed.xyz", f"seed {1 + seed % _SEEDS}"]
    lines += [f"nloop {_LOOPS}"]
    for file, count in structures:
        lines += [f"structure {file}", f"  number {count}", f"  inside box {inside}", "end structure"]
    return "\n".join(lines) + "\n"


def packed(
    graphs: Mapping[str, MolecularGraph],
    counts: Mapping[str, int],
    edges: Array,
    seed: int,
    where: str,
    time_limit: float = 600.0,
) -> Array:
    """Molecules at random places of a periodic box, in a few conformations each.

    0.3 to 0.5 g/cm^3 are packed within seconds; more than about 0.7 may be impossible.

    Args:
        graphs: molecules by name.
        counts: how many of each.
        edges: of the box, angstrom, shape (3,).
        seed: of the random numbers.
        where: path of the initial density in the problem file.
        time_limit: after which the box counts as too small, seconds.

    Returns: angstrom, shape (atoms, 3), kind after kind, inside the box.

    Raises:
        ProblemError: Packmol is missing, or cannot place the molecules; a molecule without conformation.
    """
    executable = _executable()
    structures = [
        (graphs[name], number, copies)
        for name, count in counts.items()
        for number, copies in enumerate(_shared(count, CONFORMATIONS))
    ]
    with tempfile.TemporaryDirectory() as folder:
        files: list[tuple[str, int]] = []
        for graph, number, copies in structures:
            files.append((f"structure_{len(files)}.xyz", copies))
            positions = conformation(graph, seed + number)
            (Path(folder) / files[-1][0]).write_text(_xyz(graph.elements, positions), encoding="utf-8")
        _run(executable, packing_input(files, edges.tolist(), seed), Path(folder), time_limit, where)
        return _positions(Path(folder) / "packed.xyz")


def _shared(count: int, most: int) -> list[int]:
    """Copies of each of up to ``most`` conformations."""
    return [len(part) for part in np.array_split(np.arange(count), min(count, most))] if count else []


def _executable() -> str:
    own = Path(sys.executable).parent / "packmol"
    if found := (str(own) if own.is_file() else shutil.which("packmol")):
        return found
    raise ProblemError(
        "Packmol", "no executable, neither beside Python nor on the PATH", "one", "install it with: pip install packmol"
    )


def _run(executable: str, text: str, folder: Path, time_limit: float, where: str) -> None:
    (folder / "packmol.inp").write_text(text, encoding="utf-8")
    # Packmol reads its input twice, so that a pipe will not do.
    with (folder / "packmol.inp").open("rb") as source:
        try:
            finished = subprocess.run(
                [executable], stdin=source, capture_output=True, cwd=folder, timeout=time_limit, check=False
            )
        except subprocess.TimeoutExpired:
            finished = None
    if finished is None or finished.returncode != 0 or not (folder / "packed.xyz").is_file():
        raise ProblemError(
            where,
            "a box that Packmol could not fill",
            f"room for all molecules {TOLERANCE:g} angstrom apart",
            "lower the initial density: 0.3 to 0.5 g/cm^3 work",
        )


def _xyz(elements: Sequence[str], positions: Array) -> str:
    rows = zip(elements, positions.tolist(), strict=True)
    return f"{len(elements)}\n\n" + "".join(f"{element} {x:.6f} {y:.6f} {z:.6f}\n" for element, (x, y, z) in rows)


def _positions(path: Path) -> Array:
    return np.loadtxt(path, skiprows=2, usecols=(1, 2, 3), dtype=np.float64, ndmin=2)
