r"""Energy of every recorded frame, and its exact derivatives by all free parameters.

LAMMPS prints one energy and samples another.  With a plain cutoff its *forces* are those of the pair energy shifted to
zero at the cutoff rc (the step there exerts none), and its barostat sees the virial's tail correction.  What molecular
dynamics at constant pressure samples is therefore exp(-(W + P V)/kT) with

    W = U_bonded + sum_pairs (u(r) - u(rc)) + E_w/V,    E_w = (2 pi/3) sum_ij N_i N_j int_rc^inf r^2 (-r u'(r)) dr

because the tail's pressure E_w/V^2 is -d/dV of E_w/V; the sum over types counts unlike pairs twice.  What is printed is

    U = U_bonded + sum_pairs u(r) + E_u/V,              E_u = 2 pi sum_ij N_i N_j int_rc^inf r^2 u(r) dr

By parts, E_w = E_u + (2 pi/3) rc^3 sum_ij N_i N_j u(rc): the two differ by what the pairs within rc, were they spread
evenly, carry of the shift.  So W and U agree on average and fluctuate differently; weights are made with W.

Tail corrections: Sun, J. Phys. Chem. B 102, 7338 (1998), as LAMMPS' ``pair_modify tail yes`` cites it; they and the
step at the cutoff: Allen and Tildesley, Computer Simulation of Liquids (2nd edition, 2017), chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.response.bonded import angle_values, bond_values
from beadsmith.observe.response.coefficients import Coefficients, bonded_coefficients, pair_coefficients
from beadsmith.observe.response.frame_values import Array, FrameValues, weighted_sums
from beadsmith.observe.response.pair_forms import PairForm, at_cutoff, pair_form
from beadsmith.observe.response.pairs import kinds_of_pairs, molecule_pairs, neighbour_pairs
from beadsmith.observe.response.wiring import Wiring, wiring_of
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Frames, Recording
from beadsmith.problem.schema import Script, Vacuum
from beadsmith.problem.state import State
from beadsmith.problem.styles import ANGLE_STYLES, BOND_STYLES, PAIR_STYLES


@dataclass(frozen=True)
class Energies:
    """Energies of the frames of one recording, kcal/mol; groups are molecules in vacuum, the whole box otherwise.

    Attributes:
        printed: U, the potential energy that LAMMPS prints.
        sampled: W, whose Boltzmann factor the simulation samples.
        virial: sum of -r dU/dr with the tail's share, which is 3 E_w/V.
    """

    printed: FrameValues
    sampled: FrameValues
    virial: FrameValues


@dataclass(frozen=True)
class _PairSums:
    """Pairs of each frame and group, summed.

    Attributes:
        functions: sums of the form's functions, shape (frames, groups, kinds, functions).
        counts: numbers of pairs, shape (frames, groups, kinds).
    """

    functions: Array
    counts: Array


def energies(recording: Recording, problem: Problem, model: Model) -> Energies:
    """Energies of every frame of a recording, from its positions.

    Args:
        model: the one that was simulated.  Functions of the state are taken at the state at which the coefficients
            were written, and the derivatives are by their values there.

    Raises:
        EstimateError: no frames, molecules that are not known, or a box that is too small or not rectangular.
        ProblemError: a function of the model needs a variable that the state lacks.
    """
    frames, wiring = _frames(recording), _wiring(recording, problem)
    values = model.at(coefficient_state(recording, problem))
    isolated = isinstance(problem.experiments[recording.experiment], Vacuum)
    groups = wiring.molecule_count if isolated else 1
    pairs = _pairs(problem, values)
    form = _form(problem, pairs)
    sums = _pair_sums(form, frames, wiring, problem.forcefield.pair.cutoff, isolated)
    printed, sampled, virial = _pair_values(problem, form, pairs, sums, frames, wiring, isolated)
    bonds, stretch = bond_values(
        problem.forcefield.bond.style, frames, wiring.bonds, groups, _bonds(problem, wiring, values)
    )
    angles = angle_values(
        problem.forcefield.angle.style, frames, wiring.angles, groups, _angles(problem, wiring, values)
    )
    bonded = bonds + angles
    return Energies(printed=printed + bonded, sampled=sampled + bonded, virial=virial + stretch)


def coefficient_state(recording: Recording, problem: Problem) -> State:
    """The state at which a recording's coefficients were written.

    A user's own script gets them once, at the experiment's own state; our protocols write them at every state.
    """
    experiment = problem.experiments[recording.experiment]
    return State.of(experiment.state) if isinstance(experiment, Script) else recording.state


def _frames(recording: Recording) -> Frames:
    if recording.frames is None or not len(recording.frames.positions):
        raise EstimateError("no frames of positions were recorded; gradients need them")
    return recording.frames


def _wiring(recording: Recording, problem: Problem) -> Wiring:
    if recording.topology is None:
        raise EstimateError("the molecules are not known; a script of your own needs 'molecules'")
    beads, recorded = len(recording.topology.masses), _frames(recording).positions.shape[1]
    if beads != recorded:
        raise EstimateError(f"{recorded} beads were recorded; the molecules of the experiment have {beads}")
    return wiring_of(problem, recording.topology)


def _pairs(problem: Problem, values: dict[str, float]) -> Coefficients:
    pair = problem.forcefield.pair
    return pair_coefficients(tuple(problem.beads), PAIR_STYLES[pair.style], pair.mixing, values, problem.parameters)


def _bonds(problem: Problem, wiring: Wiring, values: dict[str, float]) -> Coefficients:
    style = BOND_STYLES[problem.forcefield.bond.style]
    return bonded_coefficients("bond", wiring.bonds.names, style, values, problem.parameters)


def _angles(problem: Problem, wiring: Wiring, values: dict[str, float]) -> Coefficients:
    style = ANGLE_STYLES[problem.forcefield.angle.style]
    return bonded_coefficients("angle", wiring.angles.names, style, values, problem.parameters)


def _form(problem: Problem, pairs: Coefficients) -> PairForm:
    pair = problem.forcefield.pair
    return pair_form(pair.style, pairs.values, pair.cutoff, pair.inner_cutoff)


def _pair_sums(form: PairForm, frames: Frames, wiring: Wiring, cutoff: float, isolated: bool) -> _PairSums:
    search = molecule_pairs if isolated else neighbour_pairs
    groups = wiring.molecule_count if isolated else 1
    kinds = len(form.weights)
    shape = (len(frames.positions), groups, kinds)
    functions = np.zeros((*shape, form.weights.shape[2]))
    counts = np.zeros(shape)
    for batch in search(frames, wiring, cutoff):
        found = form.functions(batch.squares, batch.kinds)
        rows = np.concatenate([found, np.ones((1, len(batch.squares)))])
        if batch.factors is not None:
            rows *= batch.factors
        own = slice(batch.first, batch.last)
        bins = batch.slots * kinds + batch.kinds
        sums = weighted_sums(rows, bins, functions[own, ..., 0].size).reshape(-1, groups, kinds, len(rows))
        functions[own], counts[own] = sums[..., :-1], sums[..., -1]
    return _PairSums(functions, counts)


def _pair_values(
    problem: Problem,
    form: PairForm,
    pairs: Coefficients,
    sums: _PairSums,
    frames: Frames,
    wiring: Wiring,
    isolated: bool,
) -> tuple[FrameValues, FrameValues, FrameValues]:
    """Printed energy, sampled energy and virial of the pairs: the same weights on three kinds of sums."""
    pair = problem.forcefield.pair
    shifts = sums.counts[..., None] * at_cutoff(form, pair.cutoff, len(form.weights))
    printed = sums.functions - shifts if pair.shift else sums.functions
    sampled = sums.functions - shifts
    virial = np.einsum("fgks,kts->fgkt", sums.functions, form.virials)
    if pair.tail and not isolated:
        # Shape (frames, 1, kinds, functions): what evenly spread beads beyond the cutoff would add to the sums.
        spread = _pair_numbers(wiring)[:, None] * form.beyond(pair.cutoff) / _volumes(frames)[:, None, None, None]
        work = np.einsum("fgks,kts->fgkt", spread, form.virials)
        printed = printed + 2.0 * np.pi * spread
        sampled = sampled + 2.0 * np.pi / 3.0 * work
        virial = virial + 2.0 * np.pi * work
    return _weighed(form, pairs, printed), _weighed(form, pairs, sampled), _weighed(form, pairs, virial)


def _weighed(form: PairForm, pairs: Coefficients, sums: Array) -> FrameValues:
    frames, groups = sums.shape[:2]
    flat = sums.reshape(frames * groups, -1)
    by_parameter = np.einsum("kct,kcp->ktp", form.weights[:, 1:], pairs.slopes)
    slopes = flat @ by_parameter.reshape(flat.shape[1], -1)
    return FrameValues(
        values=(flat @ form.weights[:, 0].ravel()).reshape(frames, groups),
        slopes=slopes.reshape(frames, groups, -1),
    )


def _pair_numbers(wiring: Wiring) -> Array:
    """N_i N_j of each kind of pair, twice that if the two types differ, as LAMMPS counts them."""
    counts = np.bincount(wiring.types, minlength=len(wiring.bead_names)).astype(np.float64)
    products = np.outer(counts, counts) * (2.0 - np.eye(len(counts)))
    numbers = np.empty(len(counts) * (len(counts) + 1) // 2)
    numbers[kinds_of_pairs(len(counts))] = products
    return numbers


def _volumes(frames: Frames) -> Array:
    return np.asarray(np.linalg.det(frames.boxes))
