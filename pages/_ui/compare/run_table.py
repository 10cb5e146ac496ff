"""The table of runs: one part of it at a time, with boxes to choose runs and fields to rate, tag and note them."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import RunId
from bgen_core.parameters import PARAMETERS, TEXTS
from bgen_core.runs.analysis.noise import against_seeds, is_noise
from bgen_core.runs.run_columns import RunColumn, run_column
from bgen_core.runs.table import FIELDS
from bgen_core.store.opinions import MAX_RATING
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, change, say_of_link
from pages._ui.compare.table_headings import CHOSEN_HEADING, follow_headings, heading
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.left_out import quoted_value
from pages._ui.shared.measures import measures_in
from pages._ui.shared.plain_text import plain
from pages._ui.shared.run_facts import change_tags

ROWS_PER_PAGE = 200
USUAL_COLUMNS = (
    "thumbnail",
    "prompt",
    *(parameter.field for parameter in PARAMETERS if parameter.short),
    "expansion",
    "seam",
    "rating",
    "tags",
    "notes",
    "seconds",
    "created",
    "permalink",
)
_WHOLE_NUMBERS = {parameter.field for parameter in PARAMETERS if parameter.kind == "whole number"}
_TEXTS = {parameter.field for parameter in TEXTS}
CHOSEN = "chosen"
_EDITED = (CHOSEN, "rating", "tags", "notes")
_ROW_HEIGHT = 56
_ROWS_IN_SIGHT = 7
_MOST_ADDED = 4
_LARGEST_NUMBER_IN_A_BROWSER = 2**53
_NOTE = {
    "rating": " Click twice to change it.",
    "tags": " Click twice to change them.",
    "note": " Click twice to write.",
}
_APART = " apart"
_ROUND = "compare_round"
_PROBLEMS = "compare_problems"
_TABLE = "compare_table"


def editable_table(rows: pd.DataFrame, store: SeenStore, view: CompareView, *, baseline: pd.DataFrame) -> None:
    """Draw one page of the rows. What is chosen goes into the view, on whichever page it stands; opinions are kept.

    Parameters
    ----------
    baseline
        The row of the run against which the others are measured, or none.
    """
    pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
    page = min(view.page, pages)
    if page < view.page:
        say_of_link(f"{quoted_value('page', str(view.page))} is not there: the last one is {pages}.")
    visible = rows.iloc[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]
    ids = visible["id"].tolist()
    columns = columns_in(rows, view)
    shown = _shown(visible, columns, view)
    apart = _add_differences(shown, columns, visible, baseline, rows)
    # Edits belong to places in the table: other rows and other columns begin with none.
    drawn = st.session_state.setdefault(_ROUND, 0)
    key = f"compare_rows_{hash((*ids, *columns, view.order, view.meaning, view.less, view.like, view.baseline, drawn))}"
    for problem in st.session_state.pop(_PROBLEMS, []):
        st.error(plain(problem))
    with st.container(key=_TABLE):
        st.data_editor(
            shown,
            key=key,
            on_change=partial(_apply, key, ids, shown, store, view),
            disabled=[name for name in shown.columns if name not in ((CHOSEN,) if looks_alone(store) else _EDITED)],
            column_order=[CHOSEN, *(each for name in columns for each in (name, apart.get(name)) if each)],
            column_config=_column_config(columns, store, view) | _differences_config(apart),
            row_height=_ROW_HEIGHT,
            height=_ROW_HEIGHT * min(len(visible), _ROWS_IN_SIGHT) + 40,
            hide_index=True,
            placeholder="–",
            alt="Runs with their parameters, metrics and opinions",
        )
        follow_headings(columns, view.order, table=_TABLE, drawn=drawn, on_sort=_sort)
    if pages > 1:
        page_key = f"compare_page_{page}_of_{pages}"
        st.pagination(pages, default=page, key=page_key, on_change=lambda: change(page=st.session_state[page_key]))


def columns_in(rows: pd.DataFrame, view: CompareView) -> tuple[str, ...]:
    """The columns that were chosen, or the usual ones with what else tells these rows apart, if that is not much."""
    if view.columns:
        return view.columns
    others = [field.name for field in FIELDS if field.makes_the_picture and field.name not in USUAL_COLUMNS]
    varying = [name for name in others if rows[name].nunique() > 1]
    if len(varying) > _MOST_ADDED:
        return USUAL_COLUMNS
    after = USUAL_COLUMNS.index("seed") + 1
    return (*USUAL_COLUMNS[:after], *varying, *USUAL_COLUMNS[after:])


def visible_ids(rows: pd.DataFrame, view: CompareView) -> list[RunId]:
    """The runs on the present page of the table."""
    page = min(view.page, max(1, -(-len(rows) // ROWS_PER_PAGE)))
    return rows["id"].iloc[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE].tolist()


def show_anew() -> None:
    """Forget what was edited in the table, which is kept by now: for what changes runs elsewhere."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def clear_choice(ids: Collection[RunId] | None = None) -> None:
    """Choose these runs no more, or none at all: for a button's callback."""
    show_anew()
    chosen: CompareView = st.session_state["compare_view"]
    change(ids=() if ids is None else tuple(each for each in chosen.ids if each not in ids))


def choose_all(ids: Sequence[RunId]) -> None:
    """Choose these runs beside those that are chosen: for a button's callback."""
    show_anew()
    chosen: CompareView = st.session_state["compare_view"]
    change(ids=tuple(dict.fromkeys((*chosen.ids, *ids))))


