"""Mountains, desert and snow."""

import numpy as np

from training.scenes.canvas import SIZE, WHITE, Array, Painter, X, Y, below, blur, jitter, mix, paint, rgb, smoothstep
from training.scenes.light import PALETTES, Palette, choose_time, sky
from training.scenes.noise import fractal, in_perspective, ridge, swell
from training.scenes.plants import firs
from training.scenes.scene import Scene, Traits


def mirror(
    rng: np.random.Generator, picture: Array, shore: float, tint: Array, share: float, ripple: float = 6.0
) -> Array:
    """Replace everything below y = `shore` by the upside-down picture above it, rippled and tinted."""
    first = int(shore * SIZE)
    depth = SIZE - first
    source = picture[max(0, first - depth) : first][::-1]
    if len(source) < depth:
        source = np.concatenate([source, np.repeat(source[-1:], depth - len(source), 0)], 0)
    waves = in_perspective(rng, shore, 0.6, 2.6)[first:] - 0.5
    columns = np.clip(np.arange(SIZE)[None] + (waves * ripple).astype(np.int64), 0, SIZE - 1)
    shifted = np.take_along_axis(source, columns[..., None], 1)
    padded = np.zeros_like(picture)
    padded[first:] = shifted
    result = picture.copy()
    result[first:] = mix(blur(padded, 0.8)[first:], tint, share) * (0.86 + 0.35 * waves)[..., None]
    result[first : first + 2] *= 0.6
    return result


def _range(
    rng: np.random.Generator,
    picture: Array,
    palette: Palette,
    line: Array,
    nearness: float,
    rock: Array,
    snow_depth: float,
    sun_left: bool,
) -> Array:
    """One ridge with a lit and a shaded side, its snow, and the haze that distance lays over it."""
    depth = Y - line[None]
    relief = fractal(rng, 4, 4, 4, 0.5)
    side = -4 if sun_left else 4
    slope = np.convolve(np.gradient(line), np.ones(9) / 9, "same") * (1 if sun_left else -1)
    shade = 0.62 + (relief - np.roll(relief, side, 1)) * 3.2 - slope[None] * 60 * np.exp(-np.clip(depth, 0, 1) / 0.14)
    shade = np.clip(shade, 0.2, 1.15)[..., None]
    surface = np.broadcast_to(rock, picture.shape) * shade * palette.tint
    if snow_depth > 0:
        cover = smoothstep(snow_depth, snow_depth * 0.2, depth + (relief - 0.5) * 0.16)
        white = WHITE * palette.tint * np.clip(shade + 0.2, 0.45, 1.05)
        surface = mix(surface, white, cover)
    surface = mix(surface, palette.haze, 0.3 * (1 - nearness) + 0.06)
    picture = mix(picture, surface, smoothstep(-0.003, 0.003, depth))
    valley = smoothstep(-0.003, 0.003, depth) * smoothstep(0.06, 0.24, depth) * 0.2 * (1 - nearness)
    return mix(picture, np.broadcast_to(palette.haze, picture.shape), valley)


