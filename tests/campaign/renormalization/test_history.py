"""Which commands have to be given again for the same study."""

import pytest

from beadsmith.campaign.renormalization.history import Command, keep_command, kept_commands
from beadsmith.campaign.study import Study


def command(words: str) -> Command:
    name, *options = words.split()
    return Command(name, "problem.yaml", tuple((option, "1") for option in options))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        # It goes on after an interruption, and does everything itself.
        (["renormalize", "renormalize"], ["renormalize"]),
        (["fit", "calibrate", "validate", "renormalize --points"], ["renormalize --points"]),
        (["renormalize", "renormalize --points"], ["renormalize --points"]),
        # A design may be of more points, or of added tables.
        (["design", "design --add", "design", "renormalize"], ["design --add", "design", "renormalize"]),
        # What was found before it rests on its runs.
        (["renormalize", "calibrate", "calibrate --functions"], ["renormalize", "calibrate --functions"]),
        (["design", "fit", "calibrate", "fit --seed"], ["design", "calibrate", "fit --seed"]),
        # The second calibration knows the runs of the first one's model.
        (["design", "calibrate", "validate", "calibrate"], ["design", "calibrate", "validate", "calibrate"]),
    ],
)
def test_commands_that_are_needed_are_kept_in_order(tmp_path, given, kept):
    study = Study(tmp_path)
    for words in given:
        keep_command(study, command(words))
    assert kept_commands(study) == [command(words) for words in kept]


def test_a_study_without_commands_has_none(tmp_path):
    assert kept_commands(Study(tmp_path)) == []
