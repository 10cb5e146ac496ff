"""The subject in front of a new background, at the photo's own resolution."""

from dataclasses import dataclass, fields

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.parameters import parameter_of
from bgen_core.subject.matting import edge_colours, enlarged_rows, strips, subject_colours
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.edge import Edges, softened
from bgen_core.subject.pasting.ground_shadow import ground_shadow
from bgen_core.subject.pasting.harmonisation import fit_relighting
from bgen_core.subject.pasting.light_map import LightMap, light_for
from bgen_core.subject.pasting.lighting import lit
from bgen_core.subject.pasting.shadow import contact_shadow


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
    light
        How far the subject's light follows the background's, 0 to 1: a smooth gain on its own pixels. Above 0 it
        changes the core as well. With harmonisation it comes first.
    shadow
        Strength of the contact shadow on the background, 0 to 1. Never on the subject.
    ground_shadow
        Strength of the shadow that falls away from the background's light, 0 to 1. Never on the subject.
    """

    edge_softness: float = 0.0
    harmonisation: float = 0.0
    light: float = 0.0
    shadow: float = 0.0
    ground_shadow: float = 0.0

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
    edges: Edges | None = None,
    options: CompositeOptions = PLAIN,
    relit: LightMap | None = None,
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
        From `matting.edge_colours`; estimated if not given.
    edges
        The subject's, where it meets many backgrounds; found if not given.
    options
        With another edge, light or shadow; `effective_alpha` says where the photo's own pixels then are.
    relit
        The subject's light as a model sees it before this background; without one it follows from the background.

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
    edge = (edges or Edges(image, alpha, colours)).of(options.edge_softness)
    result = stretched(background, extent)
    light = light_for(image, alpha, background, options.light, relit) if options.light else None
    relighting = fit_relighting(image, alpha, background, options.harmonisation) if options.harmonisation else None
    shadow = shadow_of(edge.alpha, background, options)
    if shadow is not None:
        for rows in strips(extent.height):
            left = 1 - np.clip(enlarged_rows(shadow, extent, rows), 0, 1)
            result[rows] = np.rint(result[rows] * left[..., None]).astype(np.uint8)
    if edge.parts:
        foreground = edge.colours
        if light is not None:
            foreground = lit(foreground, light.gain_at(extent, edge.rows, edge.columns))
        if relighting is not None:
            foreground = np.concatenate([relighting.apply(foreground[part]) for part in edge.parts])
        behind = result[edge.rows, edge.columns].astype(np.float32)
        mixed = np.rint(behind + edge.share * (foreground - behind))
        result[edge.rows, edge.columns] = mixed.astype(np.uint8)
    if light is None and relighting is None:
        return cv2.copyTo(image, edge.core, result)
    for rows in strips(extent.height):
        core = edge.core[rows] > 0
        colours = image[rows][core]
        if light is not None:
            colours = lit(colours, light.gain(extent, rows)[core])
        if relighting is not None:
            colours = relighting.apply(colours)
        result[rows][core] = np.rint(colours).astype(np.uint8)
    return result


def shadow_of(alpha: np.ndarray, background: np.ndarray | None, options: CompositeOptions) -> np.ndarray | None:
    """How much light the subject takes from what is behind it, with both of its shadows.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], as it is pasted.
    background
        uint8, HWC, RGB; None where nothing is behind.

    Returns
    -------
    numpy.ndarray or None
        float32, HW, in [0, 1], smaller than the photo; None where both are off.
    """
    found = [
        each() * np.float32(strength)
        for strength, each in (
            (options.shadow, lambda: contact_shadow(alpha)),
            (options.ground_shadow, lambda: ground_shadow(alpha, background)),
        )
        if strength
    ]
    if len(found) < 2:
        return found[0] if found else None
    return 1 - (1 - found[0]) * (1 - found[1])


def effective_alpha(alpha: np.ndarray, options: CompositeOptions) -> np.ndarray:
    """The alpha that pastes the subject: where it is 1 the result is the photo bit for bit, unless its light changes.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], at the photo's size.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1]; the same array where the options leave the edge as it is.
    """
    return softened(alpha, options.edge_softness)


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
