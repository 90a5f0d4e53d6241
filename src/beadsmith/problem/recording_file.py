"""Recordings in a file (``.npz``): what a finished simulation leaves, and what a mapping to beads hands on.

Series are kept in double, positions in single precision (about 1e-5 angstrom in the boxes of these simulations); there
is no pickle in it.  Recordings of one topology share it in the file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beadsmith.errors import ProblemError
from beadsmith.problem.recording import Bonded, Frames, Recording, Series, Topology
from beadsmith.problem.state import State

_Arrays = Mapping[str, np.ndarray[Any, Any]]


def save_recordings(path: Path, recordings: Sequence[Recording]) -> None:
    """Write recordings to ``path``, whose name should end in ``.npz``."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    topologies: list[Topology] = []
    index = []
    for number, recording in enumerate(recordings):
        entry: dict[str, Any] = {"experiment": recording.experiment, "state": recording.state.as_dict()}
        if recording.axis:
            entry["axis"] = recording.axis
        if recording.series is not None:
            entry["series"] = {
                "interval": recording.series.interval,
                "columns": list(recording.series.columns),
            }
            arrays[f"series_{number}"] = np.stack(list(recording.series.columns.values()))
        if recording.frames is not None:
            entry["frames"] = {"interval": recording.frames.interval}
            arrays[f"positions_{number}"] = recording.frames.positions.astype(np.float32)
            arrays[f"boxes_{number}"] = recording.frames.boxes
        place = None if recording.topology is None else _place(recording.topology, topologies)
        if place != 0:
            entry["topology"] = place
        index.append(entry)
    for place, topology in enumerate(topologies):
        arrays |= {f"{name}{_suffix(place)}": array for name, array in _of_topology(topology).items()}
    np.savez(path, index=np.array(json.dumps(index)), **arrays)  # type: ignore[arg-type]


def load_recordings(path: Path) -> tuple[Recording, ...]:
    """The recordings that :func:`save_recordings` wrote.

    Raises:
        ProblemError: no such file, or not one of these.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _recordings(arrays)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        expected = "a file of recordings (.npz), such as 'beadsmith map' writes"
        raise ProblemError(str(path), "a file that cannot be read as one", expected) from error


def _recordings(arrays: _Arrays) -> tuple[Recording, ...]:
    recordings = []
    topologies: dict[int, Topology | None] = {}
    for number, entry in enumerate(json.loads(str(arrays["index"]))):
        series = frames = None
        if "series" in entry:
            columns = dict(zip(entry["series"]["columns"], arrays[f"series_{number}"], strict=True))
            series = Series(entry["series"]["interval"], columns)
        if "frames" in entry:
            positions = arrays[f"positions_{number}"].astype(np.float64)
            frames = Frames(entry["frames"]["interval"], positions, arrays[f"boxes_{number}"])
        place = entry.get("topology", 0)
        if place is not None and place not in topologies:
            topologies[place] = _topology(arrays, _suffix(place))
        topology = None if place is None else topologies[place]
        state = State.of(entry["state"])
        recordings.append(Recording(entry["experiment"], state, series, frames, topology, entry.get("axis", "")))
    return tuple(recordings)


def _place(topology: Topology, known: list[Topology]) -> int:
    """Where a topology stands among those known; it is added if it is new."""
    for place, one in enumerate(known):
        if one is topology:
            return place
    known.append(topology)
    return len(known) - 1


def _suffix(place: int) -> str:
    """The first topology has none: there is only one in nearly all files."""
    return f"_of_topology_{place}" if place else ""


def _of_topology(topology: Topology) -> dict[str, np.ndarray[Any, Any]]:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "masses": topology.masses,
        "bead_types": topology.bead_types,
        "molecule_ids": topology.molecule_ids,
        "molecule_kinds": np.array([topology.molecule_kinds[i] for i in sorted(topology.molecule_kinds)]),
        "bead_names": np.array(topology.bead_names, dtype=np.str_),
    }
    for name, bonded in (("bonds", topology.bonds), ("angles", topology.angles)):
        if bonded is not None:
            arrays |= {
                name: bonded.members,
                f"types_of_{name}": bonded.types,
                f"names_of_{name}": np.array(bonded.names, dtype=np.str_),
            }
    return arrays


def _topology(arrays: _Arrays, suffix: str) -> Topology | None:
    if f"masses{suffix}" not in arrays:
        return None
    kinds = {number: str(kind) for number, kind in enumerate(arrays[f"molecule_kinds{suffix}"], start=1)}
    names = arrays[f"bead_names{suffix}"].tolist() if f"bead_names{suffix}" in arrays else []
    return Topology(
        arrays[f"masses{suffix}"],
        arrays[f"bead_types{suffix}"],
        arrays[f"molecule_ids{suffix}"],
        kinds,
        tuple(names),
        _bonded(arrays, "bonds", suffix),
        _bonded(arrays, "angles", suffix),
    )


def _bonded(arrays: _Arrays, name: str, suffix: str) -> Bonded | None:
    """None if it was stored before bonds and angles were kept."""
    if f"{name}{suffix}" not in arrays:
        return None
    names = tuple(arrays[f"names_of_{name}{suffix}"].tolist())
    return Bonded(arrays[f"{name}{suffix}"], arrays[f"types_of_{name}{suffix}"], names)
