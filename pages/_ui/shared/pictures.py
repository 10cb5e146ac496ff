"""A run's picture on a page: fetched by the browser from the app's own route, never sent through the script."""

import re
from html import escape

import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.runs.links import thumbnail_url

_FIT = "width:100%;height:auto;max-height:85vh;object-fit:contain;object-position:left"


def plain(text: str) -> str:
    """The text as Markdown that shows it letter by letter: no formatting, no directives, one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def describe(run: RunRecord) -> str:
    """What a picture shows, for those who do not see it: its prompt and parameters."""
    params = run.params
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
    # Width and height reserve the place before the picture has come.
    st.html(
        f'<img src="{escape(thumbnail_url(blob, side))}" alt="{escape(describe(run))}" loading="lazy" '
        f'width="{extent.width}" height="{extent.height}" style="{_FIT}">'
    )
