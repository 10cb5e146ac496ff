"""The subject in front of a new background, at the photo's own resolution."""

from dataclasses import dataclass, fields

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.parameters import parameter_of
from bgen_core.subject.masks import feather
from bgen_core.subject.matting import edge_colours, enlarged_rows, strips, subject_colours
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.harmonisation import fit_relighting
from bgen_core.subject.pasting.shadow import contact_shadow

_HALF_STEP = 0.5 / 255  # what an 8-bit picture cannot show


@dataclass(frozen=True, kw_only=True)
class CompositeOptions:
    """How the subject is put in front of a background, beyond its alpha. Everything is off by default.

    Attributes
    ----------
    edge_softness
        Sigma of the Gaussian that softens the edge, in percent of the photo's shorter side, 0 to 5. The core becomes
        smaller by it, and stays the photo's own.
    harmonisation
        How far the subject's light moves to the background's, 0 to 1. Above 0 it changes the core as well.
    shadow
        Strength of the contact shadow on the background, 0 to 1. Never on the subject.
    """

    edge_softness: float = 0.0
    harmonisation: float = 0.0
    shadow: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            parameter_of(field.name).checked(getattr(self, field.name))


PLAIN = CompositeOptions()


def composite(
    image: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    *,
    colours: np.ndarray | None = None,
    options: CompositeOptions = PLAIN,
) -> np.ndarray:
    """Put the subject in front of a background.

    Where alpha is 1 the result is the photo bit for bit, where it is 0 it is the enlarged background. In the edge band
    between, the subject's estimated own colours are mixed with the background in sRGB, so that nothing of the old
    background comes along.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    background
        uint8, HWC, RGB, any size: what the model made; stretched over the photo.
    colours
        From `matting.edge_colours`, where one subject meets many backgrounds; estimated if not given.
    options
        With another edge, light or shadow; `effective_alpha` says where the photo's own pixels then are.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB, at the photo's size.
    """
    extent = Extent.of(image)
    if Extent.of(alpha) != extent:
        raise UserInputError(
            f"The alpha is {Extent.of(alpha)} pixels, but the photo is {extent}: both must have the same size."
        )
    pasted = effective_alpha(alpha, options)
    result = stretched(background, extent)
    relighting = fit_relighting(image, alpha, background, options.harmonisation) if options.harmonisation else None
    shadow = contact_shadow(pasted) * np.float32(options.shadow) if options.shadow else None
    for rows in strips(extent.height):
        share = pasted[rows]
        band, core = (share > 0) & (share < 1), share >= 1
        if shadow is not None:
            light = 1 - np.clip(enlarged_rows(shadow, extent, rows), 0, 1)
            result[rows] = np.rint(result[rows] * light[..., None]).astype(np.uint8)
        if band.any():
            if colours is None:
                colours = edge_colours(image, alpha)
            behind = result[rows][band].astype(np.float32)
            foreground = subject_colours(image, alpha, colours, rows, band)
            if relighting is not None:
                foreground = relighting.apply(foreground)
            result[rows][band] = np.rint(behind + share[band][:, None] * (foreground - behind)).astype(np.uint8)
        if relighting is not None:
            result[rows][core] = np.rint(relighting.apply(image[rows][core])).astype(np.uint8)
        else:
            result[rows] = cv2.copyTo(image[rows], core.astype(np.uint8), result[rows])
    return result


def effective_alpha(alpha: np.ndarray, options: CompositeOptions) -> np.ndarray:
    """The alpha that pastes the subject: where it is 1, and `harmonisation` is 0, the result is the photo bit for bit.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], at the photo's size.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1]; the same array where the options leave the edge as it is.
    """
    if not options.edge_softness:
        return alpha
    softened = feather(alpha, options.edge_softness / 100 * Extent.of(alpha).shortest_side)
    # A Gaussian has no end: what cannot be seen is given to the core and to the background, which stay exact
    softened[softened >= 1 - _HALF_STEP] = 1
    softened[softened <= _HALF_STEP] = 0
    return softened


def stretched(background: np.ndarray, extent: Extent) -> np.ndarray:
    """A background (uint8, HWC) at another size, as a new array: cubic where it grows, else area average."""
    if Extent.of(background) == extent:
        return background.copy()
    grows = extent.area > Extent.of(background).area
    return cv2.resize(
        background, (extent.width, extent.height), interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    )


def cut_out_colours(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The photo with the subject's own colours in the edge band: what a transparent picture of it should hold.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    alpha
        float32, HW, in [0, 1].

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB; equal to the photo wherever alpha is 0 or 1.
    """
    result = image.copy()
    colours = edge_colours(image, alpha)
    for rows in strips(image.shape[0]):
        band = (alpha[rows] > 0) & (alpha[rows] < 1)
        if band.any():
            foreground = subject_colours(image, alpha, colours, rows, band)
            result[rows][band] = np.rint(np.clip(foreground, 0, 255)).astype(np.uint8)
    return result
