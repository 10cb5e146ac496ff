"""From a draft to a saved subject, at the photo's full resolution."""

import base64
from dataclasses import replace
from typing import Any

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.records.subject import SubjectEntry
from bgen_core.subject.decoding.image_io import encode_alpha_png
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.subject import Subject
from pages._ui.app import resources
from pages._ui.mask.mask_base import full_base
from pages._ui.shared.plain_text import plain
from pages._ui.subject.subject_draft import Draft, go_back_to_left, keep, left_draft, photo_of

_SAVED = "subject_saved"


def save(draft: Draft, name: str) -> tuple[Draft, str]:
    """Save the draft at its full resolution as a subject of this name; returns it with a sentence about that.

    Raises
    ------
    UserInputError
        The name is empty, or the mask keeps nothing or everything.
    """
    photo = photo_of(draft)
    base = full_base(draft, draft.quality)
    subject = Subject(name=name, image=photo.image, alpha=apply_edit(base, draft.edit))
    if not subject.alpha.any():
        raise UserInputError("The mask keeps nothing: paint over what you want to keep with Add, then save.")
    if subject.alpha.min() == 1:
        raise UserInputError("The mask keeps the whole photo: erase the background, then save.")
    content: dict[str, Any] = {"base": draft.base, **draft.edit.to_json()}
    if draft.base == "given" and not draft.edit.changes_nothing:
        content["given"] = base64.b64encode(encode_alpha_png(base)).decode()
    store = resources.store()
    known = store.subjects.find(subject.id)
    saved_id = store.subjects.save(subject, content)
    st.query_params["id"] = saved_id
    return keep(replace(draft, name=name, saved_id=saved_id, saved_edit=draft.edit)), _sentence(
        store.subjects.get(saved_id), known
    )


def tell_saved(sentence: str) -> None:
    """Say it with the next run, which begins at once: what is drawn above counts the subject then."""
    st.session_state[_SAVED] = sentence
    st.rerun()


def show_left() -> None:
    """Offer the photo again whose strokes nobody saved when another one took its place."""
    if left := left_draft():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(f"“{left.name}” was left with strokes that are not saved."), width="content")
            st.button("Go back to it", key="go_back", type="tertiary", on_click=go_back_to_left)


def show_saved() -> None:
    """Say what was saved just now, once."""
    if sentence := st.session_state.pop(_SAVED, ""):
        st.toast(sentence)


def _sentence(saved: SubjectEntry, known: SubjectEntry | None) -> str:
    text = f"Saved as “{plain(saved.name)}”."
    if known is not None and known.name != saved.name:
        return f"{text} The same photo with the same mask was “{plain(known.name)}” until now."
    if known is None and (others := resources.store().subjects.same_photo(saved)):
        text += f" “{plain(others[0].name)}” in the library is the same photo with another mask."
    return text
