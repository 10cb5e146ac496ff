"""A component that shows nothing, drawn before all else of a page."""

import streamlit as st
from streamlit.components.v2 import component

_nothing = component("bgen_early", js="export default function () {}")


def load_components_early() -> None:
    """Have the browser read Streamlit's code for components while the page's script still runs.

    Streamlit 1.67 (React 18) puts a placeholder where an element's code has not come, and may draw nothing in its place
    until half a second after the last placeholder. With this one the grid and the gallery find their code there.
    """
    with st.container(key="early"):
        _nothing(key="early_component")
