# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
"""Colours of a decoded file -> 8-bit sRGB, whatever the mode, depth or ICC profile the file has."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from bgen_core.subject.decoding.deep_samples import grey_of_deep, is_deep, notes_on_samples, with_its_palette
from bgen_core.subject.decoding.stated_colours import StatedColours, stated_colours

_GREY_MODES = ("1", "L", "LA", "La")


def to_srgb(
    picture: Image.Image, data: bytes, *, are_colours: bool = True
) -> tuple[Image.Image, Image.Image | None, tuple[str, ...]]:
    """Convert a loaded picture of any mode.

    Parameters
    ----------
    picture
        As Pillow loaded it; its ICC profile is taken from `picture.info`.
    data
        Its file.
    are_colours
        Whether samples are colours, so that what the file says about colours is followed. Those of a mask are shares.

    Returns
    -------
    image
        Mode RGB, sRGB.
    alpha
        Mode L, 255 = opaque. None where the file has none, or one that keeps everything or nothing.
    notes
        What was assumed, and what was not followed: a sentence each.

    Raises
    ------
    UnreadableSamplesError
        32-bit or float samples in a range of which nobody knows what is white.
    """
    stated = stated_colours(picture, data) if are_colours else StatedColours()
    notes = stated.notes + (notes_on_samples(picture) if are_colours else ())
    picture = with_its_palette(picture)
    if is_deep(picture):
        colours, alpha, assumed = grey_of_deep(picture, guess=are_colours)
        notes += assumed
    elif picture.has_transparency_data:
        straight = picture.convert("LA" if picture.mode in _GREY_MODES else "RGBA")
        alpha = straight.getchannel("A")
        colours = straight.convert(straight.mode[:-1])
    else:
        colours, alpha = picture, None
    if alpha is not None and alpha.getextrema() in ((255, 255), (0, 0)):
        alpha = None
    return _apply_profile(colours, stated.profile), alpha, notes


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
