"""The page in a real browser, where there is one."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.report import write_report

Browse = Callable[[str], subprocess.CompletedProcess[str]]


def test_a_browser_shows_the_page_without_complaint(browse: Browse, pebax: Problem, pebax_study: Study, tmp_path: Path):
    shown = browse(write_report(pebax, pebax_study, tmp_path / "report.html").as_uri())
    assert "CONSOLE" not in shown.stderr
    for words in ("Density (g/cm³)", "T = 150 K", "1.2344", "± 0.0100", "CG-BO (published)", "Calibrated", "Misfit"):
        assert words in shown.stdout


def test_a_page_that_breaks_its_own_rules_would_be_noticed(browse: Browse, tmp_path: Path):
    """The guard above works: the policy of the page refuses, and the browser complains of, anything from outside."""
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    path = tmp_path / "bad.html"
    path.write_text(f"<!DOCTYPE html><head>{policy}</head><p>here</p><img src=http://127.0.0.1:9/x.png>", "utf-8")
    assert "CONSOLE" in browse(path.as_uri()).stderr
