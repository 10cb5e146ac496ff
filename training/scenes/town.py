"""City skyline and street."""

from itertools import pairwise

import numpy as np

from training.scenes.canvas import WHITE, Array, Painter, X, Y, blur, jitter, mix, rgb, smoothstep
from training.scenes.land import mirror
from training.scenes.light import PALETTES, Palette, TimeOfDay, choose_time, sky
from training.scenes.noise import fractal, in_perspective
from training.scenes.scene import Scene, Traits

_LAMPS = (rgb(255, 214, 140), rgb(255, 190, 100), rgb(255, 240, 210), rgb(170, 210, 255))


def _lights_on(time: TimeOfDay) -> bool:
    return time in ("night", "dusk")


def _tower(
    rng: np.random.Generator,
    painter: Painter,
    left: float,
    top: float,
    right: float,
    foot: float,
    wall: Array,
    palette: Palette,
    lit: bool,
    nearness: float,
) -> None:
    """One building: a lit and a shaded wall, roof details and a grid of windows."""
    painter.rectangle(left, top, right, foot, wall)
    painter.rectangle(left + (right - left) * 0.72, top, right, foot, wall * 0.8)
    if rng.random() < 0.25:
        painter.line([((left + right) / 2, top), ((left + right) / 2, top - rng.uniform(0.03, 0.09))], 0.005, wall)
    if rng.random() < 0.25:
        painter.rectangle(left + (right - left) * 0.2, top - 0.016, right - (right - left) * 0.2, top, wall)
    step_x, step_y = float(rng.choice([0.027, 0.036])), float(rng.choice([0.032, 0.042]))
    share, lamp = (rng.uniform(0.3, 0.65), _LAMPS[int(rng.integers(4))]) if lit else (0.92, WHITE)
    for y in np.arange(top + 0.012, foot - 0.014, step_y):
        for x in np.arange(left + 0.008, right - 0.01, step_x):
            if rng.random() < share:
                glass = (
                    mix(wall, lamp, rng.uniform(0.4, 1.0) * (0.5 + 0.5 * nearness))
                    if lit
                    else mix(wall, rgb(66, 92, 126) * palette.brightness, 0.55)
                )
                painter.rectangle(x, y, x + step_x * 0.55, y + step_y * 0.6, glass)


def city(rng: np.random.Generator) -> Scene:
    """Three rows of towers over their own reflection; windows shine when it is dark."""
    time = choose_time(rng)
    palette, lit = PALETTES[time], _lights_on(time)
    shore = rng.uniform(0.6, 0.86)
    picture = sky(
        rng,
        time,
        shore,
        cover=None if time == "overcast" else float(rng.choice([0.0, 0.3, 0.5])),
        stars=rng.random() < 0.4,
    ).picture
    if lit:
        picture = picture + np.exp(-np.abs(Y - shore) / 0.2)[..., None] * rgb(200, 120, 80) * (
            0.35 if time == "night" else 0.2
        )
    painter = Painter(picture)
    for row in range(3):
        nearness = row / 2
        x = -0.04
        while x < 1.02:
            width = rng.uniform(0.09, 0.18) * (0.75 + 0.45 * nearness)
            height = rng.uniform(0.1, 0.42) * (1.2 - 0.45 * nearness) * (1.4 if rng.random() < 0.12 else 1.0)
            stone = (
                mix(rgb(18, 22, 40), rgb(36, 40, 60), rng.random())
                if lit
                else mix(rgb(98, 108, 122), rgb(146, 134, 122), rng.random()) * palette.tint
            )
            wall = mix(stone, palette.haze, 0.38 * (1 - nearness) + 0.04)
            _tower(rng, painter, x, shore - height, x + width, shore, wall, palette, lit, nearness)
            x += width + rng.uniform(-0.01, 0.02) * (1 - nearness)
    picture = mirror(rng, painter.result(), shore, rgb(10, 20, 40) * (0.3 + palette.brightness), 0.3, ripple=9.0)
    if lit:
        picture = picture + blur(np.clip(picture - 0.45, 0, 1) * 1.4, 4) * 0.8
    return Scene(picture, traits=Traits(kind="city", time=time, extras=("lights",) if lit else ()))


_FACADES = (
    rgb(190, 120, 92),
    rgb(214, 190, 152),
    rgb(170, 172, 176),
    rgb(150, 96, 80),
    rgb(226, 214, 196),
    rgb(128, 140, 150),
)


