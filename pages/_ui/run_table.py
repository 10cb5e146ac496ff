"""The table of runs: loading, the filter card, and rows that can be chosen."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bgen_core.runs.record import RunRecord
from bgen_core.runs.store import Store
from bgen_core.runs.table import FIELDS, RunFilter, filter_runs, run_frame
from pages._ui.compare_view import CompareView, change

# Streamlit 1.67 sends the whole frame for a table with selection: 10,000 rows take 6 s, this many a fraction of one.
ROWS_PER_PAGE = 500
_SHOWN = (
    "thumbnail",
    "subject",
    "prompt",
    "num_inference_steps",
    "guidance_scale",
    "seed",
    "scheduler",
    "strength",
    "model",
    "seconds",
    "created",
    "permalink",
)
_ROW_HEIGHT = 56
_ROWS_IN_SIGHT = 6
_LARGEST_NUMBER_IN_A_BROWSER = 2**53
_ROUND = "compare_round"


@st.cache_resource(max_entries=2, show_spinner=False)
def _runs(_store: Store, place: str, revision: str) -> tuple[Mapping[str, RunRecord], pd.DataFrame]:
    runs = _store.list_runs()
    return {run.id: run for run in runs}, run_frame(runs)


def load_runs(store: Store) -> tuple[Mapping[str, RunRecord], pd.DataFrame]:
    """All runs by their id, newest first, and their table; read again only when the store has changed.

    Both are shared between visitors: read them, never write to them.
    """
    return _runs(store, str(store.blobs.root), store.runs_revision())


def filter_card(frame: pd.DataFrame, store: Store, view: CompareView) -> pd.DataFrame:
    """Draw the filter and return the rows that pass it."""
    with st.container(border=True):
        search, model, subject, scheduler, sweep = st.columns([3, 2, 2, 2, 3], vertical_alignment="bottom")
        st.session_state["compare_text"] = view.text
        search.text_input(
            "Search",
            key="compare_text",
            type="search",
            placeholder="words of the prompt",
            help="All words must occur in the prompt, the negative prompt or the subject's name.",
            on_change=lambda: change(text=st.session_state["compare_text"].strip(), page=1),
        )
        _choices(model, "Model", "models", frame["model"], view.models)
        _choices(subject, "Subject", "subjects", frame["subject"], view.subjects)
        _choices(scheduler, "Scheduler", "schedulers", frame["scheduler"], view.schedulers)
        titles = _sweep_titles(store)
        st.session_state["compare_sweep"] = view.sweep if view.sweep in titles else ""
        sweep.selectbox(
            "Sweep",
            ["", *titles],
            key="compare_sweep",
            format_func=lambda sweep_id: titles.get(sweep_id, "all"),
            on_change=lambda: change(sweep=st.session_state["compare_sweep"], page=1),
        )
    if view.sweep and view.sweep not in titles:
        st.warning(f"No sweep is called {view.sweep!r}: all runs are shown.")
    ids = frozenset(cell.run_id for cell in store.sweep_cells(view.sweep)) if view.sweep in titles else None
    return filter_runs(
        frame,
        RunFilter(text=view.text, models=view.models, subjects=view.subjects, schedulers=view.schedulers, ids=ids),
    )


def selectable_table(rows: pd.DataFrame, view: CompareView) -> None:
    """Draw one page of the rows; the chosen ones go into the view, on whichever page they stand."""
    pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
    page = min(view.page, pages)
    visible = rows.iloc[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]
    ids = tuple(visible["id"])
    if visible["seed"].max() > _LARGEST_NUMBER_IN_A_BROWSER:
        visible = visible.assign(seed=visible["seed"].astype(str))
    # The key follows the rows, so that a selection by position never meets other rows.
    table_key = f"compare_rows_{hash((ids, st.session_state.setdefault(_ROUND, 0)))}"
    st.dataframe(
        visible,
        key=table_key,
        on_select=partial(_choose, table_key, ids, view),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(run_id) for run_id in view.ids if run_id in ids]}},
        column_order=_SHOWN,
        column_config=_columns(),
        row_height=_ROW_HEIGHT,
        height=_ROW_HEIGHT * min(len(visible), _ROWS_IN_SIGHT) + 40,
        hide_index=True,
        alt="Runs with their parameters, newest first",
    )
    if pages > 1:
        key = f"compare_page_{page}_of_{pages}"
        st.pagination(pages, default=page, key=key, on_change=lambda: change(page=st.session_state[key]))


def clear_choice() -> None:
    """Put no run side by side any more: for a button's callback."""
    st.session_state[_ROUND] += 1
    change(ids=())


def _sweep_titles(store: Store) -> dict[str, str]:
    """Sweeps by their id, newest first, each with a title of its own: a selectbox takes equal ones for one."""
    zone = ZoneInfo(st.context.timezone or "UTC")
    titles: dict[str, str] = {}
    for sweep in reversed(store.list_sweeps()):
        title = f"{sweep.title} · {sweep.created.astimezone(zone):%Y-%m-%d %H:%M}"
        titles[sweep.id] = f"{title} · {sweep.id[:6]}" if title in titles.values() else title
    return titles


def _choose(key: str, ids: Sequence[str], view: CompareView) -> None:
    chosen = [ids[row] for row in st.session_state[key]["selection"]["rows"] if row < len(ids)]
    # Runs keep their place from click to click, and those on other pages or behind the filter stay chosen.
    kept = [run_id for run_id in view.ids if run_id in chosen or run_id not in ids]
    change(ids=(*kept, *(run_id for run_id in chosen if run_id not in kept)))


def _choices(place: DeltaGenerator, label: str, field: str, column: pd.Series, chosen: Sequence[str]) -> None:
    key = f"compare_{field}"
    options = sorted({*column.unique(), *chosen})
    st.session_state[key] = list(chosen)
    place.multiselect(
        label,
        options,
        key=key,
        placeholder="all",
        on_change=lambda: change(**{field: tuple(st.session_state[key]), "page": 1}),
    )


def _columns() -> dict[str, Any]:
    columns: dict[str, Any] = {field.name: st.column_config.Column(field.label, help=field.help) for field in FIELDS}
    labels = {field.name: {"label": field.label, "help": field.help} for field in FIELDS}
    columns["thumbnail"] = st.column_config.ImageColumn(**labels["thumbnail"], width="small", pinned=True)
    columns["subject"] = st.column_config.TextColumn(**labels["subject"], width=140)
    columns["prompt"] = st.column_config.TextColumn(**labels["prompt"], width="large")
    columns["seconds"] = st.column_config.NumberColumn(**labels["seconds"], format="%.2f")
    columns["created"] = st.column_config.DatetimeColumn(
        **labels["created"], format="YYYY-MM-DD HH:mm", timezone=st.context.timezone
    )
    columns["permalink"] = st.column_config.LinkColumn(**labels["permalink"], display_text="Open", width="small")
    return columns
