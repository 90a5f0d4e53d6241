"""Without the optional libraries: one sentence, and nobody who does not ask for them notices."""

import importlib.util
import subprocess
import sys

import pytest

from beadsmith.errors import ProblemError
from beadsmith.surrogate.available import LIBRARIES, require_gaussian_processes


def test_all_is_well_where_they_are_installed():
    require_gaussian_processes("search.method", "grey-box")


@pytest.mark.parametrize("missing", LIBRARIES)
def test_a_missing_library_is_one_sentence(monkeypatch, missing):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(ProblemError) as caught:
        require_gaussian_processes("search.method", "grey-box")
    assert str(caught.value) == (
        f"search.method: received grey-box, expected the optional {missing} to be installed; "
        'pip install ".[gp]" in the folder of Beadsmith'
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import beadsmith.cli",
        "import beadsmith.search",
        "import beadsmith.surrogate",
        "import beadsmith.surrogate.components",
        "from typer.testing import CliRunner; from beadsmith.cli.main import app; CliRunner().invoke(app, ['--help'])",
    ],
)
def test_pytorch_is_imported_only_when_it_is_used(statement):
    script = f"{statement}\nimport sys\nassert not {{'torch', 'gpytorch', 'botorch'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", script], check=True)
