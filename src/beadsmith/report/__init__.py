"""What came out, for people: one self-contained HTML page, and the same table in the terminal.

Reads what a study stored; simulates nothing and changes nothing.

The page
    :func:`write_report` (:mod:`.page`, with its template and style sheet in ``page/``)
The terminal
    :func:`~beadsmith.report.terminal.terminal_table`, :func:`~beadsmith.report.terminal.measured_table`
What a fidelity is worth
    :mod:`.fidelity` (tables and sentences for the terminal)
What the page is made of
    :mod:`.findings` (what is read), :mod:`.summary` (the result in words), :mod:`.tables` (properties),
    :mod:`.parameters`, :mod:`.identifiability`, :mod:`.failures`, :mod:`.references` (what to cite), :mod:`.figures`
How numbers and names are written
    :mod:`.formatting`, :mod:`.labels`
"""

from beadsmith.report.page import write_report
from beadsmith.report.terminal import measured_table, terminal_table

__all__ = ["measured_table", "terminal_table", "write_report"]
