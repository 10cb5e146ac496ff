"""The subject that a visitor works on: kept in the session under a key of its own, so that it survives page changes."""

import base64
import secrets
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import streamlit as st

from bgen_core.content_address import hash_bytes
from bgen_core.errors import BgenError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import NO_SUBJECT, SubjectId
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_alpha, decode_foreign_photo
from bgen_core.subject.decoding.image_io import DecodeLimits, Photo, decode_alpha
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.remarks import remark_about_transparency
from bgen_core.subject.samples.samples import SAMPLES, Sample
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain
from pages._ui.subject.unsaved_drafts import UnsavedDrafts

_DRAFT = "subject_draft"
_PROBLEM = "subject_problem"
_ROUND = "subject_round"
_MARK = "draft"
_LEFT = "subject_left"
_REMEMBERED = 200  # changes that undo goes back

Base = Literal["auto", "given"]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A photo with what was done to its mask so far.

    Attributes
    ----------
    key
        Names the photo and its origin.
    data
        The uploaded file; empty where the photo is a saved subject's.
    source_id
        The saved subject that the photo comes from, or nothing.
    saved_id
        What it was last saved as, or nothing.
    saved_edit
        The edit that was saved then.
    base
        What the edit starts from: the automatic mask, or the one that came with the photo.
    round
        Grows when the widgets and the canvas have to start afresh.
    baked
        How many of the edit's strokes are not on the canvas.
    baked_kept
        The edit's `kept_regions` without the clicks that are on the canvas.
    mask
        An uploaded mask, as a file; empty where there is none.
    is_sample
        Whether the file is one that comes with the program.
    past, future
        Earlier edits, oldest first, and those that were taken back, the next one last.
    """

    key: str
    name: str
    data: bytes = field(default=b"", repr=False)
    source_id: SubjectId = NO_SUBJECT
    saved_id: SubjectId = NO_SUBJECT
    saved_edit: MaskEdit | None = None
    base: Base = "auto"
    edit: MaskEdit = field(default_factory=MaskEdit)
    round: int = 0
    baked: int = 0
    baked_kept: tuple[tuple[float, float], ...] | None = None
    mask: bytes = field(default=b"", repr=False)
    is_sample: bool = False
    past: tuple[MaskEdit, ...] = ()
    future: tuple[MaskEdit, ...] = ()

    @property
    def is_unsaved(self) -> bool:
        """Whether a reload would lose something: an own photo, a mask, or what was changed."""
        has_own = bool((self.data and not self.is_sample) or self.mask or self.past or self.future)
        return has_own and self.edit != self.saved_edit

    @property
    def token(self) -> str:
        """Part of the key of every widget that belongs to this draft."""
        return f"{self.key}_{self.round}"

    @property
    def quality(self) -> str:
        """Of the automatic mask."""
        return self.edit.quality

    @property
    def mask_key(self) -> str:
        """Names the uploaded mask; empty where there is none."""
        return hash_bytes(self.mask)[:16] if self.mask else ""

    @property
    def canvas_key(self) -> str:
        return f"canvas_{self.token}"

    @property
    def settled(self) -> "Draft":
        """The same with nothing of its edit on the canvas."""
        return replace(self, baked=len(self.edit.strokes), baked_kept=self.edit.kept_regions)


def current_draft() -> Draft:
    """The visitor's draft: what the URL names, or what they worked on last, or the first sample."""
    asked = SubjectId(st.query_params.get("id", ""))
    draft: Draft | None = st.session_state.get(_DRAFT)
    if draft is None and (unsaved := unsaved_drafts().get(st.query_params.get(_MARK, ""))):
        return start_afresh(unsaved.settled)  # under a mark of its own: another tab may still go on with that one
    if asked and (draft is None or asked not in (draft.saved_id, draft.source_id)):
        try:
            return open_saved(asked)
        except UserInputError as error:
            complain(error)
            del st.query_params["id"]
    return draft or open_sample(SAMPLES[0])


def draft_in_hand() -> Draft:
    """The draft as the last run left it; for callbacks, which run before the page."""
    return st.session_state[_DRAFT]


def keep(draft: Draft) -> Draft:
    """Make this the visitor's draft; what of it is saved nowhere survives a reload."""
    st.session_state[_DRAFT] = draft
    if draft.is_unsaved:
        mark: str = st.session_state.setdefault(_MARK, secrets.token_urlsafe(12))
        unsaved_drafts().put(mark, draft, size=len(draft.data) + len(draft.mask))
    else:
        st.session_state.pop(_MARK, None)
    return draft


def keep_address() -> None:
    """Write into the address what a reload needs to find the visitor's draft again."""
    if mark := st.session_state.get(_MARK):
        st.query_params[_MARK] = mark
    else:
        st.query_params.pop(_MARK, None)


def rounds() -> int:
    """How often the visitor's widgets and canvas have started afresh."""
    return st.session_state.get(_ROUND, 0)


def next_round() -> None:
    """Let the fields for photos start afresh."""
    st.session_state[_ROUND] = rounds() + 1


@st.cache_resource(show_spinner=False)
def unsaved_drafts() -> UnsavedDrafts[Draft]:
    """Those of this server."""
    return UnsavedDrafts()


def start_afresh(draft: Draft, **changes: Any) -> Draft:
    """Make this the visitor's draft, with new widgets that show its values.

    Another one's strokes that nobody saved stay at hand, see `left_draft`.
    """
    before: Draft | None = st.session_state.get(_DRAFT)
    if before is not None and before.past and before.is_unsaved and (draft.key != before.key or not draft.past):
        st.session_state[_LEFT] = before
    st.session_state[_ROUND] = rounds() + 1
    return keep(replace(draft, round=st.session_state[_ROUND], **changes))


