"""Where in the picture each axis acts: maps over the picture, and what they say."""

import base64
from collections.abc import Mapping

import numpy as np
import streamlit as st

from bgen_core.errors import BgenError, LostPictureError
from bgen_core.ids import RunId, SubjectId, SweepId
from bgen_core.runs.analysis.axis_maps.map_words import map_title
from bgen_core.runs.analysis.axis_maps.overlay import legend, overlay
from bgen_core.runs.analysis.axis_maps.sweep_maps import SubjectMaps, sweep_maps
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import SeenStore
from bgen_core.store.thumbnails import thumbnail
from bgen_core.subject.decoding.image_io import decode_photo, encode_jpeg, encode_png
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, change
from pages._ui.compare.sweep_findings.sweep_frame import SweepFrame
from pages._ui.shared.html_templates import render
from pages._ui.shared.plain_text import plain

_SECONDS = 30.0  # that a visitor waits for pictures to be read
_BENEATH_SIDE = 512
_STRENGTH = "compare_map_strength"
_USUAL_STRENGTH = 60  # per cent: shapes of the picture stay to be seen
_HELP = (
    "Splits what changes at each place of the background between each axis, the seed, and what they do together, by "
    "colour differences (CIE L\\*a\\*b\\*) of small pictures. An axis that does nothing has 0 % on average. What is "
    "said to follow an axis does so beyond chance: 5 % over all axes and places together (Holm)."
)


def where_maps(frame: SweepFrame, store: SeenStore, view: CompareView) -> None:
    """Draw the switch, and below it the maps once it is on: they take seconds."""
    st.session_state["compare_maps"] = view.maps
    st.toggle(
        "Where in the picture does each act?",
        key="compare_maps",
        on_change=lambda: change(maps=st.session_state["compare_maps"]),
        help=_HELP,
    )
    if view.maps:
        _maps(frame, store)


@st.fragment
def _maps(frame: SweepFrame, store: SeenStore) -> None:
    plan = SweepPlan.from_json(frame.sweep.plan)
    run_ids = {cell.index: cell.run_id for cell in store.sweeps.cells(frame.sweep.id) if cell.done}
    seen = store.runs.visible(list(set(run_ids.values())))
    known = tuple((index, run_id) for index, run_id in sorted(run_ids.items()) if run_id in seen)
    masks = tuple(each for each in plan.subject_ids if store.subjects.find(each))
    try:
        with st.spinner(f"Reading {len(seen):,} pictures …"):
            found = _made_once(frame.sweep.id, known, masks, plan, store)
    except BgenError as error:
        st.warning(plain(told(error)))
        return
    if not all(each.is_whole for each in found):
        _made_once.clear(frame.sweep.id, known, masks)  # what was read is kept small: the next time it goes on
    labels = {axis.name: axis.label for axis in frame.axes}
    strength: float | None = None
    for each in found:
        if len(found) > 1:
            st.markdown(f"**{plain(each.name)}**")
        with st.container(border=True):
            for sentence in each.maps.sentences:
                st.markdown(plain(sentence))
        if each.maps.shares:
            strength = _controls() if strength is None else strength
            _pictures(each, store, labels, strength)


@st.cache_resource(max_entries=4, show_spinner=False)
def _made_once(
    sweep_id: SweepId,
    known: tuple[tuple[int, RunId], ...],
    masks: tuple[SubjectId, ...],
    _plan: SweepPlan,
    _store: SeenStore,
) -> list[SubjectMaps]:
    """By what this visitor sees of the sweep: its runs, and the subjects whose masks are left out."""
    return sweep_maps(_store, _plan, dict(known), seconds=_SECONDS)


def _controls() -> float:
    """Draw the legend and the strength, which is returned from 0 to 1."""
    with st.container(horizontal=True, vertical_alignment="center"):
        place = st.container(width="content")
        strength = st.slider("Strength", 0, 100, _USUAL_STRENGTH, 10, key=_STRENGTH, format="%d %%", width=200) / 100
    colours = _data_url(encode_png(legend(strength)), "png")
    place.html(render("compare/sweep_findings/map_legend.html", colours=colours))
    return strength


def _pictures(found: SubjectMaps, store: SeenStore, labels: Mapping[str, str], strength: float) -> None:
    maps = found.maps
    try:
        beneath = _beneath(found, store)
    except LostPictureError:
        beneath = np.full((*maps.visible.shape, 3), 128, np.uint8)
    drawn = [
        {
            "title": map_title(part, labels),
            "source": _data_url(encode_jpeg(overlay(beneath, share, maps.visible, strength), 85), "jpeg"),
            "alt": f"Share of what changes at each place that belongs to: {map_title(part, labels)}",
        }
        for part, share in maps.shares.items()
    ]
    st.html(render("compare/sweep_findings/maps.html", maps=drawn))


def _beneath(found: SubjectMaps, store: SeenStore) -> np.ndarray:
    if found.beneath is None:
        raise LostPictureError("no picture")
    small = thumbnail(store.blobs, found.beneath, _BENEATH_SIDE)
    return decode_photo(small, name=found.beneath, limits=STORED_LIMITS).image


def _data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
