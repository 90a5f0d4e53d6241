"""The commands that made what a study of a design holds, so that its page can say how to do it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from beadsmith.campaign.renormalization.workbench import read_stage
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Study

_NAME = "commands"

#: Commands that add runs: what is found after one of them is not what would have been found before it.
_SIMULATING = ("design", "validate", "renormalize")


@dataclass(frozen=True)
class Command:
    """A command as it was given.

    Attributes:
        name: such as ``renormalize``.
        problem: name of the problem file.
        options: with their values, such as ``("--points", "32")``; empty values for flags.
    """

    name: str
    problem: str
    options: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """``{name, problem, options}``."""
        return {"name": self.name, "problem": self.problem, "options": [list(one) for one in self.options]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Command:
        """The inverse of :meth:`to_json`."""
        options = tuple((name, value) for name, value in document["options"])
        return cls(document["name"], document["problem"], options)


def keep_command(study: Study, command: Command) -> None:
    """Keep a command with those before it that are needed to do it again."""
    kept = [*needed_before(command, kept_commands(study)), command]
    write_json(study.folder / f"{_NAME}.json", {"commands": [one.to_json() for one in kept]})


def kept_commands(study: Study) -> list[Command]:
    """The commands that were kept, the first one first.

    Raises:
        StudyError: their file cannot be read.
    """
    document = read_stage(study, _NAME)
    return [] if document is None else [Command.from_json(one) for one in document["commands"]]


def needed_before(command: Command, before: Sequence[Command]) -> list[Command]:
    """What of earlier commands a command does not do itself or replace.

    ``renormalize`` does all but other designs; any other replaces one of its name since the last simulation.
    """
    others = [one for one in before if one != command or command.name not in ("design", "renormalize")]
    if command.name == "renormalize":
        return [one for one in others if one.name == "design"]
    last = max((place for place, one in enumerate(others) if one.name in _SIMULATING), default=-1)
    return [one for place, one in enumerate(others) if place <= last or one.name != command.name]
