"""Files <-> arrays: the only place where a photo's bytes are decoded, and where pictures become files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.limits import LARGEST_PICTURE
from bgen_core.subject.decoding.picture_formats import ALLOWED, decode_picture, shown_name
from bgen_core.subject.mask_share import can_be_mask, kept_share

if TYPE_CHECKING:
    from bgen_core.settings import Settings

PHOTO_EXTENSIONS = ("jpg", "jpeg", "png", "webp", "avif", "heic", "heif", "gif", "tif", "tiff", "bmp")

# A grey mask that went through JPEG keeps a few steps of colour from the chroma planes.
_GREY_TOLERANCE = 12

_LONGEST_PIXEL = 4  # bytes in a PNG of 8-bit RGB that does not shrink at all, with what is around the pixels


class PictureSizeError(UserInputError):
    """A picture with more pixels than are allowed here, or a side that is too short."""


@dataclass(frozen=True, kw_only=True)
class DecodeLimits:
    """What a photo may measure; checked on the file's header, before any pixel is decoded.

    Attributes
    ----------
    max_bytes
        Largest file, in bytes.
    max_pixels
        Largest picture, width × height.
    min_side
        Shortest side, in pixels.
    """

    max_bytes: int
    max_pixels: int
    min_side: int

    @classmethod
    def from_settings(cls, settings: "Settings") -> "DecodeLimits":
        return cls(
            max_bytes=round(settings.max_upload_mb * 1e6),
            max_pixels=round(settings.max_megapixels * 1e6),
            min_side=settings.min_side,
        )

    @classmethod
    def of_pictures(cls, settings: "Settings") -> "DecodeLimits":
        """For what this program wrote, here or elsewhere: as many pixels as a photo's, as PNGs of any side."""
        return cls(max_bytes=LARGEST_PICTURE, max_pixels=round(settings.max_megapixels * 1e6), min_side=1)

    @property
    def as_png(self) -> "DecodeLimits":
        """For such a photo as it is kept: its PNG may be longer than the file that was given."""
        return replace(self, max_bytes=max(self.max_bytes, _LONGEST_PIXEL * self.max_pixels))

    def check_bytes(self, size: int, name: str) -> None:
        """Raise UserInputError for an empty file and for one that is too large."""
        if size == 0:
            raise UserInputError(f"{shown_name(name)} is empty (0 bytes): {ALLOWED}.")
        if size > self.max_bytes:
            raise UserInputError(
                f"{shown_name(name)} is {size / 1e6:.3g} MB: allowed are at most {self.max_bytes / 1e6:g} MB."
            )

    def check_extent(self, extent: Extent, name: str) -> None:
        """Raise PictureSizeError for a picture that is too large or too small."""
        if extent.area > self.max_pixels:
            raise PictureSizeError(
                f"{shown_name(name)} is {extent} pixels ({extent.area / 1e6:.3g} megapixels): "
                f"allowed are at most {self.max_pixels / 1e6:g} megapixels."
            )
        if extent.shortest_side < self.min_side:
            raise PictureSizeError(
                f"{shown_name(name)} is {extent} pixels: its shorter side must be at least {self.min_side} pixels."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A decoded photo, upright and in sRGB.

    Attributes
    ----------
    name
        The file's name.
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1], 1 = keep: what the file itself says; None where it says nothing.
    notes
        What a person should know about how it was read, a sentence each.
    """

    name: str
    image: np.ndarray
    alpha: np.ndarray | None
    notes: tuple[str, ...] = ()

    @property
    def extent(self) -> Extent:
        return Extent.of(self.image)

    @property
    def pixels(self) -> np.ndarray:
        """uint8, HWC: RGB, or RGBA where the file says what is transparent."""
        return self.image if self.alpha is None else np.dstack([self.image, _eight_bits(self.alpha)])

    def before(self, background: np.ndarray | int) -> np.ndarray:
        """The picture as it is seen before a background (uint8, HWC, RGB, of its size, or one level): uint8, HWC, RGB.

        Where it is opaque its pixels stay as they are.
        """
        if self.alpha is None:
            return self.image
        share = self.alpha[..., None]
        return np.rint(self.image * share + np.float32(1) * background * (1 - share)).astype(np.uint8)


def read_photo(path: str | Path, *, limits: DecodeLimits) -> Photo:
    """Decode the photo at `path`; see `decode_photo`."""
    path = Path(path)
    return decode_photo(_read_bytes(path, limits), name=path.name, limits=limits)


def decode_photo(data: bytes, *, name: str, limits: DecodeLimits) -> Photo:
    """Decode a photo: EXIF orientation applied, colours converted to 8-bit sRGB, first frame of an animation.

    Parameters
    ----------
    data
        The file.
    name
        The file's name, for the error texts. The content alone decides about the format.

    Raises
    ------
    UserInputError
        Not a whole picture of an allowed format within the limits.
    """
    limits.check_bytes(len(data), name)
    decoded = decode_picture(data, name=name, check=lambda extent: limits.check_extent(extent, name))
    alpha = None if decoded.alpha is None else _unit_interval(np.asarray(decoded.alpha))
    return Photo(name=name, image=np.array(decoded.image), alpha=alpha, notes=decoded.notes)


def read_alpha(path: str | Path, *, extent: Extent, limits: DecodeLimits) -> np.ndarray:
    """Decode the mask at `path`; see `decode_alpha`."""
    path = Path(path)
    return decode_alpha(_read_bytes(path, limits), name=path.name, extent=extent)


def decode_alpha(data: bytes, *, name: str, extent: Extent) -> np.ndarray:
    """Decode a mask file; see `decode_levels`.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1], 1 = keep.
    """
    return _unit_interval(decode_levels(data, name=name, extent=extent))


def decode_levels(data: bytes, *, name: str, extent: Extent) -> np.ndarray:
    """Decode a mask file: its alpha channel where it has one that says something, otherwise its grey.

    Parameters
    ----------
    data
        The file; white (or opaque) = keep.
    extent
        Size of the photo that it belongs to.

    Returns
    -------
    numpy.ndarray
        uint8, HW, 255 = keep.

    Raises
    ------
    UserInputError
        Not a picture, another size than the photo, or neither grey nor transparent.
    """
    if not data:
        raise UserInputError(f"{shown_name(name)} is empty (0 bytes): {ALLOWED}.")

    def check(found: Extent) -> None:
        turned = Extent(width=found.height, height=found.width)  # its EXIF orientation is not known yet
        if extent not in (found, turned):
            raise UserInputError(_size_complaint(name, found, extent))

    decoded = decode_picture(data, name=name, check=check, are_colours=False)
    if decoded.alpha is None:
        levels = np.asarray(_grey(decoded.image, name))
    else:
        levels = np.asarray(decoded.alpha)
        if not can_be_mask(_unit_interval(levels)) and _is_grey(decoded.image):
            _check_grey_says_nothing(decoded.image, levels, name)
    if Extent.of(levels) != extent:
        raise UserInputError(_size_complaint(name, Extent.of(levels), extent))
    return levels


def encode_png(image: np.ndarray, *, text: Mapping[str, str] | None = None, compress_level: int = 4) -> bytes:
    """Encode uint8 HWC RGB, HWC RGBA or HW grey as PNG, with `text` as its text chunks."""
    chunks = PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    return _encode(image, "PNG", pnginfo=chunks, compress_level=compress_level)


def encode_alpha_png(alpha: np.ndarray) -> bytes:
    """Encode an alpha (float32, HW, [0, 1]) as 8-bit grey PNG; exact for alphas in steps of 1/255."""
    return encode_png(_eight_bits(alpha))


def encode_cutout_png(image: np.ndarray, alpha: np.ndarray) -> bytes:
    """Encode a picture (uint8, HWC, RGB) with its alpha as RGBA PNG, colours not premultiplied."""
    return encode_png(np.dstack([image, _eight_bits(alpha)]))


def encode_jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """Encode uint8 HWC RGB or HW grey as JPEG; quality 1 to 95."""
    return _encode(image, "JPEG", quality=quality)


def encode_webp(image: np.ndarray, quality: int = 85) -> bytes:
    """Encode uint8 HWC RGB as WebP; quality 0 to 100."""
    return _encode(image, "WEBP", quality=quality)


def resize(image: np.ndarray, extent: Extent) -> np.ndarray:
    """Resize uint8 HWC or HW with Pillow's antialiased Lanczos; the array itself where the size is right already."""
    if Extent.of(image) == extent:
        return image
    resized = Image.fromarray(image).resize((extent.width, extent.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(resized)


def _encode(pixels: np.ndarray, file_format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()


def _eight_bits(alpha: np.ndarray) -> np.ndarray:
    if not (alpha.min() >= 0 and alpha.max() <= 1):  # also false for NaN
        raise ValueError("alpha must be in [0, 1]")
    return np.rint(alpha * 255).astype(np.uint8)


def _unit_interval(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.float32) / np.float32(255)


def _grey(colours: Image.Image, name: str) -> Image.Image:
    if not _is_grey(colours):
        raise UserInputError(
            f"The mask {shown_name(name)} is a colour picture: allowed is a grey one (white = keep) "
            "or one with transparency (opaque = keep)."
        )
    return colours.getchannel("G")


def _is_grey(colours: Image.Image) -> bool:
    red, green, blue = (np.asarray(channel, np.int16) for channel in colours.split())
    return max(np.abs(red - green).max(), np.abs(green - blue).max()) <= _GREY_TOLERANCE


def _check_grey_says_nothing(colours: Image.Image, levels: np.ndarray, name: str) -> None:
    grey = _unit_interval(np.asarray(colours.getchannel("G")))
    if can_be_mask(grey):
        raise UserInputError(
            f"The mask {shown_name(name)} keeps {kept_share(_unit_interval(levels)):.1%} by its transparency and "
            f"{kept_share(grey):.1%} by its grey: give it without the one that is not meant."
        )


def _size_complaint(name: str, found: Extent, wanted: Extent) -> str:
    return f"The mask {shown_name(name)} is {found} pixels, but the photo is {wanted}: both must have the same size."


def _read_bytes(path: Path, limits: DecodeLimits) -> bytes:
    shown = shown_name(str(path))
    try:
        if path.is_dir():
            raise UserInputError(f"{shown} is a folder: a picture file is needed.")
        if not path.exists():
            raise UserInputError(f"{shown} does not exist: a picture file is needed.")
        if not path.is_file():
            raise UserInputError(f"{shown} is not a regular file: a picture file is needed.")
        limits.check_bytes(path.stat().st_size, path.name)
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UserInputError(f"{shown} cannot be read: {reason}.") from error
