"""A run's picture on a page: fetched by the browser from the app's own route, never sent through the script."""

import re

import streamlit as st

from bgen_core.extent import Extent
from bgen_core.records.run import RunRecord
from bgen_core.runs.links import thumbnail_url
from pages._ui.shared.html_templates import render

_FIT = "width:100%;height:auto;max-height:85vh;object-fit:contain;object-position:left"


def plain(text: str) -> str:
    """The text as Markdown that shows it letter by letter: no formatting, no directives, one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def describe(run: RunRecord) -> str:
    """What a picture shows, for those who do not see it: its prompt and parameters."""
    params = run.params
    facts = ", ".join((*params.in_short, params.scheduler, run.model))
    return f"{run.subject_name} before “{params.prompt}”: {facts}"


def picture(run: RunRecord, *, side: int, raw: bool = False) -> None:
    """Draw a run's picture as wide as its place, but never higher than the window.

    Parameters
    ----------
    side
        Longest side of the version to fetch, one of `bgen_core.runs.links.THUMBNAIL_SIDES`.
    raw
        The model's own output instead of the finished picture.
    """
    blob, extent = (run.raw, run.model_extent) if raw else (run.image, run.extent)
    st.html(picture_html(thumbnail_url(blob, side), alt=describe(run), style=_FIT, extent=extent))


def picture_html(source: str, *, alt: str, style: str, extent: Extent | None = None, lazy: bool = True) -> str:
    """A picture as HTML; its size, where it is given, reserves the place before the picture has come."""
    return render("shared/picture.html", source=source, alt=alt, style=style, extent=extent, lazy=lazy)
