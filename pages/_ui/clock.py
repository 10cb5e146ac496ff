"""The visitor's clock."""

from zoneinfo import ZoneInfo

import streamlit as st


def zone() -> ZoneInfo:
    """The visitor's time zone."""
    return ZoneInfo(st.context.timezone or "UTC")
