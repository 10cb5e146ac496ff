"""The headings of the table of runs: a click on one sorts all runs of the view, not only those in sight."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.components.v2 import component

from bgen_core.json_value import JsonValue
from bgen_core.runs.run_columns import RunColumn, run_column
from pages._ui.compare.compare_view import SORTED
from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source

CHOSEN_HEADING = "✓"
_KEY = "compare_headings"
_SORTED_NAMES = frozenset(column.name for column in SORTED)

_clicks = component("bgen_table_headings", js=frontend_source("in_order.js", "table_headings.js"))


def heading(column: RunColumn, sort: str) -> str:
    """A column's name, with an arrow if the rows are sorted by it."""
    if column.name != sort.removeprefix("-"):
        return column.label
    return f"{'↓' if sort.startswith('-') else '↑'} {column.label}"


def begins_descending(column: RunColumn) -> bool:
    """Whether a column that is sorted by for the first time begins with its largest values: with what is best."""
    return column.direction == "higher"


def next_sort(column: RunColumn, sort: str, *, descending: bool | None = None) -> str:
    """The order after a click on a column's heading: the first direction, the other one, the newest first.

    Parameters
    ----------
    sort
        The order before it, as a `CompareView` has it; also the answer for a column that cannot be sorted by.
    descending
        The direction if one was chosen in the heading's menu.
    """
    if column.name not in _SORTED_NAMES:
        return sort
    orders = [column.name, f"-{column.name}"]
    if descending is not None:
        return orders[descending]
    if begins_descending(column):
        orders.reverse()
    return [orders[0], orders[1], ""][orders.index(sort) + 1 if sort in orders else 0]


def follow_headings(
    columns: Sequence[str], sort: str, *, table: str, drawn: int, on_sort: Callable[[str], None]
) -> None:
    """Call `on_sort` with the next order when a heading of the table is clicked, before the script runs again.

    The browser has then sorted the rows in sight, so it is called for a column that cannot be sorted by too.

    Parameters
    ----------
    columns, sort
        What the table shows, and in which order.
    table
        Key of the container in which it stands.
    drawn
        A number that is another one after each call of `on_sort`: the table is drawn anew, in its own order.
    """
    shown = {heading(column, sort): column for column in map(run_column, columns)}

    def tell() -> None:
        clicked: JsonValue = st.session_state[_KEY].get("sorted")
        if not isinstance(clicked, Mapping):
            return
        column = shown.get(str(clicked.get("heading")))
        descending = clicked.get("descending") is True if clicked.get("isChosen") is True else None
        on_sort(sort if column is None else next_sort(column, sort, descending=descending))

    _clicks(
        key=_KEY,
        data=component_data(_KEY, {"table": f".st-key-{table}", "headings": [CHOSEN_HEADING, *shown], "round": drawn}),
        on_sorted_change=tell,
        width="content",
    )
