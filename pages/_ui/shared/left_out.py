"""What of a link means nothing: said in one sentence, while the rest of the link is followed."""

import streamlit as st

from pages._ui.shared.plain_text import plain

_LONGEST = 40


def say_left_out(sentence: str) -> None:
    """Show the sentence for a while; it may quote anything."""
    st.toast(f"A part of this link was left out: {plain(sentence)}")


def quoted_value(name: str, value: str) -> str:
    """A value of an address with its name, as such a sentence begins; not more of it than can be read."""
    return f"{name} “{value if len(value) <= _LONGEST else f'{value[:_LONGEST]}…'}”"
