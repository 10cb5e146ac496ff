"""A sweep while it runs and after: the grid, its progress, and what can be done with it."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import RunId
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.queue_forecast import QueuePlace
from bgen_core.jobs.submission import SweepForecast, describe_duration
from bgen_core.records.progress import MEASURING, SweepProgress
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.records.sweep_states import ACTIVE_STATES, UNFINISHED_STATES
from bgen_core.runs.analysis.columns import number
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore
from bgen_core.sweep.grid import describe_place
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import sized
from pages._ui.app import page_files
from pages._ui.identity.viewers import looks_alone
from pages._ui.links.link_dialog import link_button
from pages._ui.shared.plain_text import plain
from pages._ui.shared.told_when_done import notify_button, tell_in_title
from pages._ui.sweep.cell_dialog import show_opened_cell
from pages._ui.sweep.early_panel import early_panel
from pages._ui.sweep.explored_sweep import explored_pictures, way_back
from pages._ui.sweep.finish_panel import can_be_finished, finish_panel
from pages._ui.sweep.grid_arrangement import Arrangement, arrangement_in_address, keep_in_address
from pages._ui.sweep.grid_content import content_of
from pages._ui.sweep.queue_panel import ask, current_queue, describe_waiting
from pages._ui.sweep.race_panel import race_panel
from pages._ui.sweep.save_sweep import save_popover
from pages._ui.sweep.share_sweep import share_popover
from pages._ui.sweep.sweep_grid import badge_names, draw_grid, watch_grid
from pages._ui.sweep.ticked_cells import TICKED, follow_ticks

LOOK_SECONDS = 1.0
_RETRIES_LISTED = 12


def show_sweep(sweep: SweepRecord, store: SeenStore, executor: Executor, settings: Settings) -> None:
    """The grid of a sweep, live while it is under way."""
    plan = SweepPlan.from_json(sweep.plan)
    ticking = can_be_finished(sweep, plan)

    def rated(index: int, stars: int | None) -> None:
        cell = next((each for each in store.sweeps.cells(sweep.id) if each.index == index and each.done), None)
        if cell and not looks_alone(store):
            ask(store.opinions.rate, cell.run_id, stars)

    watch_grid(rated)
    at_first = store.sweeps.cells(sweep.id)
    if ticking:
        follow_ticks([cell.index for cell in at_first if cell.done])
    shown = arrangement_in_address(plan, badges=badge_names())
    keep_in_address(shown)
    explored = explored_pictures(store, sweep, plan)
    with st.container():  # empty where there is no way back: what comes below keeps its place
        way_back(store, sweep)

    @st.fragment(run_every=LOOK_SECONDS if sweep.is_active else None)
    def live() -> None:
        try:
            current, cells = store.sweeps.get(sweep.id), {cell.index: cell for cell in store.sweeps.cells(sweep.id)}
        except UserInputError:  # its owner shows it no longer: the whole page says so
            st.rerun()
        if current.total != sweep.total:  # a race has added seeds: the plan is another one
            st.rerun()
        progress = executor.events(sweep.id) if current.is_active else None
        with st.container(gap=None):  # the title is nothing that is seen here
            with st.container(horizontal=True, vertical_alignment="center"):
                _progress_line(current, cells, progress, store, executor)
                if current.state in UNFINISHED_STATES:
                    notify_button()
            tell_in_title(current, sum(cell.is_final for cell in cells.values()))
        # A deleted subject leaves its pictures behind.
        content = content_of(store, plan, cells, shown, extent=_first_extent(store, plan))
        draw_grid(replace(content, progress=progress, explored=explored), shown, ticking=ticking)
        if sweep.state != current.state and not current.is_active:
            st.rerun()  # ends the looking, and draws the buttons of a finished sweep

    live()
    cells = store.sweeps.cells(sweep.id)
    show_opened_cell(store, plan, cells)
    if store.sweeps.may_change(sweep):
        _failures(sweep, plan, cells, executor)
    early_panel(sweep, plan, cells, store, executor)
    race_panel(sweep, plan, cells, store, executor, settings)
    if not sweep.is_active and not looks_alone(store):
        finish_panel(sweep, plan, cells, store, executor, settings)
    ticked = set(st.session_state.get(TICKED, ())) if ticking else set[int]()
    made = [cell for cell in cells if cell.done]
    _ways_on(store, sweep, shown, [cell.run_id for cell in made if cell.index in ticked], has_pictures=bool(made))


def show_plan(plan: SweepPlan, forecast: SweepForecast | None, extent: Extent, store: SeenStore) -> None:
    """The grid of a plan before it is run: the cells that the store has already, and places for the others."""
    run_ids: Mapping[int, RunId] = forecast.run_ids if forecast else {}
    known = store.runs.visible(run_ids.values()) if forecast and forecast.known else frozenset[RunId]()
    cells = {
        index: SweepCellRow(index=index, run_id=run_id, done=run_id in known, error="")
        for index, run_id in run_ids.items()
    }

    def rated(index: int, stars: int | None) -> None:
        if index in cells and cells[index].done and not looks_alone(store):
            ask(store.opinions.rate, cells[index].run_id, stars)

    watch_grid(rated)
    shown = arrangement_in_address(plan, badges=badge_names())
    keep_in_address(shown)
    draw_grid(content_of(store, plan, cells, shown, extent=extent), shown)
    show_opened_cell(store, plan, list(cells.values()))


def _ways_on(
    store: SeenStore, sweep: SweepRecord, shown: Arrangement, ticked: list[RunId], *, has_pictures: bool
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if has_pictures and not sweep.is_active and st.button("Compare these", type="primary"):
            st.switch_page(page_files.COMPARE, query_params={"sweep": sweep.id})
        across, down = (names[0] if names else None for names in (shown.across, shown.down))
        share_popover(store, sweep)
        if store.sweeps.may_change(sweep):
            link_button(store, sweep=lambda: sweep.id, run_ids=ticked, title=sweep.title, whole="the whole sweep")
        save_popover(store, sweep, across=across, down=down)


def _failures(sweep: SweepRecord, plan: SweepPlan, cells: list[SweepCellRow], executor: Executor) -> None:
    """Buttons that try failed cells again, one or all, and continue a stopped sweep."""
    failed = [cell for cell in cells if cell.has_failed]
    is_missing = any(not (cell.is_final or cell.is_stopped) for cell in cells)
    unfinished = not sweep.is_active and sweep.state != "paused" and is_missing
    if unfinished:
        st.button(
            "Continue", on_click=ask, args=(executor.retry, sweep.id),
            help="Makes what is missing or failed; what is made stays.",
        )  # fmt: skip
    if not failed or sweep.is_active:
        return
    with st.expander(f"{len(failed)} failed", expanded=len(failed) <= _RETRIES_LISTED):
        for cell in failed[:_RETRIES_LISTED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    "Try again", key=f"retry_{cell.index}", on_click=ask, args=(executor.retry, sweep.id, cell.index)
                )
                st.text(f"{describe_place(plan, cell.index)}: {cell.error}")
        if len(failed) > _RETRIES_LISTED:
            st.caption(f"The first {_RETRIES_LISTED} of {len(failed)}; “Continue” tries all of them again.")


def _first_extent(store: SeenStore, plan: SweepPlan) -> Extent:
    """Of the plan's first picture."""
    try:
        return plan.first_composition.extent(store.subjects.get(plan.subject_ids[0]).extent)
    except UserInputError:
        return Extent(width=1, height=1)


