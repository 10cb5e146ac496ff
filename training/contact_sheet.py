"""Pictures of pictures: rows of small images side by side, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def save_sheet(path: Path, pictures: Sequence[NDArray[np.uint8]], columns: int, side: int = 160) -> None:
    """Write equally sized tiles, row by row.

    Parameters
    ----------
    path : Path
        Image file to write; its folder is made.
    pictures : sequence of uint8 arrays
        Each (height, width, 3), square.
    columns : int
        Tiles in a row.
    side : int
        Side of a tile in pixels.
    """
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side))
    for i, picture in enumerate(pictures):
        tile = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(tile, (i % columns * side, i // columns * side))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
