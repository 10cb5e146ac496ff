"""Pictures of pictures: rows of small images side by side, to be looked at.

``python -m training.contact_sheet docs/demo-model.webp`` paints every kind with three seeds by the model that the
program carries.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

_SEEDS, _NAMES_IN_A_ROW = 3, 3
_SIDE, _LABEL, _GAP, _SPACE = 128, 18, 2, 12  # pixels


def save_sheet(path: Path, pictures: Tensor, names: Sequence[str], names_in_a_row: int) -> None:
    """Write the pictures of each name beside each other, below it.

    Parameters
    ----------
    path : Path
        Image file to write; its folder is made.
    pictures : Tensor, (n, 3, side, side)
        0 to 1; equally many for each name, in their order.
    names_in_a_row : int
        So many groups of pictures stand side by side.
    """
    each = len(pictures) // len(names)
    width = each * (_SIDE + _GAP) + _SPACE
    rows = -(-len(names) // names_in_a_row)
    sheet = Image.new("RGB", (names_in_a_row * width - _SPACE - _GAP, rows * (_SIDE + _LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    tiles = iter((pictures.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8))
    for number, name in enumerate(names):
        left, top = number % names_in_a_row * width, number // names_in_a_row * (_SIDE + _LABEL)
        draw.text((left, top + 3), name, fill="black")
        for place in range(each):
            tile = Image.fromarray(next(tiles)).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left + place * (_SIDE + _GAP), top + _LABEL))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=85)


def main() -> None:
    """Paint the plainest prompt of every kind, the last seed with a figure to keep."""
    from training.config import DEMO
    from training.exam import PLAIN
    from training.sampling import Setting, load_pipeline, nobody, sample, somebody
    from training.scenes.registry import KINDS

    parser = argparse.ArgumentParser(prog="python -m training.contact_sheet", description=__doc__)
    parser.add_argument("path", type=Path, help="image file to write")
    arguments = parser.parse_args()
    asked = [(kind, seed) for kind in KINDS for seed in range(_SEEDS)]
    subjects = [somebody(seed) if seed == _SEEDS - 1 else nobody() for _, seed in asked]
    painted = sample(
        load_pipeline(DEMO), [PLAIN[kind] for kind, _ in asked], [seed for _, seed in asked], subjects, Setting()
    )
    save_sheet(arguments.path, painted, [PLAIN[kind] for kind in KINDS], _NAMES_IN_A_ROW)


if __name__ == "__main__":
    main()
