"""A run's picture on a page: fetched by the browser from the app's own route, never sent through the script."""

import streamlit as st

from bgen_core.extent import Extent
from bgen_core.models.catalogue import describe_model
from bgen_core.records.run import RunRecord
from bgen_core.runs.links import thumbnail_url
from pages._ui.shared.html_templates import render

_FIT = "width:100%;height:auto;max-height:85vh;object-fit:contain;object-position:left"


def describe(run: RunRecord) -> str:
    """What a picture shows, for those who do not see it: its prompt and parameters."""
    params = run.params
    if describe_model(run.model).family.backdrop:
        return f"{run.subject_name}: {run.model}"
    facts = ", ".join((*params.in_short, params.scheduler, run.model))
    return f"{run.subject_name} before “{params.prompt}”: {facts}"


def picture(run: RunRecord, *, side: int, finished: bool = True) -> None:
    """Draw a run's picture as wide as its place, but never higher than the window.

    Parameters
    ----------
    side
        Longest side of the version to fetch, one of `bgen_core.runs.links.THUMBNAIL_SIDES`.
    finished
        Whether it is the finished picture, or else the model's own output.
    """
    blob, extent = (run.image, run.extent) if finished else (run.raw, run.model_extent)
    st.html(picture_html(thumbnail_url(blob, side), alt=describe(run), style=_FIT, extent=extent))


def picture_html(source: str, *, alt: str, style: str, extent: Extent | None = None, lazy: bool = True) -> str:
    """A picture as HTML; its size, where it is given, reserves the place before the picture has come."""
    return render("shared/picture.html", source=source, alt=alt, style=style, extent=extent, lazy=lazy)
