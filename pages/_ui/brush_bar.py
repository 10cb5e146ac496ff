"""The bar above the canvas: what the next stroke does, and the way back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import streamlit as st

from bgen_core.subject.drawn_strokes import Pen
from bgen_core.subject.edit import MODES, MaskEdit
from pages._ui.mask_drawing import settle
from pages._ui.mask_sliders import set_sliders
from pages._ui.subject_draft import Draft, change, keep, redo, undo

Tool = Literal["brush", "lasso", "rectangle", "zoom"]
TOOLS: dict[Tool, str] = {
    "brush": ":material/brush: Brush",
    "lasso": ":material/gesture: Lasso",
    "rectangle": ":material/select: Box",
    "zoom": ":material/zoom_in: Zoom",
}
_MODE_NAMES = {"add": ":material/add: Add", "erase": ":material/remove: Erase"}
_HINTS: dict[Tool, str] = {
    "brush": "Paint over it.",
    "lasso": "Draw around what you mean; the line closes by itself.",
    "rectangle": "Drag a box over what you mean.",
    "zoom": "Drag a box over the part that you want to see large.",
}


def brush_bar(draft: Draft) -> Pen | None:
    """Draw the bar; returns the pen that is in the hand, or None for the zoom tool."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        mode = st.segmented_control(
            "What a stroke does", MODES, default="add", required=True, format_func=_MODE_NAMES.__getitem__,
            key="brush_mode", persist_state="session", label_visibility="collapsed",
        )  # fmt: skip
        tool = st.segmented_control(
            "Tool", list(TOOLS), default="brush", required=True, format_func=TOOLS.__getitem__,
            key="brush_tool", persist_state="session", label_visibility="collapsed",
        )  # fmt: skip
    shape = "brush" if tool in (None, "zoom") else tool
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        # At the left: the canvas has a bar of its own, which covers what is above its right corner
        with st.container(horizontal=True, gap="xsmall", width="content"):
            _steps(draft)
        size, softness = _sizes(tool or "brush")
    if tool == "zoom":
        return None
    return Pen(mode=mode or "add", shape=shape, size=size, softness=softness / 100)


def _sizes(tool: Tool) -> tuple[int, int]:
    size, softness = 28, 0
    with st.container(width="stretch"):
        if tool == "brush":
            size = st.slider(
                "Size", 2, 160, 28, format="%d px", key="brush_size", persist_state="session",
                help="Width of the brush on the screen: zoom in for finer strokes.",
            )  # fmt: skip
        else:
            st.caption(_HINTS[tool])
    if tool != "zoom":
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
        "Reset", key="brush_reset", type="tertiary", disabled=draft.edit == MaskEdit(quality=draft.quality),
        on_click=_go, args=(_reset,),
        help="Back to the mask as it was found. Undo takes that back.",
    )  # fmt: skip


def _go(step: Callable[[Draft], Draft]) -> None:
    set_sliders(step(settle()))


def _reset(draft: Draft) -> Draft:
    return keep(replace(change(draft, MaskEdit(quality=draft.quality)), baked=0))
