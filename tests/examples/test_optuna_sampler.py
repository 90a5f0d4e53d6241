"""The example with a study of one's own finds the spectrum that it was given."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "optuna-sampler" / "calibrate.py"


def test_it_finds_its_answer_and_goes_on_after_a_stop(tmp_path, capsys):
    example = runpy.run_path(str(EXAMPLE))
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    example["main"](storage, trials=14)
    assert "14 trials" in capsys.readouterr().out
    study = example["main"](storage)
    assert len(study.trials) == 30
    assert study.best_value < 0.5
    for name, value in example["ANSWER"].items():
        assert study.best_params[name] == pytest.approx(value, rel=0.1)
