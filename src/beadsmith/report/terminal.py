"""The tables of the report in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from beadsmith.campaign.calibration import Measured, Outcome
from beadsmith.problem.problem import Problem
from beadsmith.report.findings import measured_subject, subjects
from beadsmith.report.formatting import ABSENT, UNKNOWN
from beadsmith.report.tables import TOO_HIGH, TOO_LOW, UNSETTLED, Cell, Group, PropertyTable, property_table

#: Columns of a terminal that a table should fit; one that cannot is folded wherever it must be.
NARROW = 80


def terminal_table(problem: Problem, outcome: Outcome) -> Table:
    """Targets, compared models and the result of a study, as the report shows them."""
    return rendered(property_table(problem, subjects(problem, outcome)))


def measured_table(problem: Problem, models: Sequence[Measured]) -> Table:
    """Targets beside any measured models, with their misfits where they were judged."""
    return rendered(property_table(problem, [measured_subject(one, one.label) for one in models]))


def rendered(table: PropertyTable) -> Table:
    """A Rich table with a section for each observable, and the marks explained underneath."""
    view = Table(box=box.SIMPLE_HEAD, padding=0, caption=_legend(table) or None, caption_justify="left", pad_edge=False)
    widths = _widths(table)
    keep = sum(widths) + len(widths) <= NARROW
    view.add_column("property", min_width=widths[0] if keep else None, overflow="fold")
    view.add_column("target", justify="right", min_width=widths[1] if keep else None, overflow="fold")
    for column, width in zip(table.columns, widths[2:], strict=True):
        heading = Text(column.title, style="bold" if column.result else "")
        if column.remark:
            heading.append(f"\n{column.remark}", style="dim")
        view.add_column(heading, justify="right", min_width=width if keep else None, overflow="fold")
    for group in table.groups:
        _add_group(view, group)
    for row in table.foot:
        indent = "" if row.kind in ("misfit", "deviation") else " "
        cells = [Text(ABSENT if cell is None else cell.compact) + Text(" ") for cell in row.cells]
        view.add_row(Text(indent + row.title, style="bold" if row.kind == "misfit" else ""), "", *cells)
    return view


def _add_group(view: Table, group: Group) -> None:
    single = len(group.rows) == 1 and not group.rows[0].label
    if not single:
        view.add_row(Text(group.title, style="bold"))
    for row in group.rows:
        title = Text(group.title, style="bold") if single else Text(f" {row.label or 'at its only state'}")
        view.add_row(title, _text(row.target), *(_text(cell) for cell in row.cells))
    view.add_section()


def _text(cell: Cell | None) -> Text:
    if cell is None:
        return Text(f"{ABSENT} ")
    # One place for the mark, so that digits stand beneath each other with and without it.
    return Text(f"{cell.written.compact}{cell.mark or ' '}", style="yellow" if cell.mark else "")


def _widths(table: PropertyTable) -> list[int]:
    """What the columns need at least, so that only titles and headings wrap in a narrow terminal."""
    rows = [row for group in table.groups for row in group.rows]
    words = [word for group in table.groups for word in group.title.split()] + [f" {row.label}" for row in rows]
    columns = [
        [row.target for row in rows],
        *([row.cells[number] for row in rows] for number in range(len(table.columns))),
    ]
    widths = [max((_text(cell).cell_len for cell in column), default=1) for column in columns]
    return [max((cell_len(word) for word in words), default=1), *widths]


def _legend(table: PropertyTable) -> str:
    sentences = {
        TOO_HIGH: f"{TOO_HIGH} above its target by more than 2 combined standard errors",
        TOO_LOW: f"{TOO_LOW} below it",
        UNSETTLED: f"{UNSETTLED} not equilibrated",
    }
    known = [sentence for mark, sentence in sentences.items() if mark in table.marks]
    if table.has_deviations:
        known.append("σ root mean square deviation of bins in combined standard errors")
    if table.has_unknown_errors:
        known.append(f"± {UNKNOWN} error not known")
    return "\n".join(filter(None, ["; ".join(known), *(f"{model}: {why}" for model, why in table.undetermined)]))
