"""Studio backdrop, brick wall and bokeh lights: backgrounds without a horizon."""

import numpy as np

from training.scenes.canvas import BLACK, SIZE, Array, X, Y, blur, flat, jitter, mix, rgb, smoothstep
from training.scenes.noise import fractal
from training.scenes.scene import Scene, Traits

COLOURS = {
    "white": rgb(238, 238, 238),
    "gray": rgb(140, 142, 146),
    "black": rgb(30, 30, 34),
    "blue": rgb(46, 94, 186),
    "red": rgb(182, 40, 42),
    "green": rgb(52, 134, 78),
    "yellow": rgb(240, 200, 56),
    "pink": rgb(240, 156, 186),
    "purple": rgb(118, 70, 174),
    "orange": rgb(236, 130, 44),
    "teal": rgb(30, 142, 150),
    "beige": rgb(216, 196, 166),
    "brown": rgb(112, 74, 48),
}


def studio(rng: np.random.Generator) -> Scene:
    """Cloth or paper behind a portrait: even, spotlit, mottled, a sweep with a floor, or two colours."""
    name = str(rng.choice(list(COLOURS)))
    colour = jitter(rng, COLOURS[name], 0.025)
    variant = str(rng.choice(["plain", "spot", "mottled", "sweep", "two"], p=[0.2, 0.3, 0.15, 0.18, 0.17]))
    names: tuple[str, ...] = (name,)
    if variant == "plain":
        picture = flat(colour) * (1.05 - 0.16 * Y)[..., None]
    elif variant == "spot":
        distance = np.hypot(X - rng.uniform(0.35, 0.65), Y - rng.uniform(0.3, 0.55)) / rng.uniform(0.6, 0.85)
        picture = mix(flat(np.clip(colour * 1.2 + 0.06, 0, 1)), colour * 0.4, smoothstep(0.05, 1.0, distance))
    elif variant == "mottled":
        picture = colour * (0.64 + 0.68 * fractal(rng, 2.5, 2.5, 5, 0.55))[..., None]
        picture = picture * (1 - 0.35 * smoothstep(0.3, 0.8, np.hypot(X - 0.5, Y - 0.45)))[..., None]
    elif variant == "sweep":
        bend = rng.uniform(0.72, 0.84)
        wall = colour * (1.0 - 0.2 * smoothstep(0.1, 0.8, np.abs(X - 0.5)))[..., None]
        floor = colour * (0.78 + 0.3 * smoothstep(bend, 1.0, Y))[..., None]
        picture = mix(wall, floor, smoothstep(bend - 0.04, bend + 0.04, Y))
    else:
        other = str(rng.choice([c for c in COLOURS if c != name]))
        along = (Y, X, (X + Y) / 2)[int(rng.integers(3))]
        picture = mix(flat(colour), jitter(rng, COLOURS[other], 0.02), smoothstep(0.12, 0.88, along))
        names = (name, other)
    return Scene(picture, traits=Traits(kind="studio", variant=variant, colours=names))


_BRICKS: dict[str, tuple[Array, Array]] = {
    # colour word: brick, mortar
    "red": (rgb(160, 72, 54), rgb(202, 192, 180)),
    "white": (rgb(228, 225, 220), rgb(172, 168, 162)),
    "gray": (rgb(122, 122, 124), rgb(178, 176, 172)),
    "brown": (rgb(112, 76, 54), rgb(174, 162, 146)),
    "blue": (rgb(66, 104, 168), rgb(40, 62, 104)),
    "green": (rgb(70, 128, 88), rgb(40, 78, 54)),
    "yellow": (rgb(216, 180, 80), rgb(150, 122, 56)),
    "black": (rgb(46, 46, 50), rgb(92, 92, 94)),
}
_BRICK_SHARES = [0.36, 0.18, 0.12, 0.1, 0.07, 0.06, 0.05, 0.06]


