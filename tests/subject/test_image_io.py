import io
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin
from pillow_heif import register_heif_opener

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.settings import Settings
from bgen_core.subject.decoding import image_io
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_alpha, decode_photo, read_alpha, read_photo
from tests.subject.malformed_files import chunk, encoded, picture, png

LIMITS = DecodeLimits(max_bytes=25_000_000, max_pixels=40_000_000, min_side=64)


def decode(data: bytes) -> image_io.Photo:
    return decode_photo(data, name="photo", limits=LIMITS)


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def smooth(width: int = 96, height: int = 80) -> Image.Image:
    """A picture that lossy formats keep to a few steps."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([columns * 2, rows * 3, (rows + columns)], -1).astype(np.uint8))


class TestFormats:
    @pytest.mark.parametrize(
        ("file_format", "options", "steps"),
        [
            ("PNG", {}, 0),
            ("PNG", {"compress_level": 0}, 0),
            ("BMP", {}, 0),
            ("TIFF", {}, 0),
            ("TIFF", {"compression": "tiff_lzw"}, 0),
            ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
            ("WEBP", {"lossless": True}, 0),
            ("JPEG", {"quality": 95, "subsampling": 0}, 4),
            ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 4),
            ("WEBP", {"quality": 95}, 12),
            ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 6),
            ("HEIF", {"quality": 95, "chroma": 444}, 8),
        ],
    )
    def test_every_format(self, file_format: str, options: dict, steps: int) -> None:
        encoded(file_format)  # registers HEIF
        photo = decode(saved(smooth(), file_format, **options))
        assert photo.image.dtype == np.uint8
        assert photo.extent == Extent(width=96, height=80)
        assert photo.alpha is None
        assert np.abs(photo.image.astype(int) - np.asarray(smooth())).max() <= steps

    def test_interlaced_png_is_whole(self) -> None:
        # Pillow writes none: by hand, with Adam7's seven passes of a grey picture of equal pixels
        passes = [(13, 11), (12, 11), (25, 10), (24, 21), (49, 20), (48, 41), (97, 40)]
        stream = b"".join((b"\0" + b"\x7f" * columns) * rows for columns, rows in passes)
        start = chunk(b"IHDR", struct.pack(">IIBBBBB", 97, 81, 8, 0, 0, 0, 1))
        data = png(start, chunk(b"IDAT", zlib.compress(stream)), chunk(b"IEND", b""))
        assert (decode(data).image == 0x7F).all()
        short = png(start, chunk(b"IDAT", zlib.compress(stream[:-1])), chunk(b"IEND", b""))
        with pytest.raises(UserInputError, match="cut short"):
            decode(short)

    def test_first_frame_of_an_animation(self) -> None:
        frames = [Image.new("RGB", (70, 70), colour) for colour in ("red", "blue")]
        for file_format in ("GIF", "PNG", "WEBP", "TIFF"):
            data = saved(frames[0], file_format, save_all=True, append_images=frames[1:], lossless=True)
            photo = decode(data)
            red = photo.image.reshape(-1, 3)
            assert (red[:, 0] > 250).all()
            assert (red[:, 2] < 5).all()
            assert photo.notes == ("It holds several pictures: the first one was taken.",)
            assert not decode(saved(frames[0], file_format)).notes

    def test_a_smaller_copy_behind_a_picture_is_no_other_one(self) -> None:
        thumbnail = smooth(64, 64)
        thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
        assert not decode(saved(smooth(), "TIFF", save_all=True, append_images=[thumbnail])).notes

    def test_what_is_damaged_behind_the_first_picture_is_no_matter(self) -> None:
        data = saved(smooth(), "GIF")
        assert not decode(data.removesuffix(b";") + b",").notes

    def test_the_content_decides_not_the_name(self) -> None:
        photo = decode_photo(encoded("PNG"), name="photo.jpg", limits=LIMITS)
        np.testing.assert_array_equal(photo.image, np.asarray(picture()))

    def test_photos_with_a_preview_inside(self) -> None:
        photo = decode(saved(smooth(), "MPO", save_all=True, append_images=[smooth(64, 64)]))
        assert (photo.extent, photo.notes) == (Extent(width=96, height=80), ())


class TestLimits:
    def test_from_settings(self) -> None:
        limits = DecodeLimits.from_settings(Settings(max_upload_mb=1.5, max_megapixels=2, min_side=10))
        assert limits == DecodeLimits(max_bytes=1_500_000, max_pixels=2_000_000, min_side=10)

    @pytest.mark.parametrize(
        ("limits", "said"),
        [
            (DecodeLimits(max_bytes=100, max_pixels=10**6, min_side=1), "at most 0.0001 MB"),
            (DecodeLimits(max_bytes=10**6, max_pixels=96 * 80 - 1, min_side=1), r"photo is 96 × 80 pixels .* at most"),
            (DecodeLimits(max_bytes=10**6, max_pixels=10**6, min_side=81), "at least 81 pixels"),
        ],
    )
    def test_what_is_refused(self, limits: DecodeLimits, said: str) -> None:
        with pytest.raises(UserInputError, match=said):
            decode_photo(encoded("PNG"), name="photo", limits=limits)

    def test_the_limits_themselves_are_allowed(self) -> None:
        data = encoded("PNG")
        limits = DecodeLimits(max_bytes=len(data), max_pixels=96 * 80, min_side=80)
        assert decode_photo(data, name="photo", limits=limits).image.shape == (80, 96, 3)


class TestMaskFiles:
    ALPHA = (np.arange(96 * 80).reshape(80, 96) % 256 / np.float32(255)).astype(np.float32)

    def test_inverse_of_encoding(self, tmp_path) -> None:
        data = image_io.encode_alpha_png(self.ALPHA)
        np.testing.assert_array_equal(decode_alpha(data, name="m", extent=Extent.of(self.ALPHA)), self.ALPHA)
        (tmp_path / "m.png").write_bytes(data)
        np.testing.assert_array_equal(
            read_alpha(tmp_path / "m.png", extent=Extent.of(self.ALPHA), limits=LIMITS), self.ALPHA
        )

    def test_alpha_channel_wins(self) -> None:
        data = image_io.encode_cutout_png(np.asarray(picture()), self.ALPHA)
        np.testing.assert_array_equal(decode_alpha(data, name="m", extent=Extent.of(self.ALPHA)), self.ALPHA)

    def test_a_few_transparent_pixels_beside_a_grey_mask_are_asked_about(self) -> None:
        grey = np.where(self.ALPHA > 0.7, 255, 0).astype(np.uint8)
        corners = np.ones_like(self.ALPHA)
        corners[:4, :4] = 0
        data = image_io.encode_cutout_png(np.dstack([grey] * 3), corners)
        with pytest.raises(UserInputError, match=r"keeps 99.8% by its transparency and 30.1% by its grey"):
            decode_alpha(data, name="m", extent=Extent.of(self.ALPHA))
        coloured = image_io.encode_cutout_png(np.asarray(picture()), corners)
        np.testing.assert_array_equal(decode_alpha(coloured, name="m", extent=Extent.of(self.ALPHA)), corners)

    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
    def test_grey_of_any_mode(self, mode: str) -> None:
        grey = Image.fromarray(np.where(self.ALPHA > 0.5, 255, 0).astype(np.uint8)).convert(mode)
        decoded = decode_alpha(saved(grey, "PNG"), name="m", extent=Extent.of(self.ALPHA))
        np.testing.assert_array_equal(decoded, (self.ALPHA > 0.5).astype(np.float32))

    def test_jpeg_mask(self) -> None:
        grey = smooth().convert("L").convert("RGB")
        decoded = decode_alpha(saved(grey, "JPEG", quality=90), name="m", extent=Extent(width=96, height=80))
        assert np.abs(decoded * 255 - np.asarray(grey)[..., 0]).max() < 6

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (lambda: b"", "empty"),
            (lambda: saved(smooth(80, 96).convert("L"), "PNG"), "80 × 96 pixels, but the photo is 96 × 80"),
            (lambda: saved(smooth(96, 81), "PNG"), "96 × 81 pixels, but the photo is 96 × 80"),
            (lambda: saved(smooth(), "PNG"), "colour picture"),
        ],
    )
    def test_what_is_refused(self, data, said: str) -> None:
        with pytest.raises(UserInputError, match=said):
            decode_alpha(data(), name="m", extent=Extent(width=96, height=80))


class TestEncoding:
    def test_png_with_text(self) -> None:
        text = {"parameters": "a beach\nSteps: 20", "bgen": '{"prompt": "Straße 東京"}'}
        data = image_io.encode_png(np.asarray(picture()), text=text)
        with Image.open(io.BytesIO(data)) as back:
            assert isinstance(back, PngImagePlugin.PngImageFile)
            assert dict(back.text) == text
            np.testing.assert_array_equal(np.asarray(back), np.asarray(picture()))

    def test_lossy(self) -> None:
        image = np.asarray(smooth())
        for data in (image_io.encode_jpeg(image), image_io.encode_webp(image)):
            assert np.abs(decode(data).image.astype(int) - image).mean() < 4

    def test_alpha_outside_its_range(self) -> None:
        for value in (-0.1, 1.1, np.nan):
            with pytest.raises(ValueError, match="alpha must be in"):
                image_io.encode_alpha_png(np.full((3, 3), value, np.float32))

    def test_resize(self) -> None:
        image = np.asarray(smooth())
        assert image_io.resize(image, Extent.of(image)) is image
        small = image_io.resize(image, Extent(width=48, height=40))
        expected = np.asarray(smooth().resize((48, 40), Image.Resampling.LANCZOS))
        assert np.abs(small.astype(int) - expected).max() <= 1


def test_read_photo(tmp_path) -> None:
    path = tmp_path / "ein Foto ü.png"
    path.write_bytes(encoded("PNG"))
    photo = read_photo(path, limits=LIMITS)
    assert photo.name == path.name
    np.testing.assert_array_equal(photo.image, np.asarray(picture()))


def test_many_threads_decode_as_one() -> None:
    files = [encoded(file_format) for file_format in ("JPEG", "PNG", "WEBP", "TIFF", "GIF")] * 8
    alone = [decode(data).image for data in files]
    with ThreadPoolExecutor(8) as pool:
        for expected, photo in zip(alone, pool.map(decode, files), strict=True):
            np.testing.assert_array_equal(photo.image, expected)


def test_camera_jpeg_of_twelve_megapixels_is_pillows_own() -> None:
    image = smooth().resize((4000, 3000))
    data = saved(image, "JPEG", quality=92)
    with Image.open(io.BytesIO(data)) as reference:
        np.testing.assert_array_equal(decode(data).image, np.asarray(reference))


class TestWhatIsNotTheFilesFault:
    def test_a_missing_library_is_named_and_other_formats_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        heic = io.BytesIO()
        register_heif_opener()
        Image.new("RGB", (64, 64)).save(heic, "HEIF")
        monkeypatch.setattr(Image, "OPEN", {name: opener for name, opener in Image.OPEN.items() if name != "HEIF"})
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(UserInputError, match=r"photo\.heic is in the HEIC format, and the library .*pillow-heif"):
            decode_photo(heic.getvalue(), name="photo.heic", limits=LIMITS)
        jpeg = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(jpeg, "JPEG")
        assert decode_photo(jpeg.getvalue(), name="photo.jpg", limits=LIMITS).image.shape == (64, 64, 3)

    @pytest.mark.parametrize(("fault", "words"), [(MemoryError(), "out of memory"), (ValueError("odd"), "damaged")])
    def test_a_full_memory_is_no_damage(self, fault: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise fault

        jpeg = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(jpeg, "JPEG")
        monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
        with pytest.raises(UserInputError, match=words):
            decode_photo(jpeg.getvalue(), name="photo.jpg", limits=LIMITS)

    def test_a_fault_of_the_program_stays_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise ImportError("no such module")

        monkeypatch.setattr("bgen_core.subject.decoding.picture_formats.to_srgb", fail)
        jpeg = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(jpeg, "JPEG")
        with pytest.raises(ImportError):
            decode_photo(jpeg.getvalue(), name="photo.jpg", limits=LIMITS)
