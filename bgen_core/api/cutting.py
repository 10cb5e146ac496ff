"""From uploaded files to a subject, by the same steps as the Subject page."""

import base64
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from bgen_core.api.requests import SubjectForm
from bgen_core.errors import UserInputError
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_alpha, decode_foreign_photo
from bgen_core.subject.decoding.image_io import DecodeLimits, Photo, encode_alpha_png
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.remarks import remark_about_transparency, remarks_about
from bgen_core.subject.subject import Subject

_LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class CutUpload:
    """A subject that nobody has saved yet.

    Attributes
    ----------
    edit
        How its mask was made, for the Subject page to go on with.
    notes
        What a person should know about it, a sentence each.
    """

    subject: Subject
    edit: dict[str, Any]
    notes: tuple[str, ...]


def cut_upload(
    photo_file: bytes, file_name: str, asked: SubjectForm, *, alpha: bytes | None, limits: DecodeLimits
) -> CutUpload:
    """A photo with its alpha: the one that is given, else the file's own, else the person that segmentation finds.

    Raises
    ------
    UserInputError
        A file cannot be read, a value is not allowed, or the mask keeps nothing or everything.
    """
    if asked.invert and alpha is None:
        raise UserInputError("invert turns a mask round: send the mask too, as alpha.")
    edit = MaskEdit(
        threshold=asked.threshold,
        grow=asked.grow,
        feather=asked.feather,
        quality=asked.quality,
    )
    photo = decode_foreign_photo(photo_file, name=file_name, limits=limits)
    given, notes = _given(photo, alpha, invert=asked.invert)
    base = given
    if base is None:
        from bgen_core.subject.cutout import cut_out  # loads mediapipe

        base, segmentation = cut_out(photo.image, edit.quality)
        notes += tuple(remark.says for remark in remarks_about(segmentation))
    kept = apply_edit(base, edit)
    if not (kept > 0.5).any():
        raise UserInputError("The mask keeps nothing: send a mask as alpha (white = keep), or draw one on the pages.")
    if not (kept < 0.5).any():
        raise UserInputError("The mask keeps the whole photo: send one that leaves the background out.")
    content: dict[str, Any] = {"base": "auto" if given is None else "given", **edit.to_json()}
    if given is not None and not edit.changes_nothing:
        content["given"] = base64.b64encode(encode_alpha_png(given)).decode()
    name = asked.name.strip() or " ".join(PurePath(file_name).stem.replace("_", " ").split())[:_LONGEST_NAME]
    subject = Subject(name=name or "Subject", image=photo.image, alpha=kept)
    return CutUpload(subject=subject, edit=content, notes=photo.notes + notes)


def _given(photo: Photo, alpha: bytes | None, *, invert: bool) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The mask that was sent or that the photo brings, and what there is to say about it."""
    if alpha is not None:
        sent = decode_foreign_alpha(alpha, name="alpha", extent=photo.extent)
        return (1 - sent if invert else sent), ()
    if photo.alpha is None:
        return None, ()
    if remark := remark_about_transparency(photo.alpha):
        return None, (f"{remark.says} The person was cut out in its place.",)
    return photo.alpha, ("The file's own transparency is the mask.",)
