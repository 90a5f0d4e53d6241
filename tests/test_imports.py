"""The floor plan, kept by reading every import statement: down or along, never up, never across the wings."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "beadsmith"

# Bottom to top. A new module or folder of the package needs a place here.
BELOW = ("errors", "units", "problem")
PHYSICS = ("forcefield", "atomistic", "build", "simulate", "crosslink", "observe", "mapping", "inversion")
STATISTICS = ("design", "surrogate", "sensitivity", "calibrate", "search")
HALL = ("campaign", "report", "cli", "__main__")

# The house with one wing left out, twice: an arrow is right when one of these holds both its ends in order.
CHAINS = (BELOW + PHYSICS + HALL, BELOW + STATISTICS + HALL)


def may_import(importer: str, imported: str) -> bool:
    """Whether code in one room may import another: the same one, or one before it in a common chain."""
    return any(
        importer in chain and imported in chain and chain.index(imported) <= chain.index(importer) for chain in CHAINS
    )


def imported_modules(source: str, package: str) -> set[str]:
    """Full names of the modules a text imports from; only `from beadsmith import __version__` is left out.

    Args:
        source: text of the importing module.
        package: full name of the package it lies in, for relative imports.
    """
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            origin = ".".join([*parents, *filter(None, [node.module])])
            if not (origin == "beadsmith" and {alias.name for alias in node.names} == {"__version__"}):
                modules.add(origin)
    return modules


def wrong_arrows(path: str, source: str) -> list[str]:
    """One sentence for each import that the floor plan forbids.

    Args:
        path: where the module lies in the package, such as `problem/styles.py`.
        source: its text.
    """
    *folders, file = path.split("/")
    importer = [*folders, file.removesuffix(".py")][0]
    sentences = []
    for module in sorted(imported_modules(source, ".".join(["beadsmith", *folders]))):
        top, *rooms = module.split(".")
        if top != "beadsmith":
            continue
        if not rooms:
            sentences.append(f"{path} imports from the package root: name the module it needs")
        elif not may_import(importer, rooms[0]):
            sentences.append(f"{path} imports {module}, but {importer} may not know {rooms[0]}")
    return sentences


def test_every_import_goes_down_or_along():
    modules = sorted(PACKAGE.rglob("*.py"))
    wrong = [
        sentence
        for module in modules
        for sentence in wrong_arrows(module.relative_to(PACKAGE).as_posix(), module.read_text("utf-8"))
    ]

    assert modules
    assert wrong == []


def test_every_room_has_its_place():
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")} - {"__init__"}

    assert found <= {room for chain in CHAINS for room in chain}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("units.py", "from beadsmith.errors import InputError", id="down"),
        pytest.param("problem/problem.py", "from beadsmith.problem.styles import PAIR", id="same room"),
        pytest.param("observe/tg.py", "from beadsmith.simulate import dump", id="earlier in its wing"),
        pytest.param("campaign/drive.py", "import beadsmith.search, beadsmith.observe", id="hall sees both wings"),
        pytest.param("report/page.py", "from ..problem.records import Failure", id="relative down"),
        pytest.param("report/page.py", "from . import figures", id="relative in the room"),
        pytest.param("cli.py", "from beadsmith import __version__", id="the version"),
        pytest.param("errors.py", "import numpy\nfrom scipy import stats", id="other packages"),
        pytest.param("errors.py", "import beadsmith_extras", id="a name that only begins alike"),
    ],
)
def test_right_arrows_pass(path: str, source: str):
    assert wrong_arrows(path, source) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("errors.py", "from beadsmith.units import KCAL", id="up"),
        pytest.param("problem/problem.py", "from beadsmith.campaign.dataset import write", id="up from a folder"),
        pytest.param("build/pack.py", "from beadsmith.observe import density", id="later in its wing"),
        pytest.param("search/tpe.py", "from beadsmith.simulate.run import run", id="across to physics"),
        pytest.param("simulate/run.py", "import beadsmith.search.tpe as tpe", id="across to statistics"),
        pytest.param("simulate/run.py", "from ..search import tpe", id="relative across"),
        pytest.param("units.py", "def f():\n    from beadsmith.cli import main", id="inside a function"),
        pytest.param("units.py", "if TYPE_CHECKING:\n    from beadsmith.cli import main", id="for types only"),
        pytest.param("cli.py", "import beadsmith", id="the root"),
        pytest.param("cli.py", "from beadsmith import problem", id="a module from the root"),
        pytest.param("cli.py", "from beadsmith import __version__, problem", id="version and more"),
        pytest.param("report/page.py", "from .. import problem", id="the root, relative"),
        pytest.param("__init__.py", "from beadsmith.problem import Problem", id="the root imports nothing"),
        pytest.param("cellar/x.py", "from beadsmith.errors import InputError", id="a room without place"),
    ],
)
def test_a_wrong_arrow_is_noticed(path: str, source: str):
    assert len(wrong_arrows(path, source)) == 1
