"""Packmol's input, and what it makes of it."""

import shutil
import sys

import numpy as np
import pytest
from scipy.spatial import cKDTree

from beadsmith.atomistic import packing
from beadsmith.atomistic.packing import TOLERANCE, packed, packing_input
from beadsmith.errors import ProblemError

WHERE = "experiments.melt.initial_density"
DENSITY = 0.602214  # daltons per cubic angstrom in 1 g/cm^3


def edges_at(density: float, graphs, counts) -> np.ndarray:
    mass = sum(count * sum(graphs[name].masses) for name, count in counts.items())
    return np.full(3, (mass / DENSITY / density) ** (1 / 3))


def test_the_input_as_text():
    assert packing_input([("one.xyz", 4), ("other.xyz", 2)], [20.0, 30.0, 40.0], seed=6) == (
        "tolerance 2\n"
        "filetype xyz\n"
        "output packed.xyz\n"
        "seed 7\n"
        "nloop 60\n"
        "structure one.xyz\n"
        "  number 4\n"
        "  inside box 1.0000 1.0000 1.0000 19.0000 29.0000 39.0000\n"
        "end structure\n"
        "structure other.xyz\n"
        "  number 2\n"
        "  inside box 1.0000 1.0000 1.0000 19.0000 29.0000 39.0000\n"
        "end structure\n"
    )


@pytest.fixture
def resin(graph_of):
    return {"dgeba": graph_of("dgeba"), "pacm": graph_of("pacm")}


def test_molecules_stay_apart_whole_and_inside(resin):
    counts = {"dgeba": 6, "pacm": 3}
    edges = edges_at(0.4, resin, counts)
    positions = packed(resin, counts, edges, seed=3, where=WHERE)

    sizes = [len(resin[name].names) for name, count in counts.items() for _ in range(count)]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    assert positions.shape == (sum(sizes), 3)
    assert positions.min() > 0
    assert (positions < edges).all()
    near = cKDTree(positions, boxsize=edges).query_pairs(TOLERANCE - 0.05, output_type="ndarray")
    assert len(near)  # atoms of one molecule are nearer than that,
    assert (owner[near[:, 0]] == owner[near[:, 1]]).all()  # and no others, periodic images included
    start = 0
    for name, count in counts.items():
        for _ in range(count):
            molecule = positions[start : start + len(resin[name].names)]
            bonds = np.array(resin[name].bonds)
            lengths = np.linalg.norm(molecule[bonds[:, 0]] - molecule[bonds[:, 1]], axis=1)
            assert 0.9 < lengths.min() < lengths.max() < 1.65
            start += len(molecule)


def test_the_same_seed_packs_the_same_way_and_another_one_does_not(resin):
    counts = {"pacm": 3}
    edges = edges_at(0.3, resin, counts)
    one, again, other = (packed(resin, counts, edges, seed=seed, where=WHERE) for seed in (1, 1, 2))

    assert (one == again).all()
    assert np.abs(one - other).max() > 1


def test_copies_have_several_conformations(resin):
    positions = packed(resin, {"dgeba": 6}, edges_at(0.2, resin, {"dgeba": 6}), seed=5, where=WHERE)

    ends = positions.reshape(6, -1, 3)
    spans = np.linalg.norm(ends[:, 0] - ends[:, 24], axis=1).round(2)  # from one end of DGEBA to the other
    assert 2 <= len(set(spans.tolist())) <= packing.CONFORMATIONS


@pytest.mark.parametrize("edge", [4.0, 9.0])
def test_a_box_too_small_is_one_sentence(resin, edge):
    with pytest.raises(ProblemError, match=rf"{WHERE}: received a box that Packmol could not fill.*lower the initial"):
        packed(resin, {"dgeba": 2}, np.full(3, edge), seed=1, where=WHERE)


@pytest.mark.parametrize(("ending", "time_limit"), [("exit 173", 60.0), ("sleep 5", 0.5)])
def test_a_packing_that_has_not_converged_is_not_used(resin, monkeypatch, tmp_path, ending, time_limit):
    # Packmol leaves its best attempt behind, overlaps included, and says so by its exit code only.
    fake = tmp_path / "packmol"
    fake.write_text(f"#!/bin/sh\nprintf '1\\n\\nC 1 1 1\\n' > packed.xyz\n{ending}\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ProblemError, match="could not fill"):
        packed(resin, {"pacm": 1}, np.full(3, 30.0), seed=1, where=WHERE, time_limit=time_limit)


def test_packmol_missing_says_how_to_install_it(resin, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ProblemError, match=r"Packmol: .*install it with: pip install packmol"):
        packed(resin, {"pacm": 1}, np.full(3, 30.0), seed=1, where=WHERE)


def test_packmol_on_the_path_will_do(resin, monkeypatch, tmp_path):
    found = shutil.which("packmol") or str(packing.Path(sys.executable).parent / "packmol")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: found)
    assert packed(resin, {"pacm": 1}, np.full(3, 30.0), seed=1, where=WHERE).shape == (37, 3)
