"""The bar above the canvas: what the next stroke does, and the way back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import streamlit as st

from bgen_core.subject.drawn_strokes import Pen
from bgen_core.subject.edit import MODES, MaskEdit, Mode, Stroke
from pages._ui.mask.asked_object import said_of_object
from pages._ui.mask.mask_drawing import ObjectTool, Pointer, missed, settle
from pages._ui.mask.mask_preview import preview_of
from pages._ui.mask.mask_sliders import set_sliders
from pages._ui.shared.plain_text import plain
from pages._ui.subject.subject_draft import Draft, change, keep, redo, undo

Tool = Literal["brush", "lasso", "rectangle", "object", "choose", "zoom"]
# Without icons: with them the bar takes two lines, and a telephone shows the first four
TOOLS: dict[Tool, str] = {
    "brush": "Brush", "lasso": "Lasso", "rectangle": "Box", "object": "Object", "choose": "Choose", "zoom": "Zoom",
}  # fmt: skip
_MODE_NAMES = {"add": ":material/add: Add", "erase": ":material/remove: Erase"}
_HINTS: dict[Tool, str] = {
    "brush": "Paint over it.",
    "lasso": "Draw around it; the line closes itself.",
    "rectangle": "Drag a box over what you mean.",
    "object": "Click on a thing, or drag a box around it.",
    "choose": "Click on who should go or stay.",
    "zoom": "Drag a box over what to see large.",
}
_MISSED = ":orange[Nobody was found at that place.]"
_CHOSEN = "brush_tool"


def brush_bar(draft: Draft, *, choosing: bool) -> Pen | Pointer | ObjectTool:
    """Draw the bar; returns what is in the hand.

    Parameters
    ----------
    choosing
        Whether there are several persons to choose from.
    """
    tools: list[Tool] = [tool for tool in TOOLS if choosing or tool != "choose"]
    if st.session_state.get(_CHOSEN) not in (None, *tools):
        st.session_state[_CHOSEN] = "brush"
    with st.container(key="brush_tools", horizontal=True, vertical_alignment="center", gap="small"):
        mode: Mode = st.segmented_control(
            "What a stroke does", MODES, default="add", required=True, format_func=_MODE_NAMES.__getitem__,
            key="brush_mode", persist_state="session", label_visibility="collapsed",
        )  # fmt: skip
        tool: Tool = st.segmented_control(
            "Tool", tools, default="brush", required=True, format_func=TOOLS.__getitem__,
            key=_CHOSEN, persist_state="session", label_visibility="collapsed",
        ) or "brush"  # fmt: skip
    with st.container(key="brush_sliders", horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(horizontal=True, gap="xsmall", width="content"):
            _steps(draft)
        size, softness = _sizes(tool)
    if tool == "choose" or tool == "zoom":
        return tool
    if tool == "object":
        return ObjectTool(mode=mode or "add")
    return Pen(mode=mode or "add", shape=tool, size=size, softness=softness / 100)


def _sizes(tool: Tool) -> tuple[int, int]:
    size, softness = 28, 0
    with st.container(width="stretch"):
        if tool == "brush":
            size = st.slider(
                "Size", 2, 160, 28, format="%d px", key="brush_size", persist_state="session",
                help="Width of the brush on the screen: zoom in for finer strokes.",
            )  # fmt: skip
        else:
            st.caption(_MISSED if tool == "choose" and missed() else _HINTS[tool])
            if tool == "object" and (said := said_of_object()):
                st.caption(f":orange[{plain(said)}]")
    if tool not in ("choose", "zoom", "object"):
        with st.container(width="stretch"):
            softness = st.slider(
                "Softness", 0, 100, 0, step=5, format="%d %%", key="brush_softness", persist_state="session",
                help="0: a hard edge. 100: it fades from the middle of the stroke.",
            )  # fmt: skip
    return size, softness


def _steps(draft: Draft) -> None:
    for step, icon, label, shortcut, possible in (
        (undo, ":material/undo:", "Undo", "Ctrl+Z", bool(draft.past)),
        (redo, ":material/redo:", "Redo", "Ctrl+Y", bool(draft.future)),
    ):
        st.button(
            "", icon=icon, key=f"brush_{label.lower()}", help=label, shortcut=shortcut, type="tertiary",
            disabled=not possible, on_click=_go, args=(step,),
        )  # fmt: skip
    st.button(
        "Reset", key="brush_reset", type="tertiary", disabled=draft.edit == _untouched(draft),
        on_click=_go, args=(_reset,),
        help="Back to the mask as it was found. Undo takes that back.",
    )  # fmt: skip

    st.button(
        "Empty", key="brush_empty", type="tertiary", on_click=_go, args=(_empty,),
        help="Keeps nothing: for a pet or a thing, which you then draw around with Add. Undo takes that back.",
    )  # fmt: skip

    st.button(
        "Invert", key="brush_invert", type="tertiary", on_click=_go, args=(_invert,),
        help="Keeps what is repainted now, and repaints what is kept: for masks in which white is repainted.",
    )  # fmt: skip


def _go(step: Callable[[Draft], Draft]) -> None:
    set_sliders(step(settle()))


def _empty(draft: Draft) -> Draft:
    photo = preview_of(draft).photo
    everything = Stroke(mode="erase", shape="rectangle", size=1, points=((0, 0), (photo.width, photo.height)))
    return keep(change(draft, replace(draft.edit, strokes=(*draft.edit.strokes, everything))).settled)


def _invert(draft: Draft) -> Draft:
    return keep(change(draft, draft.edit.inverse()).settled)


def _reset(draft: Draft) -> Draft:
    return keep(change(draft, _untouched(draft)).settled)


def _untouched(draft: Draft) -> MaskEdit:
    return MaskEdit(quality=draft.quality, way=draft.edit.way)
