"""Sweeps with what is missing of them; what follows from a plan alone is kept while sweeps take turns."""

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field

from bgen_core.ids import RunId, SubjectId
from bgen_core.recent import Recent
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.sweep.plan import CellAddress, SweepCell, SweepPlan

PLANS_KEPT = 8  # expanding and addressing a thousand cells takes tenths of a second, and a turn may be as short


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A sweep, and which runs are missing of it: index -> run id of the cell with its own seed.

    Where cells are drawn again, those of `groups` have the seed of the attempt that comes next.
    """

    record: SweepRecord
    plan: SweepPlan
    missing: dict[int, RunId]
    groups: dict[tuple[str, SubjectId], list[SweepCell]]

    def cells_of(self, model: str) -> dict[SubjectId, list[SweepCell]]:
        """Those of one model, by subject."""
        return {subject: cells for (name, subject), cells in self.groups.items() if name == model}


@dataclass(frozen=True, kw_only=True)
class _Expanded:
    plan: SweepPlan
    cells: list[SweepCell]
    addresses: dict[Hashable, dict[int, CellAddress]] = field(default_factory=dict[Hashable, dict[int, CellAddress]])


class Plans:
    """The plans of the sweeps that were run last."""

    def __init__(self) -> None:
        self._expanded: Recent[_Expanded] = Recent(PLANS_KEPT)

    def missing_of(self, record: SweepRecord, rows: Iterable[SweepCellRow]) -> Planned:
        """What is to be made of a sweep: what is neither made and settled nor has failed."""
        kept = self._get(record)
        to_make = {row.index: row for row in rows if not row.is_over}
        missing = {index: row.first_run_id for index, row in to_make.items()}
        groups = group_cells(
            cell.at_attempt(to_make[cell.index].attempt) for cell in kept.cells if cell.index in to_make
        )
        return Planned(record=record, plan=kept.plan, missing=missing, groups=groups)

    def addresses(
        self,
        record: SweepRecord,
        indices: Collection[int],
        made_from: Hashable,
        make: Callable[[], dict[int, CellAddress]],
    ) -> dict[int, CellAddress]:
        """The addresses of some cells with their own seeds.

        Parameters
        ----------
        made_from
            All that they depend on beside the plan.
        make
            Makes those of these cells.
        """
        known = self._get(record).addresses
        found = known.get(made_from)
        if found is None or not found.keys() >= set(indices):
            found = known[made_from] = make()
        return {index: found[index] for index in indices}

    def _get(self, record: SweepRecord) -> _Expanded:
        def expand() -> _Expanded:
            plan = SweepPlan.from_json(record.plan)
            return _Expanded(plan=plan, cells=list(plan.cells()))

        return self._expanded.get((record.id, record.total), expand)  # a race adds cells to its sweep


def group_cells(cells: Iterable[SweepCell]) -> dict[tuple[str, SubjectId], list[SweepCell]]:
    """Cells by model and subject, the models first: each group in the plan's order."""
    models: dict[str, dict[SubjectId, list[SweepCell]]] = {}
    for cell in cells:
        models.setdefault(cell.model, {}).setdefault(cell.subject_id, []).append(cell)
    return {(model, subject): group for model, subjects in models.items() for subject, group in subjects.items()}
