"""What is not Python must travel with the package."""

import zipfile
from pathlib import Path

import pytest

import beadsmith.report

ROOT = Path(__file__).parents[2]
FOLDER = Path(beadsmith.report.__file__).parent


def test_a_wheel_holds_template_style_sheet_and_references(tmp_path: Path):
    wheel = pytest.importorskip("hatchling.builders.wheel")
    [path] = wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(path).namelist()
    data = [file for file in FOLDER.rglob("*") if file.suffix in (".html", ".css", ".json")]
    assert {"report.html", "style.css", "references.json"} <= {file.name for file in data}
    for file in data:
        assert f"beadsmith/report/{file.relative_to(FOLDER).as_posix()}" in names
