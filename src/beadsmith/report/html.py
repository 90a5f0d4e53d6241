"""From a template to a file: pages that need no other file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from beadsmith.errors import StudyError
from beadsmith.problem.replacing import replace_text


def filled(template: str, context: Mapping[str, Any]) -> str:
    """A page as text."""
    environment = Environment(
        loader=PackageLoader("beadsmith.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(context)


def write_page(path: Path, text: str) -> None:
    """Write a page; it appears whole or not at all.

    Raises:
        StudyError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    except OSError as error:
        expected = f"expected a file that can be written ({error.strerror})"
        raise StudyError(f"report: received {path}, {expected}") from error
