"""The two sides of the compare page: the list of runs, which can be folded away, and what is shown of the chosen."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._ui.compare.compare_view import LIST_FOLDED, CompareView
from pages._ui.shared.browser import is_telephone

_WIDTHS = {"gallery": (3, 7), "grid": (4, 6), "table": (1, 1)}


def fold_list(*, folded: bool) -> None:
    """Leave the window to the pictures, or show the list again."""
    st.session_state[LIST_FOLDED] = folded


def is_list_folded(*, has_choice: bool) -> bool:
    """Whether the chosen pictures have the window for themselves."""
    return has_choice and st.session_state.get(LIST_FOLDED, False)


def places(view: CompareView, *, has_list: bool) -> tuple[DeltaGenerator | None, DeltaGenerator]:
    """Where the list goes, None without one, and where the pictures go: first in narrow windows, else right."""
    if not has_list:
        return None, st.container()
    if is_telephone():
        pictures = st.container()
        return st.container(), pictures
    with st.container(key="compare_sides"):
        left, right = st.columns(_WIDTHS[view.shape], gap="medium")
    return left, right


def unfold_button() -> None:
    """Draw the button that shows the list again, where it is folded."""
    if st.session_state.get(LIST_FOLDED, False):
        st.button(
            "Show the list",
            type="tertiary",
            icon=":material/left_panel_open:",
            on_click=fold_list,
            kwargs={"folded": False},
        )


def fold_button() -> None:
    """Draw the button that leaves the window to the pictures."""
    st.button(
        "Fold",
        type="tertiary",
        icon=":material/left_panel_close:",
        help="Leave the window to the pictures.",
        on_click=fold_list,
        kwargs={"folded": True},
    )
