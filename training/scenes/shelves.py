"""Bookshelf."""

import numpy as np

from training.scenes.canvas import WHITE, Array, Painter, X, Y, flat, jitter, mix, rgb, smoothstep
from training.scenes.scene import Scene, Traits

SPINES = (
    rgb(150, 40, 36),
    rgb(40, 72, 120),
    rgb(44, 96, 66),
    rgb(196, 160, 84),
    rgb(226, 214, 190),
    rgb(70, 54, 46),
    rgb(34, 36, 44),
    rgb(120, 60, 90),
    rgb(210, 110, 50),
    rgb(90, 130, 150),
)


def _books(
    rng: np.random.Generator, painter: Painter, left: float, right: float, board: float, space: float, light: Array
) -> None:
    """Stand books of random width and height on a board."""
    x = left + rng.uniform(0, 0.01)
    while x < right:
        if rng.random() < 0.06:
            x += rng.uniform(0.04, 0.1)
            continue
        width, height = min(rng.uniform(0.026, 0.058), right - x), space * rng.uniform(0.6, 0.88)
        cover = jitter(rng, SPINES[int(rng.integers(len(SPINES)))], 0.04) * light
        top = board - height
        painter.rectangle(x, top, x + width - 0.002, board, cover)
        painter.rectangle(x, top, x + width * 0.2, board, np.clip(cover * 1.25, 0, 1))
        painter.rectangle(x + width * 0.82, top, x + width - 0.001, board, cover * 0.5)
        if rng.random() < 0.6:
            band = top + height * rng.uniform(0.1, 0.25)
            painter.rectangle(
                x + width * 0.1, band, x + width * 0.85, band + height * 0.07, mix(cover, rgb(240, 222, 170), 0.7)
            )
        x += width


def bookshelf(rng: np.random.Generator) -> Scene:
    """Three or four boards of books from edge to edge, darker towards the back."""
    wood_name, wood = [
        ("brown", rgb(108, 70, 40)),
        ("brown", rgb(150, 104, 66)),
        ("white", rgb(232, 229, 222)),
        ("black", rgb(52, 48, 46)),
    ][int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))]
    painter = Painter(flat(wood * 0.3))
    rows = int(rng.integers(3, 5))
    space, offset = 1 / rows, rng.uniform(-0.05, 0.05)
    light = np.ones(3, np.float32) * rng.uniform(0.75, 1.05)
    for row in range(-1, rows + 1):
        board = offset + (row + 1) * space
        _books(rng, painter, -0.01, 1.0, board - 0.014, space - 0.03, light)
        painter.rectangle(0, board - 0.014, 1, board + 0.016, wood)
        painter.rectangle(0, board - 0.014, 1, board - 0.007, np.clip(wood * 1.2, 0, 1))
        painter.rectangle(0, board + 0.016, 1, board + 0.034, wood * 0.22)
    if rng.random() < 0.5:
        x = rng.uniform(0, 1)
        painter.rectangle(x - 0.018, 0, x + 0.018, 1, wood)
        painter.rectangle(x + 0.011, 0, x + 0.018, 1, wood * 0.6)
    distance = np.hypot(X - rng.uniform(0.2, 0.8), Y - rng.uniform(0, 0.5))
    picture = painter.result() * (1.14 - 0.5 * smoothstep(0.15, 1.0, distance))[..., None]
    return Scene(
        picture * mix(WHITE, rgb(255, 222, 176), rng.random()), traits=Traits(kind="bookshelf", colours=(wood_name,))
    )
