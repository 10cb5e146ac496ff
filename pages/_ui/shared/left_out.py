"""What of a link or a saved view means nothing: said in one sentence, while the rest of it is followed."""

import streamlit as st

from pages._ui.shared.plain_text import plain

_LONGEST = 40


def say_left_out(sentence: str, *, of: str = "link") -> None:
    """Show the sentence for a while; it may quote anything."""
    st.toast(f"A part of this {of} was left out: {plain(sentence)}")


def quoted_value(name: str, value: str) -> str:
    """A value of an address with its name, as such a sentence begins; not more of it than can be read."""
    return f"{name} “{value if len(value) <= _LONGEST else f'{value[:_LONGEST]}…'}”"
