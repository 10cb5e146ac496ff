"""One line on a terminal that says how far something has come; silence where stderr is a file."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from bgen_core.records.progress import MEASURING
from bgen_core.wording import sized

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class _Silence:
    """In the place of a line that nobody would see. Rich is not imported for it: a command would start later."""

    def add_task(self, description: str, *, total: int | None, after: str) -> "TaskID":
        return cast("TaskID", 0)

    def update(self, task: "TaskID", *, total: int | None = None, completed: int = 0, after: str = "") -> None:
        pass


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int], None]]:
    """Gives a function to call with how many are done and of how many."""
    with _line(what) as progress:
        task = progress.add_task(what, total=None, after="")
        yield lambda done, of: progress.update(task, completed=done, total=of)


class SweepBar:
    """Cells that are made, and the step of the one in hand."""

    def __init__(self, progress: "Progress | _Silence", total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, after="")
        self._made: set[int] = set()

    def note_cell(self, index: int) -> None:
        """A cell that was made before a pause comes again after it, and counts once."""
        self._made.add(index)
        self._progress.update(self._task, completed=len(self._made))

    def note_step(self, step: int, of: int) -> None:
        self._progress.update(self._task, after=f"step {step}/{of}")

    def note_light(self, step: int, of: int) -> None:
        self._progress.update(self._task, after=f"light {step}/{of}")

    def note_fetched(self, done: int, of: int) -> None:
        self._progress.update(self._task, after=f"fetching the model: {sized(done)} of {sized(of)}")

    def note_measuring(self) -> None:
        self._progress.update(self._task, after=MEASURING)


@contextmanager
def sweep_bar(total: int) -> Generator[SweepBar]:
    """The bar of a sweep with so many cells."""
    with _line() as progress:
        yield SweepBar(progress, total)


@contextmanager
def _line(what: str = "") -> "Generator[Progress | _Silence]":
    if not sys.stderr.isatty():
        yield _Silence()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[after]}"), TimeRemainingColumn())
    before = (TextColumn("{task.description}"),) if what else ()
    with Progress(*before, *columns, console=Console(stderr=True), transient=True) as progress:
        yield progress
