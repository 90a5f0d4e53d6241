"""Targets of twin.yaml: its formulas with the published functions (models/giuntoli2021.yaml), and noise.

    python examples/epoxy/make_twin_targets.py > targets.yaml

The text that it prints is the `targets` section of twin.yaml.
"""

from pathlib import Path

import numpy as np

from beadsmith.observe.formulas import observe_formulas
from beadsmith.problem.problem import load_model, load_problem

HERE = Path(__file__).parent

#: Standard deviation of the targets, by column: below 1 %, so that what is hidden can be told from what is like it.
UNCERTAINTY = {
    "density": 0.001,
    "cage": 0.006,
    "modulus": 0.015,
    "yield": 0.8,
    "bulk": 0.02,
    "transition": 2.0,
    "cohesion": 2.5,
}


def main() -> None:
    """Print the section."""
    problem = load_problem(HERE / "twin.yaml")
    model = load_model(HERE / "models" / "giuntoli2021.yaml", problem)
    rng = np.random.default_rng(2021)
    print("targets: # the published functions, with noise: python examples/epoxy/make_twin_targets.py")
    for name, experiment in problem.experiments.items():
        exact = experiment.model_copy(update={"noise": {}})
        observations = observe_formulas(name, exact, model, problem.observables, rng)
        for observable, declared in problem.observables.items():
            values = [one.value for one in observations if one.observable == observable]
            if not values:
                continue
            spread = UNCERTAINTY[declared.column]
            noisy = np.asarray(values) + spread * rng.standard_normal(len(values))
            numbers = " ".join(f"{value:.5g}" for value in noisy)
            print(f"  {observable}:")
            print(f"    state: {{DC: 0 to 0.95 by 0.05}}\n    value: {numbers} {declared.unit}")
            print(f"    uncertainty: {spread:g} {declared.unit}\n    source: twin with the published functions")


if __name__ == "__main__":
    main()
