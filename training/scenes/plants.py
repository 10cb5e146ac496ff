"""Trees for all scenes: palms, firs and round crowns."""

import numpy as np

from training.scenes.canvas import Array, Painter, mix, paint, rgb
from training.scenes.noise import fractal


def palm(rng: np.random.Generator, picture: Array, colour: Array) -> Array:
    """Put one large palm at the left or right edge."""
    mask = Painter()
    left = rng.random() < 0.5
    root_x = rng.uniform(0.0, 0.16) if left else rng.uniform(0.84, 1.0)
    root_y, top_y = rng.uniform(0.78, 0.98), rng.uniform(0.14, 0.32)
    lean = rng.uniform(0.02, 0.16) * (1 if left else -1)
    steps = np.linspace(0, 1, 12)
    trunk = [(root_x + lean * t**1.8, root_y + (top_y - root_y) * t) for t in steps]
    for i in range(len(trunk) - 1):
        mask.line(trunk[i : i + 2], 0.026 - 0.010 * i / len(trunk))
    crown_x, crown_y = trunk[-1]
    count = int(rng.integers(8, 11))
    for angle in np.linspace(-3.0, 0.1, count) + rng.normal(0, 0.08):
        length = rng.uniform(0.16, 0.25)
        upper, lower = [], []
        for t in np.linspace(0, 1, 9):
            x = crown_x + np.cos(angle) * length * t * 1.1
            y = crown_y + np.sin(angle) * length * 0.75 * t + length * 0.75 * t * t
            thickness = 0.03 * np.sin(np.pi * min(1.0, t + 0.04))
            upper.append((x, y - thickness * 0.3))
            lower.append((x, y + thickness))
        mask.polygon(upper + lower[::-1])
    shade = 0.75 + 0.5 * fractal(rng, 8, 8, 3)[..., None]
    return paint(picture, colour * shade, mask.result())


def firs(
    rng: np.random.Generator,
    picture: Array,
    ground: Array,
    height: float,
    count: int,
    colour: Array,
    snow: Array | None = None,
) -> Array:
    """Stand `count` firs on the line `ground` (shape (256,)); with `snow` their left sides carry that colour."""
    trees, load = Painter(), Painter()
    for _ in range(count):
        x = rng.uniform(-0.05, 1.05)
        tall = height * rng.uniform(0.6, 1.25)
        foot = float(ground[int(np.clip(x, 0, 0.999) * len(ground))]) + tall * 0.06
        half = tall * rng.uniform(0.18, 0.27)
        tiers = 5
        for tier in range(tiers):
            low = foot - tall * (0.05 + 0.92 * tier / tiers)
            tip = foot - tall * min(1.0, 0.92 * (tier + 1.6) / tiers)
            width = half * (1 - tier / tiers)
            trees.polygon([(x - width, low), (x + width, low), (x, tip)])
            load.polygon([(x - width * 0.9, low - tall * 0.01), (x - width * 0.15, low - tall * 0.05), (x, tip)], 0.9)
        trees.rectangle(x - tall * 0.014, foot - tall * 0.1, x + tall * 0.014, foot + tall * 0.02)
    mask = trees.result()
    picture = paint(picture, colour, mask)
    return picture if snow is None else paint(picture, snow, load.result() * mask)


def crown(rng: np.random.Generator, x: float, y: float, radius: float, leaves: int = 24) -> Array:
    """Mask of a round tree crown or bush made of `leaves` discs."""
    mask = Painter()
    for _ in range(leaves):
        angle, reach = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.random())
        size = radius * rng.uniform(0.18, 0.4)
        mask.ellipse(x + np.cos(angle) * reach, y + np.sin(angle) * reach * 0.8, size, size)
    return mask.result()


def foliage(rng: np.random.Generator, colour: Array, cells: float = 18) -> Array:
    """Picture of leaves in one colour, lit from above."""
    clumps = fractal(rng, cells, cells, 3, 0.6)
    light = np.clip(0.65 + (clumps - np.roll(clumps, -4, 0)) * 2.2 + (clumps - 0.5) * 0.5, 0.3, 1.4)
    return mix(colour * light[..., None], rgb(250, 250, 200) * colour, 0.1)
