"""Many photos at once: each is cut out and kept before the next one is read, so that 200 need the memory of one."""

import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from bgen_core.errors import LostPictureError, StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SubjectId
from bgen_core.store.store import SeenStore
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_photo
from bgen_core.subject.decoding.image_io import DecodeLimits, Photo, encode_webp, resize
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.previews import on_checkerboard
from bgen_core.subject.remarks import doubts_about, remark_about_transparency
from bgen_core.subject.resizing import reduced
from bgen_core.subject.subject import Subject
from bgen_core.sweep.canvas import check_subject
from bgen_core.wording import quoted
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.subject.unsaved_drafts import UnsavedDrafts

logger = logging.getLogger(__name__)

_BATCH = "photo_batch"
_MARK = "review"
_SHOWN_SIDE = 256
_NO_PERSON = "No person was found: choose this photo alone, and draw around what to keep."
INTERNAL = "This photo could not be cut out, by a fault of the program, which its log tells."


@dataclass(frozen=True, kw_only=True)
class BatchPhoto:
    """A photo that was cut out and kept.

    Attributes
    ----------
    doubt
        Why its mask should be looked at; empty where it is a good one, or was mended.
    is_used
        Whether it goes into the sweep; None where nobody has said, and it waits to be looked at.
    shown
        A small WebP of the subject alone.
    """

    id: SubjectId
    name: str
    file_name: str
    doubt: str
    is_used: bool | None
    shown: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Photos that were given together, in their order.

    Attributes
    ----------
    left_out
        File names, and why they take no part.
    done
        Ids of the files that were read.
    """

    photos: tuple[BatchPhoto, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    done: frozenset[str] = frozenset()

    @property
    def used(self) -> list[SubjectId]:
        return [photo.id for photo in self.photos if photo.is_used]

    @property
    def waiting(self) -> int:
        """How many wait to be looked at."""
        return sum(photo.is_used is None for photo in self.photos)

    def in_order(self) -> list[BatchPhoto]:
        """Doubtful masks first; what was decided of them does not move them."""
        return sorted(self.photos, key=lambda photo: not photo.doubt)

    def changed(self, subject_id: SubjectId, photo: BatchPhoto | None) -> "Batch":
        """With another photo in the place of one, or without it."""
        photos = tuple(photo if each.id == subject_id else each for each in self.photos)
        kept = {each.id: each for each in photos if each is not None}
        return replace(self, photos=tuple(kept.values()))

    def decided(self, subject_ids: Sequence[SubjectId], *, is_used: bool | None) -> "Batch":
        """With some photos used, or left out."""
        chosen = set(subject_ids)
        return replace(
            self, photos=tuple(replace(each, is_used=is_used) if each.id in chosen else each for each in self.photos)
        )


def batch_in_hand() -> Batch | None:
    """The visitor's batch: of this session, or the one that the address names after a reload."""
    if _BATCH not in st.session_state and (found := _batches().get(st.query_params.get(_MARK, ""))):
        st.session_state[_BATCH] = found  # under a mark of its own: another tab may still go on with that one
    return st.session_state.get(_BATCH)


def keep_batch(batch: Batch) -> None:
    """Make this the visitor's batch; it survives a reload."""
    st.session_state[_BATCH] = batch
    mark = st.session_state.setdefault("batch_mark", secrets.token_urlsafe(12))
    _batches().put(mark, batch, size=sum(len(photo.shown) for photo in batch.photos))
    st.query_params[_MARK] = mark


def end_batch() -> None:
    """Forget the batch; its subjects stay in the library."""
    for key in (_BATCH, "batch_mark"):
        st.session_state.pop(key, None)
    st.query_params.pop(_MARK, None)


def read_batch(files: Sequence[UploadedFile]) -> Iterator[tuple[int, UploadedFile]]:
    """Cut out and keep the files that are new to the batch, one after another; yields each, and its number, when done.

    A file that is no photo, or shows nobody, is left out with its reason. The batch in hand grows with each, so that
    whatever stops the page loses nothing.

    Raises
    ------
    StoreError
        The store takes nothing more.
    """
    for number, file in enumerate(files, start=1):
        batch = batch_in_hand() or Batch()
        if file.file_id not in batch.done:
            keep_batch(replace(_with_file(batch, file), done=batch.done | {file.file_id}))
        yield number, file


def shown_small(subject: Subject) -> bytes:
    """A small WebP of the subject alone, on a checkerboard."""
    extent = subject.extent.scaled_to_longest_side(_SHOWN_SIDE)
    small = Photo(name=subject.name, image=resize(subject.image, extent), alpha=None)
    return encode_webp(on_checkerboard(small.image, reduced(subject.alpha, Extent.of(small.image))))


def leave_out(batch: Batch, file_name: str, reason: str) -> Batch:
    """With one more file that takes no part."""
    return replace(batch, left_out=(*batch.left_out, (file_name, reason)))


def _with_file(batch: Batch, file: UploadedFile) -> Batch:
    try:
        photo = _kept(resources.store(), file)
    except (UserInputError, LostPictureError) as error:
        return leave_out(batch, file.name, told(error))
    except StoreError:
        raise
    except Exception:  # one of 200 shall not stop the others
        logger.exception("a photo of many could not be cut out")
        return leave_out(batch, file.name, INTERNAL)
    same = next((each for each in batch.photos if each.id == photo.id), None)
    if same is not None:
        return leave_out(batch, file.name, f"The same photo as {quoted(same.file_name)}.")
    return replace(batch, photos=(*batch.photos, photo))


def _kept(store: SeenStore, file: UploadedFile) -> BatchPhoto:
    """A file's subject, put into the library unless it is there: a saved one keeps its name and its strokes."""
    photo = decode_foreign_photo(
        file.getvalue(), name=file.name, limits=DecodeLimits.from_settings(resources.settings())
    )
    base, doubts = "auto", list[str]()
    if photo.alpha is not None and remark_about_transparency(photo.alpha) is None:
        base, alpha = "given", photo.alpha
    else:
        alpha, found = cut_out(photo.image)
        doubts = doubts_about(found)
    if not (alpha > 0.5).any():
        raise UserInputError(_NO_PERSON)
    name = " ".join(PurePath(file.name).stem.replace("_", " ").split())[:60] or "Subject"
    subject = Subject(name=name, image=photo.image, alpha=alpha)
    check_subject(subject)
    known = store.subjects.find(subject.id)
    if known is None:
        store.subjects.save(subject, {"base": base, **MaskEdit().to_json()})
    return BatchPhoto(
        id=subject.id,
        name=known.name if known else name,
        file_name=file.name,
        doubt=" ".join(doubts),
        is_used=None if doubts else True,
        shown=shown_small(subject),
    )


@st.cache_resource(show_spinner=False)
def _batches() -> UnsavedDrafts[Batch]:
    """Those of this server."""
    return UnsavedDrafts(most_bytes=64 * 2**20)
