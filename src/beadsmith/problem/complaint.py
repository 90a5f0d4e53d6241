"""Turn pydantic's findings into one sentence in the language of the problem file."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from beadsmith.errors import ProblemError

Location: TypeAlias = tuple[int | str, ...]

#: What pydantic calls a finding, and what a user should have written; ``{...}`` is filled from its context.
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of reasonable size",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "yes or no",
    "bool_parsing": "yes or no",
    "dict_type": "a section of keys and values",
    "tuple_type": "a list, such as [a, b]",
    "too_short": "at least {min_length} entry",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:.9g} or less",
    "string_pattern_mismatch": "a name: a letter, then up to 39 letters, digits or '_'",
}


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
    complaint = _complaint(chosen, root, document)
    others = len({_locate(finding["loc"], document)[0] for finding in findings}) - 1
    if not others or chosen["type"] == "extra_forbidden":
        return complaint
    count = "1 more place in this file is wrong" if others == 1 else f"{others} more places in this file are wrong"
    remedy = f"{complaint.remedy}; {count}" if complaint.remedy else count
    return ProblemError(complaint.where, complaint.received, complaint.expected, remedy)


def suggestion(received: str, known: Iterable[str]) -> str:
    """``did you mean 'cutoff'?``, if something known is near; else empty."""
    near = difflib.get_close_matches(received, list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else ""


def _complaint(finding: Any, root: type[BaseModel], document: Any) -> ProblemError:
    location, context = finding["loc"], finding.get("ctx", {})
    where, received = _locate(location, document)
    match finding["type"]:
        case "missing":
            return _missing(where, location, root, document)
        case "extra_forbidden":
            sections = _sections(root, location[:-1], document)
            key, known = str(location[-1]), list(dict.fromkeys(name for one in sections for name in one.model_fields))
            return ProblemError(
                where, f"the key '{key}'", f"one of {', '.join(known)}", suggestion(key, known) or "remove it"
            )
        case "union_tag_invalid" | "union_tag_not_found":
            return _which_section(location, context, root, document)
        case "model_type" | "model_attributes_type":
            return ProblemError(where, received, _example_of(_sections(root, location, document)))
        case _:
            return _wrong_value(finding, where, received, document)


def _wrong_value(finding: Any, where: str, received: str, document: Any) -> ProblemError:
    location, context = finding["loc"], finding.get("ctx", {})
    remedy = ""
    match finding["type"]:
        case "literal_error":
            known = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            expected, remedy = f"one of {', '.join(known)}", suggestion(received, known)
        case "value_error":
            expected = str(context["error"])
            known = expected.removeprefix("one of ").split(", ") if expected.startswith("one of ") else []
            remedy = suggestion(received, known)
        case "string_type" if location[-1] == "[key]":
            remedy = "put it in quotes" if received in ("yes", "no") else ""
            expected = _EXPECTED["string_pattern_mismatch"]
        case "string_type" if not isinstance(_found(location, document), dict | list | None):
            expected, remedy = "text", "put it in quotes"
        case kind:
            expected = _EXPECTED.get(kind, finding["msg"].replace("Input should be", "").strip()).format(**context)
    return ProblemError(where, received, expected, remedy)


def _missing(where: str, location: Location, root: type[BaseModel], document: Any) -> ProblemError:
    key = str(location[-1])
    descriptions = [
        section.model_fields[key].description or ""
        for section in _sections(root, location[:-1], document)
        if key in section.model_fields
    ]
    about = descriptions[0].split("\n")[0].rstrip(".") if descriptions else ""
    if about[1:2].islower():
        about = about[0].lower() + about[1:]
    parent = where.rpartition(".")[0]
    return ProblemError(
        where,
        "nothing",
        f"this key ({about})" if about else "this key",
        f"add '{key}: ...' under {parent}" if parent else f"add '{key}: ...' to the file",
    )


def _which_section(
    location: Location, context: Mapping[str, Any], root: type[BaseModel], document: Any
) -> ProblemError:
    """One of several kinds of section was expected, and its tag (``kind``, ``stage``) is wrong or missing."""
    key = str(context["discriminator"]).strip("'")
    where, _ = _locate(location, document)
    section = _found(location, document)
    received = _shown(section.get(key)) if isinstance(section, dict) else _shown(section)
    kinds = [
        str(tag)
        for model in _sections(root, location, document)
        if key in model.model_fields
        for tag in typing.get_args(model.model_fields[key].annotation)
    ]
    remedy = suggestion(received, kinds) if received != "nothing" else f"add '{key}: ...' under {where}"
    return ProblemError(
        f"{where}.{key}" if isinstance(section, dict) else where, received, f"one of {', '.join(kinds)}", remedy
    )


def _example_of(sections: list[type[BaseModel]]) -> str:
    """``a section such as {mass: ...}``, with the keys that all of them need."""
    first, *others = sections
    needed = [name for name, field in first.model_fields.items() if field.is_required()] or list(first.model_fields)[:1]
    shared = [name for name in needed if all(name in other.model_fields for other in others)]
    return f"a section such as {{{', '.join(f'{name}: ...' for name in shared)}}}"


def _locate(location: Location, document: Any) -> tuple[str, str]:
    """Path in the file, and what stands there; pydantic's own steps (union tags, ``[key]``) left out."""
    path: list[str] = []
    here: Any = document
    for step in location:
        if _has(here, step):
            path.append(f"{step + 1}" if isinstance(here, list | tuple) and isinstance(step, int) else _key(here, step))
            here = here[step]
        elif step == location[-1] and step != "[key]" and isinstance(here, dict):
            path.append(str(step))  # a missing key
            here = None
    received = path[-1] if path and location[-1] == "[key]" else _shown(here)
    return ".".join(path) or "the file", received


