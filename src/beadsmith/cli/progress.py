"""A live bar on a terminal; a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from beadsmith.cli.speech import say

#: Seconds between lines when there is no terminal to draw on.
_QUIET_INTERVAL = 30.0


@dataclass
class Display:
    """What the user sees while a campaign runs."""

    console: Console
    progress: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)
    best: float | None = None
    failures: int = 0
    _started: dict[str, tuple[float, int]] = field(default_factory=dict)
    _last_line: float = 0.0

    def step(self, phase: str, done: int, total: int, *, known: bool = False) -> None:
        """One more evaluation of ``phase`` is known; ``known`` ones came from disk and say nothing of the speed."""
        now = time.monotonic()
        if known or phase not in self._started:
            self._started[phase] = (now, done)
        status = self._status(phase, done, total, now)
        if phase not in self.tasks:
            self.tasks[phase] = self.progress.add_task(phase, total=total, status="")
        self.progress.update(self.tasks[phase], completed=done, total=total, status=status)
        if not self.console.is_terminal and (now - self._last_line > _QUIET_INTERVAL or done == total):
            self._last_line = now
            say(self.console, f"{phase}: {done}/{total}  {status}")

    def _status(self, phase: str, done: int, total: int, now: float) -> str:
        since, first = self._started[phase]
        parts = []
        if self.best is not None:
            parts.append(f"best misfit {self.best:.3g}")
        if self.failures:
            parts.append(f"{self.failures} failed")
        if done > first:
            left = (now - since) / (done - first) * (total - done)
            parts.append(f"{_duration(left)} left")
        return ", ".join(parts)


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """Show progress while the block lasts."""
    columns = (
        TextColumn("[bold]{task.description:<8}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[status]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Display(console, progress)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
