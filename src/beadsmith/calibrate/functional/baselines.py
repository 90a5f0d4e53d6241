"""The four baselines of the supplement of Giuntoli et al. 2021, from the same call as the calibration itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from beadsmith.calibrate.functional.calibration import Calibration, calibrate
from beadsmith.calibrate.functional.objective import Rule
from beadsmith.calibrate.functional.systems import System, make_forms, parameters_of

#: Kinds of form of the first three baselines.
_BY_FORM = {"constant": "constant", "sigmoid": "sigmoid", "free": "free"}


@dataclass(frozen=True)
class Baselines:
    """Calibrations to compare with.

    Attributes:
        constant: no dependence on the state.
        sigmoid: all functions sigmoids.
        free: a value at every state of the references.
        one_response_at_a_time: by observable, the given forms fitted to that observable of all systems alone: how
            accurate each could be if the others did not matter.
    """

    constant: Calibration
    sigmoid: Calibration
    free: Calibration
    one_response_at_a_time: Mapping[str, Calibration]

    def to_json(self) -> dict[str, Any]:
        """Plain types: :meth:`.Calibration.to_json` under each name.

        Keys: ``constant``, ``sigmoid``, ``free``, ``one_response_at_a_time`` (by observable).
        """
        by_form = {name: getattr(self, name).to_json() for name in _BY_FORM}
        alone = {name: one.to_json() for name, one in self.one_response_at_a_time.items()}
        return {**by_form, "one_response_at_a_time": alone}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Baselines:
        """The inverse of :meth:`to_json`."""
        by_form = {name: Calibration.from_json(document[name]) for name in _BY_FORM}
        alone = {name: Calibration.from_json(one) for name, one in document["one_response_at_a_time"].items()}
        return cls(**by_form, one_response_at_a_time=alone)


def calibrate_baselines(
    systems: Sequence[System],
    *,
    functions: str | Mapping[str, str] = "rbf",
    over: str | None = None,
    centres: Sequence[float] | None = None,
    misfit: Rule = "combined_variance",
    starts: int = 16,
    seed: int = 0,
    outside: Literal["refuse", "warn"] = "refuse",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Baselines:
    """All four baselines; arguments as of :func:`.make_forms` and :func:`.calibrate`.

    Args:
        systems: to be calibrated.
        functions: of the fits of one response at a time.
        over, centres: see :func:`.make_forms`.
        misfit, starts, seed, outside: see :func:`.calibrate`.
        progress: told how many fits are done, and how many there are.
    """

    def fitted(kind: str | Mapping[str, str], these: Sequence[System]) -> Calibration:
        # One observable may depend on fewer parameters than all together.
        own = kind if isinstance(kind, str) else {name: kind[name] for name in parameters_of(these) if name in kind}
        forms = make_forms(own, these, over=over, centres=centres)
        return calibrate(these, forms, misfit=misfit, starts=starts, seed=seed, outside=outside)

    observables = dict.fromkeys(one.observable for system in systems for one in system.references)
    total = len(observables) + len(_BY_FORM)
    alone: dict[str, Calibration] = {}
    for name in observables:
        these = [part for system in systems if (part := system.only(name)) is not None]
        alone[name] = fitted(functions, these)
        progress(len(alone), total)
    by_form: dict[str, Calibration] = {}
    for name, kind in _BY_FORM.items():
        by_form[name] = fitted(kind, systems)
        progress(len(alone) + len(by_form), total)
    return Baselines(**by_form, one_response_at_a_time=alone)
