"""The runs of a view as thumbnails, in a gallery or a grid: ticking compares, stars and keys rate.

A component with plain JavaScript, whose messages are described at the head of `run_gallery.js`.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import pandas as pd
import streamlit as st
from pydantic import BaseModel, ValidationError
from streamlit.components.v2 import component

from bgen_core.errors import BgenError
from bgen_core.ids import RunId
from bgen_core.parameters import PARAMETERS, Parameter
from bgen_core.runs.links import thumbnail_of_side
from bgen_core.runs.run_columns import RunColumn, run_column
from bgen_core.runs.run_grid import RunGrid, heading_columns, run_grid
from bgen_core.runs.short_texts import short_texts
from bgen_core.runs.table import shown
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted
from pages._ui.app import page_files
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import GROUPED, CompareView, change
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.shared.plain_text import plain

LISTED_AT_ONCE = 120
MOST_IN_A_GRID = 1024
_KEY = "run_gallery"
_LISTED, _TURN, _PROBLEM = "run_gallery_listed", "run_gallery_turn", "run_gallery_problem"
_LACKING = "run_gallery_lacking"
_CARD = {"gallery": 150, "grid": 110}  # px
_SIDE = 256  # of the thumbnails that are fetched
_LONGEST_HEADING = 40

# First what sweeps vary most.
_HEADINGS = tuple(
    dict.fromkeys(("prompt", *(each.field for each in PARAMETERS if each.short), *(column.name for column in GROUPED)))
)

_Message = TypeVar("_Message", bound=BaseModel)

_gallery = component(
    "bgen_run_gallery",
    html='<div class="gallery" role="group" tabindex="-1"></div>\n<!-- filled by the script -->',
    css=frontend_source("run_gallery.css"),
    js=frontend_source("in_order.js", "run_gallery.js"),
)


def run_gallery(rows: pd.DataFrame, store: SeenStore, view: CompareView) -> None:
    """Draw the view's runs as thumbnails; what is ticked goes into the view, what is rated into the store.

    Parameters
    ----------
    rows
        Rows of the wide table that pass the view's filter, in its order.
    """
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(plain(problem))
    is_grid = view.shape == "grid"
    listed = rows.iloc[: MOST_IN_A_GRID if is_grid else _listed(view)]
    grid = _grid(listed, view) if is_grid else None
    if is_grid and len(rows) > MOST_IN_A_GRID:
        st.caption(f"The first {MOST_IN_A_GRID:,} of {len(rows):,} runs: a filter leaves fewer.")
    # What the browser was given before it has: only what it asked for last is described anew.
    differing = [] if is_grid else [each for each in PARAMETERS if each.short and rows[each.field].nunique() > 1]
    known_by = " ".join([view.order, *_searched(view), *(each.field for each in differing)])
    begin = 0 if is_grid or st.session_state.get(_LACKING) else _listed(view) - LISTED_AT_ONCE
    ratings = "".join(map(str, listed["rating"].fillna(0).astype(int)))
    result = _gallery(
        key=_KEY,
        data=component_data(
            _KEY,
            {
                "label": counted(len(rows), "run"),
                "runs": _described(listed.iloc[begin:], view, differing),
                "begin": begin,
                "before": _name_of(listed["id"].iloc[:begin], known_by),
                "whole": _name_of(listed["id"], known_by),
                "ratings": ratings,
                "chosen": view.ids,
                "total": len(listed) if is_grid else len(rows),
                "grid": None if grid is None else _headed(grid),
                "card": _CARD[view.shape],
                "turn": st.session_state.get(_TURN, 0),
            },
        ),
        on_chosen_change=_choose,
        on_rated_change=lambda: _rate(store),
        on_more_change=_list_more,
        on_lacking_change=_list_all,
        on_opened_change=lambda: None,
    )
    if result.opened and (listed["id"] == result.opened).any():
        st.switch_page(page_files.RUN, query_params={"id": result.opened})


def grid_controls(rows: pd.DataFrame, view: CompareView) -> None:
    """Choose the columns whose values are the grid's headings."""
    listed = rows.iloc[:MOST_IN_A_GRID]
    offered = heading_columns(listed, _HEADINGS)
    grid = _grid(listed, view)
    for label, field, chosen, other in (
        ("Across", "across", grid.across, "down"),
        ("Down", "down", grid.down, "across"),
    ):
        key = f"compare_{field}"
        st.session_state[key] = chosen or None

        def choose(key: str = key, field: str = field, other: str = other) -> None:
            asked: dict[str, Any] = {"across": grid.across, "down": grid.down, field: st.session_state[key] or ""}
            if asked[field] == asked[other]:  # they change places
                asked[other] = getattr(grid, field)
            change(**asked)

        st.selectbox(
            label,
            offered,
            key=key,
            format_func=lambda name, label=label: f"{label}: {run_column(name).label}",
            placeholder=f"{label}: nothing differs",
            label_visibility="collapsed",
            disabled=not offered,
            on_change=choose,
            width=190,
        )


