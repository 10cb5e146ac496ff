"""Which way is up: what a file's container, EXIF and XMP say, and which of them counts."""

import re
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageFile
from PIL.ExifTags import Base

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_XMP = ("XML:com.adobe.xmp", "xmp")
_IN_XMP = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])""")
# Their container says it, and has been obeyed; EXIF and XMP beside it mean nothing (ISO/IEC 23008-12).
_CONTAINERS = ("HEIF", "AVIF")
_BY_ITSELF = ("HEIF", "TIFF")  # upright once they are loaded


def load_upright(picture: ImageFile.ImageFile) -> tuple[Image.Transpose | None, tuple[str, ...]]:
    """Load a picture's pixels; the turn that they need still, and what there is to say about it.

    EXIF counts where it says something, else XMP: so do the programs that write both.
    """
    xmp: dict[str, Any] = {}
    tiff_tag = None
    if picture.format == "TIFF":  # Pillow 13 obeys the tag, and then what XMP says on top of it
        tiff_tag = _known(getattr(picture, "tag_v2", {}).get(Base.Orientation))
        xmp = {key: picture.info.pop(key) for key in _XMP if key in picture.info}
    picture.load()
    picture.info.update(xmp)
    by_exif = tiff_tag if picture.format == "TIFF" else _of_exif(picture.info)
    by_xmp = _of_xmp(picture.info)
    if picture.format in _CONTAINERS:
        turn = None if picture.format in _BY_ITSELF else _TURNS.get(by_exif or 1)
        return turn, ()
    notes = ()
    if by_exif and by_xmp and by_exif != by_xmp:
        notes = (
            f"Its EXIF and its XMP say different things about which way is up (orientation {by_exif} and {by_xmp}): "
            "EXIF was followed.",
        )
    if by_exif:
        return None if picture.format in _BY_ITSELF else _TURNS.get(by_exif), notes
    return _TURNS.get(by_xmp or 1), notes


def _of_exif(info: Mapping[Any, Any]) -> int | None:
    exif = exif_of(info)
    return None if exif is None else _known(exif.get(Base.Orientation))


def exif_of(info: Mapping[Any, Any]) -> Image.Exif | None:
    """A file's own EXIF, without what Pillow 13 takes from XMP; None where there is none that can be read."""
    try:
        data = info.get("exif")
        if data is None and isinstance(info.get("Raw profile type exif"), str):  # as ImageMagick writes it in PNGs
            data = bytes.fromhex("".join(info["Raw profile type exif"].split("\n")[3:]))
        if data is None:
            return None
        exif = Image.Exif()
        exif.load(data)
        return exif
    except Exception:  # a hostile EXIF block raises as many kinds as a hostile file
        return None


def _of_xmp(info: Mapping[Any, Any]) -> int | None:
    for key in _XMP:
        said = info.get(key)
        said = said.encode(errors="replace") if isinstance(said, str) else said
        if isinstance(said, bytes) and (found := _IN_XMP.search(said)):
            return int(found[1])
    return None


def _known(orientation: Any) -> int | None:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else None
