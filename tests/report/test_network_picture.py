"""Pictures of networks: every bead in the box, no bond across it, crosslinks seen, and files that can be mailed."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.crosslink.cure import Cured
from beadsmith.crosslink.network import Network, Sites, uncured
from beadsmith.crosslink.periodic import separations
from beadsmith.crosslink.schedule import Progress
from beadsmith.report.figures import network as drawn
from beadsmith.report.figures.network import CROSSLINK, Scene, image, network_picture, scene_of

LIMIT = 1_500_000


def toy(beads: int, bonds: np.ndarray, positions: np.ndarray, edge: float = 10.0, crosslinks: np.ndarray | None = None):
    """Beads of two types in turn, each pair of neighbours a molecule."""
    sites = Sites(
        ("A", "B"),
        np.arange(beads) % 2,
        np.arange(beads) // 2,
        np.where(np.arange(beads) % 2, 20.0, 10.0),
        bonds,
        np.ones(beads, dtype=np.int64),
        ((0, 1),),
    )
    network = uncured(sites)
    if crosslinks is not None:
        network = Network(sites, crosslinks, np.ones(len(crosslinks), dtype=np.int64))
    return Cured(network, positions, edge * np.eye(3), Progress(), ())


NONE = np.empty((0, 2), dtype=np.int64)


def reddish(pixels: np.ndarray) -> int:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return int(((red > green + 90) & (red > blue + 60)).sum())


def test_beads_are_moved_into_the_box_and_the_system_is_not_changed():
    positions = np.array([[-1.0, 5.0, 23.0], [11.0, 5.0, 5.0]])
    one = toy(2, NONE, positions)
    scene = scene_of(one, "")
    assert scene.positions == pytest.approx(np.array([[9.0, 5.0, 3.0], [1.0, 5.0, 5.0]]))
    assert one.positions is positions


def test_no_bond_crosses_the_box(networks):
    for scene in (scene_of(networks[0].before, ""), scene_of(networks[0].examined.cured, "")):
        for bonds in (scene.bonds, scene.crosslinks):
            starts, ends = drawn._halves(scene, bonds)
            apart = separations(scene.positions[bonds[:, 0]], scene.positions[bonds[:, 1]], scene.cell)
            whole = np.linalg.norm(apart, axis=1)
            assert np.linalg.norm(ends - starts, axis=1) == pytest.approx(np.tile(whole / 2, 2))


def test_a_bond_through_the_boundary_is_two_halves_that_leave_the_box():
    scene = scene_of(toy(2, np.array([[0, 1]]), np.array([[0.5, 5.0, 5.0], [9.5, 5.0, 5.0]])), "")
    starts, ends = drawn._halves(scene, scene.bonds)
    assert starts[:, 0] == pytest.approx([0.5, 9.5])
    assert ends[:, 0] == pytest.approx([0.0, 10.0])


def test_crosslinks_are_seen_after_the_cure_and_not_before(networks):
    before, after = (image(scene_of(one, ""), 300) for one in (networks[0].before, networks[0].examined.cured))
    assert reddish(before) == 0
    assert reddish(after) > 500


def test_nearer_things_are_larger():
    corners = drawn._corners(scene_of(toy(2, NONE, np.ones((2, 3))), ""))
    _, nearness = drawn._View.of(corners).project(np.array([[5.0, 5.0, 9.0], [5.0, 5.0, 5.0], [5.0, 5.0, 1.0]]))
    assert nearness[0] > nearness[1] > nearness[2]
    assert nearness[1] == pytest.approx(1.0)


def test_edges_of_the_box_are_twelve_and_have_its_lengths():
    scene = replace(scene_of(toy(2, NONE, np.ones((2, 3))), ""), cell=np.diag([3.0, 4.0, 5.0]))
    starts, ends = drawn._edges(drawn._corners(scene))
    assert np.bincount(np.linalg.norm(ends - starts, axis=1).round().astype(int))[3:].tolist() == [4, 4, 4]


def test_a_slab_is_drawn_of_what_has_too_many_beads_and_the_caption_says_so():
    positions = np.random.default_rng(1).uniform(0, 10, (1000, 3))
    scene = scene_of(toy(1000, NONE, positions), "Much", most=250)
    assert len(scene.shown) == pytest.approx(250, abs=50)
    third = scene.positions[scene.shown, 2]
    assert third.min() >= 3.75
    assert third.max() < 6.25
    picture = network_picture([scene], ("A", "B"), {})
    assert f"2.5 of 10 Å deep with {len(scene.shown)} of 1,000 beads" in picture.caption
    whole = network_picture([scene_of(toy(1000, NONE, positions), "All")], ("A", "B"), {})
    assert "slab" not in whole.caption
    assert len(scene_of(toy(1000, NONE, positions), "").shown) == 1000


def test_pictures_of_a_system_as_large_as_the_papers_can_be_mailed():
    random = np.random.default_rng(2)
    beads = 14_000
    edge = 110.0
    positions = random.uniform(0, edge, (beads, 3))
    positions[1::2] = positions[::2] + random.normal(0, 2.0, (beads // 2, 3))
    pairs = np.arange(beads).reshape(-1, 2)
    crosslinks = np.column_stack([pairs[:-1, 1], pairs[1:, 0]])[::2]
    both = [toy(beads, pairs, positions, edge), toy(beads, pairs, positions, edge, crosslinks)]
    picture = network_picture([scene_of(one, "x") for one in both], ("A", "B"), {})
    assert len(picture.source) < LIMIT
    assert f"{beads} beads, {len(crosslinks)} crosslinks" in picture.text


@pytest.mark.parametrize("beads", [1, 2])
def test_the_smallest_systems_have_pictures(beads: int):
    one = toy(beads, np.array([[0, 1]]) if beads == 2 else NONE, np.full((beads, 3), 5.0))
    picture = network_picture([scene_of(one, "Small")], ("A", "B"), {"A": "the first"})
    text = base64.b64decode(picture.source.partition(",")[2]).decode()
    assert text.count("<image") == 1
    assert "no crosslinks" in picture.text


def test_a_sheared_box_is_drawn_as_it_is():
    cell = np.array([[10.0, 0, 0], [3.0, 10.0, 0], [-2.0, 3.0, 10.0]])
    one = replace(toy(2, np.array([[0, 1]]), np.array([[12.0, 1.0, 1.0], [1.0, 1.0, 1.0]])), cell=cell)
    scene = scene_of(one, "")
    shares = scene.positions @ np.linalg.inv(cell)
    assert (shares >= 0).all()
    assert (shares < 1).all()
    assert np.array_equal(Scene(**vars(scene)).cell, cell)
    assert covered_share(image(scene, 200)) > 0.01


def covered_share(pixels: np.ndarray) -> float:
    return float((pixels < 250).any(axis=2).mean())


def test_no_bead_has_the_colour_of_crosslinks():
    assert CROSSLINK not in drawn.BEAD_COLOURS
    assert len(set(drawn.BEAD_COLOURS)) == len(drawn.BEAD_COLOURS)
