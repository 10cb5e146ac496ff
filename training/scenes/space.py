"""Starry sky, galaxy and clouds."""

import numpy as np

from training.scenes.canvas import SIZE, WHITE, Array, X, Y, below, blur, jitter, mix, paint, rgb, smoothstep, vertical
from training.scenes.light import PALETTES, choose_time, sky, star_field
from training.scenes.noise import fractal, ridge, swell
from training.scenes.plants import firs
from training.scenes.scene import Scene, Traits


def stars(rng: np.random.Generator) -> Scene:
    """A night sky seen from the ground: points of light, at times the Milky Way, over a black outline of land."""
    variant = "milky" if rng.random() < 0.45 else "plain"
    picture = vertical(
        [(0.0, jitter(rng, rgb(5, 7, 24), 0.01)), (0.6, jitter(rng, rgb(13, 21, 56), 0.015)), (1.0, rgb(36, 52, 98))]
    )
    if variant == "milky":
        angle = rng.uniform(0.6, 2.4)
        across = (X - rng.uniform(0.35, 0.65)) * np.sin(angle) - (Y - rng.uniform(0.25, 0.55)) * np.cos(angle)
        clumps, dust = fractal(rng, 3, 3, 6, 0.6), fractal(rng, 4, 4, 6, 0.62)
        band = np.exp(-(((across + (clumps - 0.5) * 0.16) / 0.14) ** 2))
        colour = mix(
            np.broadcast_to(rgb(124, 114, 196), picture.shape),
            rgb(250, 208, 192),
            np.exp(-((across / 0.06) ** 2)) * clumps,
        )
        picture = picture + colour * (band * (0.3 + 0.7 * clumps))[..., None] * 0.8
        lane = np.exp(-(((across + (dust - 0.5) * 0.16) / 0.035) ** 2)) * smoothstep(0.4, 0.65, dust)
        picture = picture * (1 - 0.7 * lane)[..., None] + star_field(rng, 450) * band[..., None]
    picture = picture + star_field(rng, int(rng.uniform(200, 400)))
    for _ in range(int(rng.integers(30, 60))):
        # Two or three pixels wide: larger ones are taken for lamps out of focus.
        x, y, size = rng.random(), rng.uniform(0, 0.8), rng.uniform(0.0035, 0.007)
        picture = picture + (np.exp(-((X - x) ** 2 + (Y - y) ** 2) / size**2) * rng.uniform(0.5, 1.0))[..., None]
    extras: tuple[str, ...] = ()
    if rng.random() < 0.75:
        if rng.random() < 0.5:
            picture, extras = (
                paint(picture, rgb(5, 7, 14), below(ridge(rng, rng.uniform(0.8, 0.88), 0.08, 3))),
                ("hills",),
            )
        else:
            line = swell(rng, 0.88, 0.02, 5)
            picture = firs(rng, paint(picture, rgb(5, 7, 14), below(line)), line + 0.02, 0.18, 24, rgb(5, 7, 14))
            extras = ("firs",)
    return Scene(picture, traits=Traits(kind="stars", time="night", variant=variant, extras=extras))


_GAS = {
    "pink": rgb(220, 60, 150),
    "blue": rgb(60, 90, 230),
    "teal": rgb(40, 180, 200),
    "orange": rgb(245, 125, 60),
    "purple": rgb(140, 64, 214),
}


