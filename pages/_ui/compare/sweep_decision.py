"""What a sweep was made to find out, and what was decided by it."""

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import SweepId
from bgen_core.records.decision import LONGEST_QUESTION, SweepDecision
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain

_QUESTION, _DECISION, _FOUND = "sweep_question", "sweep_decision", "found_decision"


def sweep_question(store: SeenStore, sweep_id: SweepId) -> None:
    """Draw the question, where there is one."""
    if question := store.decisions.of(sweep_id).question:
        st.markdown(f"**{plain(question)}**")


def sweep_decision(store: SeenStore, sweep: SweepRecord, evidence: str) -> None:
    """Draw what was decided, and for the sweep's owner the fields to ask and decide.

    Parameters
    ----------
    evidence
        What speaks for a decision now: it is kept with what is decided now.
    """
    known = store.decisions.of(sweep.id)
    if known.decision:
        with st.container(border=True):
            name = store.visitors.names([known.decided_by]).get(known.decided_by)
            by = f" by {plain(name)}" if name else ""
            st.markdown(f"Decided{by} on {known.decided:%d %B %Y}: **{plain(known.decision)}**")
            if known.evidence:
                st.caption(plain(known.evidence))
    if not store.sweeps.may_change(sweep):
        return
    found = _found(sweep.id, known)
    fields = st.popover("Question and decision", key="question_and_decision")
    with fields.form(f"decide_{sweep.id}", border=False):
        # Under the sweep's own keys: Streamlit 1.67 would go on showing what stood there of another sweep.
        st.text_input(
            "Question", value=found.question, key=f"{_QUESTION}_{sweep.id}", max_chars=LONGEST_QUESTION,
            placeholder="which for the team page?",
        )  # fmt: skip
        st.text_area(
            "Decision", value=found.decision, key=f"{_DECISION}_{sweep.id}", placeholder="what was decided, and why"
        )
        st.caption("With a decision, what the votes say now is kept. Links, reports and ZIPs carry all of it.")
        st.form_submit_button("Keep", type="primary", on_click=_keep, args=(store, sweep.id, evidence, found))


def _found(sweep_id: SweepId, known: SweepDecision) -> SweepDecision:
    """What stood in the fields before anybody typed: another tab may have written something else since."""
    if f"{_DECISION}_{sweep_id}" not in st.session_state:
        st.session_state[f"{_FOUND}_{sweep_id}"] = known
    return st.session_state[f"{_FOUND}_{sweep_id}"]


def _keep(store: SeenStore, sweep_id: SweepId, evidence: str, found: SweepDecision) -> None:
    """Write what was changed here, and show what stands there then."""
    question = st.session_state[f"{_QUESTION}_{sweep_id}"].strip()
    decision = st.session_state[f"{_DECISION}_{sweep_id}"].strip()
    try:
        if question != found.question:
            store.decisions.ask(sweep_id, question)
        if decision != found.decision:
            store.decisions.decide(sweep_id, decision, evidence=evidence)
    except BgenError as error:
        st.toast(plain(told(error)))
        return
    known = store.decisions.of(sweep_id)
    st.session_state[f"{_FOUND}_{sweep_id}"] = known
    st.session_state[f"{_QUESTION}_{sweep_id}"] = known.question
    st.session_state[f"{_DECISION}_{sweep_id}"] = known.decision