def left_draft() -> Draft | None:
    """The draft with unsaved strokes that another one took the place of, until this is gone back to or one is saved."""
    return st.session_state.get(_LEFT)


def go_back_to_left() -> None:
    """Make it the visitor's draft again."""
    left: Draft = st.session_state.pop(_LEFT)
    if left.source_id:
        st.query_params["id"] = left.source_id
    else:
        st.query_params.pop("id", None)
    start_afresh(left.settled)


def forget_left() -> None:
    """Whoever saves another one has gone on."""
    st.session_state.pop(_LEFT, None)


def change(draft: Draft, edit: MaskEdit) -> Draft:
    """Make this edit the draft's own, and keep the one before for undo."""
    if edit == draft.edit:
        return keep(draft)
    past = (*draft.past, draft.edit)[-_REMEMBERED:]
    return keep(replace(draft, edit=edit, past=past, future=()))


def undo(draft: Draft) -> Draft:
    """Go back by one change."""
    *past, edit = draft.past
    return _went(draft, edit, tuple(past), (*draft.future, draft.edit))


def redo(draft: Draft) -> Draft:
    """Make the change again that was taken back last."""
    *future, edit = draft.future
    return _went(draft, edit, (*draft.past, draft.edit), tuple(future))


def _went(draft: Draft, edit: MaskEdit, past: tuple[MaskEdit, ...], future: tuple[MaskEdit, ...]) -> Draft:
    return keep(replace(draft, edit=edit, past=past, future=future).settled)


def complain(error: BgenError, *, beside: str = "") -> None:
    """Keep a sentence to be shown, on the page or beside the control of this name."""
    complain_text(told(error), beside=beside)


def complain_text(sentence: str, *, beside: str = "") -> None:
    """The same for a sentence."""
    st.session_state[_PROBLEM + beside] = sentence


def show_problem(*, beside: str = "") -> None:
    """Show the sentence that waits here, once."""
    if problem := st.session_state.pop(_PROBLEM + beside, ""):
        st.error(plain(problem))  # it may hold a file name, which may hold anything


def open_photo(data: bytes, file_name: str) -> Draft:
    """Begin with a photo from a file; refuses what cannot be decoded and keeps the draft as it was."""
    return start_afresh(_with_photo(data, file_name))


def _with_photo(data: bytes, file_name: str) -> Draft:
    key = hash_bytes(data)[:16]
    photo = _decoded(key, data, file_name)
    st.query_params.pop("id", None)
    name = " ".join(PurePath(file_name).stem.replace("_", " ").split())[:60] or "Subject"
    can_be_mask = photo.alpha is not None and remark_about_transparency(photo.alpha) is None
    return Draft(key=key, name=name, data=data, base="given" if can_be_mask else "auto")


def open_sample(sample: Sample) -> Draft:
    """Begin with one of the sample photos."""
    return start_afresh(_with_photo(sample.read(), sample.file_name), name=sample.name, is_sample=True)


def open_saved(subject_id: SubjectId) -> Draft:
    """Go on with a saved subject, from the mask edit that was saved with it."""
    store = resources.store()
    entry, content = store.subjects.get(subject_id), store.subjects.load_edit(subject_id)
    base: Base = "auto" if content.get("base") == "auto" else "given"
    edit = MaskEdit.from_json(content)
    st.query_params["id"] = subject_id
    return start_afresh(
        Draft(
            key=subject_id[:16],
            name=entry.name,
            source_id=subject_id,
            saved_id=subject_id,
            saved_edit=edit,
            base=base,
            edit=edit,
        ).settled
    )


def photo_of(draft: Draft) -> Photo:
    """The draft's photo, decoded. Shared between visitors: never write to its arrays."""
    photo = _loaded(draft.source_id) if draft.source_id else _decoded(draft.key, draft.data, draft.name)
    return replace(photo, alpha=_decoded_mask(draft.mask_key, draft.mask, photo.extent)) if draft.mask else photo


def take_mask(draft: Draft, data: bytes, file_name: str) -> Draft:
    """Begin with an uploaded mask in place of the automatic one; refuses what does not fit and keeps the draft.

    Raises
    ------
    UserInputError
        Not a picture, or not of the photo's size.
    """
    decode_foreign_alpha(data, name=file_name, extent=photo_of(draft).extent)
    past = (*draft.past, draft.edit) if draft.past else ()  # undo brings strokes back, onto this mask
    return start_afresh(
        replace(draft, mask=data, base="given", edit=MaskEdit(), saved_edit=None, past=past, future=()).settled
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _decoded(key: str, _data: bytes, _name: str) -> Photo:
    """An uploaded photo, by its content."""
    return decode_foreign_photo(_data, name=_name, limits=DecodeLimits.from_settings(resources.settings()))


@st.cache_resource(max_entries=4, show_spinner=False)
def _decoded_mask(mask_key: str, _data: bytes, _extent: Extent) -> np.ndarray:
    """An uploaded mask, by its content."""
    return decode_foreign_alpha(_data, name="The mask", extent=_extent)


@st.cache_resource(max_entries=4, show_spinner=False)
def _loaded(subject_id: SubjectId) -> Photo:
    """A saved subject's photo. Its alpha is what the saved edit starts from, where that is not the automatic mask."""
    store = resources.store()
    subject, content = store.subjects.load(subject_id), store.subjects.load_edit(subject_id)
    alpha = subject.alpha if content.get("base") != "auto" else None
    if "given" in content:
        alpha = decode_alpha(base64.b64decode(content["given"]), name=subject.name, extent=subject.extent)
    return Photo(name=subject.name, image=subject.image, alpha=alpha)
