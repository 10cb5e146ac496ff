"""Reference pictures by their addresses, as they lie in the store."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.content_address import is_content_hash
from bgen_core.ids import BlobHash
from bgen_core.runs.links import thumbnail_url
from pages._ui.shared.pictures import picture_html


def show_references(names: Sequence[str]) -> None:
    """Draw them beside each other; what is no address has no picture."""
    shown = [BlobHash(name) for name in names if is_content_hash(name)]
    if not shown:
        return
    with st.container(horizontal=True):
        for name in shown:
            alt = f"Picture {name[:12]}"
            st.html(picture_html(thumbnail_url(name, 256), alt=alt, style="height:96px"), width="content")
