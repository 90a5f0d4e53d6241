"""How many steps the stages of a protocol last."""

from __future__ import annotations

from beadsmith.problem.quantity import parse_duration
from beadsmith.problem.schema import Dynamics, Ladder, Minimize, PushOff, Stage, Tension


def steps_of(stage: Stage, timestep: float) -> int:
    """Steps of dynamics of a stage; of a pull, along all its axes.

    Args:
        stage: of a protocol that has been checked.
        timestep: fs.
    """
    match stage:
        case Minimize():
            return 0
        case PushOff():
            return (1 if stage.soft is False else 2) * stage.steps
        case Dynamics():
            return parse_duration(stage.duration, timestep)
        case Ladder():
            each = [parse_duration(text, timestep) for text in (stage.hold, stage.ramp) if text is not None]
            return sum(each) * len(stage.temperatures)
        case Tension():
            return round(stage.strain / (stage.rate * timestep)) * len(stage.axes)
