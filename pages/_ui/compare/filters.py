"""The filters of the compare page: search and sweep in its first line, the others behind a button with their number."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.parameters import PARAMETERS
from bgen_core.runs.analysis.columns import number
from bgen_core.runs.run_columns import RUN_COLUMNS, RunColumn, run_column
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted, quoted
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, change, change_pieces
from pages._ui.compare.condition_text import conditions_text, days_piece, days_with_runs, period_days, period_text
from pages._ui.compare.meaning import looked_for, stop_looking
from pages._ui.compare.saved_views import views_popover
from pages._ui.compare.sweep_titles import sweep_titles
from pages._ui.shared.browser import zone
from pages._ui.shared.plain_text import plain

_FEW_VALUES = 14
_DAYS_OFFERED = 14
_MOST_OPTIONS = 300
_RATINGS = {"": "any", "1..": "rated", "5": "★★★★★", "4..": "★★★★ and more", "3..": "★★★ and more", "..2": "up to ★★"}
_NOT_RATED = "none"  # an empty piece cannot be told from no piece in a list of choices
_OTHER_DAYS = "days"
# Columns with a control of their own.
_OWN = ("subject", "model", "rating", "created")
_OTHERS = tuple(
    column for column in RUN_COLUMNS if column.kind in ("number", "choice", "tags") and column.name not in _OWN
)


def filters_bar(table: pd.DataFrame, store: SeenStore, view: CompareView) -> None:
    """Draw what chooses among all runs, in one row; it goes into the view."""
    _search_and_sweep(store, view)
    _filter_popover(table, store, view)
    views_popover(store, view)


def _search_and_sweep(store: SeenStore, view: CompareView) -> None:
    """Draw the two filters that are used most."""
    if st.session_state.get("compare_text", "").strip() != view.text:  # a space at the end is being typed
        st.session_state["compare_text"] = view.text
    st.text_input(
        "Search",
        view.text,  # see `mask_sliders`: a browser may miss the run that set it
        key="compare_text",
        type="search",
        live="150ms",
        placeholder="prompt, note, tag",
        help="All words must occur in the prompts, the subject's name, the notes or the tags of a run.",
        on_change=lambda: change(text=st.session_state["compare_text"].strip(), page=1),
        label_visibility="collapsed",
        width=170,
    )
    _sweep_choice(store, view)


def _filter_popover(table: pd.DataFrame, store: SeenStore, view: CompareView) -> None:
    """Draw the other filters, with how many of them are at work; what is chosen goes into the view."""
    count = len({condition.column for condition in view.conditions})
    with st.popover(f"Filter · {count}" if count else "Filter", key="compare_filter"):
        for name in ("subject", "model"):
            _values_choice(run_column(name), table, view)
        _rating_choice(view)
        _day_choice(table, view)
        _mine_toggle(store, view)
        st.divider()
        _other_column(table, view)


def active_filters(view: CompareView) -> None:
    """Everything that is filtered by, each to be taken away with a click; nothing where there is no filter."""
    if view.is_searched:
        st.button(f"{plain(looked_for(view))} ×", type="tertiary", key="compare_searched", on_click=stop_looking)
    if view.is_filtered:
        _active_conditions(view)


def _sweep_choice(store: SeenStore, view: CompareView) -> None:
    titles = sweep_titles(store, also=view.sweep)
    st.session_state["compare_sweep"] = view.sweep if view.sweep in titles else ""
    st.selectbox(
        "Sweep",
        ["", *titles],
        key="compare_sweep",
        format_func=lambda sweep_id: titles.get(sweep_id, "All sweeps"),
        on_change=lambda: change(sweep=st.session_state["compare_sweep"], axis="", page=1),
        label_visibility="collapsed",
        width=180,
    )
    if view.sweep and view.sweep not in titles:
        st.warning(plain(f"No sweep is called {quoted(view.sweep)}: all runs are shown."))


def _values_choice(column: RunColumn, table: pd.DataFrame, view: CompareView) -> None:
    key = f"compare_{column.name}"
    chosen = list(view.pieces(column.name))
    st.session_state[key] = chosen
    # All options go to the browser at every answer of the page: ten thousand prompts would be a megabyte.
    frequent = table[column.name].value_counts().index[:_MOST_OPTIONS]
    st.multiselect(
        column.label,
        sorted({*frequent, *chosen}),
        key=key,
        placeholder="all",
        help=column.help,
        format_func=lambda value: value or "none",
        on_change=lambda: change_pieces(column.name, st.session_state[key]),
    )


def _rating_choice(view: CompareView) -> None:
    pieces = view.pieces("rating")
    current = _NOT_RATED if pieces == ("",) else pieces[0] if len(pieces) == 1 else ""
    options = [*_RATINGS, _NOT_RATED, *([current] if current not in (*_RATINGS, _NOT_RATED) else [])]
    st.session_state["compare_rating"] = current

    def choose() -> None:
        asked = st.session_state["compare_rating"]
        change_pieces("rating", [""] if asked == _NOT_RATED else [asked] if asked else [])

    st.selectbox(
        "Rating",
        options,
        key="compare_rating",
        format_func=lambda piece: _RATINGS.get(piece, "not rated" if piece == _NOT_RATED else piece),
        on_change=choose,
    )


def _day_choice(table: pd.DataFrame, view: CompareView) -> None:
    pieces = view.pieces("created")
    current = pieces[0] if len(pieces) == 1 else ""
    today = datetime.now(zone())
    made_on = days_with_runs(table["created"], zone(), most=_DAYS_OFFERED)
    texts = {piece: f"{period_text(piece, zone())} · {counted(count, 'run')}" for piece, count in made_on.items()}
    recent = {days_piece(today - timedelta(days=days - 1), today, zone()): f"last {days} days" for days in (7, 30)}
    texts = {"": "any day"} | texts | recent | {_OTHER_DAYS: "other days …"}
    if current not in texts:
        texts[current] = period_text(current, zone())
    choosing = st.session_state.get("compare_days_open", False)
    st.session_state["compare_day"] = _OTHER_DAYS if choosing else current

    def choose() -> None:
        asked = st.session_state["compare_day"]
        st.session_state["compare_days_open"] = asked == _OTHER_DAYS
        if asked != _OTHER_DAYS:
            change_pieces("created", [asked] if asked else [])

    def choose_days() -> None:
        days = st.session_state["compare_days"]
        if len(days) == 2:
            st.session_state["compare_days_open"] = False
            change_pieces("created", [days_piece(days[0], days[1], zone())])

    st.selectbox("Made", list(texts), key="compare_day", format_func=texts.__getitem__, on_change=choose)
    if choosing:
        st.date_input("From and to", value=[*period_days(current, zone())], key="compare_days", on_change=choose_days)


def _other_column(table: pd.DataFrame, view: CompareView) -> None:
    labels = {column.name: column.label for column in _OTHERS}
    st.session_state.setdefault("compare_other", next(each.field for each in PARAMETERS if each.is_numeric))
    name = st.selectbox(
        "Filter by", list(labels), key="compare_other", format_func=labels.__getitem__, persist_state="page"
    )
    column = run_column(name)
    st.caption(column.help)
    if column.kind == "tags":
        _tag_choice(table, view)
        return
    known = table[name].dropna().unique()
    if column.kind == "choice":
        _values_choice(column, table, view)
    elif len(known) == 0 or (len(known) <= _FEW_VALUES and not _is_measured(column)):
        _few_numbers(column, sorted(known.tolist()), view)
    else:
        _number_range(column, float(known.min()), float(known.max()), view)


def _tag_choice(table: pd.DataFrame, view: CompareView) -> None:
    chosen = list(view.pieces("tags"))
    st.session_state["compare_tags"] = chosen
    st.multiselect(
        "Tags",
        sorted({tag for tags in table["tags"] for tag in tags} | {"", *chosen}),
        key="compare_tags",
        format_func=lambda tag: tag or "without tags",
        placeholder="all",
        on_change=lambda: change_pieces("tags", st.session_state["compare_tags"]),
    )


def _few_numbers(column: RunColumn, known: Sequence[float], view: CompareView) -> None:
    key = f"compare_few_{column.name}"
    options = [_exact(value) for value in known]
    st.session_state[key] = [piece for piece in view.pieces(column.name) if piece in options]
    st.pills(
        column.label,
        options,
        selection_mode="multi",
        key=key,
        on_change=lambda: change_pieces(column.name, st.session_state[key]),
    )


def _number_range(column: RunColumn, low: float, high: float, view: CompareView) -> None:
    pieces = view.pieces(column.name)
    given = pieces[0].partition("..") if len(pieces) == 1 else ("", "", "")
    keys = [f"compare_{end}_{column.name}" for end in ("low", "high")]
    problem = st.session_state.get(f"compare_problem_{column.name}", "")
    if not problem:  # else what was typed stays there to be mended
        # A number alone is a range of one.
        for key, text in zip(keys, (given[0], given[2] if given[1] else given[0]), strict=True):
            st.session_state[key] = float(text) if text and math.isfinite(float(text)) else None

    def choose() -> None:
        texts = ["" if (value := st.session_state[key]) is None else _exact(value) for key in keys]
        try:
            change_pieces(column.name, [f"{texts[0]}..{texts[1]}"] if any(texts) else [])
            st.session_state[f"compare_problem_{column.name}"] = ""
        except UserInputError as error:
            st.session_state[f"compare_problem_{column.name}"] = told(error)

    for place, key, label, bound in zip(st.columns(2), keys, ("From", "To"), (low, high), strict=True):
        place.number_input(label, key=key, value=None, placeholder=number(bound, 4), format="%.10g", on_change=choose)
    if problem:
        st.error(plain(problem))


def _is_measured(column: RunColumn) -> bool:
    """Whether its values are hardly ever equal, so that a range is asked for."""
    return column.is_metric or column.direction != "none"


def _exact(value: float) -> str:
    """A number as a condition has it: what is read from it is the same number."""
    short = f"{value:.10g}"
    if float(short) == value:
        return short
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else repr(value)


def _mine_toggle(store: SeenStore, view: CompareView) -> None:
    me = store.visitor.id
    st.session_state["compare_mine"] = view.pieces("owner") == (me,)
    st.toggle(
        "Mine",
        key="compare_mine",
        help="Only runs that sweeps from this browser made first.",
        on_change=lambda: change_pieces("owner", [me] if st.session_state["compare_mine"] else []),
    )


def _active_conditions(view: CompareView) -> None:
    texts = {
        name: conditions_text(run_column(name), view.pieces(name), zone())
        for name in dict.fromkeys(condition.column for condition in view.conditions)
    }
    st.session_state["compare_active"] = list(texts)

    def keep() -> None:
        kept = st.session_state["compare_active"]
        change(conditions=tuple(each for each in view.conditions if each.column in kept), page=1)

    if texts:
        st.pills(
            "Active filters",
            list(texts),
            selection_mode="multi",
            key="compare_active",
            format_func=lambda name: f"{plain(texts[name])} ×",
            label_visibility="collapsed",
            on_change=keep,
        )
    st.button(
        "Clear filters",
        type="tertiary",
        on_click=lambda: change(text="", conditions=(), sweep="", meaning="", less="", like="", page=1),
    )