def mountains(rng: np.random.Generator) -> Scene:
    """Ridges behind each other, paler with distance, over a lake, a green valley or firs."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.46, 0.74)
    above = sky(rng, time, horizon, cover=float(rng.choice([0.0, 0.3, 0.6])) if time != "overcast" else None)
    picture = above.picture
    snowy = rng.random() < 0.65
    rock = mix(rgb(72, 78, 100), rgb(104, 84, 68), rng.random())
    layers = int(rng.integers(2, 4))
    for i in range(layers):
        nearness = i / max(1, layers - 1)
        height = rng.uniform(0.26, 0.38) * (1 - 0.6 * nearness)
        line = ridge(rng, horizon - 0.14 + 0.16 * nearness, height, rng.uniform(1.0, 2.0) * (1 + 0.5 * nearness), 4)
        colour = mix(rock, rgb(60, 86, 56), nearness * 0.8)
        picture = _range(
            rng,
            picture,
            palette,
            line,
            nearness * 0.9,
            colour,
            0.1 * (1 - 0.9 * nearness) if snowy else 0.0,
            above.sun[0] < 0.5,
        )
    variant = str(rng.choice(["lake", "valley", "firs"]))
    shore = horizon + rng.uniform(0.06, 0.14)
    extras: tuple[str, ...] = ("snow",) if snowy else ()
    if variant == "lake":
        picture = mirror(rng, picture, shore, rgb(20, 60, 90) * palette.tint, 0.25)
        extras = (*extras, "lake")
    else:
        grain = in_perspective(rng, shore - 0.12, 1.4, 1.6)
        grass = mix(rgb(70, 112, 46), rgb(120, 130, 60), rng.random()) * palette.tint
        line = swell(rng, shore, 0.03, 5)
        picture = mix(picture, grass * (0.7 + 0.5 * grain)[..., None], below(line))
        if variant == "firs":
            picture = firs(rng, picture, line + 0.02, 0.18, int(rng.integers(6, 14)), rgb(26, 50, 40) * palette.tint)
            extras = (*extras, "firs")
    return Scene(picture, traits=Traits(kind="mountains", time=time, extras=extras))


def desert(rng: np.random.Generator) -> Scene:
    """Dunes with knife-edge crests: a bright side towards the sun and a dark side away from it."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.26, 0.56)
    above = sky(rng, time, horizon, cover=None if time == "overcast" else float(rng.choice([0.0, 0.0, 0.35])))
    picture = above.picture
    sand = jitter(rng, mix(rgb(230, 176, 106), rgb(216, 130, 76), rng.random()), 0.02) * palette.tint
    lit_side = 1.0 if above.sun[0] < 0.5 else -1.0
    dunes = int(rng.integers(3, 5))
    for i in range(dunes):
        nearness = i / (dunes - 1)
        peak_x, peak_y = rng.uniform(0.15, 0.85), horizon - 0.06 + 0.3 * nearness
        fall_left, fall_right = rng.uniform(0.12, 0.34), rng.uniform(0.12, 0.34)
        across = X[0] - peak_x
        line = peak_y + np.where(across < 0, -across * fall_left, across * fall_right) * (0.6 + 0.5 * nearness)
        line = line + swell(rng, 0.0, 0.012, 6) + 0.02 * np.abs(across)
        depth = Y - line[None]
        spine = peak_x + lit_side * (-0.1 * depth + 0.35 * depth**2 * 3) + 0.06 * np.sin(depth * 14 + rng.uniform(0, 6))
        shadow = smoothstep(-0.006, 0.012, (X - spine) * lit_side) * smoothstep(0.7, 0.3, depth)
        ripples = np.sin((depth * (70 - 30 * nearness) + X * 9 * lit_side + fractal(rng, 3, 3, 3) * 3) * 3.1)
        tone = 1.05 - 0.48 * shadow + 0.05 * ripples * nearness * (1 - shadow) + 0.06 * (fractal(rng, 5, 5, 3) - 0.5)
        surface = mix(sand * tone[..., None], palette.haze, 0.4 * (1 - nearness))
        picture = mix(picture, surface, smoothstep(-0.003, 0.003, depth))
    return Scene(picture, traits=Traits(kind="desert", time=time))


def snow(rng: np.random.Generator) -> Scene:
    """White slopes with blue shadows, loaded firs, and often falling flakes."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.32, 0.62)
    picture = sky(rng, time, horizon).picture
    white = rgb(244, 248, 254) * palette.tint
    shadow = mix(white * rgb(170, 194, 232), palette.zenith, 0.1)
    if rng.random() < 0.45:
        hills = mix(white * 0.85, palette.haze, 0.45) * (0.8 + 0.3 * fractal(rng, 6, 6, 5))[..., None]
        picture = mix(picture, hills, below(ridge(rng, horizon - 0.06, 0.09, 3)))
    for i in range(3):
        nearness = i / 2
        line = swell(rng, horizon + 0.26 * nearness**1.2, 0.025 + 0.02 * nearness, 5)
        if i < 2:
            bark = mix(rgb(34, 56, 50) * palette.tint, palette.haze, 0.35 * (1 - nearness))
            count = int(rng.integers(6, 14)) if i == 0 else int(rng.integers(2, 7))
            picture = firs(rng, picture, line + 0.015, 0.18 + 0.2 * nearness, count, bark, snow=white)
        depth = Y - line[None]
        drift = np.clip(smoothstep(0.25, 0.6, fractal(rng, 3, 7, 4)) + smoothstep(0.1, 0.0, depth) * 0.6, 0, 1)
        picture = mix(
            picture, mix(np.broadcast_to(shadow, picture.shape), white, drift), smoothstep(-0.004, 0.004, depth)
        )
    weather = None
    if rng.random() < 0.45:
        flakes = Painter()
        for _ in range(int(rng.integers(80, 160))):
            size = float(rng.choice([0.004, 0.006, 0.009], p=[0.5, 0.35, 0.15]))
            flakes.ellipse(rng.random(), rng.random(), size, size, rng.uniform(0.5, 1.0))
        picture = paint(picture, WHITE * (0.6 + 0.4 * palette.brightness), flakes.result())
        weather = "snowfall"
    return Scene(picture, traits=Traits(kind="snow", time=time, weather=weather))
