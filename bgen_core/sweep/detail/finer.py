"""What a detail pass may add: only what the raw picture was too small to hold."""

import numpy as np
from PIL import Image

from bgen_core.extent import Extent

# So many times the raw picture's size: up to there its own content reaches when Lanczos has enlarged it, and an
# autoencoder would only take from it.
BEYOND = 1.5
_LANCZOS = Image.Resampling.LANCZOS


def keep_coarse(enlarged: np.ndarray, refined: np.ndarray, raw: Extent) -> np.ndarray:
    """The refined picture, with the enlarged one's own coarse content.

    Both are reduced to `BEYOND` times the raw picture's size by Lanczos; what differs there is enlarged again and taken
    back. So brightness, colours and shapes stay the raw picture's, and tiles cannot differ in them.

    Parameters
    ----------
    enlarged, refined
        uint8, HWC, of one size.
    raw
        Size of the raw picture.

    Returns
    -------
    np.ndarray
        uint8, HWC. Where nothing near was refined it equals `enlarged`.
    """
    size = (round(BEYOND * raw.width), round(BEYOND * raw.height))
    made = np.empty_like(refined)
    for channel in range(3):  # floats of all of them would take 144 MB at 12 megapixels
        change = refined[..., channel].astype(np.float32)
        change -= enlarged[..., channel]
        coarse = Image.fromarray(change).resize(size, _LANCZOS)
        change -= np.asarray(coarse.resize((change.shape[1], change.shape[0]), _LANCZOS))
        change += enlarged[..., channel]
        made[..., channel] = np.rint(np.clip(change, 0, 255, out=change), out=change)
    return made
