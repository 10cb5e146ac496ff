"""A subject for those who come to the Sweep page first: the sample photo, cut out and kept."""

import streamlit as st

from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore
from bgen_core.subject.cutout import cut_out_subject
from bgen_core.subject.decoding.image_io import DecodeLimits, read_photo
from bgen_core.subject.samples.samples import SAMPLES
from pages._ui.app import page_files

# In the session and in no address: a link must not make anybody's machine compute.
_AT_ONCE = "sweep_at_once"


def start_at_once() -> None:
    """Let the Sweep page run what its form describes as soon as it can be run."""
    st.session_state[_AT_ONCE] = True


def starts_at_once(*, waiting: bool) -> bool:
    """Whether the page runs its form by itself now; asked once, as soon as nothing is waited for."""
    return not waiting and bool(st.session_state.pop(_AT_ONCE, False))


def start_with_sample(store: SeenStore, settings: Settings) -> None:
    """Say what is missing, and offer the sample or the Subject page."""
    with st.container(border=True):
        st.markdown("A sweep paints new backgrounds behind a **subject**: a photo and the part of it to keep.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Start with the sample photo", type="primary"):
                with st.spinner("Cutting out"):
                    keep_sample(store, settings)
                st.rerun()
            st.page_link(page_files.SUBJECT, label="or choose a photo of your own")


def keep_sample(store: SeenStore, settings: Settings) -> str:
    """Save the first sample as a subject; returns its id."""
    sample = SAMPLES[0]
    photo = read_photo(sample.path, limits=DecodeLimits.from_settings(settings))
    return store.subjects.save(cut_out_subject(sample.name, photo.image), {})
