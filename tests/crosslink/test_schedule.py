import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beadsmith.crosslink.network import Network, uncured
from beadsmith.crosslink.rules import Crosslinking, Rule, Stage
from beadsmith.crosslink.schedule import (
    Outcome,
    Plan,
    Progress,
    Reason,
    bonds_allowed,
    bonds_at,
    history,
    run_cycle,
    snapshot_degrees,
    snapshots_due,
)

CELL = np.diag([10.0, 10.0, 10.0])
VIRGIN, NETWORKS = Rule(("B",)), Rule(different_networks=True)
PUBLISHED = (Stage(VIRGIN, 0.5), Stage(NETWORKS, 0.75), Stage())
RULES = Crosslinking({"A": 1, "B": 2}, (("A", "B"),), 5.0, 10, PUBLISHED, empty_cycles=3)


@pytest.fixture
def sites(toys):
    return toys.sites({"ADA": 200, "BDB": 100}, RULES.capacities)


def cured(
    plan: Plan, network: Network, random: np.random.Generator, cycles: int = 400
) -> list[tuple[Progress, Network]]:
    """Every cycle of a cure in which the beads lie elsewhere each time."""
    states = [(Progress(), network)]
    while states[-1][0].outcome is None and len(states) <= cycles:
        positions = random.uniform(0, 10, size=(len(network.used), 3))
        states.append(run_cycle(plan, *states[-1], positions, CELL))
    return states


def test_virgin_sites_of_capacity_two_last_for_half_of_the_bonds_by_themselves(sites, random):
    # The declared end is farther on: the rule runs out of virgin sites, at exactly a half.
    plan = Plan(replace(RULES, stages=(Stage(VIRGIN, 0.9), Stage())), 1.0)
    ended = cured(plan, uncured(sites), random)[-1][0].transitions
    assert [(one.degree, one.reason) for one in ended] == [(0.5, Reason.STALLED)]


def test_different_networks_only_make_no_ring_and_end_in_one_piece(sites, random):
    plan = Plan(replace(RULES, stages=(Stage(NETWORKS, 0.9), Stage())), 0.9)
    states = cured(plan, uncured(sites), random)
    tree = next(network for progress, network in reversed(states) if progress.stage == 0)
    assert len(tree.bonds) == sites.molecule_count - 1  # a tree of all molecules
    assert tree.components.max() == 0
    (ended,) = states[-1][0].transitions
    assert (ended.degree, ended.reason) == (299 / 400, Reason.STALLED)


def test_the_published_stages_follow_one_another(sites, random):
    states = cured(Plan(RULES, 0.95), uncured(sites), random)
    progress, network = states[-1]
    assert progress.outcome is Outcome.TARGET
    assert [one.stage for one in progress.transitions] == [0, 1]
    assert progress.transitions[0].degree == 0.5
    assert progress.transitions[0].reason is Reason.REACHED
    assert len(network.bonds) == 380
    # Half of the bonds: no amine has reacted twice.
    half = next(network for _, network in states if len(network.bonds) == 200)
    assert half.used[sites.bead_types == 1].tolist() == [1] * 200


def test_another_chemistry_cures_by_declaration_alone(toys, random):
    # Trifunctional and monofunctional beads.
    capacities, reactions = {"D": 3, "E": 1}, (("D", "E"),)
    sites = toys.sites({"CDC": 60, "ECE": 40, "CE": 30}, capacities, reactions)
    rules = Crosslinking(capacities, reactions, 5.0, 10, (Stage(NETWORKS, 0.6), Stage()))
    progress, network = cured(Plan(rules, 0.95), uncured(sites), random)[-1]
    assert sites.most == 110
    assert progress.outcome is Outcome.TARGET
    assert len(network.bonds) == 105
    assert set(np.unique(network.used)) == {0, 1, 2, 3}


def test_a_competing_reaction_may_leave_sites_without_a_partner(toys, random):
    # Most bonds form if no D reacts with another D; the nearest pairs first know nothing of that.
    capacities, reactions = {"D": 3, "E": 1}, (("D", "E"), ("D", "D"))
    sites = toys.sites({"CDC": 60, "ECE": 40, "CE": 30}, capacities, reactions)
    progress, network = cured(Plan(Crosslinking(capacities, reactions, 5.0, 10), 1.0), uncured(sites), random)[-1]
    assert sites.most == 110 + 35
    assert progress.outcome is Outcome.EXHAUSTED
    assert network.degree < 1
    assert network.room[sites.bead_types == 3].sum() <= 1


