"""How a visitor who does something else hears of a sweep: the tab's title, and a notification if they asked for it."""

from contextlib import suppress

import streamlit as st
from streamlit.components.v2 import component

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source

_title = component("bgen_sweep_title", js=frontend_source("in_order.js", "sweep_title.js"))
_button = component(
    "bgen_notify_button",
    html='<button type="button"></button>',
    css=frontend_source("notify_button.css"),
    js=frontend_source("notify_button.js"),
)


def tell_in_title(sweep: SweepRecord, done: int) -> None:
    """Write into the tab's title how far a sweep is, and that it is over."""
    told = {"id": sweep.id, "title": sweep.title, "state": sweep.state, "done": done, "total": sweep.total}
    _title(key="sweep_title", data=component_data("sweep_title", told))


def shown_last() -> SweepId | None:
    """The sweep that this session's Sweep page showed last."""
    return st.session_state.get("shown_sweep")


def tell_elsewhere(store: SeenStore, sweep_id: SweepId) -> None:
    """Tell of a sweep on a page that does not show it."""
    with suppress(UserInputError):  # it was deleted
        sweep = store.sweeps.get(sweep_id)
        tell_in_title(sweep, sum(cell.is_final for cell in store.sweeps.cells(sweep_id)))


def notify_button() -> None:
    """Draw the button that turns notifications on, which asks the browser's leave."""
    _button(key="notify_button", width="content")
