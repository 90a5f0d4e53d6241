"""Molecules of atoms with known positions, and files of them as LAMMPS and GROMACS write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beadsmith.atomistic.molecules import AtomsInOrder, counted_molecules
from beadsmith.problem.atoms import MolecularGraph
from beadsmith.problem.recording import Frames
from beadsmith.problem.schema import BeadMapping
from beadsmith.problem.smiles import conformation, molecular_graph

Array = NDArray[np.float64]

DGEBA = "*CC(O)COc1ccc(cc1)C(C)(C)c1ccc(cc1)OCC(O)C*"
PACM = "*N(*)C1CCC(CC1)CC1CCC(CC1)N(*)*"
RULES = {
    "dgeba": [
        {"bead": "B3", "smarts": "[CH2]C(O)C"},
        {"bead": "B2", "smarts": "c1ccc(cc1)O"},
        {"bead": "B1", "smarts": "[CH3]C[CH3]"},
    ],
    "pacm": [{"bead": "B4", "smarts": "C1CCCCC1[CH2]", "shared": True}, {"bead": "B5", "smarts": "N"}],
}


@pytest.fixture(scope="session")
def graphs() -> dict[str, MolecularGraph]:
    return {"dgeba": molecular_graph("dgeba", DGEBA, "epoxide"), "pacm": molecular_graph("pacm", PACM, "amine")}


@pytest.fixture(scope="session")
def shapes(graphs: Mapping[str, MolecularGraph]) -> dict[str, Array]:
    return {name: conformation(graph, 7) for name, graph in graphs.items()}


@pytest.fixture
def mapping() -> BeadMapping:
    return BeadMapping.model_validate({"molecules": RULES})


@pytest.fixture(scope="session")
def liquid(
    graphs: Mapping[str, MolecularGraph], shapes: Mapping[str, Array]
) -> Callable[..., tuple[AtomsInOrder, Frames]]:
    """Rigid molecules that drift and tumble through a box, unwrapped: who they are, and where."""

    def make(
        counts: Mapping[str, int], edge: float = 25.0, frames: int = 12, step: float = 1.0, seed: int = 3
    ) -> tuple[AtomsInOrder, Frames]:
        random = np.random.default_rng(seed)
        atoms = counted_molecules(graphs, counts)
        paths = []
        for name, count in counts.items():
            for _ in range(count):
                rotation = np.linalg.qr(random.normal(size=(3, 3)))[0]
                centre = random.uniform(0, edge, 3) + np.cumsum(random.normal(scale=step, size=(frames, 3)), axis=0)
                paths.append(shapes[name] @ rotation + centre[:, None, :])
        box = np.diag([edge, edge * 1.1, edge * 1.2])
        return atoms, Frames(1000.0, np.concatenate(paths, axis=1), np.tile(box, (frames, 1, 1)))

    return make


def wrapped(frames: Frames, corner: Sequence[float] = (0.0, 0.0, 0.0)) -> tuple[Array, NDArray[np.int64]]:
    """Positions inside the box, and image flags."""
    images = np.floor((frames.positions - np.array(corner)) @ np.linalg.inv(frames.boxes)).astype(np.int64)
    return frames.positions - images @ frames.boxes, images


def write_lammps(
    path: Path, frames: Frames, columns: str, every: int = 1000, corner: Sequence[float] = (0.0, 0.0, 0.0)
) -> None:
    """A text dump as LAMMPS writes it, atoms in no order.

    Args:
        path: of the file.
        frames: in boxes that may be tilted.
        columns: id and some of x y z, xu yu zu, xs ys zs, xsu ysu zsu, ix iy iz.
        every: steps between frames.
        corner: where boxes begin, angstrom.
    """
    inside, images = wrapped(frames, corner)
    random = np.random.default_rng(5)
    with path.open("w", encoding="utf-8") as file:
        for number, box in enumerate(frames.boxes):
            ids = np.arange(1, inside.shape[1] + 1)
            parts = (inside[number] - np.array(corner)) @ np.linalg.inv(box)
            values = {"id": ids}
            for axis, name in enumerate("xyz"):
                values |= {
                    name: inside[number, :, axis],
                    f"{name}u": frames.positions[number, :, axis],
                    f"{name}s": parts[:, axis],
                    f"{name}su": parts[:, axis] + images[number, :, axis],
                    f"i{name}": images[number, :, axis],
                }
            table = np.column_stack([values[name] for name in columns.split()])[random.permutation(len(ids))]
            file.write(f"ITEM: TIMESTEP\n{number * every}\nITEM: NUMBER OF ATOMS\n{len(ids)}\n")
            file.write(f"ITEM: BOX BOUNDS {_bounds(box, corner)}ITEM: ATOMS {columns}\n")
            np.savetxt(file, table, fmt="%.12g")


def _bounds(box: Array, corner: Sequence[float]) -> str:
    """The ends of the box around a box, and its tilts if it is tilted."""
    corners = np.array(list(np.ndindex(2, 2, 2))) @ box + np.array(corner)
    ends = np.column_stack([corners.min(axis=0), corners.max(axis=0)])
    if np.array_equal(box, np.diag(np.diag(box))):
        return "pp pp pp\n" + "".join(f"{low:.12g} {high:.12g}\n" for low, high in ends)
    tilts = box[1, 0], box[2, 0], box[2, 1]
    rows = zip(ends, tilts, strict=True)
    return "xy xz yz pp pp pp\n" + "".join(f"{low:.12g} {high:.12g} {tilt:.12g}\n" for (low, high), tilt in rows)
