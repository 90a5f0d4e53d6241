"""The figures of the report, each a vector image ready to stand in a page without other files.

:mod:`.style` (looks, drawing), :mod:`.curves`, :mod:`.convergence`, :mod:`.terms`.
"""
