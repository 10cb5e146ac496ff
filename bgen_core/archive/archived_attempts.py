"""Attempts at cells in a ZIP, beside the sweeps whose cells were drawn again: which seeds, and what they gave."""

from collections.abc import Iterable

from bgen_core.archive.manifest import ArchivedAttempt, ArchivedSweep
from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.records.sweep import SweepCellRow
from bgen_core.store.schema import AttemptRow
from bgen_core.sweep.plan import SweepPlan


def archived_attempts(cells: Iterable[SweepCellRow]) -> dict[int, list[ArchivedAttempt]]:
    """Index -> attempts that were measured; one that is under way is nobody's in another store."""
    found: dict[int, list[ArchivedAttempt]] = {}
    for cell in cells:
        decided = cell.attempts if cell.is_settled else cell.attempts[:-1]
        if decided:
            found[cell.index] = [ArchivedAttempt(run=each.run_id, expansion=each.expansion) for each in decided]
    return found


def check_attempts(sweep: ArchivedSweep, plan: SweepPlan, runs: dict[int, RunId]) -> None:
    """Refuse attempts that do not fit a sweep's plan and the runs of its cells.

    Raises
    ------
    UserInputError
        Says so.
    """
    if sweep.attempts and plan.redraw is None:
        raise UserInputError("seeds were tried, which its plan does not ask for")
    for index, attempts in sweep.attempts.items():
        names = [each.run for each in attempts]
        if index not in runs or runs[index] not in names or len(names) > len(set(names)):
            raise UserInputError("the seeds that were tried do not fit its cells")


def number_of(sweep: ArchivedSweep, index: int, run_id: RunId) -> int:
    """Which attempt, from 0, the run of a cell is."""
    names = [each.run for each in sweep.attempts.get(index, ())]
    return names.index(run_id) if run_id in names else 0


def attempt_rows(sweep_id: SweepId, attempts: dict[int, list[ArchivedAttempt]]) -> list[AttemptRow]:
    """For a sweep that is new in the store."""
    return [
        AttemptRow(sweep_id=sweep_id, cell_index=index, number=number, run_id=each.run, expansion=each.expansion)
        for index, tried in attempts.items()
        for number, each in enumerate(tried)
    ]
