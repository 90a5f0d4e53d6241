"""Going on with a simulation that was killed, from the last of its restart files.

An input of ours is a sequence of stages, each with a run or two.  The log says at which step each run began, the
restart file at which step it was written; so the run that was cut short is known.  What goes on is the same input with
everything before that run left out that happens once (dynamics, minimisation, new velocities), and with everything kept
that holds until it is undone (styles, fixes, dumps).  Samples and frames from after the restart file are taken away
first.

An input may have several parts, each of which begins from a file of its own, at a step of its own.  So the names of
restart files say of which part they are.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beadsmith.problem.replacing import replace_text
from beadsmith.simulate.binary_dump import length_until

_SCRIPT, _LOG = "in.lammps", "log.lammps"
#: What happens once, and has happened.
_DONE = (
    "run",
    "minimize",
    "velocity",
    "read_data",
    "read_restart",
    "reset_timestep",
    "write_restart",
    "write_dump",
    "print",
)
#: What the file begins with after the version of LAMMPS: the unit style, and then, after a flag, the step.
_UNITS = b"real\0"
#: A restart file that is so much shorter than the other one was being written.
_WHOLE = 0.9

_FIRST_STEP = re.compile(r"^ *Step\b[^\n]*\n(?:(?! *\d)[^\n]*\n)* *(\d+)", re.MULTILINE)
#: How an input that goes on begins; the step, a comment to LAMMPS, tells it from every earlier one.
_FROM_STEP = "# step"
_GOING_ON = re.compile(rf"^read_restart checkpoint_\d+\.[12] {_FROM_STEP} \d+$", re.MULTILINE)
_LIMITS = re.compile(r"\bstart (\d+) stop (\d+)\b")
_WRITES = re.compile(r"^restart \d+ checkpoint_(\d+)\.")
_SERIES = re.compile(r"^fix series .*\b(?:file|append) series_(\d+)\.txt\b")


@dataclass(frozen=True)
class _Run:
    """A run of the input that has begun.

    Attributes:
        line: of the input, 0 first.
        part: of the input.
        begin, end: steps.
    """

    line: int
    part: int
    begin: int
    end: int


def checkpoints_of(part: int) -> tuple[str, str]:
    """Names of the restart files of a part of an input; they are written in turn, so that one is always whole."""
    return f"checkpoint_{part}.1", f"checkpoint_{part}.2"


def has_checkpoint(folder: Path) -> bool:
    """Whether a simulation in a folder can go on."""
    return bool(_checkpoints_in(folder))


def parts_of_dumps(folder: Path, number: int | None = None) -> list[Path]:
    """Dumps in a folder in the order in which they were written: each time it was killed began another one.

    Args:
        number: of the stretch; all if None.
    """
    # A number that was put before the suffix sorts before it, and the dump that is being written has none.
    return sorted(folder.glob(f"frames_{'*' if number is None else number}.*bin"))


def clear_checkpoints(folder: Path) -> None:
    """Remove restart files, so that a simulation begins anew."""
    for path in _checkpoints_in(folder):
        path.unlink()


def begin_anew(folder: Path) -> None:
    """Remove what an attempt that cannot go on has left: its frames are not those of the next one."""
    clear_checkpoints(folder)
    for frames in parts_of_dumps(folder):
        frames.unlink()


def resumed_files(files: Mapping[str, str], folder: Path) -> dict[str, str] | None:
    """Files with which a simulation goes on; None if it has to begin anew.

    Samples and frames in the folder that are later than the restart file are removed.

    Args:
        files: of the simulation, as it was planned.
        folder: where it was running.
    """
    chosen = _last_whole(folder)
    if chosen is None or not all((folder / name).is_file() for name in (_SCRIPT, _LOG)):
        return None
    step = _step_of(chosen)
    script = (folder / _SCRIPT).read_text(encoding="utf-8")
    log = (folder / _LOG).read_text(encoding="utf-8", errors="replace")
    text = None if step is None else resumed_script(script, log, step, chosen.name)
    if step is None or text is None:
        return None
    reached = _part_of(chosen)
    for stretch, part in _parts_of_stretches(script).items():
        if part == reached:
            _cut(folder, stretch, step)
        elif part > reached:
            _remove(folder, stretch)
    return {**files, _SCRIPT: text}


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write the files of a simulation; the input comes last and is replaced as a whole, for one may go on from it."""
    for name in sorted(files, key=lambda name: name == _SCRIPT):
        replace_text(folder / name, files[name])


def resumed_script(script: str, log: str, step: int, restart: str) -> str | None:
    """The input that goes on from a step.

    Args:
        script: the input that was running.
        log: what it has written.
        step: at which the restart file was written.
        restart: its name, one of :func:`checkpoints_of`.

    Returns: the script itself if LAMMPS has not begun it yet; None if nothing had been reached from which it could go
        on.
    """
    if not _began(script, log):
        return script
    lines = _as_understood(script.splitlines(), log)
    part = _part_of(Path(restart))
    runs = [run for run in _runs(lines, log) if run.part == part and run.begin <= step]
    if not runs:
        # An input that had gone on already, and was killed before it came to its next run, is still right.
        return script if _GOING_ON.search(script) else None
    last = runs[-1]
    kept = _still_in_force(lines[: last.line], f"{restart} {_FROM_STEP} {step}")
    # A restart file may also have been written in a minimisation after the run: then that begins anew.
    rest = [f"run {last.end} upto start {last.begin} stop {last.end}"] if step < last.end else []
    return "\n".join([*kept, *rest, *lines[last.line + 1 :]]) + "\n"


