"""What a file says about its colours beside an ICC profile: right, or said. The references are standards' formulas."""

import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import decode_levels
from tests.subject.malformed_files import PNG_START, chunk, encoded
from tests.subject.test_image_io import decode, saved, smooth

GAMMA_ADOBE = 563 / 256
SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
BT2020 = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
PASTELS = Image.fromarray((np.asarray(smooth()) // 3 + 90).astype(np.uint8))  # inside of sRGB in all of these spaces
# Half a step for the result, and what lcms keeps of light in its tables for 8 bits
STEPS = 1.5


def light(samples: np.ndarray, gamma: float) -> np.ndarray:
    if gamma:
        return samples**gamma
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    white, *rest = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(primaries[::2], primaries[1::2], strict=True)]
    columns = np.array(rest).T
    return columns * np.linalg.solve(columns, white)


def as_srgb(samples: np.ndarray, primaries: tuple[float, ...] = SRGB, gamma: float = 0) -> np.ndarray:
    """Both whites are D65, so that nothing is adapted."""
    linear = light(samples / 255, gamma) @ (np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries)).T
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def with_chunks(*chunks: bytes, image: Image.Image = PASTELS, **options: object) -> bytes:
    """A PNG with these chunks behind its header."""
    data = saved(image, "PNG", **options)
    return PNG_START + data[8:33] + b"".join(chunks) + data[33:]


def gama(exponent: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(exponent * 100000)))


def chrm(primaries: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(each * 100000) for each in primaries)))


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def adobe_exif() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 0xFFFF
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R03"}
    return exif.tobytes()


@pytest.mark.parametrize(
    ("chunks", "primaries", "gamma"),
    [
        pytest.param([gama(1)], SRGB, 1, id="linear light"),
        pytest.param([gama(1 / 1.8)], SRGB, 1.8, id="an old Macintosh"),
        pytest.param([gama(1 / 2.2), chrm(ADOBE)], ADOBE, 2.2, id="primaries"),
        pytest.param([chrm(P3)], P3, 0, id="primaries alone"),
        pytest.param([cicp(12, 13)], P3, 0, id="Display P3"),
        pytest.param([cicp(9, 8)], BT2020, 1, id="BT.2020, linear"),
        pytest.param([gama(1), cicp(12, 13)], P3, 0, id="code points before gamma"),
        pytest.param([cicp(1, 13), gama(1)], SRGB, 0, id="sRGB by code points"),
        pytest.param([chunk(b"sRGB", b"\0"), gama(1)], SRGB, 0, id="sRGB before gamma"),
        pytest.param([gama(0.45455), chrm(SRGB)], SRGB, 0, id="what writers of sRGB add"),
        pytest.param([cicp(1, 1)], SRGB, 0, id="a camera's curve"),
    ],
)
def test_a_png_says_its_colours(chunks: list[bytes], primaries: tuple[float, ...], gamma: float) -> None:
    photo = decode(with_chunks(*chunks))
    expected = as_srgb(np.asarray(PASTELS, float), primaries, gamma)
    assert np.abs(photo.image - expected).max() <= STEPS
    if (primaries, gamma) == (SRGB, 0):  # the photo's own pixels, bit for bit
        np.testing.assert_array_equal(photo.image, np.asarray(PASTELS))
    assert photo.notes == ()


def test_code_points_come_before_a_profile_and_a_profile_before_gamma() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with_profile = decode(with_chunks(gama(1), icc_profile=profile))
    np.testing.assert_array_equal(with_profile.image, np.asarray(PASTELS))
    both = decode(with_chunks(cicp(12, 13), icc_profile=profile))
    assert np.abs(both.image - as_srgb(np.asarray(PASTELS, float), P3)).max() <= STEPS


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA"])
def test_gamma_of_every_mode(mode: str) -> None:
    image = PASTELS.convert(mode)
    photo = decode(with_chunks(gama(1), image=image))
    assert np.abs(photo.image - as_srgb(np.asarray(image.convert("RGB"), float), SRGB, 1)).max() <= STEPS


def test_gamma_of_sixteen_bits() -> None:
    samples = np.linspace(0, 65535, 80 * 96).astype(np.uint16).reshape(80, 96)
    photo = decode(with_chunks(gama(1), image=Image.fromarray(samples)))
    eight = np.rint(samples / 257)[..., None].repeat(3, 2)
    assert np.abs(photo.image - as_srgb(eight, SRGB, 1)).max() <= STEPS


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([cicp(9, 16)], "It is an HDR picture (PQ)"),
        ([cicp(9, 18)], "It is an HDR picture (HLG)"),
        ([cicp(200, 13)], "Its colours (H.273: primaries 200, transfer 13) are not known"),
        ([gama(9)], "Its gamma (9) means nothing"),
        ([gama(0.4), chrm((0.3, 0.3) * 4)], "Its primaries are those of no colours"),
        ([chrm((0.3, 0) * 4)], "Its primaries are those of no colours"),
    ],
)
def test_what_cannot_be_followed_is_said(chunks: list[bytes], said: str) -> None:
    photo = decode(with_chunks(*chunks))
    (note,) = photo.notes
    assert note.startswith(said)
    np.testing.assert_array_equal(photo.image, np.asarray(PASTELS))


def test_a_mask_has_shares_and_no_colours() -> None:
    grey = PASTELS.convert("L")
    levels = decode_levels(with_chunks(gama(1), image=grey), name="x", extent=Extent(width=96, height=80))
    np.testing.assert_array_equal(levels, np.asarray(grey))


@pytest.mark.parametrize(("file_format", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_a_camera_that_is_set_to_adobe_rgb_says_so_in_exif(file_format: str, options: dict) -> None:
    data = saved(PASTELS, file_format, exif=adobe_exif(), **options)
    with Image.open(io.BytesIO(data)) as reference:
        samples = np.asarray(reference.convert("RGB"), float)
    assert np.abs(decode(data).image - as_srgb(samples, ADOBE, GAMMA_ADOBE)).max() <= STEPS
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with_profile = decode(saved(PASTELS, file_format, exif=adobe_exif(), icc_profile=profile, **options))
    np.testing.assert_array_equal(with_profile.image, samples.astype(np.uint8))


@pytest.mark.parametrize("file_format", ["AVIF", "HEIF"])
def test_code_points_of_a_container(file_format: str) -> None:
    def decoded(primaries: int, transfer: int) -> tuple[np.ndarray, tuple[str, ...]]:
        box = b"colrnclx" + struct.pack(">HH", primaries, transfer)
        photo = decode(start + box + end)
        return photo.image, photo.notes

    encoded("HEIF")
    data = saved(PASTELS, file_format, quality=95)
    start, _, end = data.partition(b"colrnclx")
    end = end[4:]
    plain, _ = decoded(1, 13)
    wide, notes = decoded(12, 13)
    assert notes == ()
    assert np.abs(wide - as_srgb(plain.astype(float), P3)).max() <= STEPS
    _, (note,) = decoded(9, 16)
    assert note.startswith("It is an HDR picture (PQ)")


def test_ten_bits_of_a_container_are_rounded_to_eight() -> None:
    import pillow_heif

    samples = (np.asarray(PASTELS).astype(np.uint16) * 257) & 0xFFC0
    buffer = io.BytesIO()
    pillow_heif.encode("RGB;16", (96, 80), samples.tobytes(), buffer, quality=-1, chroma=444, matrix_coefficients=0)
    photo = decode(buffer.getvalue())
    assert np.abs(photo.image - samples / 257).max() <= 1
    assert photo.notes == ()
