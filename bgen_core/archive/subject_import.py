"""Taking subjects from a ZIP of `subject_archive`."""

import base64
import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bgen_core.archive.foreign_zip import (
    ZIP_FAULTS,
    DamagedFileError,
    check_directory,
    read_foreign_json,
    read_member,
)
from bgen_core.archive.subject_archive import ALPHA, EDIT, FORMAT, MOST_SUBJECTS, PHOTO, most_pixels
from bgen_core.errors import BgenError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SubjectId
from bgen_core.json_value import JsonValue
from bgen_core.limits import LONGEST_NAME, ImpossibleTextError, check_text
from bgen_core.store.store import Store
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_alpha, decode_foreign_photo, measure
from bgen_core.subject.decoding.image_io import DecodeLimits, PictureSizeError
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.subject import Subject
from bgen_core.wording import counted, quoted

_MOST_EDIT_BYTES = 32_000_000
_MOST_VALUES = 2_000_000
_BROKEN = "subjects-*.zip as this page exports it is what can be imported"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of a ZIP: ids of the subjects that are new, and of those that were in the store already.

    Attributes
    ----------
    not_imported
        A sentence for each subject that was left out: it was damaged on the way, no store holds its name, or its photo
        is larger or smaller than this one takes.
    """

    new: tuple[SubjectId, ...]
    known: tuple[SubjectId, ...]
    not_imported: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """For the person who asked."""
        count = len(self.new)
        text = f"{counted(count, 'subject')} imported."
        if self.known:
            text += f" {len(self.known)} {'was' if len(self.known) == 1 else 'were'} in the library already."
        return " ".join([text, *(f"Not imported: {each}" for each in self.not_imported)])


def import_subjects(store: Store, data: bytes, *, limits: DecodeLimits) -> Imported:
    """Put the subjects of a ZIP into the store; those that are there already keep their name and edit.

    Nothing is unpacked to a folder. A subject one of whose files was damaged on the way, or whose photo is beyond the
    limits, is left out and named. All headers are looked at before any pixel is decoded, and where something turns out
    to be broken later, what was kept until then is removed again.

    Parameters
    ----------
    limits
        Of each photo in it.

    Raises
    ------
    UserInputError
        Not such a ZIP, or something in it is broken, a file is too long, all photos together are too large, or each
        subject is left out: then nothing is imported.
    """
    with _opened(data) as archive:
        left_out: list[str] = []
        folders = _possible(archive, limits.as_png, len(data), left_out)
        if left_out and not folders:
            raise UserInputError(f"No subject can be imported. {left_out[0]}")
        outcome = _keep_all(store, archive, folders, limits.as_png)
    return Imported(
        new=tuple(subject_id for subject_id, is_new in outcome.items() if is_new),
        known=tuple(subject_id for subject_id, is_new in outcome.items() if not is_new),
        not_imported=tuple(left_out),
    )


def _possible(archive: zipfile.ZipFile, limits: DecodeLimits, packed: int, left_out: list[str]) -> list[str]:
    """The folders whose subjects a store can hold, after a look at all headers; the others are said.

    Photos that are few bytes and many pixels are refused: two hundred of them would take minutes.
    """
    possible: list[str] = []
    pixels, most = 0, most_pixels(limits, packed)
    for folder in _folders(archive):
        name = folder.rstrip("/")
        try:
            name = _described(_file(archive, folder + EDIT, _MOST_EDIT_BYTES), folder)["name"]
            check_text("The name", name, LONGEST_NAME)
            pixels += _measured(archive, folder, limits).area
        except (ImpossibleTextError, DamagedFileError, PictureSizeError) as error:
            left_out.append(f"Subject {quoted(name, 60)}: {error}")
            continue
        if pixels > most:
            raise UserInputError(
                f"The ZIP holds photos of over {most / 1e6:,.0f} megapixels together, the most allowed at its length: "
                "export fewer at once."
            )
        possible.append(folder)
    return possible


def _measured(archive: zipfile.ZipFile, folder: str, limits: DecodeLimits) -> Extent:
    """The size of the photo, when both pictures are as they were packed."""
    photo = _file(archive, folder + PHOTO, limits.max_bytes)
    if folder + ALPHA in archive.NameToInfo:  # one that is not there is told where it is needed
        _file(archive, folder + ALPHA, limits.max_bytes)
    return measure(photo, name=folder + PHOTO, limits=limits)


def _keep_all(
    store: Store, archive: zipfile.ZipFile, folders: Sequence[str], limits: DecodeLimits
) -> dict[SubjectId, bool]:
    """Id -> whether it is new."""
    outcome: dict[SubjectId, bool] = {}
    try:
        for folder in folders:
            subject_id, is_new = _keep(store, *_read(archive, folder, limits))
            outcome[subject_id] = is_new or outcome.get(subject_id, False)
    except BaseException:
        for subject_id in [each for each, is_new in outcome.items() if is_new]:
            with suppress(BgenError):  # somebody has begun to use it
                store.subjects.delete(subject_id)
        raise
    return outcome


def _opened(data: bytes) -> zipfile.ZipFile:
    file = io.BytesIO(data)
    try:
        check_directory(file, "The ZIP")
        return zipfile.ZipFile(file)
    except ZIP_FAULTS as error:
        raise _unreadable(error) from error


def _folders(archive: zipfile.ZipFile) -> list[str]:
    """The folders that hold a subject."""
    listed = archive.namelist()
    if len(listed) != len(set(listed)):
        raise UserInputError(f"The ZIP holds several files of one name: {_BROKEN}.")
    folders = sorted(name.removesuffix(EDIT) for name in listed if name.endswith(f"/{EDIT}") or name == EDIT)
    if not folders:
        raise UserInputError(f"The ZIP holds no subject ({EDIT} is missing): {_BROKEN}.")
    if len(folders) > MOST_SUBJECTS:
        raise UserInputError(f"The ZIP holds {len(folders)} subjects: allowed are at most {MOST_SUBJECTS}.")
    return folders


def _read(archive: zipfile.ZipFile, folder: str, limits: DecodeLimits) -> tuple[Subject, dict[str, Any]]:
    said = _described(_file(archive, folder + EDIT, _MOST_EDIT_BYTES), folder)
    photo = decode_foreign_photo(_file(archive, folder + PHOTO, limits.max_bytes), name=folder + PHOTO, limits=limits)
    data = _file(archive, folder + ALPHA, limits.max_bytes)
    alpha = decode_foreign_alpha(data, name=folder + ALPHA, extent=photo.extent)
    subject = Subject(name=said["name"].strip(), image=photo.image, alpha=alpha)
    return subject, _checked_edit(said["edit"], folder, photo.extent)


def _checked_edit(content: dict[str, Any], folder: str, extent: Extent) -> dict[str, Any]:
    """What the mask page can go on with, and nothing beside it."""
    try:
        read = MaskEdit.from_json(content).to_json()
    except ArithmeticError as error:  # a whole number that is greater than any float
        raise UserInputError(
            f"The edit in {_shown(folder + EDIT)} has a number that is not allowed: {_BROKEN}."
        ) from error
    edit: dict[str, Any] = {"base": "auto" if content.get("base") == "auto" else "given", **read}
    if "given" in content:
        try:
            data = base64.b64decode(content["given"], validate=True)
        except (TypeError, ValueError) as error:
            raise UserInputError(f"The mask in {_shown(folder + EDIT)} cannot be read: {_BROKEN}.") from error
        decode_foreign_alpha(data, name=folder + EDIT, extent=extent)
        edit["given"] = content["given"]
    return edit


def _described(data: bytes, folder: str) -> dict[str, Any]:
    try:
        said: JsonValue = read_foreign_json(data, most_values=_MOST_VALUES)
    except ValueError as error:
        raise UserInputError(f"{_shown(folder + EDIT)} in the ZIP is no JSON: {_BROKEN}.") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise UserInputError(f"{_shown(folder + EDIT)} in the ZIP is of another format than {FORMAT}: {_BROKEN}.")
    if not (isinstance(said.get("name"), str) and said["name"].strip() and isinstance(said.get("edit"), dict)):
        raise UserInputError(f"{_shown(folder + EDIT)} in the ZIP lacks the name or the edit: {_BROKEN}.")
    return said


def _file(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member, read no further than allowed: what its header says about its size may be a lie."""
    try:
        data = read_member(archive, name, most=most)
    except ZIP_FAULTS as error:
        raise _unreadable(error) from error
    except KeyError as error:
        raise UserInputError(f"{_shown(name)} is missing in the ZIP: {_BROKEN}.") from error
    if len(data) > most:
        raise UserInputError(f"{_shown(name)} in the ZIP is larger than {most / 1e6:g} MB, which is the most allowed.")
    return data


def _keep(store: Store, subject: Subject, edit: dict[str, Any]) -> tuple[SubjectId, bool]:
    if store.subjects.find(subject.id) is None:
        return store.subjects.save(subject, edit), True
    store.subjects.restore_pictures(subject)
    return subject.id, False


def _shown(name: str) -> str:
    return quoted(name[-60:])


def _unreadable(error: BaseException) -> UserInputError:
    reason = str(error).splitlines()[0][:120].rstrip(".") if str(error) else type(error).__name__
    return UserInputError(f"The file cannot be read as a ZIP ({reason}): {_BROKEN}.")
