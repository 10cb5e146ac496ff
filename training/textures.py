"""Textures with the statistics of photographs, made of nothing but random numbers.

Piles of leaves of all sizes (the "dead leaves" model) have the edges, contrasts and power spectrum of
natural images, so that an autoencoder that has seen rendered scenes and leaf piles copes with photos.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter


def _noise(rng: np.random.Generator, side: int, cells: int) -> NDArray[np.float32]:
    small = Image.fromarray(rng.integers(0, 256, (cells, cells), dtype=np.uint8))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255


def leaf_pile(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """Draw overlapping discs, polygons and lines, most of them small, with soft light and grain.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    side : int
        Side of the square picture in pixels.

    Returns
    -------
    uint8 array, (side, side, 3)
    """
    palette = rng.integers(0, 256, (6, 3))
    image = Image.new("RGB", (side, side), tuple(int(v) for v in palette[0]))
    draw = ImageDraw.Draw(image)
    smallest = 1.5 / side
    for _ in range(int(rng.integers(60, 260))):
        # Sizes by an inverse cube law look the same at every distance.
        radius = side * 0.5 / np.sqrt(1 + rng.random() * (1 / smallest**2 - 1) * 0.01)
        x, y = rng.random(2) * side
        near = np.clip(palette[int(rng.integers(6))] + rng.normal(0, 22, 3), 0, 255)
        colour = tuple(int(v) for v in near)
        shape = rng.random()
        if shape < 0.45:
            ry = radius * rng.uniform(0.4, 1.2)
            draw.ellipse((x - radius, y - ry, x + radius, y + ry), fill=colour)
        elif shape < 0.85:
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
            draw.polygon([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles], fill=colour)
        else:
            dx, dy = rng.normal(0, radius * 2, 2)
            draw.line((x, y, x + dx, y + dy), fill=colour, width=int(rng.integers(1, 4)))
    image = image.filter(ImageFilter.GaussianBlur(float(rng.choice([0.0, 0.5, 1.0, 2.0]))))
    light = 0.55 + 0.8 * _noise(rng, side, int(rng.integers(2, 6)))
    grain = rng.normal(0, rng.uniform(0, 6), (side, side, 1))
    return np.clip(np.asarray(image, np.float32) * light[..., None] + grain, 0, 255).astype(np.uint8)
