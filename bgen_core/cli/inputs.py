"""What `generate` and `sweep` read from the command line alike: the subject, the model's defaults, the output."""

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from bgen_core.cli.called_as import called_as
from bgen_core.content_address import hash_bytes, is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.settings import Settings
from bgen_core.store.references import WHITE
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import DecodeLimits, read_alpha, read_photo
from bgen_core.subject.remarks import remark_about_transparency
from bgen_core.subject.subject import Subject
from bgen_core.sweep.canvas import check_subject
from bgen_core.whole_file import can_be_written, linked, write_whole
from bgen_core.wording import printable, readable


def say(sentence: str) -> None:
    """Tell the person something beside the result: on stderr, so that stdout stays one JSON document.

    Names of files and texts of others are in it: what would break the line or command the terminal is shown as a sign.
    """
    sys.stderr.write(f"{printable(sentence)}\n")


INVERT_HELP = "White in --alpha is what to repaint, as most other programs have it."


def check_invert(invert: bool | None, alpha: Path | None) -> None:
    """Refuse to turn round a mask that is not given."""
    if invert and alpha is None:
        raise UserInputError("--invert turns a mask round: give the mask too, with --alpha FILE.")


def read_subject(
    photo_path: Path,
    alpha_path: Path | None,
    settings: Settings,
    *,
    invert: bool = False,
    doubts: list[str] | None = None,
) -> Subject:
    """Photo with its alpha: the given one, else the file's own, else the person that segmentation finds.

    Parameters
    ----------
    invert
        Whether the given alpha is white where the photo is repainted.
    doubts
        Gets what is doubtful about a mask that segmentation made; it is said at once where there is no list.

    Raises
    ------
    UserInputError
        A file cannot be read, there is nothing to keep, or the file's own transparency may be no mask.
    """
    limits = DecodeLimits.from_settings(settings)
    photo = read_photo(photo_path, limits=limits)
    for note in photo.notes:
        say(f"{photo_path.name}: {note}")
    if alpha_path is not None:
        alpha = read_alpha(alpha_path, extent=photo.extent, limits=limits)
        alpha = 1 - alpha if invert else alpha
    elif photo.alpha is not None:
        if remark := remark_about_transparency(photo.alpha):
            typed = shlex.quote(str(photo_path))
            raise UserInputError(
                f"{photo_path.name}: {remark.says} Cut the person out with `{called_as()} segment {typed} --out "
                f"alpha.png` and give --alpha alpha.png, or take the transparency as it is with --alpha {typed}."
            )
        say(f"{photo_path.name}: the file's own transparency is the alpha")
        alpha = photo.alpha
    else:
        alpha, doubtful = _segment(photo_path, photo.image)
        if doubts is not None:
            doubts.extend(doubtful)
        elif doubtful:
            say(f"{photo_path.name}: the mask is unsure; look at it, or give a better one with --alpha FILE")
    return Subject(name=readable(photo_path.stem), image=photo.image, alpha=alpha)


def read_pictures(
    texts: Sequence[str], settings: Settings, encode: Callable[[np.ndarray], bytes]
) -> tuple[list[str], list[bytes]]:
    """Reference or background pictures as they are typed: files, or addresses of pictures that the store has.

    Parameters
    ----------
    encode
        How they are kept: `references.encode_reference` or `encode_background`.

    Returns
    -------
    tuple
        The address of each, and the PNGs of those that were read from files: `keep_pictures` puts them there.

    Raises
    ------
    UserInputError
        A file cannot be read.
    """
    names: list[str] = []
    pngs: list[bytes] = []
    for text in texts:
        if text and not is_content_hash(text):
            photo = read_photo(Path(text), limits=DecodeLimits.from_settings(settings))
            for note in photo.notes:
                say(f"{photo.name}: {note}")
            pngs.append(encode(photo.before(WHITE)))
            text = hash_bytes(pngs[-1])
        names.append(text)
    return names, pngs


def keep_pictures(store: Store, pngs: Iterable[bytes]) -> None:
    """Put reference and background pictures into the store."""
    store.pictures.keep(pngs)


def keep_subject(store: Store, subject: Subject) -> None:
    """Put a subject into the store, unless it is there whole: a saved one keeps its name and its strokes.

    Raises
    ------
    UserInputError
        It fills its photo or is empty.
    """
    check_subject(subject)
    if any(entry.id == subject.id for entry in store.subjects.all()):
        store.subjects.restore_pictures(subject)
    else:
        store.subjects.save(subject, {})


def _segment(photo_path: Path, image: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The person's alpha, and why it is doubtful."""
    from bgen_core.subject.cutout import cut_out  # loads mediapipe
    from bgen_core.subject.remarks import doubts_about

    alpha, segmentation = cut_out(image)
    if not (alpha > 0.5).any():
        raise UserInputError(
            f"{photo_path.name}: no person was found: give a mask with --alpha FILE (white = keep), "
            "or mark the subject with the brush on the Subject page."
        )
    return alpha, doubts_about(segmentation)


def check_output_file(path: Path, *inputs: Path | None) -> None:
    """Refuse an output that could not be written, or would destroy what it is made from, before anything is computed.

    Raises
    ------
    UserInputError
        Not a PNG, one of the inputs, or its folder is not there or cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UserInputError(f"--out {path} is not a PNG: choose a name that ends in .png.")
    if linked(path) in [linked(given) for given in inputs if given]:
        raise UserInputError(f"--out {path} is the file that is read: choose another name.")
    try:
        can_be_written(path)
    except OSError as error:
        raise UserInputError(
            f"--out {path} cannot be written ({error.strerror}): its folder must exist and the name must be a file's."
        ) from error


def check_prompt(prompt: str) -> None:
    """Refuse a prompt without a word."""
    if not prompt.strip():
        raise UserInputError("The prompt is empty: say what to paint behind the subject.")


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    UserInputError
        It cannot be written.
    """
    try:
        write_whole(path, [data])
    except OSError as error:
        raise UserInputError(f"{path} cannot be written: {error.strerror}.") from error
