"""Beach, open sea and underwater."""

import numpy as np

from training.scenes.canvas import (
    SIZE,
    WHITE,
    Array,
    Painter,
    X,
    Y,
    below,
    jitter,
    mix,
    paint,
    rgb,
    smoothstep,
    vertical,
)
from training.scenes.light import PALETTES, Palette, choose_time, sky
from training.scenes.noise import fractal, in_perspective, ridge, stripes, swell
from training.scenes.plants import crown, palm
from training.scenes.scene import Scene, Traits


def water(
    rng: np.random.Generator,
    picture: Array,
    horizon: float,
    palette: Palette,
    deep: Array,
    shallow: Array,
    sun_x: float,
    *,
    glitter: float = 1.0,
) -> Array:
    """Lay a sea from the horizon down, with waves that widen towards the viewer and a path of light."""
    depth = np.clip((Y - horizon) / (1 - horizon), 0, 1)
    base = mix(np.broadcast_to(shallow, picture.shape), deep, smoothstep(0.0, 0.85, depth))
    broad, fine = in_perspective(rng, horizon, 0.5, 2.0), in_perspective(rng, horizon, 1.4, 4.5)
    waves = broad * 0.65 + fine * 0.35 - 0.5
    base = base * (1 + waves * (0.7 + 0.5 * depth))[..., None]
    base = base + np.clip(waves - 0.08, 0, 1)[..., None] * palette.horizon * (0.4 + 0.6 * palette.brightness)
    if glitter > 0:
        width = 0.035 + 0.2 * depth
        path = np.exp(-(((X - sun_x) / width) ** 2)) * np.clip((waves + 0.18) * 3.2, 0, 1)
        base = base + palette.disc * (path * glitter * (1 - 0.35 * depth))[..., None]
    return mix(picture, base, smoothstep(horizon - 0.002, horizon + 0.003, Y))


def beach(rng: np.random.Generator) -> Scene:
    """Sky, sea and bright sand, divided by a slanted line of surf; palms on tropical shores."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon, shore = rng.uniform(0.24, 0.54), rng.uniform(0.6, 0.82)
    tropical = rng.random() < 0.6
    picture_sky = sky(rng, time, horizon)
    deep, shallow = (rgb(8, 110, 150), rgb(60, 196, 196)) if tropical else (rgb(22, 74, 112), rgb(70, 130, 150))
    glow = {"day": 0.25, "overcast": 0.0}.get(time, 1.0)
    picture = water(
        rng,
        picture_sky.picture,
        horizon,
        palette,
        deep * palette.tint,
        mix(shallow * palette.tint, palette.horizon * 0.6, 0.0 if time == "day" else 0.4),
        picture_sky.sun[0],
        glitter=glow,
    )
    if rng.random() < 0.35:
        island = below(ridge(rng, horizon - 0.015, 0.05, 2)) * smoothstep(horizon + 0.004, horizon, Y)
        side = rng.uniform(0.4, 0.7) < X if rng.random() < 0.5 else rng.uniform(0.3, 0.6) > X
        picture = paint(picture, mix(palette.haze, rgb(40, 80, 60) * palette.tint, 0.45), island * side)
    line = swell(rng, shore, 0.02, int(rng.integers(4, 8))) + rng.normal(0, 0.1) * (X[0] - 0.5)
    gap = Y - line[None]
    shallows = smoothstep(-0.2, -0.01, gap) * smoothstep(horizon, horizon + 0.08, Y)
    picture = mix(
        picture, np.broadcast_to(shallow * palette.tint, picture.shape), shallows * (0.7 if time == "day" else 0.3)
    )
    sand = mix(rgb(228, 202, 160), rgb(244, 228, 200), rng.random()) * palette.tint
    grain = in_perspective(rng, horizon - 0.1, 1.6, 1.6)
    sand = sand * (0.88 + 0.24 * grain)[..., None]
    wet = sand * 0.6 + palette.middle * 0.2 * palette.brightness
    picture = mix(picture, mix(wet, sand, smoothstep(0.015, 0.09, gap)), smoothstep(-0.004, 0.004, gap))
    spray = fractal(rng, 10, 22, 4, 0.6)
    for offset, strength in ((0.0, 1.0), (-0.04 - 0.03 * rng.random(), 0.8), (-0.1 - 0.05 * rng.random(), 0.55)):
        crest = swell(rng, offset, 0.01, 8)
        foam = np.exp(-(((gap - crest[None]) / (0.012 if offset == 0 else 0.008)) ** 2))
        foam = foam * smoothstep(0.2, 0.55, spray + 0.2 * (offset == 0)) * smoothstep(horizon + 0.01, horizon + 0.07, Y)
        picture = mix(picture, np.broadcast_to(WHITE * palette.tint, picture.shape), foam * strength)
    extras: tuple[str, ...] = ("tropical",) if tropical else ()
    if tropical and rng.random() < 0.75:
        leaf = rgb(40, 86, 44) * palette.tint if time in ("day", "overcast") else rgb(20, 18, 26)
        picture = palm(rng, picture, leaf)
        if rng.random() < 0.4:
            picture = palm(rng, picture, leaf)
        extras = (*extras, "palm")
    return Scene(picture, traits=Traits(kind="beach", time=time, extras=extras))


def sea(rng: np.random.Generator) -> Scene:
    """Nothing but sky and water, and now and then a sailing boat."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.28, 0.68)
    above = sky(rng, time, horizon)
    if time in ("day", "overcast"):
        deep, shallow = rgb(10, 46, 84) * palette.tint, rgb(60, 124, 166) * palette.tint
    else:
        deep, shallow = palette.zenith * 0.6, palette.horizon * 0.7
    picture = water(
        rng, above.picture, horizon, palette, deep, shallow, above.sun[0], glitter=0.0 if time == "overcast" else 0.9
    )
    extras: tuple[str, ...] = ()
    if rng.random() < 0.25:
        boat, x, y, s = Painter(), rng.uniform(0.15, 0.85), horizon + 0.03, rng.uniform(0.05, 0.09)
        boat.polygon(
            [(x - s, y - s * 0.25), (x + s, y - s * 0.25), (x + s * 0.7, y + s * 0.15), (x - s * 0.7, y + s * 0.15)]
        )
        boat.polygon([(x, y - s * 0.35), (x, y - s * 2.4), (x + s * 0.85, y - s * 0.35)])
        boat.polygon([(x - s * 0.1, y - s * 0.35), (x - s * 0.1, y - s * 1.8), (x - s * 0.65, y - s * 0.35)])
        hull = rgb(246, 246, 246) * palette.tint if time in ("day", "overcast") else rgb(22, 18, 28)
        picture, extras = paint(picture, hull, boat.result()), ("boat",)
    return Scene(picture, traits=Traits(kind="sea", time=time, extras=extras))