def _grid(listed: pd.DataFrame, view: CompareView) -> RunGrid:
    return run_grid(listed, _HEADINGS, across=view.across, down=view.down)


def _headed(grid: RunGrid) -> dict[str, Any]:
    return {
        "across": run_column(grid.across).label if grid.across else "",
        "down": run_column(grid.down).label if grid.down else "",
        "columns": _headings(grid.columns),
        "rows": _headings(grid.rows),
        "cells": grid.cells,
    }


def _headings(values: Sequence[Any]) -> list[str]:
    return short_texts(["–" if value is None else shown(value) for value in values], _LONGEST_HEADING)


def _described(listed: pd.DataFrame, view: CompareView, differing: Sequence[Parameter]) -> list[dict[str, Any]]:
    noted = view.order.removeprefix("-")
    noted = noted if noted not in ("", "created", "rating", "tags") else "prompt"
    column = run_column(noted)
    columns = ("id", "thumbnail", "subject", "prompt", "model", "seed", "size", noted)
    values = zip(*(listed[name] for name in columns), strict=True)
    told = [[each.short.format(shown(value)) for value in listed[each.field]] for each in differing]
    details = [", ".join(texts) for texts in zip(*told, strict=True)] or [""] * len(listed)
    return [
        {
            "id": run_id,
            "small": thumbnail_of_side(thumbnail, _SIDE),
            "alt": f"{subject} before “{prompt}”, {model}, seed {seed}",
            "ratio": _ratio(size),
            **_note(value, column),
            "detail": detail,
        }
        for (run_id, thumbnail, subject, prompt, model, seed, size, value), detail in zip(values, details, strict=True)
    ]


def _note(value: Any, column: RunColumn) -> dict[str, str]:
    """What stands below a picture. Words give way where it is narrow, a number does not."""
    if column.kind == "choice":
        return {"note": shown(value), "value": ""}
    if pd.isna(value):
        text = "–"
    elif isinstance(value, float):
        text = f"{value:.4g}" if column.decimals is None else f"{value:,.{column.decimals}f}"
    else:
        text = shown(value)
    return {"note": column.label, "value": text}


def _ratio(size: str) -> float:
    width, _, height = size.partition("×")
    return round(int(width) / int(height), 4)


def _listed(view: CompareView) -> int:
    """How many are listed: more where somebody scrolled, as long as the same runs are asked for."""
    asked = (view.text, view.conditions, view.sweep, view.order, *_searched(view))
    kept, count = st.session_state.get(_LISTED, (None, 0))
    if kept != asked:
        count = LISTED_AT_ONCE
    st.session_state[_LISTED] = (asked, count)
    return count


def _searched(view: CompareView) -> tuple[str, str, str]:
    return view.meaning, view.less, view.like


def _list_more() -> None:
    asked, count = st.session_state[_LISTED]
    st.session_state[_LISTED] = (asked, count + LISTED_AT_ONCE)
    st.session_state[_LACKING] = False


def _list_all() -> None:
    """The browser's list is not the one that was given before, as after another page: it gets all of it once more."""
    st.session_state[_LACKING] = True


def _name_of(ids: "pd.Series[str]", known_by: str) -> str:
    """Another one for other runs, another order of them, or other words below them."""
    return hashlib.blake2b("".join([known_by, *ids]).encode(), digest_size=8).hexdigest() if len(ids) else ""


class _Chosen(BaseModel):
    """The browser's state "chosen"."""

    ids: list[str]
    turn: int


class _Rated(BaseModel):
    """The browser's state "rated"."""

    ratings: dict[str, int]
    turn: int


def _told_by_browser(kind: type[_Message], name: str) -> _Message | None:
    """What the component says; None for anything that it does not say by itself."""
    try:
        return kind.model_validate(st.session_state[_KEY].get(name))
    except ValidationError:
        return None


def _choose() -> None:
    if chosen := _told_by_browser(_Chosen, "chosen"):
        st.session_state[_TURN] = chosen.turn
        change(ids=tuple(chosen.ids))


def _rate(store: SeenStore) -> None:
    rated = _told_by_browser(_Rated, "rated")
    if rated is None or looks_alone(store):
        return
    st.session_state[_TURN] = rated.turn
    try:
        for run_id, rating in rated.ratings.items():
            store.opinions.rate(RunId(run_id), rating or None)
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)
