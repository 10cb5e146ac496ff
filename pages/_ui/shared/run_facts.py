"""What is known of one run beside its parameters: its metrics, and what people think of it."""

from collections.abc import Collection

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import RunId
from bgen_core.limits import LONGEST_TAG
from bgen_core.metrics import METRICS, Metric, MetricValue
from bgen_core.store.opinions import MAX_RATING, Opinion
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted
from pages._ui.app.faults import told
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.plain_text import plain

_BETTER = {"lower": "lower is better", "higher": "higher is better", "none": ""}
# Times and memory stand with the run's versions.
_ELSEWHERE = ("seconds_denoise", "seconds_decode", "seconds_composite", "peak_memory_mb")


def metric_table(store: SeenStore, run_id: RunId) -> None:
    """Draw what was measured, with unit, direction and source; a metric without a value says why it has none."""
    st.markdown("**What was measured**")
    measured = store.metrics.of([run_id]).get(run_id, {})
    if not measured:
        st.caption("Nothing yet: the worker measures pictures when it has nothing to paint.")
        return
    with st.container(gap=None):
        for metric in METRICS:
            if metric.name in measured and metric.name not in _ELSEWHERE:
                _metric_row(metric, measured[metric.name])


def _metric_row(metric: Metric, value: MetricValue) -> None:
    name, found = st.columns([5, 6], gap="small")
    # Streamlit draws a sign to hover over beside the label, and shows this sentence there.
    name.caption(plain(metric.label), help=f"{metric.help} Source: {metric.source}.")
    if value.value is None:
        found.caption(plain(value.reason))
        return
    amount = f"{metric.text(value.value)} {metric.unit}".strip()
    notes = [text for text in (_BETTER[metric.direction], plain(value.reason)) if text]
    found.caption(f"**{plain(amount)}**" + (f" · {' · '.join(notes)}" if notes else ""))


def _opinion_to_read(opinion: Opinion) -> None:
    if opinion.tags:
        st.caption(f"Tags: {plain(', '.join(opinion.tags))}")
    if opinion.notes:
        st.caption(f"Notes: {plain(opinion.notes)}")


def _of_others(store: SeenStore, run_id: RunId, opinion: Opinion) -> None:
    """Draw how all rated a run, where others than whoever looks did, and what they wrote."""
    if opinion.mean_rating is not None and opinion.raters > (opinion.rating is not None):
        st.caption(f"Mean rating: {opinion.mean_rating:.1f} of {MAX_RATING} by {counted(opinion.raters, 'person')}")
    notes = store.opinions.notes_of_others(run_id)
    names = store.visitors.names(note.owner for note in notes)
    for note in notes:
        st.caption(f"{plain(names.get(note.owner, 'Somebody'))}: {plain(note.text)}")


def change_tags(store: SeenStore, run_id: RunId, before: Collection[str], after: Collection[str]) -> None:
    """Give and take what differs between both: what another tab has given or taken since `before` stays so."""
    now = store.opinions.of([run_id]).get(run_id, Opinion()).tags
    kept = [tag for tag in now if tag in after or tag not in before]
    store.opinions.tag(run_id, [*kept, *(tag for tag in after if tag not in before)])


def opinion_fields(store: SeenStore, run_id: RunId) -> None:
    """Draw rating, tags and notes; each is kept as soon as it is changed."""
    opinion = store.opinions.of([run_id]).get(run_id, Opinion())
    if looks_alone(store):
        _opinion_to_read(opinion)
        _of_others(store, run_id, opinion)
        return
    stars, tags, notes = (f"run_{name}_{run_id[:12]}" for name in ("stars", "tags", "notes"))
    st.session_state[stars] = None if opinion.rating is None else opinion.rating - 1
    st.session_state[tags] = list(opinion.tags)
    st.session_state[notes] = opinion.notes

    def keep() -> None:
        given = st.session_state[stars]
        rating = None if given is None else given + 1
        try:
            if rating != opinion.rating:
                store.opinions.rate(run_id, rating)
            if st.session_state[tags] != list(opinion.tags):
                change_tags(store, run_id, opinion.tags, st.session_state[tags])
            if st.session_state[notes] != opinion.notes:
                store.opinions.note(run_id, st.session_state[notes])
        except BgenError as error:
            st.session_state["run_problem"] = told(error)

    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("Rating", width="content")
            st.feedback("stars", key=stars, on_change=keep)
        st.multiselect(
            "Tags",
            sorted({*store.opinions.all_tags(), *opinion.tags}),
            key=tags,
            accept_new_options=True,
            placeholder=f"words of up to {LONGEST_TAG} letters",
            on_change=keep,
        )
        if problem := st.session_state.pop("run_problem", ""):
            st.error(plain(problem))
        st.text_area("Notes", key=notes, height=80, on_change=keep)
        _of_others(store, run_id, opinion)