def test_no_cycle_has_more_bonds_than_declared_and_cycles_are_numbered(sites, random):
    states = cured(Plan(RULES, 0.95), uncured(sites), random)
    network = states[-1][1]
    assert np.bincount(network.cycles)[1:].max() == 10
    assert (np.diff(network.cycles) >= 0).all()
    assert [progress.cycle for progress, _ in states] == list(range(len(states)))


def test_a_stalled_rule_gives_way_in_the_same_cycle_and_for_good(toys):
    # Both bonds are within reach, but the second B is a virgin no more and both are one network.
    sites = toys.sites({"AA": 1, "B": 1}, RULES.capacities)
    plan = Plan(replace(RULES, bonds_per_cycle=1), 1.0)
    positions = np.array([[1.0, 0, 0], [-1.1, 0, 0], [0.0, 0, 0]])
    first, one = run_cycle(plan, Progress(), uncured(sites), positions, CELL)
    assert (first.stage, len(one.bonds), first.transitions[0].reason) == (1, 1, Reason.REACHED)
    second, two = run_cycle(plan, first, one, positions, CELL)
    assert (second.stage, second.cycle, len(two.bonds)) == (2, 2, 2)
    assert (second.transitions[1].cycle, second.transitions[1].degree) == (2, 0.5)
    assert second.transitions[1].reason is Reason.STALLED
    assert second.outcome is Outcome.TARGET


def test_empty_cycles_in_a_row_end_a_cure_and_say_why(sites):
    plan = Plan(replace(RULES, cutoff=0.5), 1.0)
    apart = np.where(sites.bead_types[:, None] == 0, 2.0, 7.0) * np.ones(3)
    near = np.full_like(apart, 5.0)
    progress, network = Progress(), uncured(sites)
    for positions, empty in [(apart, 1), (apart, 2), (near, 0), (apart, 1), (apart, 2)]:
        progress, network = run_cycle(plan, progress, network, positions, CELL)
        assert (progress.empty, progress.outcome) == (empty, None)
    progress, network = run_cycle(plan, progress, network, apart, CELL)
    assert progress.outcome is Outcome.OUT_OF_REACH
    assert len(network.bonds) == 10
    assert "relax longer" in history(plan, progress)[-1]
    assert "ended in cycle 1 at a degree of crosslinking of 0.000" in history(plan, progress)[0]


def test_a_cure_ends_when_all_sites_have_reacted_and_then_stays_as_it_is(toys):
    # Three sites on one side and two on the other, all within one type: one site is left over.
    sites = toys.sites({"C": 3}, {"C": 1}, (("C", "C"),))
    plan = Plan(Crosslinking({"C": 1}, (("C", "C"),), 5.0, 10), 1.0)
    done = run_cycle(plan, Progress(), uncured(sites), np.zeros((3, 3)), CELL)
    assert done[0].outcome is Outcome.TARGET
    assert run_cycle(plan, *done, np.zeros((3, 3)), CELL) == done


def test_sites_of_which_one_side_is_used_up_are_exhausted(toys):
    # C reacts with itself or with D; two bonds would be possible, but C-C leaves D without a partner.
    sites = toys.sites({"C": 2, "D": 2}, {"C": 1, "D": 1}, (("C", "C"), ("C", "D")))
    plan = Plan(Crosslinking({"C": 1, "D": 1}, (("C", "C"), ("C", "D")), 4.0, 10), 1.0)
    positions = np.array([[0.0, 0, 0], [1.0, 0, 0], [3.0, 0, 0], [4.0, 0, 0]])
    assert sites.most == 2
    progress, network = run_cycle(plan, Progress(), uncured(sites), positions, CELL)
    assert (progress.outcome, len(network.bonds)) == (Outcome.EXHAUSTED, 1)
    assert history(plan, progress)[-1].startswith("the cure ended after 1 cycles: no two sites are left")


def test_a_bead_alone_has_no_partner(toys):
    assert uncured(toys.sites({"C": 1}, {"C": 2}, (("C", "C"),))).exhausted
    assert not uncured(toys.sites({"C": 2}, {"C": 2}, (("C", "C"),))).exhausted
    assert uncured(toys.sites({"A": 2, "D": 1}, {"A": 1, "B": 1})).exhausted
    assert not uncured(toys.sites({"A": 1, "B": 1}, {"A": 1, "B": 1})).exhausted


