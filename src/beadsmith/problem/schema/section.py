"""What all sections of the problem file are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from beadsmith.problem.formula import parse_formula

#: Names become parts of LAMMPS input and of file names, so nothing else is let in.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]


def _quantity_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_QUANTITY)
    return str(value)


_QUANTITY = "a number or numbers with a unit, such as '4 fs' or '1 2 3 K'"
QuantityText = Annotated[
    str,
    BeforeValidator(_quantity_text),
    WithJsonSchema({"type": ["string", "number"], "description": _QUANTITY}),
]
Count = Annotated[int, Field(gt=0, le=10_000_000)]


def _formula(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a formula such as '1.06 + 0.11 * DC - 0.02 * pair.B1.sigma'")
    return parse_formula(str(value)).text


FormulaText = Annotated[str, BeforeValidator(_formula, json_schema_input_type=str | float)]


class Section(BaseModel):
    """Base of every section: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())


def words(value: object) -> object:
    """Text as a list of its words; lists stay, their numbers as text."""
    if isinstance(value, list):
        # A number is left to the one who knows what it should have been.
        return [str(word) if isinstance(word, int) and not isinstance(word, bool) else word for word in value]
    return value.split() if isinstance(value, str) else value


def one_of(names: tuple[str, ...]) -> Any:
    """Annotation for text that is one of some names."""

    def validate(value: object) -> str:
        if value not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return str(value)

    return BeforeValidator(validate, json_schema_input_type=Literal[names])
