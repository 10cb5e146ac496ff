"""A file dropped on the compare page: the settings of a PNG, to begin from or verify, or a ZIP from another store."""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st
from streamlit.typing import UploadedFile

from bgen_core.archive.run_import import ImportedRuns, import_runs
from bgen_core.errors import BgenError, StoreError, UserInputError
from bgen_core.ids import RunId
from bgen_core.models.default_model import default_model
from bgen_core.runs.recipe import Recipe, read_recipe
from bgen_core.runs.table import FIELDS
from bgen_core.store.store import SeenStore
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app import page_files, resources
from pages._ui.app.faults import told
from pages._ui.app.room import warn_of_no_room
from pages._ui.compare.compare_view import change
from pages._ui.compare.comparison import value_table
from pages._ui.shared.dropped_file import take_dropped_files
from pages._ui.shared.plain_text import plain
from pages._ui.shared.verification import verification_result, verify_button
from pages._ui.sweep.sweep_form import fill_from_plan

_OPENED = "opened_file"
_ROUND = "opened_file_round"
_IMPORTED = "imported_runs"
_FIELD = "file_field"
_POPOVER = "open_a_file"
_LABEL = "Open a file"
_CHOSEN_AFTER_IMPORT = 12
_PREVIEW_SIDE = 1024
_TOLD = 5  # of what an import left out: the page has room for few
_HIDDEN = ("id", "thumbnail", "permalink", "seconds", "peak_memory_mb")


def open_file_popover() -> UploadedFile | None:
    """Draw the field that takes a file, also one that is dropped elsewhere on the page; the opened file, or None.

    Each file has a field of its own: where Streamlit 1.67 puts a second file in the place of the first, the field is
    empty in between, and what it then tells may come too late.
    """
    files_taken = st.session_state.setdefault(_ROUND, 0)
    key = f"{_FIELD}_{files_taken}"
    take_dropped_files(
        invitation="Drop a PNG to see its settings, or a ZIP to import",
        button=_POPOVER, field=_FIELD, label=_LABEL, taken=files_taken,
    )  # fmt: skip
    with st.popover(_LABEL, key=_POPOVER, on_change="rerun"), st.container(key=_FIELD):
        warn_of_no_room(resources.store())
        st.file_uploader(
            "A PNG to see its settings, or a ZIP to import",
            type=["png", "zip"],
            key=key,
            on_change=_take,
            args=(key,),
            help="A PNG that bgen, A1111, ComfyUI, InvokeAI or NovelAI wrote. A ZIP that was exported here or "
            "in another store; larger ones with the command `runs import FILE`.",
        )
    return st.session_state.get(_OPENED)


def show_opened_file(file: UploadedFile, store: SeenStore) -> None:
    """Draw what the file holds, and what can be done with it."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(file.name)}**")
            st.space("stretch")
            st.button("Close", key="close_file", type="tertiary", on_click=_close)
        try:
            if file.name.lower().endswith(".zip"):
                _import(file, store)
            else:
                _settings(file.name, file.getvalue(), _recipe(file), store)
        except BgenError as error:
            st.error(plain(told(error)))


def _recipe(file: UploadedFile) -> Recipe:
    """What the PNG says: decoded once for each upload, or refused in the same words at each run."""
    found = _read_once(file.file_id, file)
    if isinstance(found, str):
        raise UserInputError(found)
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def _read_once(file_id: str, _file: UploadedFile) -> Recipe | str:
    try:
        return read_recipe(_file.getvalue(), limits=_limits(), preview_side=_PREVIEW_SIDE)
    except UserInputError as error:
        return told(error)


def _limits() -> DecodeLimits:
    return DecodeLimits.of_pictures(resources.settings())


def _import(file: UploadedFile, store: SeenStore) -> None:
    st.caption(
        f"{file.size / 1e6:,.1f} MB. Its runs come into this store with pictures, metrics, opinions, subjects, sweeps "
        "and votes; what is here already stays as it is."
    )
    pressed = st.button("Import", key="import_file", type="primary")
    if pressed and _IMPORTED not in st.session_state:
        with st.spinner("Checking and importing …"), TemporaryDirectory(prefix="bgen-import-") as folder:
            # Kept before anything is drawn, where a second click ends this run and begins another one
            st.session_state[_IMPORTED] = import_runs(store, _kept_in(Path(folder), file), limits=_limits())
    imported: ImportedRuns | None = st.session_state.get(_IMPORTED)
    if imported is None:
        return
    st.toast(imported.sentence)
    for sentence in imported.not_imported[:_TOLD]:
        st.toast(plain(f"Not imported: {sentence}"), duration="infinite")
    more = len(imported.not_imported) - _TOLD
    if more > 0:
        st.toast(f"Not imported: {more:,} more. The command `runs import` names them all.", duration="infinite")
    if imported.added:
        change(ids=imported.added[:_CHOSEN_AFTER_IMPORT])
    _close()
    st.rerun()


def _kept_in(folder: Path, file: UploadedFile) -> Path:
    path = folder / "runs.zip"
    try:
        path.write_bytes(file.getbuffer())
    except OSError as error:
        raise StoreError(
            f"An upload cannot be written to {folder} ({error.strerror}): make room there.",
            public="The server has no room to look at the file: try again later.",
        ) from error
    return path


def _settings(name: str, png: bytes, recipe: Recipe, store: SeenStore) -> None:
    key = sha256(png).hexdigest()[:12]
    picture, facts = st.columns([2, 3], gap="medium")
    picture.image(recipe.preview, alt=f"The picture {name}")
    with facts:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Use as base", key="file_as_base", type="primary", help="Fill the sweep page with these."):
                _use_as_base(recipe, store)
            if recipe.record:  # nobody else's picture comes out equal
                verify_button(store, lambda: png, key)
            if recipe.record and recipe.record.id in store.runs.visible([recipe.record.id]):
                st.button("Choose for comparison", key="file_to_compare", on_click=_choose, args=(recipe.record.id,))
                st.page_link(page_files.RUN, label="Its own page", query_params={"id": recipe.record.id})
        verification_result(key)
        for sentence in recipe.not_taken:
            st.caption(plain(sentence))
        if recipe.record:
            record = recipe.record
            value_table({field.label: field.in_words(record) for field in FIELDS if field.name not in _HIDDEN})
        else:
            params = recipe.params.to_json()
            model = {"Model": recipe.named_model} if recipe.named_model else {}
            value_table(model | {field.label: params[field.name] for field in FIELDS if field.name in recipe.given})
            st.caption("Used as a base, what it does not say begins with its default.")


def _use_as_base(recipe: Recipe, store: SeenStore) -> None:
    chosen = st.session_state.get("subject", [])
    model = recipe.model or default_model(resources.settings())
    fill_from_plan(SweepPlan(subject_id=recipe.subject_id, model=model, base=recipe.params))
    if recipe.subject_id not in {entry.id for entry in store.subjects.all()}:
        st.session_state["subject"] = chosen
    st.switch_page(page_files.SWEEP)


def _choose(run_id: RunId) -> None:
    view = st.session_state["compare_view"]
    change(ids=tuple(dict.fromkeys((*view.ids, run_id))))


def _take(key: str) -> None:
    if st.session_state[key] is None:  # it was taken away while it was sent
        return
    st.session_state[_OPENED] = st.session_state[key]
    st.session_state[_ROUND] += 1
    st.session_state[_POPOVER] = False  # it would cover what the file holds


def _close() -> None:
    for name in (_OPENED, _IMPORTED):
        st.session_state.pop(name, None)
