"""A sweep while it runs and after: the grid, its progress, and what can be done with it."""

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.jobs.submission import describe_duration
from bgen_core.jobs.worker_folder import SweepProgress, WorkerFolder
from bgen_core.runs.links import sheet_url, zip_url
from bgen_core.runs.store import Store, SweepCellRow, SweepRecord
from bgen_core.settings import Settings
from bgen_core.sweep.plan import SweepPlan
from pages._ui import page_files
from pages._ui.sweep_grid import GridContent, arrangement, grid_html

LOOK_SECONDS = 1.0


def show_sweep(sweep: SweepRecord, store: Store, settings: Settings) -> None:
    """The grid of a sweep, live while it is under way."""
    plan = SweepPlan.from_json(sweep.plan)
    grid = arrangement(plan)

    @st.fragment(run_every=LOOK_SECONDS if sweep.is_active else None)
    def live() -> None:
        current = store.get_sweep(sweep.id)
        cells = store.sweep_cells(sweep.id)
        progress = WorkerFolder(settings.home).read_progress(sweep.id) if current.is_active else None
        _progress_line(current, cells, progress, store)
        runs = store.get_runs([cells[index].run_id for row in grid.cells for index in row if cells[index].done])
        content = GridContent(
            plan=plan,
            # A deleted subject leaves its pictures behind.
            extent=runs[0].extent if runs else _photo_extent(store, plan.subject_id),
            cells=cells,
            progress=progress,
            pictures={run.id: run.image for run in runs},
        )
        st.html(grid_html(grid, content))
        if sweep.is_active and not current.is_active:
            st.rerun()  # ends the looking, and draws the buttons of a finished sweep

    live()
    missing = not sweep.is_active and not all(cell.done for cell in store.sweep_cells(sweep.id))
    if missing and st.button("Go on", help="Makes what is missing or failed; what is made stays."):
        store.set_sweep_state(sweep.id, "queued")
        st.rerun()
    with st.container(horizontal=True):
        if not sweep.is_active and st.button("Compare these", type="primary"):
            st.switch_page(page_files.COMPARE, query_params={"sweep": sweep.id})
        across, down = (axis.name if axis else None for axis in (grid.across, grid.down))
        st.link_button(
            "Contact sheet",
            sheet_url(sweep.id, across=across, down=down),
            help="The whole grid as one labelled PNG; places that are not made yet stay empty.",
        )
        st.link_button("ZIP", zip_url(sweep.id), help="The pictures at full size, and a CSV of their parameters.")


def _photo_extent(store: Store, subject_id: str) -> Extent:
    try:
        return store.get_subject(subject_id).extent
    except UserInputError:
        return Extent(width=1, height=1)


def _progress_line(sweep: SweepRecord, cells: list[SweepCellRow], progress: SweepProgress | None, store: Store) -> None:
    done = sum(cell.done for cell in cells)
    failed = sum(bool(cell.error) and not cell.done for cell in cells)
    if sweep.state == "queued":
        ahead = [other for other in store.list_sweeps(states=["queued", "running"]) if other.created < sweep.created]
        st.progress(done / sweep.total, text=f"Waiting: {len(ahead)} ahead" if ahead else "Starting")
    elif sweep.state == "running":
        st.progress(done / sweep.total, text=_running_text(done, sweep.total, progress))
    elif sweep.state == "cancelled":
        st.info(f"Cancelled: {done} of {sweep.total} are made and kept. Run goes on where it stopped.")
    elif sweep.state == "failed":
        st.error(f"{sweep.message} {done} of {sweep.total} are made and kept.")
    elif failed:
        st.warning(f"{done} of {sweep.total} made, {failed} failed: the reasons stand in their places.")


def _running_text(done: int, total: int, progress: SweepProgress | None) -> str:
    parts = [f"{done}/{total}"]
    speed = progress.cells_per_second if progress else None
    if speed:
        parts.append(f"{speed:.2g} pictures/s" if speed >= 1 else f"{1 / speed:.2g} s per picture")
        parts.append(f"about {describe_duration((total - done) / speed)} left")
    elif progress is None or not progress.cells:
        parts.append("loading the model")
    return " · ".join(parts)
