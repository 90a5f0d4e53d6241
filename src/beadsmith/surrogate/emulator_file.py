"""Emulators on disk: a NumPy archive whose header is JSON; nothing in it is executed when it is read.

Stored is what the emulator was given and what it decided, not the matrices that follow from them: a thousand points
take some 100 kB, and reading costs one Cholesky factorisation at the first prediction.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from beadsmith.errors import StudyError
from beadsmith.problem.replacing import replacing
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.emulator import Emulator
from beadsmith.surrogate.measurements import Measurements
from beadsmith.surrogate.output_transform import transform_named
from beadsmith.surrogate.posterior import Hyperparameters

#: Of this layout; a reader refuses any other.
FORMAT = "beadsmith emulator 1"


def save_emulator(emulator: Emulator, path: Path) -> None:
    """Write an emulator; the file appears complete or not at all.

    Args:
        emulator: to be stored.
        path: ends in ``.npz``.
    """
    data, found = emulator.measurements, emulator.hyperparameters
    header = {
        "format": FORMAT,
        "system": data.system,
        "observable": data.observable,
        "axes": [{"name": axis.name, "low": axis.low, "high": axis.high} for axis in data.axes],
        "transform": emulator.transform.name,
        "amplitude": found.amplitude,
        "straightness": found.straightness,
        "excess": found.excess,
        "level": found.level,
    }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            header=np.frombuffer(json.dumps(header, allow_nan=False).encode(), dtype=np.uint8),
            lengths=found.lengths,
            inputs=data.inputs,
            values=data.values,
            stderrs=data.stderrs,
        )


def load_emulator(path: Path) -> Emulator:
    """Read an emulator that :func:`save_emulator` wrote; it predicts the same numbers.

    Args:
        path: of the file.

    Raises:
        StudyError: no such file, or one that is no emulator.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return _understood(json.loads(archive["header"].tobytes()), archive)
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file, expected an emulator; run `beadsmith fit` first") from None
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, EOFError) as flaw:
        raise StudyError(f"{path}: cannot be read as an emulator ({flaw}); remove it and fit again") from flaw


def _understood(header: dict[str, Any], arrays: Any) -> Emulator:
    if header["format"] != FORMAT:
        raise ValueError(f"received the format {header['format']!r}, expected {FORMAT!r}")
    measurements = Measurements(
        system=header["system"],
        observable=header["observable"],
        axes=tuple(Axis(**axis) for axis in header["axes"]),
        inputs=arrays["inputs"],
        values=arrays["values"],
        stderrs=arrays["stderrs"],
    )
    numbers = {name: header[name] for name in ("amplitude", "straightness", "excess", "level")}
    return Emulator(
        measurements, transform_named(header["transform"]), Hyperparameters(lengths=arrays["lengths"], **numbers)
    )
