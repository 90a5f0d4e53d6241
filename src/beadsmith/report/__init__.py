"""What came out, for people: one self-contained HTML page, and the same table in the terminal.

Reads what a study stored; simulates nothing and changes nothing.

The page
    :func:`write_report` (:mod:`.page`, with its templates and style sheet in ``template/``)
Pages about less
    :func:`write_cure_report`, :func:`write_model_report` (:mod:`.measured`)
The page of a renormalization
    :func:`write_renormalization_report` (:mod:`.renormalization`), made of :mod:`.stages` (what is read),
    :mod:`.renormalization_summary` (the result in words) and :mod:`.renormalization_tables`
The terminal
    :func:`~beadsmith.report.terminal.terminal_table`, :func:`~beadsmith.report.terminal.measured_table`
What a fidelity is worth
    :mod:`.fidelity` (tables and sentences for the terminal)
What the page is made of
    :mod:`.findings` (what is read), :mod:`.summary` (the result in words), :mod:`.tables` (properties),
    :mod:`.curves`, :mod:`.networks`, :mod:`.parameters`, :mod:`.identifiability`, :mod:`.failures`,
    :mod:`.references` (what to cite), :mod:`.provenance`, :mod:`.figures`
How numbers and names are written
    :mod:`.formatting`, :mod:`.labels`
"""

from beadsmith.report.measured import write_cure_report, write_model_report
from beadsmith.report.page import write_report
from beadsmith.report.renormalization import write_renormalization_report
from beadsmith.report.terminal import measured_table, terminal_table

__all__ = [
    "measured_table",
    "terminal_table",
    "write_cure_report",
    "write_model_report",
    "write_renormalization_report",
    "write_report",
]
