"""The page in a real browser, where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.report import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TRIVIAL = "data:text/html,<p>here</p>"


def rendered(browser: str, profile: Path, address: str) -> subprocess.CompletedProcess[str]:
    """The document after the browser has read it; what it complains of is in ``stderr``."""
    quiet = ("disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update")
    options = [f"--{name}" for name in (*quiet, "disable-sync", "no-sandbox", "enable-logging=stderr")]
    command = [browser, "--headless", *options, f"--user-data-dir={profile}", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def browser(tmp_path: Path) -> str:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    try:
        works = "here" in rendered(path, tmp_path / "probe", TRIVIAL).stdout
    except (OSError, subprocess.TimeoutExpired):
        works = False
    if not works:
        pytest.skip(f"{path} cannot show anything here")
    return path


def test_a_browser_shows_the_page_without_complaint(browser: str, pebax: Problem, pebax_study: Study, tmp_path: Path):
    path = write_report(pebax, pebax_study, tmp_path / "report.html")
    shown = rendered(browser, tmp_path / "profile", path.as_uri())
    assert "CONSOLE" not in shown.stderr
    for words in ("Density (g/cm³)", "T = 150 K", "1.2344", "± 0.0100", "CG-BO (published)", "Calibrated", "Misfit"):
        assert words in shown.stdout


def test_a_page_that_breaks_its_own_rules_would_be_noticed(browser: str, tmp_path: Path):
    """The guard above works: the policy of the page refuses, and the browser complains of, anything from outside."""
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    path = tmp_path / "bad.html"
    path.write_text(f"<!DOCTYPE html><head>{policy}</head><p>here</p><img src=http://127.0.0.1:9/x.png>", "utf-8")
    assert "CONSOLE" in rendered(browser, tmp_path / "profile", path.as_uri()).stderr
