"""Which way is up where EXIF and XMP both say something, or XMP alone."""

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from tests.subject.malformed_files import encoded
from tests.subject.test_image_io import decode, saved, smooth
from tests.subject.tiff_files import BITS, CHANNELS, ORIENTATION, PHOTOMETRIC, RGB, XMP, tiff

FORMS = {
    "an attribute": '<rdf:Description tiff:Orientation="{}"/>',
    "an attribute in single quotes": "<rdf:Description tiff:Orientation='{}' />",
    "an element": "<rdf:Description><tiff:Orientation>{}</tiff:Orientation></rdf:Description>",
    "an element with blanks": "<tiff:Orientation>\n  {}\n</tiff:Orientation>",
}


def xmp(orientation: int, form: str = "an attribute") -> bytes:
    inside = FORMS[form].format(orientation)
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{inside}</rdf:RDF></x:xmpmeta>'.encode()


def photo_file(file_format: str, by_exif: int | None, by_xmp: bytes | None) -> bytes:
    image = smooth()
    if file_format == "TIFF":
        tags = {BITS: [8] * 3, CHANNELS: 3, PHOTOMETRIC: RGB}
        tags |= ({} if by_exif is None else {ORIENTATION: by_exif}) | ({} if by_xmp is None else {XMP: by_xmp})
        return tiff(np.asarray(image), width=96, height=80, tags=tags)
    options: dict = {"lossless": True} if file_format == "WEBP" else {}
    if by_exif is not None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = by_exif
        options["exif"] = exif
    if by_xmp is not None and file_format == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", by_xmp.decode())
    elif by_xmp is not None:
        options["xmp"] = by_xmp
    return saved(image, file_format, **options)


def turned(file_format: str, orientation: int) -> np.ndarray:
    """As EXIF alone turns it, which `test_colour.py` compares with Pillow."""
    return decode(photo_file(file_format, orientation, None)).image


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("by_exif", "by_xmp", "counts"),
    [(None, 6, 6), (0, 6, 6), (6, 6, 6), (1, 6, 1), (6, 1, 6), (6, 3, 6), (3, 8, 3), (None, 5, 5), (1, 1, 1)],
)
def test_exif_counts_and_where_it_says_nothing_xmp(
    file_format: str, by_exif: int | None, by_xmp: int, counts: int
) -> None:
    photo = decode(photo_file(file_format, by_exif, xmp(by_xmp)))
    np.testing.assert_array_equal(photo.image, turned(file_format, counts))
    if by_exif and by_exif != by_xmp:
        (note,) = photo.notes
        assert f"(orientation {by_exif} and {by_xmp}): EXIF was followed" in note
    else:
        assert photo.notes == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_xmp_may_be_written_in_any_form(file_format: str, form: str) -> None:
    photo = decode(photo_file(file_format, None, xmp(8, form)))
    np.testing.assert_array_equal(photo.image, turned(file_format, 8))


@pytest.mark.parametrize("file_format", ["AVIF", "HEIF"])
def test_a_container_that_says_which_way_is_up_is_all_that_counts(file_format: str) -> None:
    encoded("HEIF")
    plain = photo_file(file_format, None, xmp(9))
    stale = plain.replace(xmp(9), xmp(6))  # what a converter leaves that has turned the pixels
    assert plain != stale
    np.testing.assert_array_equal(decode(stale).image, decode(plain).image)


@pytest.mark.parametrize("said", [b"", b"\xff\xfe" * 40, b'tiff:Orientation="', xmp(0), xmp(9), b"<" * 5000])
def test_absurd_xmp_asks_for_nothing(said: bytes) -> None:
    np.testing.assert_array_equal(decode(photo_file("TIFF", None, said + b"     ")).image, np.asarray(smooth()))
