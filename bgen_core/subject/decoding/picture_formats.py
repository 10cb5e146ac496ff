# pyright: reportUnknownVariableType=false
"""Opening a picture file that may be anything: one decoder for every allowed format, one sentence for every failure."""

import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageFile, UnidentifiedImageError

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.decoding.colour import to_srgb
from bgen_core.subject.decoding.deep_samples import UnreadableSamplesError, check_samples
from bgen_core.subject.decoding.native_log import native_log_filtered
from bgen_core.subject.decoding.orientation import load_upright
from bgen_core.subject.decoding.png_stream import is_complete_png
from bgen_core.wording import listed, readable

# Pillow's name of a format -> what people call it. Nothing else is ever opened.
FORMATS = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "AVIF": "AVIF",
    "HEIF": "HEIC",
    "GIF": "GIF",
    "TIFF": "TIFF",
    "BMP": "BMP",
}
ALLOWED = f"allowed are {listed(list(FORMATS.values()))}"

# Those in which several stand side by side, by how Pillow 13 says so: from the file's head, or by moving through the
# file. What a JPEG or HEIC has beside its picture belongs to it.
_TOLD_AT_ONCE, _LOOKED_AHEAD = ("WEBP", "PNG", "AVIF"), ("GIF", "TIFF")
_SUBFILE, _IS_SMALLER = 254, 1  # TIFF's NewSubfileType

# What Pillow 13 and its plugins raise on damaged data.
_BAD_DATA = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, EOFError,
    RuntimeError, BufferError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip

# Python's warning filters belong to the whole process, so only one thread at a time may silence Pillow.
_PILLOW = threading.Lock()

# Pillow 13 silences libtiff's warnings but not its errors, which are "<module>: …" and one sentence without.
_LIBTIFF = re.compile(rb"[^\s:]+: |More samples|Apparently")


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedPicture:
    """A whole picture, upright.

    Attributes
    ----------
    image
        Mode RGB, sRGB.
    alpha
        Mode L or None; see `to_srgb`.
    texts
        A PNG's text chunks, also those behind the pixels.
    notes
        What a person should know about how it was read, a sentence each.
    """

    image: Image.Image
    alpha: Image.Image | None
    texts: Mapping[str, str]
    notes: tuple[str, ...]


def decode_picture(
    data: bytes, *, name: str, check: Callable[[Extent], None], are_colours: bool = True
) -> DecodedPicture:
    """Decode a whole picture, upright.

    On a damaged file Pillow 13 and its plugins raise nearly everything there is, which all means the same to the person
    who has the file. A library that is missing and a memory that is full are not the file's fault.

    Parameters
    ----------
    data
        The file.
    name
        Its name, for the error texts.
    check
        Sees the size that the file's header states before any pixel is decoded; raises UserInputError.
    are_colours
        Whether what the file says about its colours is followed; see `to_srgb`.

    Raises
    ------
    UserInputError
        Not a whole picture of an allowed format, or refused by `check`.
    """
    with _faults_told(data, name):
        with _quiet(data):
            picture = _open(data, name)
            check(Extent(width=picture.width, height=picture.height))
            check_samples(picture)
            turn, notes = load_upright(picture)
            if _holds_several(picture, data, name):
                notes += ("It holds several pictures: the first one was taken.",)
        if not is_complete_png(data):
            raise EOFError("the stream of pixels ends early")
        image, alpha, more = to_srgb(picture, data, are_colours=are_colours)
        if turn is not None:
            image, alpha = image.transpose(turn), None if alpha is None else alpha.transpose(turn)
        is_png = picture.format == "PNG"
        texts = {str(key): each for key, each in picture.info.items() if isinstance(each, str)} if is_png else {}
        return DecodedPicture(image=image, alpha=alpha, texts=texts, notes=notes + more)


def measure_picture(data: bytes, *, name: str) -> Extent:
    """The size that a picture's header states, before its orientation is looked at; no pixel is decoded.

    Raises
    ------
    UserInputError
        Not a picture of an allowed format.
    """
    with _faults_told(data, name), _quiet(data):
        picture = _open(data, name)
        return Extent(width=picture.width, height=picture.height)


@contextmanager
def _quiet(data: bytes) -> Generator[None]:
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with native_log_filtered(_LIBTIFF) if _kind(data) == "TIFF" else nullcontext():
            yield


@contextmanager
def _faults_told(data: bytes, name: str) -> Generator[None]:
    """One sentence for whatever a decoder raises."""
    try:
        yield
    except UserInputError:
        raise
    except MemoryError as error:  # the size was allowed
        raise UserInputError(
            f"{shown_name(name)} could not be decoded, because this machine is out of memory: try again in a while, or "
            "give a smaller picture."
        ) from error
    except _BAD_DATA as error:
        raise UserInputError(f"{shown_name(name)} {_complaint(data, error)}.") from error


def shown_name(name: str) -> str:
    """A file's name as it may stand in a sentence: one line, printable, not endless."""
    name = readable(name)
    name = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name) or "The file"
    return name if len(name) <= 80 else f"{name[:50]}…{name[-25:]}"


def _open(data: bytes, name: str) -> ImageFile.ImageFile:
    if _kind(data) in ("HEIC", "video") and "HEIF" not in Image.OPEN:  # the container is that of videos, too
        _register_heic(name)
    return Image.open(BytesIO(data), formats=[known for known in FORMATS if known != "HEIF" or known in Image.OPEN])


def _holds_several(picture: ImageFile.ImageFile, data: bytes, name: str) -> bool:
    """Whether more follows the first picture: frames of an animation, or pages that are no smaller copy of it."""
    if picture.format in _TOLD_AT_ONCE:
        return bool(getattr(picture, "is_animated", False))
    if picture.format not in _LOOKED_AHEAD:
        return False
    try:
        ahead = _open(data, name)
        if not getattr(ahead, "is_animated", False):
            return False
        if picture.format == "TIFF":
            ahead.seek(1)
        return not getattr(ahead, "tag_v2", {}).get(_SUBFILE, 0) & _IS_SMALLER
    except _BAD_DATA:  # of what follows: the first picture is whole
        return False


def _register_heic(name: str) -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:  # not installed, or one of the system's libraries is missing
        raise UserInputError(
            f"{shown_name(name)} is in the HEIC format, and the library that reads it cannot be loaded here "
            "(pillow-heif): give a JPEG, or have it installed."
        ) from error
    register_heif_opener(thumbnails=False)


def _complaint(data: bytes, error: Exception) -> str:
    """Why the file was refused, as the end of a sentence that begins with its name."""
    if isinstance(error, UnreadableSamplesError):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", str(error))
        return (
            f"has {float(pixels[0]) / 1e6:,.0f} megapixels, far more than are allowed" if pixels else "is far too large"
        )
    kind = _kind(data)
    if kind == "TIFF" and isinstance(error, UnidentifiedImageError):
        return "begins as TIFF but is damaged, or holds samples that are not read here: save it as RGB with 8 bits"
    if kind in FORMATS.values():
        cut = "truncated" in str(error).lower() or isinstance(error, EOFError)
        return (
            f"begins as {kind} but is {'cut short' if cut else 'damaged'}, so it cannot be decoded as a whole picture"
        )
    if kind:
        return f"is in the {kind} format: {ALLOWED}"
    return f"is not a picture: {ALLOWED}"


def _kind(data: bytes) -> str | None:
    """What the first bytes say that the file is."""
    for offset, magic, kind in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return kind
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return "SVG"
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    return None


_MAGIC = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    (0, b"BM", "BMP"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x00\x00\x01\x00", "Windows icon"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (4, b"ftyp", "video"),
)
