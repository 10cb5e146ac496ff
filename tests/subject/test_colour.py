"""What a file's samples become: colours, transparency, and which way is up."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from tests.subject.malformed_files import encoded, picture
from tests.subject.test_image_io import decode, saved, smooth


def swapped_profile() -> bytes:
    """An RGB profile that is clearly not sRGB: sRGB's own with red and blue swapped."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(profile).replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")


class TestColour:
    @pytest.mark.parametrize(
        ("file_format", "mode"),
        [
            *(("PNG", mode) for mode in ("1", "L", "P", "RGB")),
            *(("TIFF", mode) for mode in ("1", "L", "P", "RGB", "YCbCr", "CMYK")),
            *(("JPEG", mode) for mode in ("L", "RGB", "YCbCr", "CMYK")),
            *(("BMP", mode) for mode in ("1", "L", "P", "RGB")),
            *(("GIF", mode) for mode in ("1", "L", "P", "RGB")),
        ],
    )
    def test_modes_equal_pillow(self, file_format: str, mode: str) -> None:
        data = saved(smooth().convert(mode), file_format)
        with Image.open(io.BytesIO(data)) as reference:
            expected = np.asarray(reference.convert("RGB"))
        np.testing.assert_array_equal(decode(data).image, expected)

    @pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
    def test_sixteen_bits_grey(self, file_format: str) -> None:
        samples = np.linspace(0, 65535, 80 * 96).astype(np.uint16).reshape(80, 96)
        grey = decode(saved(Image.fromarray(samples), file_format)).image
        np.testing.assert_array_equal(grey, np.rint(samples / 257).astype(np.uint8)[..., None].repeat(3, 2))

    def test_sixteen_bits_big_endian(self) -> None:
        samples = np.linspace(0, 65535, 80 * 96).astype(">u2").reshape(80, 96)
        grey = decode(saved(Image.frombytes("I;16B", (96, 80), samples.tobytes()), "TIFF")).image
        np.testing.assert_array_equal(grey[..., 0], np.rint(samples / 257).astype(np.uint8))

    @pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
    def test_float_tiff(self, full: float) -> None:
        samples = np.linspace(0, full, 80 * 96, dtype=np.float32).reshape(80, 96)
        grey = decode(saved(Image.fromarray(samples), "TIFF")).image[..., 0]
        assert np.abs(grey - samples / full * 255).max() <= 0.5 + 1e-3

    def test_cmyk_jpeg_is_not_inverted(self) -> None:
        ink = Image.new("CMYK", (80, 80), (0, 255, 255, 0))  # magenta and yellow make red
        red = decode(saved(ink, "JPEG", quality=95)).image[40, 40]
        assert red[0] > 245
        assert red[1] < 10
        assert red[2] < 10

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
    def test_profile_is_applied(self, mode: str) -> None:
        profile = swapped_profile()
        image = smooth().convert(mode)
        if mode == "RGBA":
            image.putalpha(Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (80, 1))))
        photo = decode(saved(image, "PNG", icc_profile=profile))
        expected = ImageCms.profileToProfile(
            image.convert("RGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        )
        np.testing.assert_array_equal(photo.image, np.asarray(expected))
        assert (photo.alpha is not None) == (mode == "RGBA")

    def test_srgb_profile_changes_nothing(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        np.testing.assert_array_equal(decode(encoded("PNG", icc_profile=profile)).image, np.asarray(picture()))

    @pytest.mark.parametrize("profile", [b"no profile", b"\0" * 128, b"\xff" * 5000])
    @pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
    def test_broken_profile_is_ignored(self, profile: bytes, file_format: str) -> None:
        plain, odd = (decode(encoded(file_format, **more)).image for more in ({}, {"icc_profile": profile}))
        np.testing.assert_array_equal(plain, odd)

    def test_lab(self) -> None:
        lab = ImageCms.profileToProfile(
            smooth(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
        back = decode(saved(lab, "TIFF")).image
        assert np.abs(back.astype(int) - np.asarray(smooth())).mean() < 3


class TestAlpha:
    @pytest.mark.parametrize(
        ("mode", "file_format", "options"),
        [
            ("RGBA", "PNG", {}),
            ("RGBA", "WEBP", {"lossless": True, "exact": True}),
            ("RGBA", "TIFF", {}),
            ("LA", "PNG", {}),
            ("LA", "TIFF", {}),
        ],
    )
    def test_alpha_channel(self, mode: str, file_format: str, options: dict) -> None:
        image = smooth().convert(mode)
        alpha = np.tile(np.arange(96, dtype=np.uint8), (80, 1))
        image.putalpha(Image.fromarray(alpha))
        photo = decode(saved(image, file_format, **options))
        np.testing.assert_array_equal(photo.alpha, alpha.astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(photo.image, np.asarray(image.convert(mode[:-1]).convert("RGB")))

    def test_avif_and_heic(self) -> None:
        image = smooth().convert("RGBA")
        image.putalpha(Image.fromarray(np.where(np.arange(96) < 48, 0, 255).astype(np.uint8)[None].repeat(80, 0)))
        encoded("HEIF")
        for file_format in ("AVIF", "HEIF"):
            alpha = decode(saved(image, file_format, quality=95)).alpha
            assert alpha is not None
            assert alpha[:, 60:].min() > 0.95
            assert alpha[:, :36].max() < 0.05

    def test_transparent_colours(self) -> None:
        palette = smooth().quantize(16)
        index = palette.getpixel((0, 0))
        expected = np.asarray(palette) != index
        for file_format in ("PNG", "GIF"):
            photo = decode(saved(palette, file_format, transparency=index))
            np.testing.assert_array_equal(photo.alpha == 1, expected)
        grey = Image.fromarray(np.where(np.arange(96) < 50, 7, 200).astype(np.uint8)[None].repeat(80, 0))
        deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        for image, value in ((grey, 7), (deep, 7 * 257), (grey.convert("RGB"), (7, 7, 7))):
            photo = decode(saved(image, "PNG", transparency=value))
            np.testing.assert_array_equal(photo.alpha == 1, np.asarray(grey) == 200)

    @pytest.mark.parametrize("value", [0, 255])
    def test_an_alpha_that_says_nothing(self, value: int) -> None:
        image = smooth().convert("RGBA")
        image.putalpha(value)
        photo = decode(saved(image, "PNG"))
        assert photo.alpha is None
        np.testing.assert_array_equal(photo.image, np.asarray(smooth()))


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
    def test_equals_pillow(self, file_format: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        options = {"lossless": True} if file_format == "WEBP" else {}
        data = saved(smooth(), file_format, exif=exif, **options)
        with Image.open(io.BytesIO(data)) as reference:
            expected = np.asarray(ImageOps.exif_transpose(reference).convert("RGB"))
        np.testing.assert_array_equal(decode(data).image, expected)
        assert (expected.shape == (96, 80, 3)) == (orientation > 4)

    def test_the_alpha_turns_with_the_photo(self) -> None:
        image = smooth().convert("RGBA")
        image.putalpha(Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (80, 1))))
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        photo = decode(saved(image, "PNG", exif=exif))
        np.testing.assert_array_equal(photo.alpha * 255, np.tile(np.arange(96), (80, 1)).T)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_heic_is_turned_once(self, orientation: int) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        encoded("HEIF")
        upright = smooth(96, 72)
        # As bytes: only then does pillow-heif write the orientation as the container's own, which is what counts.
        photo = decode(saved(upright, "HEIF", exif=exif.tobytes(), quality=95))
        turned = smooth(96, 72)
        turned.getexif()[ExifTags.Base.Orientation] = orientation
        expected = np.asarray(ImageOps.exif_transpose(turned)).astype(int)
        assert photo.image.shape == expected.shape
        assert np.abs(photo.image - expected).mean() < 4

    @pytest.mark.parametrize(
        "exif",
        [
            b"Exif\0\0",
            b"Exif\0\0II*\0\xff\xff\xff\xff",
            b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\0\x01\xff\xff\0\0" * 9,
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\xff\xff\x7f\0\0\0\0",
            b"garbage" * 1000,
        ],
    )
    def test_absurd_exif_asks_for_nothing(self, exif: bytes) -> None:
        np.testing.assert_array_equal(decode(encoded("JPEG", exif=exif)).image, decode(encoded("JPEG")).image)