def brick(rng: np.random.Generator) -> Scene:
    """Courses of brick in running bond, each brick its own shade, lit from one side."""
    name = str(rng.choice(list(_BRICKS), p=_BRICK_SHARES))
    clay, mortar = _BRICKS[name]
    height = rng.uniform(18, 30)
    width = height * rng.uniform(2.1, 2.6)
    wobble = (fractal(rng, 20, 20, 3) - 0.5) * 2.0
    down = Y * SIZE + rng.uniform(0, height)
    row = (down // height).astype(np.int64)
    along = X * SIZE + (row % 2) * width / 2 + rng.uniform(0, width)
    column = (along // width).astype(np.int64)
    from_top, from_left = down % height, along % width
    edge = np.minimum(np.minimum(from_top, height - from_top), np.minimum(from_left, width - from_left)) + wobble
    joint = height * 0.085
    inside = smoothstep(joint * 0.6, joint * 1.3, edge)
    shades = rng.normal(0, 0.15 if name != "white" else 0.05, (32, 32)).astype(np.float32)
    tints = rng.normal(0, 0.02, (32, 32, 3)).astype(np.float32)
    rough = fractal(rng, 26, 26, 3, 0.7)
    face = np.clip(clay * (1 + shades[row % 32, column % 32])[..., None] + tints[row % 32, column % 32], 0, 1)
    relief = 1 + 0.14 * smoothstep(joint * 2, joint, from_top) - 0.2 * smoothstep(joint * 2, joint, height - from_top)
    face = face * ((0.85 + 0.3 * rough) * relief)[..., None]
    picture = mix(mortar * (0.85 + 0.3 * rough)[..., None], face, inside)
    distance = np.hypot(X - rng.uniform(0.2, 0.8), Y - rng.uniform(0.1, 0.5))
    picture = picture * (1.12 - 0.45 * smoothstep(0.1, 1.0, distance))[..., None]
    return Scene(picture, traits=Traits(kind="brick", colours=(name,)))


_LIGHTS: dict[str, tuple[Array, tuple[Array, ...]]] = {
    # colour word: night behind, lamps
    "gold": (rgb(46, 24, 10), (rgb(255, 190, 80), rgb(255, 150, 50), rgb(255, 225, 150))),
    "blue": (rgb(8, 16, 46), (rgb(80, 150, 255), rgb(120, 200, 255), rgb(60, 90, 230))),
    "pink": (rgb(46, 12, 40), (rgb(255, 110, 180), rgb(230, 90, 230), rgb(255, 170, 200))),
    "colourful": (
        rgb(20, 14, 34),
        (rgb(255, 90, 80), rgb(90, 160, 255), rgb(255, 200, 80), rgb(120, 255, 150), rgb(220, 100, 255)),
    ),
    "green": (rgb(10, 34, 20), (rgb(130, 230, 120), rgb(200, 255, 140), rgb(70, 190, 120))),
    "white": (rgb(40, 44, 52), (rgb(255, 255, 255), rgb(230, 235, 255), rgb(255, 244, 220))),
    "red": (rgb(44, 8, 8), (rgb(255, 70, 60), rgb(255, 110, 80), rgb(230, 40, 60))),
    "purple": (rgb(26, 10, 46), (rgb(170, 90, 255), rgb(200, 130, 255), rgb(130, 70, 230))),
}


def bokeh(rng: np.random.Generator) -> Scene:
    """Lamps far out of focus: overlapping discs with a brighter rim on a dark ground."""
    name = str(rng.choice(list(_LIGHTS), p=[0.26, 0.14, 0.11, 0.21, 0.07, 0.07, 0.07, 0.07]))
    ground, lamps = _LIGHTS[name]
    picture = flat(ground) * (0.4 + 0.8 * fractal(rng, 2, 2, 2))[..., None]
    typical = rng.uniform(0.06, 0.12)
    for _ in range(int(rng.integers(14, 28))):
        x, y, radius = rng.random(), rng.random(), typical * rng.uniform(0.6, 1.5)
        top, bottom = (int(np.clip((y + s * radius) * SIZE + 3 * s, 0, SIZE)) for s in (-1, 1))
        left, right = (int(np.clip((x + s * radius) * SIZE + 3 * s, 0, SIZE)) for s in (-1, 1))
        window = np.s_[top:bottom, left:right]
        distance = np.hypot(X[window] - x, Y[window] - y)
        disc = smoothstep(radius, radius * 0.92, distance) * (0.6 + 0.4 * smoothstep(radius * 0.6, radius, distance))
        picture[window] += lamps[int(rng.integers(len(lamps)))] * (disc * rng.uniform(0.35, 0.85))[..., None]
    picture = blur(1 - np.exp(-np.maximum(picture, BLACK) * 1.4), rng.uniform(0, 1.2))
    return Scene(picture, traits=Traits(kind="bokeh", colours=(name,)))