def _key(section: dict[Any, Any], step: int | str) -> str:
    """A key as it was read: pydantic calls the keys yes and no 1 and 0."""
    return next(_shown(key) for key in section if key == step)


def _found(location: Location, document: Any) -> Any:
    """What stands at a location of pydantic's."""
    here = document
    for step in location:
        if _has(here, step):
            here = here[step]
    return here


def _shown(value: Any) -> str:
    """A value as the user may have written it."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return f"a section with the keys {', '.join(map(str, value))}" if value else "an empty section"
    if isinstance(value, list):
        return f"the list {value}" if value else "an empty list"
    return str(value)


def _has(section: Any, step: int | str) -> bool:
    if isinstance(section, dict):
        return step in section
    return isinstance(section, list | tuple) and isinstance(step, int) and step < len(section)


def _sections(root: type[BaseModel], location: Location, document: Any) -> list[type[BaseModel]]:
    """Kinds of section that may stand at ``location``: walk the annotations along it, and the document with them."""
    forms: list[Any] = [root]
    here = document
    for step in location:
        real = _has(here, step)
        here = here[step] if real else here
        following = [form for one in forms for form in (_inside(one, step) if real else _tagged(one, step))]
        forms = [part for form in following for part in _parts(form)] or forms
    return [form for form in forms if _is_section(form)]


def _inside(form: Any, step: int | str) -> list[Any]:
    """What a section, mapping or list has at a key or index."""
    if _is_section(form):
        return [form.model_fields[step].annotation] if step in form.model_fields else []
    arguments = typing.get_args(form)
    return [arguments[1] if typing.get_origin(form) is dict else arguments[0]] if arguments else []


def _tagged(form: Any, tag: int | str) -> list[Any]:
    """The section itself if its kind or stage may be ``tag``, or if that is its name."""
    if _is_section(form) and form.__name__ == tag:
        return [form]
    fields = form.model_fields if _is_section(form) else {}
    tags = [fields[key].annotation for key in ("kind", "stage") if key in fields]
    return [form] if any(tag in typing.get_args(one) for one in tags) else []


def _parts(form: Any) -> list[Any]:
    """Alternatives of a union, without the notes of ``Annotated``."""
    if typing.get_origin(form) is typing.Annotated:
        return _parts(typing.get_args(form)[0])
    if typing.get_origin(form) in (typing.Union, types.UnionType):
        return [part for alternative in typing.get_args(form) for part in _parts(alternative)]
    return [form]


def _is_section(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, BaseModel)