def _sort(sort: str) -> None:
    show_anew()
    view: CompareView = st.session_state["compare_view"]
    if sort != view.order:
        change(sort=sort, page=1)


def _shown(visible: pd.DataFrame, columns: Sequence[str], view: CompareView) -> pd.DataFrame:
    """The visible rows as the browser gets them: the columns that are shown, and no others."""
    shown = visible[list(dict.fromkeys(columns))].copy()
    shown.insert(0, CHOSEN, visible["id"].isin(view.ids))
    shown.index = pd.Index(visible["id"])
    for name in shown.columns.intersection(["seed"]):
        if shown[name].max() > _LARGEST_NUMBER_IN_A_BROWSER:
            shown[name] = shown[name].astype(str)
    if "tags" in shown:
        shown["tags"] = shown["tags"].map(list)
    return shown


def _add_differences(
    shown: pd.DataFrame, columns: Sequence[str], visible: pd.DataFrame, baseline: pd.DataFrame, rows: pd.DataFrame
) -> dict[str, str]:
    """Beside each metric how far it is from the baseline's, as columns of their own; their names by the metric's."""
    if baseline.empty:
        return {}
    apart = {name: f"{name}{_APART}" for name in columns if run_column(name).is_metric}
    known = pd.concat([rows, baseline])
    measures = against_seeds(measures_in(known), pd.concat([visible, baseline]), known, compared=2)
    noisy = {measure.name: measure for measure in measures}
    for name, difference in apart.items():
        found = shown[name] - baseline[name].iloc[0]
        measure = noisy.get(name)
        shown[difference] = [0.0 if measure and is_noise(value, measure) else value for value in found.tolist()]
    return apart


def _differences_config(apart: Mapping[str, str]) -> dict[str, Any]:
    return {
        difference: st.column_config.NumberColumn(
            f"Δ {run_column(name).label}",
            format="%+.3g",
            width=112,
            help="Difference from the baseline's value; 0 where it is no more than noise, its own or another seed's.",
        )
        for name, difference in apart.items()
    }


def _apply(key: str, ids: Sequence[RunId], shown: pd.DataFrame, store: SeenStore, view: CompareView) -> None:
    """Keep what was edited; a value that cannot be kept is explained, and the table shows what is kept."""
    chosen = list(view.ids)
    problems: list[str] = []
    for place, changes in st.session_state[key]["edited_rows"].items():
        run_id = ids[int(place)]
        before: Mapping[Any, Any] = shown.loc[run_id].to_dict()
        try:
            _keep_opinion(store, run_id, before, changes)
        except BgenError as error:
            problems.append(told(error))
        if CHOSEN in changes and (run_id in chosen) != changes[CHOSEN]:
            chosen = [*chosen, run_id] if changes[CHOSEN] else [each for each in chosen if each != run_id]
    if problems:
        st.session_state[_PROBLEMS] = problems
        st.session_state[_ROUND] += 1
    change(ids=tuple(chosen))


def _keep_opinion(store: SeenStore, run_id: RunId, before: Mapping[Any, Any], changes: Mapping[str, Any]) -> None:
    if "rating" in changes:
        rating = changes["rating"]
        store.opinions.rate(run_id, None if rating is None else int(rating))
    if "tags" in changes and (changes["tags"] or []) != before["tags"]:
        change_tags(store, run_id, before["tags"], changes["tags"] or [])
    if "notes" in changes and (changes["notes"] or "") != before["notes"]:
        store.opinions.note(run_id, changes["notes"] or "")


def stars(rating: str | float) -> str:
    """A rating as people read it: ★★★☆☆."""
    return "★" * int(rating) + "☆" * (MAX_RATING - int(rating))


def _column_config(columns: Sequence[str], store: SeenStore, view: CompareView) -> dict[str, Any]:
    config: dict[str, Any] = {
        CHOSEN: st.column_config.CheckboxColumn(
            CHOSEN_HEADING, help="Choose runs to compare, export or delete.", pinned=True
        )
    }
    for column in map(run_column, columns):
        config[column.name] = _configured(column, heading(column, view.order), store)
    return config


def _configured(column: RunColumn, label: str, store: SeenStore) -> Any:
    said: dict[str, Any] = {"label": label, "help": f"{column.help}{_NOTE.get(column.kind, '')}"}
    make = st.column_config
    match column.name, column.kind:
        case _, "picture":
            return make.ImageColumn(**said, width="small", pinned=True)
        case _, "link":
            return make.LinkColumn(**said, display_text="Open", width="small")
        case _, "time":
            return make.DatetimeColumn(**said, format="YYYY-MM-DD HH:mm", timezone=st.context.timezone)
        case _, "rating":
            options = list(range(1, MAX_RATING + 1))
            return make.SelectboxColumn(**said, options=options, format_func=stars, width=95)
        case _, "tags":
            return make.MultiselectColumn(
                **said, options=store.opinions.all_tags(), accept_new_options=True, width=120, color="gray"
            )
        case _, "note":
            return make.TextColumn(**said, width=130)
        case name, _ if name in _WHOLE_NUMBERS:
            return make.Column(**said, width=70)
        case _, "number":
            shown_as = "%.4g" if column.decimals is None else f"%.{column.decimals}f"
            return make.NumberColumn(**said, format=shown_as, width=112 if column.is_metric else 85)
        case name, _ if name in _TEXTS:
            return make.TextColumn(**said, width=190)
        case _:
            return make.TextColumn(**said, width=140)