def _facades(
    rng: np.random.Generator, painter: Painter, side: int, eye: tuple[float, float], palette: Palette, lit: bool
) -> None:
    """House fronts along one side of the street, drawn from the far end towards the viewer."""
    centre, horizon = eye

    def at(depth: float, height: float) -> tuple[float, float]:
        scale = 1 / depth
        return centre + side * 0.42 * scale, horizon + (0.34 - height) * scale

    edges = [0.55]
    while edges[-1] < 7:
        edges.append(edges[-1] * rng.uniform(1.25, 1.5))
    for near, far in reversed(list(pairwise(edges))):
        height = rng.uniform(0.95, 1.5)
        fade = float(np.clip((far - 1) / 9, 0, 0.6))
        stone = jitter(rng, _FACADES[int(rng.integers(len(_FACADES)))], 0.02) * palette.tint
        stone = mix(
            stone * (0.35 if lit and palette.brightness < 0.4 else 0.82 if side > 0 else 1.0), palette.haze, fade
        )
        painter.polygon([at(near, 0), at(near, height), at(far, height), at(far, 0)], stone)
        painter.polygon(
            [at(near, height), at(near, height + 0.035), at(far, height + 0.035), at(far, height)], stone * 0.7
        )
        columns = max(2, round(2 * (far - near) / near * 1.2))
        for level in np.arange(0.0, height - 0.2, 0.26):
            for column in range(columns):
                first = 1 / (1 / near + (1 / far - 1 / near) * (column + 0.25) / columns)
                last = 1 / (1 / near + (1 / far - 1 / near) * (column + 0.75) / columns)
                glow = lit and rng.random() < (0.9 if level == 0 else 0.5)
                glass = (
                    _LAMPS[int(rng.integers(3))]
                    if glow
                    else mix(stone * 0.45, rgb(60, 80, 104) * palette.brightness, 0.5)
                )
                low, high = (0.02, 0.17) if level == 0 else (level + 0.07, level + 0.21)
                painter.polygon(
                    [at(first, low), at(first, high), at(last, high), at(last, low)],
                    mix(glass, palette.haze, fade * 0.7),
                )


def street(rng: np.random.Generator) -> Scene:
    """One-point perspective: two rows of house fronts, pavements and a road with a broken line."""
    time = choose_time(rng)
    palette, lit = PALETTES[time], _lights_on(time)
    horizon, centre = rng.uniform(0.5, 0.58), rng.uniform(0.42, 0.58)
    weather = "rain" if rng.random() < 0.2 else None
    painter = Painter(sky(rng, time, horizon + 0.05, stars=False).picture)
    asphalt, pavement = rgb(86, 88, 94) * palette.tint, rgb(168, 164, 158) * palette.tint
    painter.rectangle(0, horizon, 1, 1, pavement)
    painter.polygon([(centre, horizon), (centre - 0.62, 1.05), (centre + 0.62, 1.05)], asphalt)
    for near, far in ((0.62, 0.75), (0.95, 1.2), (1.6, 2.1), (3.0, 4.0)):
        half = 0.016
        quad = [(centre - half / near, horizon + 0.34 / near), (centre + half / near, horizon + 0.34 / near)]
        quad += [(centre + half / far, horizon + 0.34 / far), (centre - half / far, horizon + 0.34 / far)]
        painter.polygon(quad, rgb(226, 222, 206) * mix(palette.tint, WHITE, 0.15))
    for side in (-1, 1):
        _facades(rng, painter, side, (centre, horizon), palette, lit)
        for depth in (4.2, 2.4, 1.35):
            x, foot, top = centre + side * 0.3 / depth, horizon + 0.34 / depth, horizon - 0.5 / depth
            painter.line(
                [(x, foot), (x, top), (x - side * 0.05 / depth, top)], 0.012 / depth, rgb(40, 42, 46) * palette.tint
            )
            if lit:
                painter.ellipse(x - side * 0.05 / depth, top + 0.008, 0.03 / depth, 0.022 / depth, rgb(255, 228, 170))
    extras: tuple[str, ...] = ("lights",) if lit else ()
    if rng.random() < 0.45:
        depth, side = rng.uniform(1.3, 2.4), int(rng.choice([-1, 1]))
        x, y, s = centre + side * 0.2 / depth, horizon + 0.33 / depth, 0.12 / depth
        body = jitter(rng, rgb(*rng.integers(40, 220, 3).tolist()), 0.0) * palette.tint
        painter.rectangle(x - s, y - s * 0.75, x + s, y - s * 0.12, body)
        painter.polygon(
            [
                (x - s * 0.8, y - s * 0.7),
                (x - s * 0.6, y - s * 1.3),
                (x + s * 0.6, y - s * 1.3),
                (x + s * 0.8, y - s * 0.7),
            ],
            body * 0.6,
        )
        for wheel in (-0.72, 0.72):
            painter.ellipse(x + wheel * s, y - s * 0.1, s * 0.2, s * 0.2, rgb(20, 20, 22))
            painter.ellipse(
                x + wheel * s, y - s * 0.5, s * 0.14, s * 0.1, rgb(255, 60, 40) if lit else rgb(200, 60, 50)
            )
        extras = (*extras, "car")
    picture = painter.result()
    if weather == "rain":
        wet = mirror(rng, picture, horizon + 0.02, palette.zenith, 0.2, ripple=5.0)
        run = smoothstep(horizon + 0.04, horizon + 0.2, Y) * smoothstep(
            0.66, 0.5, np.abs(X - centre) / np.maximum(Y - horizon, 0.02) * 0.34 / 0.45
        )
        picture = mix(picture, wet, run * 0.6)
    grain = in_perspective(rng, horizon, 2.0, 2.0)
    picture = (
        picture
        * (1 + (grain - 0.5) * 0.2 * smoothstep(horizon, 1, Y))[..., None]
        * (0.94 + 0.12 * fractal(rng, 3, 3, 3))[..., None]
    )
    if lit:
        picture = picture + blur(np.clip(picture - 0.5, 0, 1) * 1.3, 5) * 0.8
    return Scene(picture, traits=Traits(kind="street", time=time, weather=weather, extras=extras))
