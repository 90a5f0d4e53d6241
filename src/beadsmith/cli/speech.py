"""Plain sentences on the console: no markup, no colours guessed, no line broken where there is no terminal."""

from __future__ import annotations

from rich.console import Console


def say(console: Console, text: str) -> None:
    """Print one line as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=not console.is_terminal)
