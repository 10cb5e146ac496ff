"""Saving a sweep: contact sheet, report and ZIP, each with its size before it is made."""

from collections.abc import Mapping

import streamlit as st

from bgen_core.records.sweep import SweepRecord
from bgen_core.reports.contact_sheet import SheetForm, contact_sheet
from bgen_core.reports.file_sizes import in_megabytes, report_bytes, sheet_bytes, zip_bytes
from bgen_core.runs.links import runs_url, sheet_url, zip_url
from bgen_core.store.store import SeenStore

_SHEETS: tuple[tuple[SheetForm, int], ...] = (("png", 512), ("png", 256), ("webp", 256), ("webp", 128))
_REPORTS = (512, 256, 96)
_KEY = "save_sweep"
_SIZES = "sizes_of_exports"


@st.fragment
def save_popover(store: SeenStore, sweep: SweepRecord, *, across: str | None, down: str | None) -> None:
    """Draw what a sweep can be saved as; sizes are looked up once it is opened, from a few of its pictures."""
    opened = st.popover("Save", key=_KEY, on_change="rerun")
    if not opened.open:
        return
    with opened:
        sizes = _sizes(store, sweep, across=across, down=down)
        st.markdown("**Contact sheet**: the whole grid as one labelled picture")
        with st.container(horizontal=True):
            for form, side in _SHEETS:
                asked = None if side == 512 else side
                st.link_button(
                    f"{form.upper().replace('WEBP', 'WebP')} {side} px · {sizes[f'{form} {side}']}",
                    sheet_url(sweep.id, across=across, down=down, side=asked, suffix=form),
                )
        st.markdown("**Report**: one page that opens anywhere, and is arranged and filtered there")
        with st.container(horizontal=True):
            for side in _REPORTS:
                query = {"sweep": sweep.id, "side": str(side)} | {
                    name: axis for name, axis in (("x", across), ("y", down)) if axis
                }
                st.link_button(f"HTML {side} px · {sizes[f'html {side}']}", runs_url("html", query))
        st.markdown("**ZIP**: the pictures at full size, and all that another store needs to import them")
        st.link_button(f"ZIP · {sizes['zip']}", zip_url(sweep.id))
        st.caption("Sizes are estimated from some of the pictures. Places that are not made yet stay empty.")


def _sizes(
    store: SeenStore, sweep: SweepRecord, *, across: str | None, down: str | None
) -> Mapping[str, str]:  # fmt: skip
    cells = store.sweeps.cells(sweep.id)
    asked = (sweep.id, sum(cell.done for cell in cells), across, down)
    kept_for, kept = st.session_state.get(_SIZES, (None, {}))
    if kept_for == asked:
        return kept
    runs = store.runs.get_all(list(dict.fromkeys(cell.run_id for cell in cells if cell.done)))
    sheets = {
        f"{form} {side}": sheet_bytes(
            store.blobs, contact_sheet(store, sweep.id, across=across, down=down, side=side, form=form)
        )
        for form, side in _SHEETS
    }
    reports = {f"html {side}": report_bytes(store.blobs, runs, side) for side in _REPORTS}
    found = {
        name: in_megabytes(size) for name, size in (sheets | reports | {"zip": zip_bytes(store.blobs, runs)}).items()
    }
    st.session_state[_SIZES] = (asked, found)
    return found
