"""A problem file in which some parameters are held: the user's text with a few lines more.

Whatever was written is read back and compared with the problem it came from, so that a file that means something else
is never left behind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from beadsmith.errors import ProblemError
from beadsmith.problem.document import read_document, write_document
from beadsmith.problem.problem import Problem, load_problem, read_problem
from beadsmith.problem.quantity import format_quantity
from beadsmith.problem.schema import Network, Script

#: Significant digits of the values that are held: more than any simulation can tell.
_DIGITS = 9


def write_frozen(problem: Problem, values: Mapping[str, float], path: Path, remark: str = "") -> bool:
    """Write the problem's file anew, with some of its free parameters fixed.

    Args:
        values: of the parameters to fix, by name, in the units of the parameters.
        path: where; an existing file is replaced, but not the problem itself.
        remark: why, for a comment in the file.

    Returns: whether the user's text could be kept; if not, the file says the same without its comments.

    Raises:
        ProblemError: ``path`` cannot be written or is the problem itself; the problem names files that are not found
            from there; rules of its fidelity would overrule.
    """
    _check_place(problem, path)
    fixed = {name: format_quantity(value, problem.parameters.kinds[name], _DIGITS) for name, value in values.items()}
    partial = path.with_name(f".{path.name}.partial")
    try:
        text = _with_lines(problem.path.read_text(encoding="utf-8"), fixed, remark)
        kept = text is not None
        if text is not None:
            partial.write_text(text, encoding="utf-8")
            kept = _means_the_same(partial, problem, values)
        if not kept:
            # What extends another file may overrule it or, where the order of rules forbids that, contain it.
            for document in (read_document(problem.path), read_problem(problem.path)):
                write_document(partial, _with_entries(document, fixed))
                if _means_the_same(partial, problem, values):
                    break
            else:
                raise ProblemError(
                    f"{problem.path}: fidelities.{problem.fidelity}.parameters",
                    "rules for parameters that are to be held",
                    "such rules only in the section parameters of the file",
                    "move them there",
                )
        partial.replace(path)
    except OSError as error:
        raise ProblemError("--output", str(path), "a file that can be written", str(error.strerror)) from error
    finally:
        partial.unlink(missing_ok=True)
    return kept


def _check_place(problem: Problem, path: Path) -> None:
    if path.resolve() == problem.path.resolve():
        raise ProblemError("--output", str(path), "another file than the problem itself")
    if not path.parent.is_dir():
        raise ProblemError("--output", str(path), "a file in an existing folder")
    named = _named_files(problem)
    if named and path.resolve().parent != problem.path.resolve().parent:
        raise ProblemError(
            "--output",
            str(path),
            f"a file in the folder of {problem.path}",
            f"the problem names other files relative to itself, such as {named[0]}",
        )


def _named_files(problem: Problem) -> list[str]:
    """Files that the problem names relative to itself."""
    scripts = [one for one in problem.experiments.values() if isinstance(one, Script)]
    precision = problem.file.precision
    networks = [one for one in problem.experiments.values() if isinstance(one, Network)]
    named = [name for one in scripts for name in (one.script, one.data, *one.files)]
    named += [one.cure.model for one in networks]
    named += [*problem.file.compare.values(), *problem.file.search.start]
    named += [None if precision is None else precision.measured]
    return [name for name in named if name]


def _with_lines(text: str, fixed: Mapping[str, str], remark: str) -> str | None:
    """The text with these entries among its parameters, or in such a section at its end; None if that cannot be."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = root.value if isinstance(root, yaml.MappingNode) else []
    section = next((value for key, value in entries if key.value == "parameters"), None)
    if section is None and isinstance(root, yaml.MappingNode) and fixed and not root.flow_style:
        return _with_section(text, " " * root.start_mark.column, fixed, remark)
    if not isinstance(section, yaml.MappingNode) or not section.value:
        return None
    own = {key.value: value for key, value in section.value if key.value in fixed}
    changes = {
        (value.start_mark.index, _end_of(value, text)): f"{{fixed: {fixed[name]}}}" for name, value in own.items()
    }
    new = {name: value for name, value in fixed.items() if name not in own}
    changes |= _addition(text, section, new, remark) if new else {}
    for (start, end), words in sorted(changes.items(), reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _with_section(text: str, indent: str, fixed: Mapping[str, str], remark: str) -> str:
    """The text with a section of parameters at its end; for a file that extends another one, to which they belong."""
    lines = [f"{indent}parameters:", *(f"{indent}  {line}" for line in _lines(fixed, remark))]
    return f"{text.rstrip()}\n" + "".join(f"{line}\n" for line in lines)


def _lines(new: Mapping[str, str], remark: str) -> list[str]:
    """Entries in lines of their own."""
    return [*([f"# {remark}"] if remark else []), *(f"{name}: {{fixed: {value}}}" for name, value in new.items())]


def _addition(text: str, section: yaml.MappingNode, new: Mapping[str, str], remark: str) -> dict[tuple[int, int], str]:
    """Entries at the end of the section, where they overrule all before: where to put them, and what."""
    if section.flow_style:
        place = section.end_mark.index - 1
        return {(place, place): "".join(f", {name}: {{fixed: {value}}}" for name, value in new.items())}
    indent = " " * section.value[0][0].start_mark.column
    end_of_line = text.find("\n", _end_of(section, text))
    place = len(text) if end_of_line < 0 else end_of_line
    return {(place, place): "".join(f"\n{indent}{line}" for line in _lines(new, remark))}


def _end_of(node: Any, text: str) -> int:
    """Where the text of a node ends; that of a section in lines of its own ends with its last entry."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end_of(node.value[-1][1], text)
    # Text in lines of its own ("|", ">") would end with the line break.
    return len(text[: node.end_mark.index].rstrip())


def _with_entries(document: Mapping[str, Any], fixed: Mapping[str, str]) -> dict[str, Any]:
    """The document with these entries last among its parameters."""
    others = {name: rule for name, rule in (document.get("parameters") or {}).items() if name not in fixed}
    return {**document, "parameters": {**others, **{name: {"fixed": value} for name, value in fixed.items()}}}


def _means_the_same(path: Path, problem: Problem, values: Mapping[str, float]) -> bool:
    """Whether a file says what the problem says, but for parameters that are fixed at these values."""
    try:
        found = load_problem(path, problem.fidelity)
    except ProblemError:
        return False
    old, new = problem.parameters, found.parameters
    expected = {**old.fixed, **values}
    held = new.fixed.keys() == expected.keys() and all(
        math.isclose(new.fixed[name], value, rel_tol=1e-7) for name, value in expected.items()
    )
    free = tuple(parameter for parameter in old.free if parameter.name not in values)
    others = [one.file.model_dump(mode="json", exclude={"parameters"}) for one in (problem, found)]
    return held and new.free == free and new.tied == old.tied and others[0] == others[1]
