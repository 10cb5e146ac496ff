"""Several runs beside each other: pictures large, what differs open, what is the same folded."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.runs.analysis.best import best_of
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.noise import against_seeds, is_noise
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
_MEASURES_IN_SHORT = 3


def side_by_side(
    runs: Sequence[RunRecord], rows: pd.DataFrame, table: pd.DataFrame, view: CompareView, mode: ViewerMode
) -> None:
    """Draw up to `MOST_AT_ONCE` runs in one way, and tables of what differs and what does not.

    Parameters
    ----------
    rows
        The wide table's rows of these runs, in their order.
    table
        The wide table.
    """
    runs = runs[:MOST_AT_ONCE]
    measures = against_seeds(measures_in(rows), rows, table)
    measure = chosen_measure(measures, rows, view)
    compared = differing_parameters(runs)
    values = {field.label: shown_apart(field, runs) for field in compared.differing}
    pair = view.pair if max(view.pair) < len(runs) else (0, 1)
    if pair != view.pair:
        asked = quoted_value("pair", "".join(ascii_uppercase[place] for place in view.pair))
        say_of_link(f"{asked} names more than the {counted(len(runs), 'chosen picture')}.")
    baseline = next((run.id for run in runs if view.is_baseline(run.id)), "")
    opened = picture_viewer(
        runs,
        mode=mode,
        baseline=baseline,
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
    unequal = [measure for measure in measures if rows[measure.name].nunique(dropna=False) > 1]
    st.caption(_in_short(values, rows, unequal) or "These runs have the same parameters: their pictures are the same.")
    with st.expander("All values"):
        if values:
            listed = {plain(label): [plain(value) for value in texts] for label, texts in values.items()}
            st.markdown("**What differs**")
            st.table(
                pd.DataFrame(listed, index=letters).T.rename_axis("Parameter"),
                alt="Parameters in which the chosen runs differ",
            )
        st.markdown("**What was measured**")
        if unequal:
            measured = _measured_table(rows, unequal, letters, baseline)
            st.table(measured, alt="Metrics of the chosen runs, the best marked")
            if noise := _noise_text(rows, unequal):
                st.caption(noise)
        else:
            st.caption("The same in all." if measures else "Nothing yet: metrics follow a little after each picture.")
        equal = {
            measure.heading: measure.text(float(rows[measure.name].iloc[0]))
            for measure in measures
            if measure not in unequal
        }
        st.markdown(f"**The same in all {len(runs)}**")
        value_table({field.label: field.in_words(runs[0]) for field in compared.same} | equal)


def _in_short(values: Mapping[str, Sequence[str]], rows: pd.DataFrame, measures: Sequence[Measure]) -> str:
    """What differs, in one line below the pictures: parameters first, then the measures that were asked for most."""
    told = {label: short_texts(texts, _LONGEST_BADGE) for label, texts in values.items()}
    told |= {
        _short_label(measure, rows): ["–" if pd.isna(value) else measure.amount(value) for value in rows[measure.name]]
        for measure in measures[:_MEASURES_IN_SHORT]
    }
    return " · ".join(f"{plain(label)} {plain(' | '.join(texts))}" for label, texts in told.items())


def _short_label(measure: Measure, rows: pd.DataFrame) -> str:
    spread = float(rows[measure.name].max() - rows[measure.name].min())
    return f"{measure.label} (within noise)" if is_noise(spread, measure) else measure.label


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
    best = best_of(dict(zip(rows["id"], rows[measure.name], strict=True)), measure.direction, measure.noise)
    return [
        f"Best {measure.spoken}: {measure.amount(value)}" if run_id in best else ""
        for run_id, value in zip(rows["id"], rows[measure.name], strict=True)
    ]


def _measured_table(rows: pd.DataFrame, measures: Sequence[Measure], letters: list[str], baseline: str) -> pd.DataFrame:
    """Measures by letters: of the baseline its values, of the others also how far they are from it."""
    listed: dict[str, list[str]] = {}
    for measure in measures:
        values = dict(zip(letters, rows[measure.name], strict=True))
        best = best_of(values, measure.direction, measure.noise)
        (origin,) = rows.loc[rows["id"] == baseline, measure.name] if baseline else (float("nan"),)
        listed[plain(measure.heading)] = [
            "–" if pd.isna(value) else f":green-badge[{text}]" if letter in best else text
            for letter, value, is_origin in zip(letters, values.values(), rows["id"] == baseline, strict=True)
            for text in [plain(measure.text(value) if is_origin or pd.isna(origin) else _apart(value, origin, measure))]
        ]
    return pd.DataFrame(listed, index=letters).T.rename_axis("Metric")


def _apart(value: float, origin: float, measure: Measure) -> str:
    noise = ", noise" if is_noise(value - origin, measure) else ""
    sign = "+" if value >= origin else "−"
    return f"{measure.text(value)} ({sign}{measure.text(abs(value - origin))}{noise})"


def _noise_text(rows: pd.DataFrame, measures: Sequence[Measure]) -> str:
    """Which measures differ by no more than their noise, so that nothing is best; empty where all differ by more."""
    within = [
        f"{measure.spoken} ({measure.amount(measure.noise, 2)}: {measure.noise_known})"
        for measure in measures
        if is_noise(rows[measure.name].max() - rows[measure.name].min(), measure)
    ]
    return plain(f"Within their noise, so none is best: {'; '.join(within)}.") if within else ""
