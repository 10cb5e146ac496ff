"""Random fields and lines: clouds, ridges, and noise seen in perspective."""

import numpy as np
from PIL import Image

from training.scenes.canvas import SIZE, Array, X, Y, smoothstep


def enlarge(field: Array, height: int = SIZE, width: int = SIZE) -> Array:
    """Bicubic enlargement of a small field."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def fractal(rng: np.random.Generator, across: float = 4, down: float = 4, octaves: int = 5, gain: float = 0.5) -> Array:
    """Fractal noise, 0 to 1 around one half.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    across, down : float
        Cells of the coarsest octave over the picture's width and height.
    octaves : int
        Each has twice the cells of the one before and `gain` times its strength.
    gain : float
        See `octaves`.

    Returns
    -------
    Array
        Shape (256, 256).
    """
    total = np.zeros((SIZE, SIZE), np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        columns, rows = round(across * 2**octave) + 2, round(down * 2**octave) + 2
        if min(columns, rows) > SIZE:
            break
        total += weight * enlarge(rng.random((min(rows, SIZE), min(columns, SIZE)), np.float32))
        weights += weight
        weight *= gain
    return np.clip((total / weights - 0.5) * 1.9 + 0.5, 0, 1)


def ridge(rng: np.random.Generator, base: float, height: float, peaks: float, octaves: int = 6) -> Array:
    """Jagged height line of shape (256,): y of a mountain's outline, at most `height` above `base`."""
    line = np.zeros(SIZE, np.float32)
    for octave in range(octaves):
        knots = rng.random(min(SIZE, max(3, int(peaks * 2**octave) + 2)), np.float32)
        places = np.linspace(0, len(knots) - 1, SIZE)
        line += 0.48**octave * np.interp(places, np.arange(len(knots)), knots).astype(np.float32)
    line -= line.mean()
    return base - height * line / max(float(np.abs(line).max()), 1e-3)


def swell(rng: np.random.Generator, base: float, height: float, knots: int) -> Array:
    """Smooth height line of shape (256,), `height` up or down about `base`."""
    row = np.repeat(rng.random((1, knots), np.float32), 2, 0)
    return base - height * 2 * (enlarge(row, 2, SIZE)[0] - 0.5)


def in_perspective(
    rng: np.random.Generator, horizon: float, across: float = 1.0, along: float = 1.0, cells: int = 10
) -> Array:
    """Noise lying on a plane that reaches from the viewer to the horizon, one half above it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    horizon : float
        y at which the plane vanishes.
    across, along : float
        Density of the grain sideways and into the depth.
    cells : int
        Cells of the coarsest octave of the noise that is laid out.
    """
    tile = fractal(rng, cells, cells, 5, 0.6)
    distance = 0.12 / np.maximum(Y - horizon + 0.03, 0.004)
    u = ((X - 0.5) * distance * across * 2 + rng.random() * 7) % 1 * SIZE
    v = (distance * along * 1.6) % 1 * SIZE
    sample = tile[v.astype(np.int64) % SIZE, u.astype(np.int64) % SIZE]
    near = smoothstep(0.0, 0.14, Y - horizon)
    return sample * near + 0.5 * (1 - near)


def stripes(rng: np.random.Generator, position: Array, count: int) -> Array:
    """Soft random bands along `position` (0 to 1), as of light rays: values 0 to 1."""
    band = enlarge(np.repeat(rng.random((1, count), np.float32), 2, 0), 2, 512)[0]
    return band[np.clip(position * 511, 0, 511).astype(np.int64)]
