"""The subject alone, as a transparent picture."""

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.matting import enlarged_rows, strips
from bgen_core.subject.pasting.compositing import PLAIN, CompositeOptions, composite, shadow_of
from bgen_core.subject.pasting.edge import Edges
from bgen_core.subject.pasting.light_map import LightMap

_NOTHING = 255  # level where nothing is: white for whoever leaves transparency out


def finish(
    image: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    *,
    is_transparent: bool,
    edges: Edges | None = None,
    options: CompositeOptions = PLAIN,
    relit: LightMap | None = None,
) -> np.ndarray:
    """What a run's picture is: `composite`, or `cut_out` where nothing stands behind the subject.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, at the photo's size: RGB, or RGBA.
    """
    if is_transparent:
        return cut_out(image, alpha, edges=edges, options=options)
    return composite(image, alpha, background, edges=edges, options=options, relit=relit)


def cut_out(
    image: np.ndarray, alpha: np.ndarray, *, edges: Edges | None = None, options: CompositeOptions = PLAIN
) -> np.ndarray:
    """The subject before nothing, colours not premultiplied.

    Where alpha is 1 the colours are the photo's bit for bit, in the edge band the subject's estimated own ones. The
    shadow is black of its darkness, so that it falls on whatever is put behind. Where nothing is, the colour is white.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    edges
        The subject's, where it is pasted several times; found if not given.
    options
        Its light changes nothing: there is no background whose light it could take.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGBA.
    """
    extent = Extent.of(image)
    if Extent.of(alpha) != extent:
        raise UserInputError(
            f"The alpha is {Extent.of(alpha)} pixels, but the photo is {extent}: both must have the same size."
        )
    edge = (edges or Edges(image, alpha)).of(options.edge_softness)
    result = np.full((extent.height, extent.width, 4), _NOTHING, np.uint8)
    result[..., :3][edge.core > 0] = image[edge.core > 0]
    result[edge.rows, edge.columns, :3] = np.rint(np.clip(edge.colours, 0, 255)).astype(np.uint8)
    shadow = shadow_of(edge.alpha, None, options)
    for rows in strips(extent.height):
        covers = edge.alpha[rows]
        if shadow is not None:
            dark = np.clip(enlarged_rows(shadow, extent, rows), 0, 1)
            seen = covers + (1 - covers) * dark
            share = np.divide(covers, seen, out=np.ones_like(seen), where=seen > 0)[..., None]
            mixed = np.where(covers[..., None] > 0, result[rows, :, :3], 0) * share
            result[rows, :, :3] = np.where(seen[..., None] > 0, np.rint(mixed), _NOTHING).astype(np.uint8)
            covers = seen
        result[rows, :, 3] = np.rint(covers * 255).astype(np.uint8)
    return result
