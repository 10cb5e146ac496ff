# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
"""Colours of a decoded file -> 8-bit sRGB, whatever the mode, depth or ICC profile the file has."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_GREY_MODES = ("1", "L", "LA", "La")


class UnreadableSamplesError(ValueError):
    """Samples whose range says nothing about what is white. The text is the end of a sentence."""


def to_srgb(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Convert a loaded picture of any mode.

    Parameters
    ----------
    picture
        As Pillow loaded it; its ICC profile is taken from `picture.info`.

    Returns
    -------
    image
        Mode RGB, sRGB.
    alpha
        Mode L, 255 = opaque. None where the file has none, or one that keeps everything or nothing.

    Raises
    ------
    UnreadableSamplesError
        32-bit or float samples in a range of which nobody knows what is white.
    """
    profile = picture.info.get("icc_profile")
    if picture.mode == "F" or picture.mode.startswith("I"):
        colours, alpha = _grey_of_deep(picture)
    elif picture.has_transparency_data:
        straight = picture.convert("LA" if picture.mode in _GREY_MODES else "RGBA")
        alpha = straight.getchannel("A")
        colours = straight.convert(straight.mode[:-1])
    else:
        colours, alpha = picture, None
    if alpha is not None and alpha.getextrema() in ((255, 255), (0, 0)):
        alpha = None
    return _apply_profile(colours, profile), alpha


def _grey_of_deep(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Grey of 16 bits, 32 bits or float -> mode L. Integers and floats above 1 are read by the range they use."""
    samples = np.asarray(picture)
    if not np.isfinite(samples).all():
        raise UnreadableSamplesError("has samples that are no numbers (NaN or infinite)")
    low, high = float(samples.min()), float(samples.max())
    if picture.mode.startswith("I;16"):
        full = 65535.0
    elif picture.mode == "F" and high <= 1:
        full = 1.0
    elif high <= 255:
        full = 255.0
    else:
        full = 65535.0
    if low < 0 or high > full:
        raise UnreadableSamplesError(
            f"has samples from {low:g} to {high:g}: allowed are 0 to 1, 0 to 255 or 0 to 65535"
        )
    grey = Image.fromarray(np.rint(samples.astype(np.float64) * (255 / full)).astype(np.uint8))
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int):
        return grey, Image.fromarray(np.where(samples == transparent, 0, 255).astype(np.uint8))
    return grey, None


def _apply_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the file's ICC profile to sRGB; a profile that is broken or does not fit the samples is ignored."""
    if picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    if profile:
        try:
            return _through(picture, ImageCms.ImageCmsProfile(BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError, MemoryError):
            pass  # the pixels are whole, only their exact tone is unknown: browsers show such files as sRGB too
    return picture.convert("RGB")


def _through(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    if picture.mode == "L" and getattr(profile.profile, "xcolor_space", "").strip() == "RGB":
        picture = picture.convert("RGB")
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), picture.mode, "RGB")
    # Nearly every profile in the wild is sRGB itself. Its round trip changes samples by one step, and the
    # subject's pixels are the photo's own: a profile without effect is not applied.
    probe = _probe(picture.mode)
    if probe is not None:
        moved = np.asarray(ImageCms.applyTransform(probe, transform), np.int16) - np.asarray(probe.convert("RGB"))
        if np.abs(moved).max() <= 1:
            return picture.convert("RGB")
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:
        raise ValueError("the profile was not applied")
    return converted


def _probe(mode: str) -> Image.Image | None:
    """A picture with colours from the whole gamut."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    if mode == "RGB":
        steps = np.linspace(0, 255, 16).astype(np.uint8)
        red, green, blue = np.meshgrid(steps, steps, steps, indexing="ij")
        return Image.fromarray(np.stack([red, green, blue], axis=-1).reshape(64, 64, 3))
    return None
