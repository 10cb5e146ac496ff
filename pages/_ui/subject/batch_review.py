"""The review of many photos: doubtful masks first, each to use, to mend or to leave out, then all into one sweep."""

import base64
import math
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from bgen_core.errors import BgenError
from bgen_core.ids import SubjectId
from bgen_core.subject.decoding.image_io import PHOTO_EXTENSIONS
from bgen_core.wording import counted
from pages._ui.app import page_files, resources
from pages._ui.app.field_files import FIELD_FILES, MOST_PHOTOS
from pages._ui.shared.pictures import picture_html
from pages._ui.shared.plain_text import plain
from pages._ui.subject.photo_batch import (
    Batch,
    BatchPhoto,
    batch_in_hand,
    end_batch,
    keep_batch,
    leave_out,
    read_batch,
    shown_small,
)
from pages._ui.subject.subject_draft import Draft, complain, next_round, open_saved, rounds

_SHOWN = 24
_OPEN = "review_open"
_USE, _LEAVE = "Use", "Leave out"
_IMAGE = "width:100%;height:128px;object-fit:contain;border-radius:4px"


def many_photos_field() -> None:
    """Draw the field in which many photos, or a folder of them, are chosen, and cut out what was."""
    if not st.toggle("Many photos at once", key=f"many_{rounds()}"):
        return
    settings = resources.settings()
    is_folder = st.checkbox("All photos of a folder", key=f"many_folder_{rounds()}")
    chosen: list[UploadedFile] = st.file_uploader(
        f"Up to {MOST_PHOTOS} photos, with {settings.max_uploads_mb_each:g} MB together",
        type=PHOTO_EXTENSIONS,
        accept_multiple_files="directory" if is_folder else True,
        max_upload_size=math.ceil(settings.max_upload_mb),
        key=f"many_upload_{rounds()}_{is_folder}",
    )
    if chosen:
        _cut_out(chosen)


def review_photos(draft: Draft | None) -> None:
    """Draw the list of what was cut out together, where there is one."""
    if (batch := batch_in_hand()) is not None:
        _review(_with_mended(batch, draft) if draft else batch)


def _cut_out(chosen: Sequence[UploadedFile]) -> None:
    """Read the files with a line that says how far it is; then close the field."""
    taken, beyond = chosen[:MOST_PHOTOS], chosen[MOST_PHOTOS:]
    total, context = len(taken), get_script_run_ctx()
    line = st.progress(0.0, f"Cutting out {counted(total, 'photo')}")
    try:
        for number, file in read_batch(taken):
            if context is not None:
                FIELD_FILES.let_go(context.session_id, file.file_id)
            line.progress(number / total, f"{number} of {total} cut out: {plain(file.name)}")
        batch = batch_in_hand() or Batch()
        for file in beyond:
            batch = leave_out(
                batch, file.name, f"Only {MOST_PHOTOS} photos are taken at once: choose it with the next."
            )
        keep_batch(batch)
    except BgenError as error:
        complain(error)
    st.session_state[_OPEN] = True
    next_round()
    st.rerun()


def _with_mended(batch: Batch, draft: Draft) -> Batch:
    """The batch with what was saved in the editor in the place of what it was opened from."""
    opened = next((photo for photo in batch.photos if photo.id == draft.source_id), None)
    if opened is None or draft.saved_id in ("", opened.id):
        return batch
    store = resources.store()
    subject = store.subjects.load(draft.saved_id)
    mended = replace(
        opened, id=draft.saved_id, name=subject.name, doubt="", is_used=True, shown=shown_small(subject)
    )  # fmt: skip
    batch = batch.changed(opened.id, mended)
    keep_batch(batch)
    st.session_state[_OPEN] = True
    return batch


def _review(batch: Batch) -> None:
    known = {entry.id for entry in resources.store().subjects.all()}
    for photo in batch.photos:
        if photo.id not in known:  # deleted in the library meanwhile
            batch = batch.changed(photo.id, None)
    keep_batch(batch)
    box = st.expander(_heading(batch), expanded=True, key=_OPEN, on_change="rerun")
    if not box.open:
        return
    with box:
        with st.container(horizontal=True, vertical_alignment="center"):
            used = batch.used
            if st.button(f"Use {len(used)} in sweep →", type="primary", disabled=not used, key="review_use"):
                st.switch_page(page_files.SWEEP, query_params={"subject": used})
            waiting = [photo.id for photo in batch.photos if photo.is_used is None]
            if waiting:
                st.button(
                    f"Use the {len(waiting)} doubtful too", key="review_all", on_click=_decide, args=(waiting, True)
                )  # fmt: skip
            st.button(
                "Close", key="review_close", type="tertiary", on_click=end_batch,
                help="Ends the review. The subjects stay in the library.",
            )  # fmt: skip
        _left_out(batch.left_out)
        many = st.session_state.setdefault("review_shown", _SHOWN)
        with st.grid(4):
            for photo in batch.in_order()[:many]:
                with st.container(border=True, gap="xsmall"):
                    _card(photo)
        if len(batch.photos) > many:
            st.button(f"Show more of {len(batch.photos)}", key="review_more", on_click=_show_more)


def _heading(batch: Batch) -> str:
    parts = [counted(len(batch.photos), "photo"), f"{len(batch.used)} to use"]
    if batch.waiting:
        parts.append(f"**{batch.waiting} to look at**")
    if batch.left_out:
        parts.append(f"{counted(len(batch.left_out), 'file')} left out")
    return "Review: " + " · ".join(parts)


def _left_out(left_out: Sequence[tuple[str, str]]) -> None:
    if left_out:
        with st.popover(f"{counted(len(left_out), 'file')} left out", icon=":material/block:", type="tertiary"):
            for name, reason in left_out:
                st.markdown(f"**{plain(name)}**  \n{plain(reason)}")


def _card(photo: BatchPhoto) -> None:
    source = f"data:image/webp;base64,{base64.b64encode(photo.shown).decode()}"
    st.html(picture_html(source, alt=photo.name, style=_IMAGE))
    st.markdown(plain(photo.name))
    if photo.doubt:
        st.caption(f":material/warning: {plain(photo.doubt)}")
    key = f"review_{photo.id}"
    st.session_state[key] = {None: None, True: _USE, False: _LEAVE}[photo.is_used]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.segmented_control(
            f"What to do with {plain(photo.name)}", (_USE, _LEAVE), key=key, on_change=_chosen, args=(photo.id, key),
            label_visibility="collapsed",
        )  # fmt: skip
        st.button(
            "Mend", key=f"mend_{photo.id}", type="tertiary", on_click=_mend, args=(photo.id,),
            help="Opens it below. Once saved, it takes its place here.",
        )  # fmt: skip


def _chosen(subject_id: SubjectId, key: str) -> None:
    chosen = st.session_state[key]
    _decide([subject_id], None if chosen is None else chosen == _USE)


def _decide(subject_ids: Sequence[SubjectId], is_used: bool | None) -> None:
    if (batch := batch_in_hand()) is not None:
        keep_batch(batch.decided(subject_ids, is_used=is_used))


def _mend(subject_id: SubjectId) -> None:
    try:
        open_saved(subject_id)
    except BgenError as error:
        complain(error)
    else:
        st.session_state[_OPEN] = False  # the editor is below


def _show_more() -> None:
    st.session_state["review_shown"] += _SHOWN