@pytest.mark.parametrize("within", [False, True])
def test_a_cure_keeps_to_what_was_declared_about_molecules(toys, within):
    sites = toys.sites({"ADB": 1}, {"A": 1, "B": 1})
    rules = Crosslinking({"A": 1, "B": 1}, (("A", "B"),), 5.0, 1, within_molecules=within)
    progress, _ = run_cycle(Plan(rules, 1.0), Progress(), uncured(sites), np.zeros((3, 3)), CELL)
    assert (progress.outcome is Outcome.TARGET) is within


@pytest.mark.parametrize("target", [0.0, 0.35, 0.95, 1.0])
def test_a_cure_stops_at_its_target_to_within_a_bond(toys, random, target):
    sites = toys.sites({"ADA": 101, "BDB": 50}, RULES.capacities)
    progress, network = cured(Plan(RULES, target), uncured(sites), random)[-1]
    assert progress.outcome is Outcome.TARGET
    assert target <= network.degree < target + 1 / sites.most


def test_no_snapshot_is_jumped_across(sites, random):
    plan = Plan(replace(RULES, bonds_per_cycle=37), 0.93, snapshot_degrees(0.93))
    states = cured(plan, uncured(sites), random)
    taken = dict.fromkeys(snapshots_due(plan, None, states[0][1]), 0)
    for (_, before), (_, after) in itertools.pairwise(states):
        due = snapshots_due(plan, before, after)
        assert len(due) <= 1
        taken |= dict.fromkeys(due, len(after.bonds))
    assert taken == {degree: round(degree * 400) for degree in snapshot_degrees(0.93)}


def test_snapshots_are_every_twentieth_and_the_target():
    assert snapshot_degrees(0.2) == (0.0, 0.05, 0.1, 0.15, 0.2)
    assert snapshot_degrees(0.12) == (0.0, 0.05, 0.1, 0.12)
    assert snapshot_degrees(1.0, 0.5) == (0.0, 0.5, 1.0)
    assert len(snapshot_degrees(0.95)) == 20


def test_several_snapshots_fall_due_at_once_where_bonds_are_few(toys):
    sites = toys.sites({"AA": 1, "B": 1}, RULES.capacities)
    plan = Plan(RULES, 1.0, snapshot_degrees(1.0, 0.25))
    one = uncured(sites).with_bonds(np.array([[0, 2]]), 1)
    assert snapshots_due(plan, uncured(sites), one) == (0.25, 0.5)
    assert snapshots_due(plan, one, one) == ()


@given(st.integers(1, 5000), st.integers(0, 5000))
def test_as_many_bonds_as_reach_a_degree_are_the_fewest(most, bonds):
    bonds = min(bonds, most)
    assert bonds_at(bonds / most, most) == bonds  # rounding does not ask for one more
    assert bonds_at((bonds - 0.5) / most, most) == bonds


@pytest.mark.parametrize(("formed", "allowed"), [(0, 10), (15, 5), (20, 10), (198, 2), (375, 5), (380, 0)])
def test_bonds_stop_at_the_next_goal(sites, formed, allowed):
    plan = Plan(RULES, 0.95, snapshot_degrees(0.95))
    # Bonds are only counted here.
    network = Network(sites, np.zeros((formed, 2), dtype=int), np.zeros(formed, dtype=int))
    assert bonds_allowed(plan, Progress(), network) == allowed


def test_a_cure_goes_on_from_what_was_written_down(sites):
    plan = Plan(RULES, 0.6, snapshot_degrees(0.6))
    whole = cured(plan, uncured(sites), np.random.default_rng(3))
    random = np.random.default_rng(3)
    progress, network = cured(plan, uncured(sites), random, cycles=9)[-1]
    network = Network(sites, np.array(network.bonds.tolist()), np.array(network.cycles.tolist()))
    while progress.outcome is None:
        positions = random.uniform(0, 10, size=(len(network.used), 3))
        progress, network = run_cycle(plan, replace(progress), network, positions, CELL)
    assert progress == whole[-1][0]
    assert network.bonds.tolist() == whole[-1][1].bonds.tolist()
