"""Blind votes: two pictures of one sweep without their parameters, and what all votes say about an axis."""

import pandas as pd
import streamlit as st
from streamlit.components.v2 import component

from bgen_core.errors import BgenError, UserInputError
from bgen_core.records.run import RunRecord
from bgen_core.runs.analysis.ballot import BallotPair, VotedCells, next_pair
from bgen_core.runs.analysis.columns import AxisColumn
from bgen_core.runs.analysis.votes import AxisVotes, axis_votes
from bgen_core.runs.analysis.voting.voters import voters_remarks
from bgen_core.runs.links import thumbnail_url
from bgen_core.store.opinions import Vote, Winner
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted, listed
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, change
from pages._ui.compare.sweep_decision import sweep_decision, sweep_question
from pages._ui.compare.sweep_findings.sweep_frame import SweepFrame, asked_axis, sweep_in_view
from pages._ui.compare.vote_scores import score_chart
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.shared.html_templates import render
from pages._ui.shared.plain_text import plain

_FIT = "display:block;width:100%;height:auto;max-height:70vh;object-fit:contain"
_PROBLEM = "vote_problem"
_AXIS = "vote_axis"
_vote_keys = component("bgen_vote_keys", js=frontend_source("vote_keys.js"))


def votes_panel(table: pd.DataFrame, store: SeenStore, runs: list[RunRecord], view: CompareView) -> None:
    """Draw the next pair for this visitor, and on demand the scores so far."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        frame = sweep_in_view(store, table, runs, view)
        if frame is None:
            return
        axis = asked_axis(frame, "axis", view.axis)
        if axis is not None:
            _axis_choice(frame, axis)
            scores = st.toggle(
                "Show scores", key="vote_scores", help="Better looked at after voting.", persist_state="page"
            )
            _vote_keys(key="vote_keys", data=[frame.sweep.id, scores], width="content")
    if axis is None:
        st.info("This sweep varies nothing: there is nothing to vote about.")
        return
    _ballot(store, frame, axis)


def _axis_choice(frame: SweepFrame, chosen: AxisColumn) -> None:
    labels = {axis.name: axis.label for axis in frame.axes}
    st.session_state[_AXIS] = chosen.name
    # Pills and no select box: its field keeps the focus, and would take the keys that vote.
    st.pills(
        "What shall be decided",
        list(labels),
        key=_AXIS,
        required=True,
        format_func=labels.__getitem__,
        on_change=lambda: change(axis=st.session_state[_AXIS], ends=(0, 0)),
    )


@st.fragment
def _ballot(store: SeenStore, frame: SweepFrame, axis: AxisColumn) -> None:
    votes = store.opinions.votes_of(frame.sweep.id)
    me = store.visitor.id
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(plain(problem))
    cells = _cells_there(store, frame, axis)
    pair = next_pair(cells, axis=axis, votes=votes, voter=me)
    mine = sum(vote.voter == me for vote in votes)
    found = axis_votes(votes, cells.values, axis, contexts=cells.contexts, seeds=cells.seeds)
    shows_scores = bool(st.session_state.get("vote_scores"))
    sweep_question(store, frame.sweep.id)
    if pair is not None:
        _two_pictures(store, pair)
        _ways_to_vote(store, frame, pair)
    elif mine:
        is_open = found.remark is None or not found.remark.may_stop
        more = " Others may vote, and more seeds make new pairs." if is_open else ""
        st.success(f"You have seen every pair that differs in {axis.label.lower()} alone. Thank you.{more}")
    else:
        st.info(f"No two pictures here differ in {axis.label.lower()} alone: there is nothing to vote about.")
    voters = len({vote.voter for vote in votes})
    said = f"{counted(len(votes), 'vote')} by {counted(voters, 'voter')} on this sweep; {mine} by you."
    st.caption(plain(said if shows_scores or found.remark is None else f"{said} {found.remark.blind}"))
    if shows_scores:
        _scores(found, axis)
        for sentence in voters_remarks(votes, me):
            st.caption(plain(sentence))
    if shows_scores or pair is None:  # blind until then
        sweep_decision(store, frame.sweep, _evidence(found))


def _cells_there(store: SeenStore, frame: SweepFrame, axis: AxisColumn) -> VotedCells:
    """Without runs that were deleted since the page was drawn."""
    there = store.runs.visible(frame.cells["id"].tolist())
    return VotedCells.of(pd.DataFrame(frame.cells[frame.cells["id"].isin(list(there))]), axis, frame.axes)


def _two_pictures(store: SeenStore, pair: BallotPair) -> None:
    left, right = store.runs.get_all([pair.run_a, pair.run_b])
    pictures = [
        # Neither its parameters nor its name: what is not seen cannot be voted for.
        (thumbnail_url(run.image, 1024), f"Picture {name}", run.extent)
        for run, name in ((left, "1 (left)"), (right, "2 (right)"))
    ]
    # Not st.columns: on a narrow screen they lie below each other, and neither is left or right
    st.html(render("compare/pair.html", pictures=pictures, style=_FIT, lazy=False))


def _ways_to_vote(store: SeenStore, frame: SweepFrame, pair: BallotPair) -> None:
    ways: tuple[tuple[str, Winner, str], ...] = (
        ("Left is better", "a", "1"),
        ("No difference", "tie", "0"),
        ("Right is better", "b", "2"),
    )
    for place, (label, winner, key) in zip(st.columns(3), ways, strict=True):
        vote = Vote(
            sweep_id=frame.sweep.id, run_a=pair.run_a, run_b=pair.run_b, winner=winner, drawn=pair.drawn
        )  # fmt: skip
        place.button(label, key=f"vote_{winner}", shortcut=key, width="stretch", on_click=_vote, args=(store, vote))


def _vote(store: SeenStore, vote: Vote) -> None:
    try:
        if len(store.runs.visible([vote.run_a, vote.run_b])) < 2:
            raise UserInputError("One of the two pictures was deleted meanwhile: this vote does not count.")
        store.opinions.add_vote(vote)
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)


def _scores(found: AxisVotes, axis: AxisColumn) -> None:
    st.markdown(plain(found.sentence))
    if found.remark:
        st.markdown(plain(found.remark.text))
    if found.scores:
        st.altair_chart(score_chart(found, axis), alt=found.sentence, theme=None)
        st.caption(
            "Share of the pairs with another value that it wins, a tie counting one half: Bradley–Terry scores with "
            "95 % intervals, made to be looked at after each vote. Each voter counts once for two pictures that differ "
            f"in nothing but {axis.label.lower()}{_left_out(found)}."
        )


def _evidence(found: AxisVotes) -> str:
    return f"{found.sentence} {found.remark.text}" if found.remark else found.sentence


def _left_out(found: AxisVotes) -> str:
    left = [
        f"{counted(number, 'vote')} {why}"
        for number, why in ((found.repeats, "on pairs that came again"), (found.confounded, "on others"))
        if number
    ]
    return f"; {listed(left)} {'is' if found.repeats + found.confounded == 1 else 'are'} left out" if left else ""
