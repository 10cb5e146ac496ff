"""From the canvas to the draft: what was drawn becomes strokes, objects, a choice of persons, or a look at a part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st

from bgen_core.extent import Box, Extent
from bgen_core.subject.drawn_strokes import Pen, box_drawn, point_drawn, prompt_drawn, strokes_on_box
from bgen_core.subject.edit import Mode, Stroke
from pages._ui.mask.asked_object import object_stroke
from pages._ui.mask.canvas import clear_canvas, drawn_objects, paint_canvas
from pages._ui.mask.mask_preview import preview_of
from pages._ui.mask.viewport import look_at, viewport_around
from pages._ui.subject.subject_draft import Draft, change, draft_in_hand, keep

Pointer = Literal["zoom", "choose"]  # what is in the hand instead of a pen


@dataclass(frozen=True, kw_only=True)
class ObjectTool:
    """In the hand where a click or a box means an object."""

    mode: Mode


_SHOWN = "canvas_shown"
_READ = "canvas_read"
_MISSED = "canvas_missed"
_ZOOM_COLOUR = "#2f6f6266"
_CLICK_COLOUR = "#2f6f6200"  # not seen: the film tells what a click did
_OBJECT_COLOURS: dict[Mode, str] = {"add": "#2f6f6233", "erase": "#c0392b33"}
# On one canvas, which sends its whole drawing with each new one: 400 strokes are 1 MB. Emptying it loses a stroke that
# is being drawn at that moment, so that it is left to undo, zoom and others that are clicked.
_MOST_OBJECTS = 400


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What the canvas looked like when it was drawn on: controls may have other values by now."""

    key: str
    canvas: Extent
    photo: Extent
    box: Box


@dataclass(frozen=True, kw_only=True)
class _Read:
    """Objects of a canvas that were read before, and the strokes among them."""

    shown: _Shown
    objects: list[dict[str, Any]]
    strokes: tuple[Stroke, ...]


def draw_on(
    background: bytes, draft: Draft, hand: Pen | Pointer | ObjectTool, *, canvas: Extent, photo: Extent, box: Box
) -> None:
    """Draw the canvas with a part of the photo behind it.

    Parameters
    ----------
    hand
        With "zoom" a box drawn on the canvas is a part to look at, with "choose" a click keeps or leaves a person.
        With an `ObjectTool` a click or a box means an object.
    """
    st.session_state[_SHOWN] = _Shown(key=draft.canvas_key, canvas=canvas, photo=photo, box=box)
    if isinstance(hand, Pen):
        mode, colour, line_width = "rect" if hand.shape == "rectangle" else "freedraw", hand.colour, hand.line_width
    elif isinstance(hand, ObjectTool):
        mode, colour, line_width = "rect", _OBJECT_COLOURS[hand.mode], 2.0
    elif hand == "zoom":
        mode, colour, line_width = "rect", _ZOOM_COLOUR, 2.0
    else:
        mode, colour, line_width = "point", _CLICK_COLOUR, 0.0
    paint_canvas(background, canvas, drawing_mode=mode, colour=colour, line_width=line_width, key=draft.canvas_key)


def take_drawing(draft: Draft) -> Draft:
    """The draft with what has been drawn since the canvas was cleared."""
    objects, shown = drawn_objects(draft.canvas_key), st.session_state.get(_SHOWN)
    st.session_state[_MISSED] = False
    if objects is None or shown is None or shown.key != draft.canvas_key:
        return keep(draft.settled)
    strokes = draft.edit.strokes[: draft.baked] + _strokes(objects, shown, draft)
    draft = change(draft, replace(draft.edit, strokes=strokes, kept_regions=_kept(draft, objects, shown)))
    boxes = [item for item in objects if item.get("stroke") == _ZOOM_COLOUR]
    if boxes:
        seen = box_drawn(boxes[-1], canvas=shown.canvas, box=shown.box)
        look_at(viewport_around(seen, shown.photo) if seen else viewport_around(shown.box, shown.photo))
    pointed = any(item.get("stroke") in _OBJECT_COLOURS.values() for item in objects)
    return _settled(draft) if boxes or pointed or len(objects) >= _MOST_OBJECTS else draft


def missed() -> bool:
    """Whether the last click that was to choose a person hit none."""
    return st.session_state.get(_MISSED, False)


def settle() -> Draft:
    """Make what is on the canvas part of the picture behind it. A callback of what changes that picture.

    Not of the pen's controls: on a slow line somebody draws again before the canvas is told, and would lose the stroke.
    """
    return _settled(take_drawing(draft_in_hand()))


def _settled(draft: Draft) -> Draft:
    clear_canvas(draft.canvas_key)
    return keep(draft.settled)


def _strokes(objects: Sequence[dict[str, Any]], shown: _Shown, draft: Draft) -> tuple[Stroke, ...]:
    """The strokes among the objects, and what was found where they mean one; one more costs one."""
    before: _Read | None = st.session_state.get(_READ)
    if before is None or before.shown != shown or list(objects[: len(before.objects)]) != before.objects:
        before = _Read(shown=shown, objects=[], strokes=())
    new: tuple[Stroke, ...] = ()
    for item in objects[len(before.objects) :]:
        new += _found(item, shown, draft) or strokes_on_box([item], canvas=shown.canvas, box=shown.box)
    read = _Read(shown=shown, objects=list(objects), strokes=before.strokes + new)
    st.session_state[_READ] = read
    return read.strokes


def _found(item: dict[str, Any], shown: _Shown, draft: Draft) -> tuple[Stroke, ...]:
    """What is where an object of the canvas points; nothing where it does not point, or nothing is there."""
    mode: Mode | None = next((mode for mode, colour in _OBJECT_COLOURS.items() if item.get("stroke") == colour), None)
    points = prompt_drawn(item, canvas=shown.canvas, box=shown.box) if mode else None
    stroke = object_stroke(draft, points, mode) if mode and points else None
    return () if stroke is None else (stroke,)


def _kept(draft: Draft, objects: Sequence[dict[str, Any]], shown: _Shown) -> tuple[tuple[float, float], ...] | None:
    """What `MaskEdit.kept_regions` is after the clicks among the objects."""
    points = [
        point_drawn(item, canvas=shown.canvas, box=shown.box) for item in objects if item.get("stroke") == _CLICK_COLOUR
    ]
    clicks = [point for point in points if point is not None]
    if not clicks:
        return draft.baked_kept
    regions = preview_of(draft).found.regions
    st.session_state[_MISSED] = regions.at(*clicks[-1]) is None
    return regions.points_of(regions.toggled(regions.kept_by(draft.baked_kept), clicks))