_CORALS = (rgb(230, 96, 110), rgb(240, 150, 60), rgb(170, 90, 190), rgb(240, 210, 90), rgb(80, 180, 140))


def _fish(rng: np.random.Generator, picture: Array, count: int) -> Array:
    school = Painter()
    centre_x, centre_y, facing = rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.6), 1 if rng.random() < 0.5 else -1
    for _ in range(count):
        x, y, s = centre_x + rng.normal(0, 0.24), centre_y + rng.normal(0, 0.14), rng.uniform(0.02, 0.042)
        school.ellipse(x, y, s, s * 0.45)
        school.polygon(
            [(x - facing * s * 0.8, y), (x - facing * s * 1.7, y - s * 0.55), (x - facing * s * 1.7, y + s * 0.55)]
        )
    colour = rgb(250, 205, 80) if rng.random() < 0.5 else rgb(16, 44, 70)
    return paint(picture, colour, school.result() * 0.9)


def underwater(rng: np.random.Generator) -> Scene:
    """Light from above that falls off into the depth, rays, and a reef, fish or bubbles."""
    variant = str(rng.choice(["reef", "deep", "open"], p=[0.5, 0.2, 0.3]))
    if variant == "deep":
        top, middle, bottom = rgb(40, 124, 174), rgb(8, 56, 108), rgb(2, 16, 44)
    else:
        top, middle, bottom = rgb(140, 232, 238), rgb(26, 134, 186), rgb(6, 52, 100)
    picture = vertical([(0.0, jitter(rng, top)), (0.42, jitter(rng, middle)), (1.0, jitter(rng, bottom, 0.015))])
    angle = np.arctan2(X - rng.uniform(0.25, 0.75), Y + 0.25)
    rays = smoothstep(0.4, 0.9, stripes(rng, (angle + 1.6) / 3.2, 24)) * smoothstep(1.0, 0.0, Y)
    picture = picture + (rays * 0.42)[..., None] * rgb(190, 245, 255)
    surface = np.clip(1 - np.abs(fractal(rng, 7, 16, 4) - 0.5) * 12, 0, 1) * smoothstep(0.18, 0.0, Y)
    picture = picture + (surface * 0.45)[..., None]
    extras: tuple[str, ...] = ()
    if variant == "reef":
        floor = swell(rng, rng.uniform(0.76, 0.86), 0.05, 6)
        caustics = np.clip(1 - np.abs(in_perspective(rng, 0.6, 1.5, 2.0) - 0.5) * 9, 0, 1)
        sand = mix(rgb(160, 196, 180), middle, 0.35) * (0.8 + 0.35 * caustics)[..., None]
        picture = mix(picture, sand, below(floor, 0.01))
        for _ in range(int(rng.integers(5, 11))):
            x, radius = rng.random(), rng.uniform(0.04, 0.1)
            mask = crown(rng, x, float(floor[int(x * (SIZE - 1))]) + rng.uniform(0.0, 0.08), radius)
            coral = mix(_CORALS[int(rng.integers(len(_CORALS)))], middle, 0.35)
            picture = mix(picture, coral * (0.5 + 0.8 * fractal(rng, 28, 28, 2))[..., None], mask)
        extras = ("coral",)
    if rng.random() < (0.7 if variant != "deep" else 0.3):
        picture, extras = _fish(rng, picture, int(rng.integers(4, 14))), (*extras, "fish")
    bubbles = Painter()
    for _ in range(int(rng.integers(0, 40))):
        size = rng.uniform(0.002, 0.009)
        bubbles.ellipse(rng.random(), rng.random(), size, size, 0.5)
    picture = picture + bubbles.result()[..., None] * 0.5
    return Scene(picture, traits=Traits(kind="underwater", variant=variant, extras=extras))