def galaxy(rng: np.random.Generator) -> Scene:
    """Deep space: a tilted spiral with a bright core, or a nebula of two glowing gases."""
    variant = "spiral" if rng.random() < 0.5 else "nebula"
    names = tuple(list(_GAS)[int(i)] for i in rng.permutation(len(_GAS))[:2])
    first, second = _GAS[names[0]], _GAS[names[1]]
    picture = np.broadcast_to(rgb(4, 4, 14), (SIZE, SIZE, 3)) + star_field(rng, int(rng.uniform(120, 240)))
    x, y = rng.uniform(0.35, 0.65), rng.uniform(0.32, 0.6)
    clumps, knots = fractal(rng, 3, 3, 6, 0.6), fractal(rng, 4, 4, 6, 0.62)
    if variant == "spiral":
        tilt, turn, size = rng.uniform(0.4, 0.9), rng.uniform(0, np.pi), rng.uniform(0.26, 0.38)
        u = (X - x) * np.cos(turn) + (Y - y) * np.sin(turn)
        v = (-(X - x) * np.sin(turn) + (Y - y) * np.cos(turn)) / tilt
        radius = np.hypot(u, v) + 1e-4
        winding = np.cos(
            2 * np.arctan2(v, u) - rng.choice([-1, 1]) * 5.5 * np.log(radius / size + 0.15) + (clumps - 0.5) * 1.2
        )
        arms = smoothstep(-0.2, 0.9, winding) * np.exp(-((radius / size) ** 2)) * (0.55 + 0.8 * knots)
        core = np.exp(-((radius / (0.2 * size)) ** 2)) + 0.55 * np.exp(-((radius / (0.5 * size)) ** 2))
        picture = (
            picture
            + mix(np.broadcast_to(first, picture.shape), second, np.clip(radius / size, 0, 1)) * (arms * 1.5)[..., None]
        )
        picture = picture + rgb(255, 236, 205) * core[..., None]
    else:
        reach = np.exp(-(((X - x) / 0.42) ** 2 + ((Y - y) / 0.38) ** 2))
        picture = picture + first * (smoothstep(0.35, 0.8, clumps) * reach)[..., None] * 1.15
        picture = picture + second * (smoothstep(0.4, 0.85, knots) * reach)[..., None]
        picture = picture + (smoothstep(0.3, 0.7, clumps * knots * 1.6) * reach)[..., None] * 0.6
    for _ in range(int(rng.integers(6, 18))):
        sx, sy, size = rng.random(), rng.random(), rng.uniform(0.004, 0.008)
        picture = picture + (np.exp(-((X - sx) ** 2 + (Y - sy) ** 2) / size**2) * rng.uniform(0.6, 1.0))[..., None]
    return Scene(picture, traits=Traits(kind="galaxy", variant=variant, colours=names))


def clouds(rng: np.random.Generator) -> Scene:
    """Banks of cloud seen from above, or great white heaps that fill the sky."""
    time = choose_time(rng)
    palette = PALETTES[time]
    above = rng.random() < 0.6
    top = mix(palette.cloud_top, WHITE * palette.tint, 0.4)
    if above:
        horizon = rng.uniform(0.22, 0.5)
        picture = sky(rng, time, horizon, cover=0.0 if time != "overcast" else 0.3).picture
        layers, shade = 5, mix(palette.cloud_base, palette.zenith, 0.25)
    else:
        horizon = 0.12
        picture = sky(rng, time, 1.1, cover=0.0 if time != "overcast" else 0.6).picture
        layers, shade = 3, palette.cloud_base
    for i in range(layers):
        nearness = i / (layers - 1)
        base = horizon + (0.5 if above else 0.62) * nearness**1.2 + (0.0 if above else 0.16)
        height = (0.02 + 0.05 * nearness) if above else 0.1
        puffs = blur(_heaps(rng, base, height, 0.05 + 0.09 * nearness), 1.2 + 2 * nearness)
        ragged = fractal(rng, 5, 6, 5, 0.55)
        mask = smoothstep(0.3, 0.7, puffs + (ragged - 0.5) * 0.7)
        light = np.clip(0.4 + (ragged - np.roll(ragged, -6, 0)) * 3.2 + _rim(mask) * 0.75, 0, 1.05)
        body = mix(
            mix(np.broadcast_to(shade, picture.shape), top, light),
            palette.horizon,
            0.35 * (1 - nearness) if above else 0.1,
        )
        picture = mix(picture, body, mask)
    return Scene(picture, traits=Traits(kind="clouds", time=time, variant="above" if above else ""))


def _heaps(rng: np.random.Generator, base: float, height: float, radius: float) -> Array:
    """Mask of rounded heaps standing on a smooth line."""
    line = swell(rng, base, height, 6)
    mask = below(line, 0.01)
    for _ in range(12):
        x, size = rng.uniform(-0.05, 1.05), radius * rng.uniform(0.6, 1.3)
        y = float(line[int(np.clip(x, 0, 0.999) * SIZE)])
        mask = np.maximum(mask, (np.hypot(X - x, Y - y) < size).astype(np.float32))
    return mask


def _rim(mask: Array) -> Array:
    """Closeness to a mask's upper edge, 1 at the edge."""
    inner = np.roll(mask, 18, 0)
    inner[:18] = 0
    return np.clip(mask - blur(inner, 5), 0, 1)
