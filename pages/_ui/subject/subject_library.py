"""The library: saved subjects to open, choose for a sweep, rename, delete, export and import."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.archive.subject_archive import MOST_SUBJECTS
from bgen_core.archive.subject_import import import_subjects
from bgen_core.errors import BgenError
from bgen_core.ids import NO_SUBJECT, SubjectId
from bgen_core.records.subject import SubjectEntry
from bgen_core.records.visitor import Sharing
from bgen_core.runs.links import thumbnail_url
from bgen_core.store.access import EVERYONE
from bgen_core.subject.decoding.image_io import DecodeLimits
from pages._ui.app import page_files, resources
from pages._ui.app.room import warn_of_no_room
from pages._ui.routes.subject_routes import subjects_url
from pages._ui.shared.owners import SEEN_BY, whose
from pages._ui.shared.pictures import picture_html
from pages._ui.shared.plain_text import plain
from pages._ui.subject.subject_draft import complain, open_saved, show_problem

_LISTED = 24
_IMAGE = "width:100%;height:128px;object-fit:contain;border-radius:4px"
_DONE = "library_done"
_SHARINGS: tuple[Sharing, ...] = ("private", "shared")


def library_button() -> None:
    """Draw the button that opens the library."""
    count = len(resources.store().subjects.all())
    if st.button(f"Library · {count}", icon=":material/photo_library:", help="Saved subjects", width=130):
        _library()


def library_to_look_at() -> None:
    """Draw the saved subjects, for who may choose and change none of them."""
    entries = resources.store().subjects.all()
    if not entries:
        st.info("Nothing is saved yet.")
    with st.grid(3):
        for entry in entries[:_LISTED]:
            with st.container(border=True, gap="xsmall"):
                _picture(entry)
                st.markdown(plain(entry.name))
    if len(entries) > _LISTED:
        st.caption(f"The newest {_LISTED} of {len(entries)}.")


@st.dialog("Library", width="large", icon=":material/photo_library:")
def _library() -> None:
    entries = resources.store().subjects.all()
    bar, found = st.container(horizontal=True, vertical_alignment="bottom"), entries
    if len(entries) > 6:
        asked = bar.text_input("Search", key="library_search", placeholder="a name", label_visibility="collapsed")
        found = [entry for entry in entries if asked.strip().lower() in entry.name.lower()]
    chosen = [entry.id for entry in entries if st.session_state.get(f"choose_{entry.id}")]
    with bar:
        _exchange(entries, chosen)
        st.space("stretch")
        several = f"Use {len(chosen)} in sweep →" if chosen else "Use in sweep →"
        if st.button(several, type="primary", disabled=not chosen, key="library_use", help="Tick one or several."):
            st.switch_page(page_files.SWEEP, query_params={"subject": chosen})
    show_problem(beside="library")
    if done := st.session_state.pop(_DONE, ""):
        st.success(plain(done))
    if not entries:
        st.info("Nothing is saved yet. Close this, correct the mask if need be, and press **Save**.")
    with st.grid(3):
        for entry in found[:_LISTED]:
            with st.container(border=True, gap="xsmall"):
                _card(entry)
    if len(found) > _LISTED:
        st.caption(f"The newest {_LISTED} of {len(found)}: search by name for the others.")


def _picture(entry: SubjectEntry) -> None:
    st.html(picture_html(thumbnail_url(entry.photo, 256), alt=entry.name, style=_IMAGE))


def _card(entry: SubjectEntry) -> None:
    _picture(entry)
    st.checkbox(plain(entry.name), key=f"choose_{entry.id}")
    st.caption(f"{entry.extent} · {entry.created.astimezone():%Y-%m-%d %H:%M}")
    store = resources.store()
    if entry.owner not in (store.visitor.id, EVERYONE):
        st.caption(f"By {plain(whose(store, entry.owner))}")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        if st.button("Open", key=f"open_{entry.id}", on_click=_open, args=(entry.id,)):
            st.rerun()
        if not store.subjects.may_change(entry):
            return
        with st.popover("Rename", icon=":material/edit:", type="tertiary"):
            st.text_input(
                "Name", value=entry.name, key=f"rename_{entry.id}", max_chars=80, on_change=_rename, args=(entry.id,)
            )
        if not store.visitor.is_local and entry.owner != EVERYONE:
            # As it stands now: another tab may have changed it
            st.session_state[f"sharing_{entry.id}"] = "shared" if entry.sharing == "shared" else "private"
            with st.popover(SEEN_BY[entry.sharing], type="tertiary", key=f"share_{entry.id}"):
                st.radio(
                    "Who sees it in their library", _SHARINGS,
                    format_func=SEEN_BY.__getitem__, key=f"sharing_{entry.id}", on_change=_share, args=(entry.id,),
                    help="Sweeps show their subjects to all who may open them.",
                )  # fmt: skip
        st.button(
            "", icon=":material/delete:", key=f"delete_{entry.id}", type="tertiary", help="Delete: asks first",
            on_click=_ask, args=(entry.id,),
        )  # fmt: skip
    if st.session_state.get("library_doomed") == entry.id:
        use = resources.store().subjects.use(entry.id)
        st.warning(f"Photo, mask and strokes go for good. {use.sentence}")
        with st.container(horizontal=True, gap="xsmall"):
            st.button(
                "Delete", type="primary", key="delete_for_good", on_click=_delete, args=(entry.id,),
                disabled=use.unfinished > 0,
            )  # fmt: skip
            st.button("Keep", key="delete_not", on_click=_ask, args=(NO_SUBJECT,))


def _exchange(entries: Sequence[SubjectEntry], chosen: Sequence[SubjectId]) -> None:
    """ZIPs in and out."""
    st.link_button(
        f"Export {len(chosen)}" if chosen else "Export all", subjects_url(chosen[:MOST_SUBJECTS]),
        icon=":material/download:", disabled=not entries, key="library_export",
        help="A ZIP with photo, alpha and strokes: what is ticked, or all.",
    )  # fmt: skip
    with st.popover("Import", icon=":material/upload:"):
        warn_of_no_room(resources.store())
        st.file_uploader(
            "A ZIP of subjects, as Export makes it", type=["zip"], key="library_import", on_change=_import
        )  # fmt: skip


def _open(subject_id: SubjectId) -> None:
    try:
        open_saved(subject_id)
    except BgenError as error:
        complain(error)


def _rename(subject_id: SubjectId) -> None:
    try:
        resources.store().subjects.rename(subject_id, st.session_state[f"rename_{subject_id}"])
    except BgenError as error:
        complain(error, beside="library")


def _share(subject_id: SubjectId) -> None:
    try:
        resources.store().subjects.share(subject_id, st.session_state[f"sharing_{subject_id}"])
    except BgenError as error:
        complain(error, beside="library")


def _ask(subject_id: SubjectId) -> None:
    st.session_state["library_doomed"] = subject_id


def _delete(subject_id: SubjectId) -> None:
    try:
        resources.store().subjects.delete(subject_id)
    except BgenError as error:
        complain(error, beside="library")


def _import() -> None:
    sent = st.session_state["library_import"]
    if sent is None:
        return
    limits = DecodeLimits.from_settings(resources.settings())
    try:
        st.session_state[_DONE] = import_subjects(resources.store(), sent.getvalue(), limits=limits).sentence
    except BgenError as error:
        complain(error, beside="library")
