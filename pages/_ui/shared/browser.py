"""What a visitor's browser says about itself: its clock, and what kind of screen it has."""

from zoneinfo import ZoneInfo

import streamlit as st


def zone() -> ZoneInfo:
    """The visitor's time zone."""
    return ZoneInfo(st.context.timezone or "UTC")


def is_telephone() -> bool:
    """Whether the browser says that it runs on a telephone: the server does not know a window's width."""
    return "Mobi" in st.context.headers.get("User-Agent", "")
