"""Turn pydantic's findings into one sentence in the language of the problem file."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from beadsmith.errors import ProblemError


def first_complaint(error: ValidationError, root: type[BaseModel], document: Any) -> ProblemError:
    """The most telling of the findings; the others are counted.

    Args:
        error: what pydantic found.
        root: the model that was validated, for the names it knows.
        document: what was validated, to tell keys of the file from pydantic's own steps in a path.
    """
    findings = error.errors(include_url=False)
    # A misspelt key makes the right one missing: speak of the misspelling.
    chosen = min(findings, key=lambda finding: finding["type"] != "extra_forbidden")
    others = f"{len(findings) - 1} more in this file" if len(findings) > 1 else ""
    where, received = _locate(chosen["loc"], document)
    match chosen["type"]:
        case "missing":
            return ProblemError(where, "", "this key, which is missing", others)
        case "extra_forbidden":
            known = _known_keys(root, chosen["loc"][:-1], document)
            near = difflib.get_close_matches(str(chosen["loc"][-1]), known, n=1)
            expected = f"one of {', '.join(known)}" if known else "no such key"
            return ProblemError(
                where,
                f"the key {chosen['loc'][-1]!r}",
                expected,
                f"did you mean {near[0]!r}?" if near else "",
            )
        case "union_tag_invalid" | "union_tag_not_found":
            context = chosen.get("ctx", {})
            tags = str(context.get("expected_tags", "")).replace("'", "")
            key = str(context.get("discriminator", "")).strip("'")
            expected = f"{key}: one of {tags}" if tags else f"a section that says its {key}"
            return ProblemError(where, str(context.get("tag", "")), expected)
        case "string_pattern_mismatch":
            return ProblemError(where, received, "a name: a letter, then up to 39 letters, digits or '_'")
        case "value_error":
            return ProblemError(where, received, str(chosen["ctx"]["error"]), others)
        case _:
            return ProblemError(where, received, chosen["msg"].replace("Input should be", "").strip(), others)


def _locate(location: tuple[int | str, ...], document: Any) -> tuple[str, str]:
    """Path in the file, and what stands there; pydantic's own steps (union tags, ``[key]``) left out."""
    path: list[str] = []
    here: Any = document
    for step in location:
        if _has(here, step):
            here = here[step]
        elif step == location[-1] and step != "[key]" and isinstance(here, dict):
            here = ""  # a missing key
        else:
            continue
        path.append(str(step) if not isinstance(step, int) else f"{step + 1}")
    received = location[-2] if location and location[-1] == "[key]" else here
    return ".".join(path) or "the file", "" if isinstance(received, dict) else str(received)


def _has(section: Any, step: int | str) -> bool:
    if isinstance(section, dict):
        return step in section
    return isinstance(section, list | tuple) and isinstance(step, int) and step < len(section)


def _known_keys(root: type[BaseModel], location: tuple[int | str, ...], document: Any) -> list[str]:
    """Keys of the section at ``location``: walk the annotations along it."""
    candidates: list[Any] = [root]
    for step in location:
        following: list[Any] = []
        for candidate in candidates:
            following += _step(candidate, step)
        candidates = following or candidates
    models = [candidate for candidate in candidates if isinstance(candidate, type) and issubclass(candidate, BaseModel)]
    return sorted({name for model in models for name in model.model_fields})


def _step(candidate: Any, step: int | str) -> list[Any]:
    if isinstance(candidate, type) and issubclass(candidate, BaseModel):
        if step in candidate.model_fields:
            return _models_in(candidate.model_fields[str(step)].annotation)
        tags = [field.annotation for field in candidate.model_fields.values()]
        return [candidate] if any(step in typing.get_args(tag) for tag in tags) else []
    return [candidate]


def _models_in(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType, typing.Annotated, dict, list, tuple):
        return [model for part in typing.get_args(annotation) for model in _models_in(part)]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
