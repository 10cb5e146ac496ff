"""Seeds that are drawn: numbers in the field for a word or a click, and for a -1 others in each sweep."""

from collections.abc import Callable

import streamlit as st

from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.sweep.seeds.random_seeds import draw_seeds, write_seeds

_DRAWN = "drawn_seeds"  # what was typed, and what it became
_USED_BY = "drawn_seeds_used_by"
_WAITING = "seeds_in_place_of_words"
_AT_ONCE = 4
SEED_HELP = " · `random 4` writes four by chance · `7, vary 3` the three next to 7"


def seeds_drawn(text: str) -> str:
    """An axis of seeds with a number in the place of each -1."""
    if st.session_state.get(_DRAWN, ("", ""))[0] != text:
        st.session_state[_DRAWN] = (text, draw_seeds(text))
    return st.session_state[_DRAWN][1]


def note_seeds_used(sweep_id: SweepId) -> None:
    """Keep the numbers for a sweep that begins with them."""
    st.session_state[_USED_BY] = sweep_id


def draw_anew_after(sweep: SweepRecord) -> None:
    """Draw others where this sweep has used the numbers and is over: the next Run shall make other pictures."""
    if not sweep.is_active and st.session_state.get(_USED_BY) == sweep.id:
        st.session_state.pop(_DRAWN, None)


def numbers_waiting() -> str:
    """What the field shall hold instead of its words, told before it is drawn; empty for what it holds."""
    return st.session_state.pop(_WAITING, "")


def write_numbers(text: str) -> None:
    """Where the field holds words, draw the page again with their numbers: they are in the address then."""
    written = write_seeds(text)
    if written != text:  # a field that is drawn takes no other value
        st.session_state[_WAITING] = written
        st.rerun()


def seed_buttons(fill: Callable[[str], None], text: str) -> None:
    """Two buttons below the field: seeds by chance in its place, and seeds next to the first one beside it."""
    first = text.partition(",")[0].strip()
    with st.container(horizontal=True, gap="small"):
        st.button(
            f"{_AT_ONCE} random",
            type="tertiary",
            on_click=fill,
            args=(f"random {_AT_ONCE}",),
            help="Seeds by chance, as numbers: a link or a later run makes the same pictures.",
        )
        st.button(
            f"{_AT_ONCE} next to it",
            type="tertiary",
            on_click=fill,
            args=(f"{first}, vary {_AT_ONCE}",),
            disabled=not first.isdigit(),
            help="The first seed and those that follow it.",
        )