def _began(script: str, log: str) -> bool:
    """Whether a log is of an input, and not of the attempt before, killed before LAMMPS could begin another one."""
    going_on = _GOING_ON.search(script)
    return going_on is None or f"\n{going_on[0]}\n" in log


def _as_understood(lines: list[str], log: str) -> list[str]:
    """Lines with ``$(...)`` as LAMMPS has put its values in: a length before a pull is not that after it."""
    echoed = log.splitlines()
    found = []
    for line in lines:
        place = echoed.index(line) if "$(" in line and line in echoed else -1
        found.append(echoed[place + 1] if 0 <= place < len(echoed) - 1 else line)
    return found


def _runs(lines: list[str], log: str) -> list[_Run]:
    """Runs that have begun, in their order."""
    found: list[_Run] = []
    place = part = 0
    for number, line in enumerate(lines):
        if writes := _WRITES.search(line):
            part = int(writes[1])
        if not line.startswith("run "):
            continue
        limits = _LIMITS.search(line)
        begun = log.find(f"\n{line}\n", place)
        first = _FIRST_STEP.search(log, begun) if begun >= 0 else None
        if limits:
            # It went on from a restart file, and so had begun before.
            found.append(_Run(number, part, int(limits[1]), int(limits[2])))
        elif first:
            found.append(_Run(number, part, int(first[1]), int(first[1]) + int(line.split()[1])))
        else:
            break
        place = first.end() if first else place
    return found


def _parts_of_stretches(script: str) -> dict[int, int]:
    """The part of an input that records each stretch."""
    found: dict[int, int] = {}
    part = 0
    for line in script.splitlines():
        if writes := _WRITES.search(line):
            part = int(writes[1])
        elif records := _SERIES.search(line):
            found[int(records[1])] = part
    return found


def _still_in_force(lines: list[str], restart: str) -> list[str]:
    """What was set and not undone, after the restart file has been read."""
    kept: list[tuple[str, str]] = []
    for line in lines:
        words = line.split()
        match words:
            case ["clear"]:
                kept = []
            case ["read_data" | "read_restart", *_]:
                kept.append(("", f"read_restart {restart}"))
            case ["unfix", name]:
                kept = [one for one in kept if one[0] != f"fix {name}"]
            case ["undump", name]:
                kept = [one for one in kept if one[0] != f"dump {name}"]
            case ["fix", name, *_]:
                kept.append((f"fix {name}", re.sub(r"\bfile (series_\d+\.txt)", r"append \1", line)))
            case ["dump" | "dump_modify", name, *_]:
                kept.append((f"dump {name}", line))
            case [command, *_] if command not in _DONE:
                kept.append(("", line))
    return [line for _, line in kept]


def _cut(folder: Path, stretch: int, step: int) -> None:
    """Leave of what a stretch has recorded what was before a step."""
    series = folder / f"series_{stretch}.txt"
    if series.is_file():
        _cut_series(series, step)
    for frames in parts_of_dumps(folder, stretch):
        with frames.open("r+b") as file:
            file.truncate(length_until(file, step))
        _put_aside(frames)


def _remove(folder: Path, stretch: int) -> None:
    """Remove what a stretch has recorded that begins anew."""
    for path in (folder / f"series_{stretch}.txt", *parts_of_dumps(folder, stretch)):
        path.unlink(missing_ok=True)


def _put_aside(frames: Path) -> None:
    """Give a dump a name of its own, once: LAMMPS would write over it, for it cannot append to binary ones."""
    if "." in frames.stem:
        return
    number = 0
    while (other := frames.with_name(f"{frames.stem}.{number:03d}{frames.suffix}")).exists():
        number += 1
    frames.rename(other)


def _checkpoints_in(folder: Path) -> list[Path]:
    return list(folder.glob("checkpoint_*.[12]"))


def _part_of(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("checkpoint_"))


def _last_whole(folder: Path) -> Path | None:
    """The restart file that was written last, if it is whole, or the one before."""
    found = sorted(_checkpoints_in(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    sizes = [path.stat().st_size for path in found]
    if len(found) > 1 and sizes[0] < _WHOLE * sizes[1]:
        return found[1]
    return found[0] if found else None


def _step_of(path: Path) -> int | None:
    """The step at which a restart file was written; None if it does not say."""
    with path.open("rb") as file:
        head = file.read(512)
    place = head.find(_UNITS) + len(_UNITS) + 4
    return struct.unpack_from("=q", head, place)[0] if _UNITS in head and len(head) >= place + 8 else None


def _cut_series(path: Path, step: int) -> None:
    """Leave samples up to a step; a last line that is not whole goes, too."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [
        line for line in lines if line.endswith("\n") and (line.startswith("#") or int(float(line.split()[0])) <= step)
    ]
    replace_text(path, "".join(kept))
