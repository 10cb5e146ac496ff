"""Several runs beside each other: pictures large, what differs open, what is the same folded."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.runs.analysis.best import best_of
from bgen_core.runs.analysis.columns import Measure, number
from bgen_core.runs.short_texts import short_texts
from bgen_core.runs.table import differing_parameters, shown, shown_apart
from bgen_core.wording import counted
from pages._ui.app import page_files
from pages._ui.compare.compare_view import CompareView, change, say_of_link
from pages._ui.shared.left_out import quoted_value
from pages._ui.shared.measures import chosen_measure, measures_in
from pages._ui.shared.picture_viewer import MOST_AT_ONCE, Badge, ViewerMode, picture_viewer
from pages._ui.shared.plain_text import plain

_LONGEST_BADGE = 28


def side_by_side(runs: Sequence[RunRecord], rows: pd.DataFrame, view: CompareView, mode: ViewerMode) -> None:
    """Draw up to `MOST_AT_ONCE` runs in one way, and tables of what differs and what does not.

    Parameters
    ----------
    rows
        The wide table's rows of these runs, in their order.
    """
    runs = runs[:MOST_AT_ONCE]
    measures = measures_in(rows)
    measure = chosen_measure(measures, rows, view)
    compared = differing_parameters(runs)
    values = {field.label: shown_apart(field, runs) for field in compared.differing}
    pair = view.pair if max(view.pair) < len(runs) else (0, 1)
    if pair != view.pair:
        asked = quoted_value("pair", "".join(ascii_uppercase[place] for place in view.pair))
        say_of_link(f"{asked} names more than the {counted(len(runs), 'chosen picture')}.")
    opened = picture_viewer(
        runs,
        mode=mode,
        badges=_badges(values, len(runs)),
        best=_best(rows, measure),
        pair=pair,
        on_pair=lambda pair: change(pair=pair),
        at=view.at,
    )
    if opened:
        st.switch_page(page_files.RUN, query_params={"id": opened})
    if len(runs) < 2:
        return
    letters = list(ascii_uppercase[: len(runs)])
    differing, measured = st.columns(2, gap="medium") if len(runs) <= 4 else (st.container(), st.container())
    with differing:
        st.markdown("**What differs**")
        if values:
            listed = {plain(label): [plain(value) for value in texts] for label, texts in values.items()}
            st.table(pd.DataFrame(listed, index=letters).T, alt="Parameters in which the chosen runs differ")
        else:
            st.info("These runs have the same parameters: their pictures are the same.")
    unequal = [measure for measure in measures if rows[measure.name].nunique(dropna=False) > 1]
    with measured:
        st.markdown("**What was measured**")
        if unequal:
            st.table(_measured_table(rows, unequal, letters), alt="Metrics of the chosen runs, the best marked")
        else:
            st.caption("The same in all." if measures else "Nothing yet: metrics follow a little after each picture.")
    equal = {
        measure.heading: number(float(rows[measure.name].iloc[0])) for measure in measures if measure not in unequal
    }
    with st.expander(f"The same in all {len(runs)}: {len(compared.same) + len(equal)} values"):
        value_table({field.label: field.in_words(runs[0]) for field in compared.same} | equal)


def value_table(values: Mapping[str, Any]) -> None:
    """Draw names and values as a table of two columns."""
    listed = pd.Series({plain(name): plain(shown(value)) for name, value in values.items()}, name="value")
    st.table(listed, border="horizontal", hide_header=True, alt="Parameters of the run")


def _badges(values: Mapping[str, Sequence[str]], count: int) -> list[list[Badge]]:
    """For each picture the values in which it differs: long ones in the words that tell them apart."""
    short = {label: short_texts(texts, _LONGEST_BADGE) for label, texts in values.items()}
    return [
        [
            Badge(text=f"{label} {short[label][place]}", whole=f"{label}: {texts[place]}")
            for label, texts in values.items()
        ]
        for place in range(count)
    ]


def _best(rows: pd.DataFrame, measure: Measure | None) -> list[str]:
    if measure is None:
        return [""] * len(rows)
    best = best_of(dict(zip(rows["id"], rows[measure.name], strict=True)), measure.direction)
    return [
        f"Best {measure.spoken}: {measure.amount(value)}" if run_id in best else ""
        for run_id, value in zip(rows["id"], rows[measure.name], strict=True)
    ]


def _measured_table(rows: pd.DataFrame, measures: Sequence[Measure], letters: list[str]) -> pd.DataFrame:
    listed: dict[str, list[str]] = {}
    for measure in measures:
        values = dict(zip(letters, rows[measure.name], strict=True))
        best = best_of(values, measure.direction)
        listed[plain(measure.heading)] = [
            "–" if pd.isna(value) else f":green-badge[{text}]" if letter in best else text
            for letter, value in values.items()
            for text in [plain(number(value))]
        ]
    return pd.DataFrame(listed, index=letters).T
