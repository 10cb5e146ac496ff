"""What a sweep says: what each axis does to a measure, in one sentence, a chart and a heat map of the grid."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.runs.analysis.bad_seeds import bad_seeds, bad_seeds_text
from bgen_core.runs.analysis.best import BestAt, best_values
from bgen_core.runs.analysis.change_words import BY_CHANCE
from bgen_core.runs.analysis.charts import axis_chart, axis_chart_note, heat_map
from bgen_core.runs.analysis.columns import (
    SECONDS,
    SEED,
    TIMES,
    AxisColumn,
    Measure,
    digits_apart,
    listed_values,
    shown,
)
from bgen_core.runs.analysis.effects import AxisEffect, axis_effect
from bgen_core.runs.analysis.lost_cells import MISSING
from bgen_core.runs.analysis.noise import against_map, noise_text
from bgen_core.runs.analysis.overview import Move, overview
from bgen_core.runs.analysis.time_against_gain import is_it_worth_the_wait, is_time_at_stake
from bgen_core.runs.value_notes import notes_text, value_notes
from bgen_core.store.store import SeenStore
from pages._ui.compare.compare_view import CompareView, change, say_of_link
from pages._ui.compare.sweep_findings.overview_table import is_sure, missed_text, overview_table
from pages._ui.compare.sweep_findings.sweep_frame import SweepFrame, asked_axis, axis_choice, sweep_in_view
from pages._ui.compare.sweep_findings.where_maps import where_maps
from pages._ui.shared.left_out import quoted_value
from pages._ui.shared.measures import measure_choice, measures_in
from pages._ui.shared.plain_text import plain


def findings_panel(table: pd.DataFrame, store: SeenStore, runs: list[RunRecord], view: CompareView) -> None:
    """Draw what the sweep in view says: all axes and measures in short, then one measure."""
    frame = sweep_in_view(store, table, runs, view)
    if frame is None:
        return
    measures = measures_in(frame.cells)
    moves = overview(frame.cells, frame.axes, measures, lacks_losers=frame.lacks_losers)
    for sentence in frame.lost:
        st.caption(plain(sentence))
    if frame.lacks_losers:
        st.caption("To compare values, paint these cells on the Sweep page: “Paint all” below the grid.")
    if moves:
        overview_table(frame, measures, moves)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = measure_choice("Measure", frame.cells, view)
        axis = asked_axis(frame, "axis", view.axis)
        against = asked_axis(frame, "against", view.against, other_than=axis.name) if axis else None
        if axis is not None:
            axis_choice("What does", "axis", frame, axis)
        if axis is not None and against is not None:
            axis_choice("Against", "against", frame, against, other_than=axis.name)
    if axis is None:
        st.info("This sweep varies nothing: give a parameter several values, and what it does is said here.")
    elif measure is None:
        st.info("No picture of this sweep is measured or rated yet: metrics follow a little after each picture.")
    else:
        _sentences(frame, measure, moves, store)
    if axis is not None:
        where_maps(frame, store, view)
    if axis is not None and measure is not None:
        _charts(frame, axis, against, measure)
        _answers(frame, axis, against, measure, view, moves)


def _sentences(frame: SweepFrame, measure: Measure, moves: Sequence[Move], store: SeenStore) -> None:
    with st.container(border=True):
        for axis in frame.axes:
            effect = axis_effect(frame.cells, axis, measure, axes=frame.axes)
            sure = is_sure(moves, axis.name, measure.name)
            if effect.is_clear and sure:
                mark, chance = ":primary-badge[clear]", ""
            elif effect.is_clear and _is_missing(moves, axis.name, measure.name):
                mark, chance = ":gray-badge[cells missing]", f" {MISSING}"
            elif effect.is_clear:
                mark = ":gray-badge[not clear]"
                chance = f" {BY_CHANCE.format(len(moves))}"
            else:
                mark, chance = f":gray-badge[{_unclear(effect)}]", ""
            missed = "" if effect.is_clear or effect.is_equal else missed_text(moves, axis.name, measure)
            st.markdown(f"**{axis.label}** {mark} {plain(effect.sentence + chance + missed)}")
        worse = [] if frame.lacks_losers else bad_seeds(frame.cells, frame.axes, measures_in(frame.cells))
        if worse := bad_seeds_text(worse, frame.axes, measure):
            st.markdown(plain(worse))
        measured = frame.cells.dropna(subset=[measure.name]).drop_duplicates("id")
        for line in (
            notes_text(value_notes(store, measure.name, measured["id"].tolist()), len(measured)),
            _left_out(frame) if measure.name in TIMES else "",
        ):
            if line:
                st.caption(plain(line))


def _is_missing(moves: Sequence[Move], axis: str, measure: str) -> bool:
    return any(move.verdict == "missing" for move in moves if (move.axis.name, move.measure.name) == (axis, measure))


def _unclear(effect: AxisEffect) -> str:
    return "equal" if effect.is_equal else "within noise" if effect.is_noise else "not clear"


def _left_out(frame: SweepFrame) -> str:
    """Whose times do not count; empty where all do."""
    parts = [
        f"{count} of {frame.cells['id'].nunique()} {why}"
        for count, why in ((frame.reused, "were not made by this sweep"), (frame.pasted, "were only pasted again"))
        if count
    ]
    return f"Times of pictures that this sweep painted itself: {', '.join(parts)}, and left out." if parts else ""


def _charts(frame: SweepFrame, axis: AxisColumn, against: AxisColumn | None, measure: Measure) -> None:
    one, other = st.columns(2, gap="medium")
    with one:
        st.markdown(f"**{plain(measure.label)} by {axis.label.lower()}**")
        note = axis_chart_note(frame.cells, axis, measure, axes=frame.axes)
        st.altair_chart(
            axis_chart(frame.cells, axis, measure, axes=frame.axes),
            alt=f"{measure.label} by {axis.label.lower()}. {note}",
            theme=None,
        )
        st.caption(plain(note))
    if against is not None:
        with other:
            st.markdown(f"**{plain(measure.label)} by {axis.label.lower()} and {against.label.lower()}**")
            noisy = against_map(measure, frame.cells, axis.name, against.name)
            st.altair_chart(
                heat_map(frame.cells, axis, against, noisy),
                alt=f"Mean {measure.spoken} for each {axis.label.lower()} and {against.label.lower()}",
                theme=None,
            )
            if noisy.noise:
                st.caption(f"Colours tell apart what differs by more than {noise_text(noisy)}.")


def _answers(
    frame: SweepFrame,
    axis: AxisColumn,
    against: AxisColumn | None,
    measure: Measure,
    view: CompareView,
    moves: Sequence[Move],
) -> None:
    if measure.direction == "none":
        st.caption(f"Neither more nor less {plain(measure.spoken)} is better, so nothing is called best.")
        return
    if frame.lacks_losers and measure.name not in TIMES:
        st.caption("Nothing is called best: cells that were stopped early are missing.")
        return
    can_be_weighed = measure.name not in TIMES and axis.name != SEED
    takes_longer = is_sure(moves, axis.name, SECONDS.name) and is_time_at_stake(frame.cells, axis, axes=frame.axes)
    weighed = can_be_weighed and takes_longer
    if can_be_weighed and not weighed and (left_out := _left_out(frame)):
        st.caption(f"Whether it is worth the wait is not asked: times do not differ clearly. {left_out}")
    drawn = [part for part in ("wait" if weighed else "", "best" if against is not None else "") if part]
    for place, part in zip(st.columns(2, gap="medium"), drawn, strict=False):
        with place:
            if part == "wait":
                _wait(frame, axis, measure, view, moves)
            elif against is not None:
                _best(frame, axis, against, measure)


def _wait(
    frame: SweepFrame, axis: AxisColumn, measure: Measure, view: CompareView, moves: Sequence[Move]
) -> None:  # fmt: skip
    values = axis.values(frame.cells.dropna(subset=[measure.name]))
    if len(values) < 2:
        return
    st.markdown("**Is it worth the wait?**")
    first, second = view.ends if view.ends != (0, 0) and max(view.ends) < len(values) else (0, len(values) - 1)
    if view.ends not in ((0, 0), (first, second)):
        asked = quoted_value("ends", "{}-{}".format(*view.ends))
        say_of_link(f"{asked} is beyond the {len(values)} values of {axis.label.lower()}.")
    if len(values) > 2:
        _ends_choice(values, first, second)
    wait = is_it_worth_the_wait(
        frame.cells,
        axis,
        measure,
        axes=frame.axes,
        first=values[first],
        second=values[second],
        among=0 if is_sure(moves, axis.name, measure.name) else len(moves),
    )
    st.markdown(plain(wait.sentence))
    if left_out := _left_out(frame):
        st.caption(left_out)


def _ends_choice(values: Sequence[object], first: int, second: int) -> None:
    st.session_state["compare_first"], st.session_state["compare_second"] = first, second

    def choose() -> None:
        change(ends=(st.session_state["compare_first"], st.session_state["compare_second"]))

    with st.container(horizontal=True):
        for label, key, taken in (("From", "compare_first", second), ("To", "compare_second", first)):
            places = [place for place in range(len(values)) if place != taken]
            st.selectbox(
                label, places, key=key, format_func=lambda place: shown(values[place]), on_change=choose, width=160
            )


def _best(frame: SweepFrame, axis: AxisColumn, against: AxisColumn, measure: Measure) -> None:
    st.markdown(f"**Best {axis.label.lower()} by {against.label.lower()}**")
    found = best_values(frame.cells, axis, measure, at=against)
    digits = digits_apart([each.mean for each in found])
    listed_best = pd.DataFrame(
        {
            against.label: [plain(shown(each.at)) for each in found],
            f"Best {axis.label.lower()}": [_best_text(each) for each in found],
            f"Mean {measure.spoken}": [plain(measure.amount(each.mean, digits)) for each in found],
            "Runs": [str(each.runs) for each in found],
        }
    )
    st.table(listed_best, hide_index=True, alt=f"The best {axis.label.lower()} by {against.label.lower()}")


def _best_text(found: BestAt) -> str:
    if found.compared == 1:
        return "only one"
    return f"**{plain(listed_values(found.best))}**" if found.best else "all equal"
