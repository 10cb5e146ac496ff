"""The runs that a view of the compare page holds: for the page itself, and for the downloads that its address names."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.metrics import LIKENESS, MetricValue
from bgen_core.records.run import RunRecord
from bgen_core.runs.likeness import AlikeTo, Likeness, likeness
from bgen_core.runs.run_filter import filter_runs, sort_runs
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, unread_conditions, unread_ids


def rows_in_view(table: pd.DataFrame, store: SeenStore, view: CompareView) -> pd.DataFrame:
    """The rows that pass the view's filter, in its order, numbered from 0; a sweep that is not there is no filter."""
    rows = filter_runs(table, view.run_filter(sweep_ids(store, view.sweep)))
    if not view.order:
        return rows
    return sort_runs(rows, view.order.removeprefix("-"), descending=view.order.startswith("-"))


def sweep_ids(store: SeenStore, sweep: str) -> frozenset[RunId] | None:
    """The runs of a sweep's grid; None where no sweep is meant or has this id."""
    if not sweep:
        return None
    try:
        return frozenset(cell.run_id for cell in store.sweeps.cells(SweepId(sweep)))
    except UserInputError:
        return None


def asked_likeness(store: SeenStore, ids: Sequence[RunId], view: CompareView) -> Likeness:
    """How alike runs are to what the view looks for.

    Raises
    ------
    UserInputError
        The run that is looked for is not there, or there is no CLIP model that tells.
    """
    run_id = store.runs.get(view.like).id if view.like else None
    asked = AlikeTo(words=view.meaning, less=view.less, run_id=run_id)
    return likeness(store, resources.settings().clip_model, asked, ids)


def with_likeness(table: pd.DataFrame, found: Likeness) -> pd.DataFrame:
    """The table with what was found in its column."""
    return table.assign(**{LIKENESS.name: found.values})


def measured_in_view(
    store: SeenStore, ids: Sequence[RunId], query: Mapping[str, Sequence[str]]
) -> dict[RunId, dict[str, MetricValue]]:
    """What was measured on runs that an address means, and how alike they are to what it looks for."""
    found, view = store.metrics.of(ids), CompareView.from_query(query)
    if view.is_searched:
        alike = asked_likeness(store, ids, view)
        for place, run_id in enumerate(ids):
            found.setdefault(run_id, {})[LIKENESS.name] = alike.measured(place)
    return found


def chosen_runs(store: SeenStore, ids: Sequence[str]) -> tuple[list[RunRecord], list[str]]:
    """The runs of these ids, and sentences about those that name none."""
    if len(ids) == 0:
        return [], []
    try:
        return store.runs.get_all(ids), []
    except UserInputError:
        pass
    runs: list[RunRecord] = []
    unknown: list[str] = []
    gone = 0
    for run_id in ids:
        try:
            runs.append(store.runs.get(run_id))
        except UserInputError as error:
            if re.fullmatch("[0-9a-f]{64}", run_id):
                gone += 1
            else:
                unknown.append(told(error))
    if gone:
        are = "are" if gone > 1 else "is"
        unknown.append(f"{gone:,} of {counted(len(ids), 'chosen run')} {are} not there any more.")
    return runs, unknown


def ids_of_query(store: SeenStore, table: pd.DataFrame, query: Mapping[str, Sequence[str]]) -> list[RunId]:
    """The runs that an address means: those it names, or else all that pass its filter.

    Raises
    ------
    UserInputError
        It names a run or a sweep that is not in the store, or holds a condition that cannot be read; or it looks for
        pictures by meaning, and there is no CLIP model.
    """
    for sentence in (*unread_conditions(query), *unread_ids(query)):
        raise UserInputError(sentence)  # more runs than were asked for would look like an answer
    view = CompareView.from_query(query)
    if view.is_searched:
        table = with_likeness(table, asked_likeness(store, table["id"].tolist(), view))
    if view.ids:
        return [run.id for run in store.runs.get_all(view.ids)]
    if view.sweep:
        store.sweeps.get(SweepId(view.sweep))
    return rows_in_view(table, store, view)["id"].tolist()