def _progress_line(
    sweep: SweepRecord,
    cells: dict[int, SweepCellRow],
    progress: SweepProgress | None,
    store: SeenStore,
    executor: Executor,
) -> None:
    done = sum(cell.is_final for cell in cells.values())
    again = sum(cell.done and not cell.is_over for cell in cells.values())
    failed = sum(cell.has_failed for cell in cells.values())
    stopped = sum(cell.is_stopped for cell in cells.values())
    share, health = done / max(1, sweep.total - stopped), executor.health()
    if sweep.state == "queued":
        waiting = next((each for each in current_queue(store, executor) if each.sweep.id == sweep.id), None)
        st.progress(share, text=_waiting_text(done, sweep, waiting))
    elif sweep.state == "running":
        engine = "" if health else "the engine is starting again · "
        shared = store.sweeps.shares_device(sweep.id)
        st.progress(share, text=engine + running_text(done, sweep.total, progress, shared=shared, again=again))
    elif sweep.state == "paused":
        st.progress(share, text=f"Paused: {done} of {sweep.total} are made and kept.")
    elif sweep.state == "cancelled":
        st.info(f"Cancelled: {done} of {sweep.total} are made and kept. Continue makes the rest.")
    elif sweep.state == "failed":
        st.error(f"{plain(sweep.message)} {done} of {sweep.total} are made and kept.")
    elif failed or stopped:
        parts = [f"{done} of {sweep.total} made", *([f"{stopped} stopped early"] if stopped else [])]
        parts += [f"{failed} failed"] if failed else []
        (st.warning if failed else st.info)(f"{', '.join(parts)}: the reasons stand in their places.")
    if sweep.state in ACTIVE_STATES and health and health.trouble:
        st.warning(plain(f"{health.trouble} The engine waits, and goes on by itself."))


def _waiting_text(done: int, sweep: SweepRecord, waiting: QueuePlace | None) -> str:
    if waiting is None or not waiting.ahead:
        return "Starting" if sweep.started is None else f"{done}/{sweep.total} · goes on"
    if sweep.started is None:
        return f"Waiting: {describe_waiting(waiting)}"
    return f"{done}/{sweep.total} · takes turns with others: {describe_waiting(waiting)}"


def running_text(done: int, total: int, progress: SweepProgress | None, *, shared: bool = False, again: int = 0) -> str:
    """How far a sweep that runs is, beside its bar; shared, where others have turns between its own.

    So many cells as `again` have a picture, and may be drawn again.
    """
    parts = [f"{done}/{total}", *([f"{again} drawn again"] if again else [])]
    speed = progress.cells_per_second if progress else None
    if speed:
        parts.append(f"{number(speed, 2)} pictures/s" if speed >= 1 else f"{number(1 / speed, 2)} s per picture")
        others = " without the turns of others" if shared else ""
        parts.append(f"about {describe_duration((total - done) / speed)} left{others}")
    elif progress and progress.to_fetch > progress.fetched:
        parts.append(f"fetching the model: {sized(progress.fetched)} of {sized(progress.to_fetch)}")
    elif progress and progress.measuring:
        parts.append(MEASURING)
    elif progress is None or not progress.cells:
        parts.append("loading the model")
    return " · ".join(parts)


def wait_for_engine(executor: Executor) -> None:
    """Look once a second until something computes, then draw the page again."""

    @st.fragment(run_every=LOOK_SECONDS)
    def look() -> None:
        if executor.health():
            st.rerun()

    look()
