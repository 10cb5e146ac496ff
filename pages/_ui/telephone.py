"""What kind of screen a visitor has: the server does not know a window's width, but telephones say what they are."""

import streamlit as st


def is_telephone() -> bool:
    """Whether the browser says that it runs on a telephone."""
    return "Mobi" in st.context.headers.get("User-Agent", "")
