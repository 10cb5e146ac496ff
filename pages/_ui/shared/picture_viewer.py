"""The viewer that shows several pictures with one zoom and one position: a component with plain JavaScript."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import streamlit as st
from streamlit.components.v2 import component

from bgen_core.json_value import JsonValue
from bgen_core.records.run import RunRecord
from bgen_core.runs.links import picture_url, run_url, thumbnail_url
from bgen_core.wording import counted
from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.shared.pictures import describe

ViewerMode = Literal["side", "slider", "flicker", "difference"]
VIEWER_MODES: dict[ViewerMode, str] = {
    "side": "Side by side",
    "slider": "Slider",
    "flicker": "Flicker",
    "difference": "Difference",
}
MOST_AT_ONCE = 12
_KEY = "picture_viewer"


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A short text over a picture, and what it is short for."""

    text: str
    whole: str


# Streamlit registers a component once, when its module is imported.
_viewer = component(
    "bgen_picture_viewer",
    html='<div class="viewer" tabindex="0" role="group"></div>\n<!-- filled by the script -->',
    css=frontend_source("picture_viewer.css"),
    js=frontend_source("in_order.js", "picture_viewer.js", "picture_moves.js", "picture_difference.js"),
)


def picture_viewer(
    runs: Sequence[RunRecord],
    *,
    mode: ViewerMode,
    badges: Sequence[Sequence[Badge]],
    best: Sequence[str],
    baseline: str = "",
    pair: tuple[int, int],
    on_pair: Callable[[tuple[int, int]], None],
    at: str = "",
    page_keys: str = "",
) -> str:
    """Draw up to `MOST_AT_ONCE` pictures.

    Zoom and position are the browser's: it keeps them from drawing to drawing, and writes them into the address as
    "at" when the hand rests, without another run of the script.

    Parameters
    ----------
    badges
        Over each picture: in what it differs from the others.
    best
        For each picture, in what it is the best of them; empty where it is not.
    baseline
        Id of the run against which the others are measured, if any.
    pair
        Places of the two pictures that the slider, the flicker and the difference begin with.
    on_pair
        Called with another pair when one was chosen in the viewer, before the script runs again.
    at
        Where to look first, as the address says it: "x,y,zoom"; empty for the whole picture.
    page_keys
        What plain arrows and digits do on the page, which has them then; empty where they are the viewer's.

    Returns
    -------
    str
        Id of the run that shall be opened, or empty.
    """

    def tell() -> None:
        chosen: JsonValue = st.session_state[_KEY].get("pair")
        if isinstance(chosen, list) and len(chosen) == 2 and all(0 <= int(place) < len(runs) for place in chosen):
            on_pair((int(chosen[0]), int(chosen[1])))

    shown = zip(runs, badges, best, strict=True)
    result = _viewer(
        key=_KEY,
        data=component_data(
            _KEY,
            {
                "mode": mode,
                "pair": list(pair),
                "at": at,
                "pageKeys": page_keys,
                "label": f"{counted(len(runs), 'picture')}, {VIEWER_MODES[mode].lower()}",
                "runs": [
                    _described(run, list(its_badges), its_best) | {"baseline": run.id == baseline}
                    for run, its_badges, its_best in shown
                ],
            },
        ),
        on_pair_change=tell,
        on_opened_change=lambda: None,
    )
    opened = result.opened
    return opened if opened in [run.id for run in runs] else ""


def _described(run: RunRecord, badges: list[Badge], best: str) -> dict[str, Any]:
    return {
        "id": run.id,
        "title": ", ".join(badge.text for badge in badges) or run.short_id,
        "badges": [asdict(badge) for badge in badges],
        "best": best,
        "alt": describe(run),
        "width": run.extent.width,
        "height": run.extent.height,
        "small": thumbnail_url(run.image, 1024),
        "full": picture_url(run.image),
        "href": run_url(run.id),
    }
