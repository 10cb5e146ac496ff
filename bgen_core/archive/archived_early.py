"""Early stops in a ZIP, beside the sweeps whose cells were stopped: what was asked for, and which cells and why."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.archive.manifest import ArchivedEarly
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.limits import check_text
from bgen_core.metrics import METRICS
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.store.schema import CellRow


def archived_early(sweep: SweepRecord, cells: Iterable[SweepCellRow]) -> ArchivedEarly | None:
    """What is told of a sweep's early stops; None where its previews were measured for nothing."""
    if sweep.early is None:
        return None
    return ArchivedEarly(
        by=sweep.early.by,
        stops=sweep.early.stops,
        note=sweep.early_note,
        stopped={cell.index: cell.error for cell in cells if cell.is_stopped},
    )


def checked_early(early: ArchivedEarly | None, cells: Collection[int]) -> ArchivedEarly | None:
    """Early stops of a ZIP that may be taken with a sweep that has these cells.

    Raises
    ------
    UserInputError
        They do not fit the sweep. A text that cannot be held is an ImpossibleTextError.
    """
    if early is None:
        return None
    if early.by not in {metric.name for metric in METRICS if metric.of_previews}:
        raise UserInputError("its cells were stopped by a measure that previews do not have")
    if early.stopped and not early.stops:
        raise UserInputError("cells were stopped early, which it did not ask for")
    if not set(early.stopped) <= set(cells):
        raise UserInputError("a cell was stopped early that it does not have")
    check_text("What was said of its early stops", early.note)
    for reason in early.stopped.values():
        check_text("The reason of an early stop", reason)
    return early


def early_wish(early: ArchivedEarly | None) -> EarlyWish | None:
    """What a sweep of a ZIP asked for."""
    return early and EarlyWish(by=early.by, stops=early.stops)


def mark_stopped(session: Session, sweep_id: SweepId, early: ArchivedEarly | None) -> None:
    """Mark the cells of a sweep that is new in the store. One whose run is there, by whatever sweep, counts as made."""
    if early is None or not early.stopped:
        return
    place = sa.and_(CellRow.sweep_id == sweep_id, CellRow.cell_index == sa.bindparam("index"))
    session.connection().execute(
        sa.update(CellRow).where(place).values(early="stopped", error=sa.bindparam("reason")),
        [{"index": index, "reason": reason} for index, reason in early.stopped.items()],
    )
