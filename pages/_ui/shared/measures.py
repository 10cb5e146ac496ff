"""What runs are judged by on the compare page: rating, time, and every metric that they have."""

from collections.abc import Sequence
from itertools import chain

import pandas as pd
import streamlit as st

from bgen_core.metrics import LIKENESS, METRICS
from bgen_core.runs.analysis.columns import RATING, SECONDS, Measure
from bgen_core.runs.analysis.noise import in_own_units
from pages._ui.compare.compare_view import CompareView, change, say_of_link
from pages._ui.shared.left_out import quoted_value

# Asked about most; the others follow in the order of the table of metrics.
_FIRST = ("likeness", "rating", "expansion", "seam", "clip_score", "seconds")
_ALL = {measure.name: measure for measure in (RATING, SECONDS, *map(Measure.of, (*METRICS, LIKENESS)))}
_ORDERED = (*(_ALL[name] for name in _FIRST), *(each for name, each in _ALL.items() if name not in _FIRST))


def measures_in(rows: pd.DataFrame) -> list[Measure]:
    """The measures that at least one of the rows has a number in, with their own noise among these rows."""
    known = (measure for measure in _ORDERED if measure.name in rows.columns and len(rows[measure.name].dropna()))
    return [in_own_units(measure, rows) for measure in known]


def chosen_measure(measures: Sequence[Measure], rows: pd.DataFrame, view: CompareView) -> Measure | None:
    """The view's measure where the rows have it, else the first in which they differ."""
    asked = [measure for measure in measures if measure.name == view.measure]
    differing = (measure for measure in measures if len(rows[measure.name].dropna().unique()) > 1)
    return next(chain(asked, differing, measures), None)


def measure_choice(
    label: str, rows: pd.DataFrame, view: CompareView, *, place: str = "", width: int = 240, is_in_line: bool = False
) -> Measure | None:
    """Draw the choice of the view's measure among those that the rows have; None where they have none.

    Parameters
    ----------
    place
        Tells two choices of one label on one page apart.
    is_in_line
        Whether the label stands before the value, and not above the field.
    """
    measures = measures_in(rows)
    measure = chosen_measure(measures, rows, view)
    if view.measure and (measure is None or measure.name != view.measure):
        say_of_link(f"{quoted_value('measure', view.measure)} is on none of these runs.")
    if measure is None:
        return None
    headings = {each.name: each.heading for each in measures}
    key = f"compare_measure_{place or label}"
    st.session_state[key] = measure.name
    st.selectbox(
        label,
        list(headings),
        key=key,
        format_func=lambda name: f"{label}: {headings[name]}" if is_in_line else headings[name],
        label_visibility="collapsed" if is_in_line else "visible",
        on_change=lambda: change(measure=st.session_state[key]),
        width=width,
    )
    return measure
