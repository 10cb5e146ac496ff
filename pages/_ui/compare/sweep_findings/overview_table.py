"""The first thing that a sweep says: which axis moves which measure at all, in one small table."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from bgen_core.runs.analysis.columns import Measure, number
from bgen_core.runs.analysis.overview import Move
from pages._ui.compare.compare_view import change
from pages._ui.compare.sweep_findings.sweep_frame import SweepFrame

_KEY = "compare_overview"
_WITHIN: Mapping[str, str] = {
    "noise": "within noise",
    "equal": "no change",
    "few": "too few",
    "missing": "cells missing",
}
_GREY = "color: #7a7a7a"  # reads on white and on the dark page; see charts.INK
_ROW = 36


def overview_table(frame: SweepFrame, measures: Sequence[Measure], moves: Sequence[Move]) -> None:
    """Draw axes by measures; a click on a cell shows that axis and that measure below."""
    headings = {measure.name: measure.heading for measure in measures}
    texts = pd.DataFrame(
        [
            {headings[move.measure.name]: _text(move) for move in moves if move.axis == axis}
            for axis in frame.axes
        ],
        index=pd.Index([axis.label for axis in frame.axes], name="Axis"),
    )  # fmt: skip

    def show() -> None:
        cells: Sequence[tuple[int, str]] = st.session_state[_KEY]["selection"]["cells"]
        names = {heading: name for name, heading in headings.items()}
        for row, heading in cells:
            if heading in names and row < len(frame.axes):
                change(axis=frame.axes[row].name, measure=names[heading], against="", ends=(0, 0))

    st.dataframe(
        texts.style.map(lambda text: _GREY if text in _WITHIN.values() else "font-weight: 600"),
        key=_KEY,
        on_select=show,
        selection_mode="single-cell",
        row_height=_ROW,
        height=_ROW * (len(texts) + 1) + 2,
        alt="How far each axis moves each measure, against noise",
    )
    st.caption(
        "How far each axis moves each measure, and in brackets how many times the noise that is. Noise is what the "
        "measure itself cannot tell apart, or what the seeds leave open, whichever is more. The more is compared, the "
        f"more it takes to stand out (Holm's correction over these {len(moves)} comparisons). Choose a cell to see why."
    )


def is_sure(moves: Sequence[Move], axis: str, measure: str) -> bool:
    """Whether the overview says that this axis moves this measure."""
    return any(
        move.verdict == "moves" for move in moves if move.axis.name == axis and move.measure.name == measure
    )  # fmt: skip


def missed_text(moves: Sequence[Move], axis: str, measure: Measure) -> str:
    """ " Differences of less than 0.03 could have been missed."; empty where nothing can be said."""
    asked = (move for move in moves if move.axis.name == axis and move.measure.name == measure.name)
    found = next((move.smallest for move in asked if move.verdict in ("noise", "few")), math.nan)
    return f" Differences of less than {measure.amount(found)} could have been missed." if math.isfinite(found) else ""


def _text(move: Move) -> str:
    if move.verdict != "moves":
        return _WITHIN[move.verdict]
    sign = "+" if move.change > 0 else "−"
    amount = move.measure.text(abs(move.change))
    times = "" if move.times_noise > 1e6 else f" ({number(move.times_noise, 2)} ×)"
    return f"{sign}{amount}{times}"
