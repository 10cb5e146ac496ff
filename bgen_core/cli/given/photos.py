"""The photos of a sweep: files and folders of them, read one after another, so that a hundred fit into memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bgen_core.cli.inputs import keep_subject, read_subject, say
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SubjectId
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.subject.decoding.picture_formats import shown_name
from bgen_core.sweep.canvas import check_subject
from bgen_core.wording import counted

_NOT_PILLOWS = (".heic", ".heif")


@dataclass(frozen=True, kw_only=True)
class SweepPhoto:
    """A photo whose subject a sweep has.

    Attributes
    ----------
    doubt
        Why its mask should be looked at, in a sentence; empty where it is a good one.
    """

    path: Path
    id: SubjectId
    name: str
    extent: Extent
    doubt: str = ""


@dataclass(frozen=True, kw_only=True)
class SweepPhotos:
    """What was given, read.

    Attributes
    ----------
    kept
        In the order in which they were given.
    left_out
        Photo -> why it takes no part.
    """

    kept: tuple[SweepPhoto, ...]
    left_out: dict[Path, str]

    @property
    def doubtful(self) -> list[SweepPhoto]:
        """Those whose masks should be looked at."""
        return [photo for photo in self.kept if photo.doubt]


def photo_path(text: str) -> Path:
    """A photo as it is typed.

    Raises
    ------
    UserInputError
        It is empty, as where a shell's variable is not set: it would be the current folder.
    """
    if not text:
        raise UserInputError("A photo's name is empty: give a file, or a folder such as . for the current one.")
    return Path(text)


def photo_files(given: Sequence[Path]) -> list[Path]:
    """Files as they are, and in place of a folder what is named as a picture in it, by name.

    A folder without any is left in its place, where it is one of several: reading it says why it takes no part.

    Raises
    ------
    UserInputError
        The only thing that is given is a folder that holds no picture, or that cannot be read.
    """
    files: list[Path] = []
    for path in given:
        try:
            inside = _pictures_in(path)
        except OSError as error:
            if len(given) == 1:
                raise UserInputError(f"{shown_name(str(path))} cannot be read: {error.strerror}.") from error
            inside = []
        if len(given) == 1 and not inside and path.is_dir():
            raise UserInputError(
                f"The folder {shown_name(str(path))} holds no picture: give photos, or a folder of them."
            )
        files += inside or [path]
    return files


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    suffixes = {*Image.registered_extensions(), *_NOT_PILLOWS}
    return sorted(each for each in folder.iterdir() if each.suffix.lower() in suffixes)


def read_photos(
    paths: Sequence[Path], alpha: Path | None, settings: Settings, store: Store | None, *, invert: bool
) -> SweepPhotos:
    """Read photos, and keep their subjects in the store; one of several that is no photo is said and left out.

    Parameters
    ----------
    store
        None where nothing shall be kept.

    Raises
    ------
    UserInputError
        The only photo, or each of them, cannot be read or has no subject.
    """
    kept: list[SweepPhoto] = []
    left_out: dict[Path, str] = {}
    for path in paths:
        doubts: list[str] = []
        try:
            subject = read_subject(path, alpha, settings, invert=invert, doubts=doubts)
            check_subject(subject)
            if store is not None:
                keep_subject(store, subject)
        except UserInputError as error:
            if len(paths) == 1:
                raise
            left_out[path] = str(error)
            say(f"left out: {error}")
            continue
        extent = Extent.of(subject.image)
        kept.append(SweepPhoto(path=path, id=subject.id, name=subject.name, extent=extent, doubt=" ".join(doubts)))
    read = SweepPhotos(kept=tuple(kept), left_out=left_out)
    if not kept:
        raise UserInputError(f"None of {counted(len(paths), 'photo')} can be used: see above why.")
    if read.doubtful and len(paths) > 1:
        say(f"{counted(len(read.doubtful), 'mask')} of {len(kept)} to look at first, on the Subject page:")
        for photo in read.doubtful:
            say(f"  {shown_name(photo.path.name)}: {photo.doubt}")
    return read
