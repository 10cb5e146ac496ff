"""Looking for pictures by what they show: by words, along a way from one text to another, or like a run."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.limits import LONGEST_SEARCH
from bgen_core.metrics import LIKENESS
from bgen_core.metrics.clip import CLIP
from bgen_core.runs.likeness import AlikeTo
from bgen_core.store.store import SeenStore
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, change
from pages._ui.compare.rows_in_view import asked_likeness, with_likeness

_WORDS, _LESS = "compare_meaning", "compare_less"


def searched(table: pd.DataFrame, store: SeenStore, view: CompareView) -> tuple[pd.DataFrame, str]:
    """The table with how alike its runs are to what the view looks for, and what is to be said of that."""
    if not view.is_searched:
        return table, ""
    try:
        found = asked_likeness(store, table["id"].tolist(), view)
    except UserInputError as error:
        return table, told(error)
    name = Path(resources.settings().clip_model).name
    return with_likeness(table, found), f"Likeness as {name} sees it. {found.sentence}".strip()


def meaning_popover(view: CompareView) -> None:
    """Draw what pictures are looked for by their meaning, where a CLIP model is set; it goes into the view."""
    st.session_state[_WORDS], st.session_state[_LESS] = view.meaning, view.less

    def look() -> None:
        words = st.session_state[_WORDS].strip()
        change(meaning=words, less=st.session_state[_LESS].strip() if words else "", like="", sort="", page=1)

    has_model = bool(resources.settings().clip_model)
    if not has_model and not view.is_searched:  # nothing to offer; a link from elsewhere may ask for it all the same
        return
    with st.popover("Meaning · 1" if view.is_searched else "Meaning", key="compare_by_meaning"):
        if has_model:
            _words(view, look)
        else:
            st.caption(f"Pictures are found by what they show where the server has a CLIP model. {CLIP.no_model}")
        if view.is_searched:
            st.button("Stop looking", type="tertiary", on_click=stop_looking)


def _words(view: CompareView, look: Callable[[], None]) -> None:
    st.text_input(
        "Pictures that show",
        key=_WORDS,
        max_chars=LONGEST_SEARCH,
        placeholder="a beach at sunset",
        help="The most alike come first, by the deployment's CLIP model. Likeness is a measure like others.",
        on_change=look,
    )
    st.text_input(
        "And less of",
        key=_LESS,
        max_chars=LONGEST_SEARCH,
        placeholder="a beach",
        help="Makes it a direction: how far a picture lies from these words towards those above.",
        disabled=not view.meaning,
        on_change=look,
    )
    st.caption("To find pictures like one of yours, choose it and press *More like this*.")


def more_like_button(run_id: RunId) -> None:
    """Draw the button that looks for pictures like a run's; nothing where there is no CLIP model."""
    if resources.settings().clip_model:
        st.button(
            "More like this",
            type="tertiary",
            help="All runs, the most alike first, by the deployment's CLIP model.",
            on_click=lambda: change(like=run_id, meaning="", less="", sort="", page=1),
        )


def looked_for(view: CompareView) -> str:
    """What the view looks for, in a few words."""
    return AlikeTo(words=view.meaning, less=view.less, run_id=RunId(view.like) if view.like else None).text


def stop_looking() -> None:
    """Look for nothing by its meaning any more: for a button's callback."""
    view: CompareView = st.session_state["compare_view"]
    is_sorted_so = view.sort.removeprefix("-") == LIKENESS.name
    change(meaning="", less="", like="", page=1, sort="" if is_sorted_so else view.sort)
