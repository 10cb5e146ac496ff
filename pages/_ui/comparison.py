"""Several runs side by side: pictures large, what differs open, what is the same folded."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.runs.links import download_name, picture_url
from bgen_core.runs.record import RunRecord
from bgen_core.runs.table import differing_parameters, shown, shown_apart
from pages._ui import page_files
from pages._ui.pictures import picture, plain

MOST_AT_ONCE = 12
_LONGEST_BADGE = 28
# Number of pictures -> how many stand in one row; more stand four in a row.
_IN_A_ROW = {1: 2, 2: 2, 3: 3, 4: 4, 5: 3, 6: 3, 9: 3}


def side_by_side(runs: Sequence[RunRecord]) -> None:
    """Draw up to `MOST_AT_ONCE` runs beside each other, and tables of what differs and what does not."""
    runs = runs[:MOST_AT_ONCE]
    compared = differing_parameters(runs)
    values = {field.label: shown_apart(field, runs) for field in compared.differing}
    short = {label: listed for label, listed in values.items() if max(map(len, listed)) <= _LONGEST_BADGE}
    columns = _IN_A_ROW.get(len(runs), 4)
    for start in range(0, len(runs), columns):
        row = runs[start : start + columns]
        for number, (place, run) in enumerate(zip(st.columns(columns), row, strict=False), start):
            badges = " ".join(f":primary-badge[{plain(label)} {plain(short[label][number])}]" for label in short)
            with place:
                st.markdown(f"**{ascii_uppercase[number]}** {badges}")
                _picture_with_links(run, side=1024 if columns < 3 else 512)
    if len(runs) < 2:
        return
    if compared.differing:
        st.markdown("**What differs**")
        letters = list(ascii_uppercase[: len(runs)])
        listed = {plain(label): [plain(value) for value in texts] for label, texts in values.items()}
        st.table(pd.DataFrame(listed, index=letters).T, alt="Parameters in which the chosen runs differ")
    else:
        st.info("These runs have the same parameters: their pictures are the same.")
    with st.expander(f"The same in all {len(runs)}: {len(compared.same)} parameters"):
        value_table({field.label: field.read(runs[0]) for field in compared.same})


def value_table(values: Mapping[str, Any]) -> None:
    """Draw names and values as a table of two columns."""
    listed = pd.Series({plain(name): plain(shown(value)) for name, value in values.items()}, name="value")
    st.table(listed, border="horizontal", hide_header=True, alt="Parameters of the run")


def _picture_with_links(run: RunRecord, *, side: int) -> None:
    picture(run, side=side)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(page_files.RUN, label="Open", query_params={"id": run.id})
        st.link_button("PNG", picture_url(run.image, download=download_name(run)), type="tertiary")
