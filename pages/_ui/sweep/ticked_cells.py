"""Which cells are ticked for a second pass: kept in the address, so that Back, a reload and another page lose none."""

from collections.abc import Collection

import streamlit as st

TICKED = "finish_cells"  # the key of the field that lists them, which Streamlit forgets with the page
_PARAMETER = "tick"
_HEARD = "heard_ticks"


def follow_ticks(finished: Collection[int]) -> None:
    """Take the ticks from an address that is another one than before, and write what was ticked since.

    Parameters
    ----------
    finished
        Indices of the cells that can be ticked.
    """
    asked = st.query_params.get(_PARAMETER, "")
    if TICKED not in st.session_state or asked != st.session_state.get(_HEARD, ""):
        numbers = {
            int(piece) - 1 for piece in asked.split(",") if piece.isascii() and piece.isdigit() and len(piece) < 7
        }
        st.session_state[TICKED] = sorted(numbers.intersection(finished))
    if ticked := ",".join(str(index + 1) for index in sorted(st.session_state[TICKED])):
        if ticked != asked:
            st.query_params[_PARAMETER] = ticked
    else:
        forget_ticks()
    st.session_state[_HEARD] = ticked


def forget_ticks() -> None:
    """Take the ticks out of the address: another sweep is shown."""
    if _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]
