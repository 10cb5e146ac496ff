"""The runs that a view of the compare page holds: for the page itself, and for the downloads that its address names."""

from collections.abc import Mapping, Sequence

import pandas as pd

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.records.run import RunRecord
from bgen_core.runs.run_filter import filter_runs, sort_runs
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, unread_conditions


def rows_in_view(table: pd.DataFrame, store: SeenStore, view: CompareView) -> pd.DataFrame:
    """The rows that pass the view's filter, in its order, numbered from 0; a sweep that is not there is no filter."""
    rows = filter_runs(table, view.run_filter(sweep_ids(store, view.sweep)))
    if not view.sort:
        return rows
    return sort_runs(rows, view.sort.removeprefix("-"), descending=view.sort.startswith("-"))


def sweep_ids(store: SeenStore, sweep: str) -> frozenset[RunId] | None:
    """The runs of a sweep's grid; None where no sweep is meant or has this id."""
    if not sweep:
        return None
    try:
        return frozenset(cell.run_id for cell in store.sweeps.cells(SweepId(sweep)))
    except UserInputError:
        return None


def chosen_runs(store: SeenStore, ids: Sequence[str]) -> tuple[list[RunRecord], list[str]]:
    """The runs of these ids, and a sentence for each id that names none."""
    if len(ids) == 0:
        return [], []
    try:
        return store.runs.get_all(ids), []
    except UserInputError:
        pass
    runs: list[RunRecord] = []
    unknown: list[str] = []
    for run_id in ids:
        try:
            runs.append(store.runs.get(run_id))
        except UserInputError as error:
            unknown.append(told(error))
    return runs, unknown


def ids_of_query(store: SeenStore, table: pd.DataFrame, query: Mapping[str, Sequence[str]]) -> list[RunId]:
    """The runs that an address means: those it names, or else all that pass its filter.

    Raises
    ------
    UserInputError
        It names a run or a sweep that is not in the store, or holds a condition that cannot be read.
    """
    for sentence in unread_conditions(query):
        raise UserInputError(sentence)  # more runs than were asked for would look like an answer
    view = CompareView.from_query(query)
    if view.ids:
        return [run.id for run in store.runs.get_all(view.ids)]
    if view.sweep:
        store.sweeps.get(SweepId(view.sweep))
    return rows_in_view(table, store, view)["id"].tolist()
