"""Office, kitchen and living room."""

import numpy as np

from training.scenes.backdrops import COLOURS
from training.scenes.canvas import WHITE, Array, Painter, X, Y, blur, flat, jitter, mix, rgb, smoothstep
from training.scenes.light import PALETTES, TimeOfDay, choose_time, sky
from training.scenes.noise import fractal, ridge
from training.scenes.scene import Scene, Traits
from training.scenes.shelves import SPINES


def _view(rng: np.random.Generator, time: TimeOfDay) -> Array:
    """What is seen through a window: towers or trees under the sky, out of focus."""
    palette = PALETTES[time]
    painter = Painter(sky(rng, time, 0.7, stars=False).picture)
    if rng.random() < 0.6:
        x = -0.02
        while x < 1:
            width, height = rng.uniform(0.07, 0.15), rng.uniform(0.15, 0.45)
            wall = mix(rgb(120, 126, 138) * palette.tint, palette.haze, 0.3)
            painter.rectangle(x, 0.8 - height, x + width, 1, wall * rng.uniform(0.7, 1.0))
            if time in ("night", "dusk"):
                for _ in range(8):
                    wx, wy = x + rng.uniform(0.01, width - 0.02), rng.uniform(0.82 - height, 0.8)
                    painter.rectangle(wx, wy, wx + 0.014, wy + 0.02, rgb(255, 214, 140))
            x += width
        picture = painter.result()
    else:
        hedge = rgb(70, 112, 60) * palette.tint * (0.6 + 0.7 * fractal(rng, 14, 14, 3))[..., None]
        picture = mix(painter.result(), hedge, smoothstep(-0.01, 0.01, Y - ridge(rng, 0.6, 0.1, 5)[None]))
    return blur(picture, rng.uniform(1.2, 2.4))


def _window(
    rng: np.random.Generator,
    picture: Array,
    view: Array,
    edges: tuple[float, float, float, float],
    panes: int,
    frame: Array,
) -> Array:
    """Set a window of `panes` into the wall; `edges` are left, top, right, bottom."""
    left, top, right, bottom = edges
    opening = Painter()
    opening.rectangle(left, top, right, bottom)
    painter = Painter(mix(picture, view * 1.05, opening.result()))
    for x in np.linspace(left, right, panes + 1):
        painter.rectangle(x - 0.011, top, x + 0.011, bottom, frame)
    for y in (top, bottom):
        painter.rectangle(left - 0.011, y - 0.011, right + 0.011, y + 0.011, frame)
    return painter.result()


def office(rng: np.random.Generator) -> Scene:
    """A broad window with a view behind a desk with a screen, a lamp or a plant."""
    time = choose_time(rng)
    light = PALETTES[time].brightness * 0.55 + 0.45
    wall = jitter(rng, mix(rgb(234, 232, 228), rgb(184, 190, 196), rng.random()), 0.015) * light
    desk = rng.uniform(0.76, 0.86)
    edges = (rng.uniform(-0.1, 0.16), rng.uniform(-0.05, 0.1), rng.uniform(0.8, 1.1), desk - rng.uniform(0.06, 0.16))
    frame = (rgb(244, 244, 244) if rng.random() < 0.5 else rgb(44, 46, 50)) * light
    picture = flat(wall) * (1.02 - 0.18 * Y)[..., None]
    picture = _window(rng, picture, _view(rng, time), edges, int(rng.integers(2, 5)), frame)
    if rng.random() < 0.3:
        slats = (
            ((Y * rng.uniform(22, 28)) % 1 < 0.45)
            & (edges[0] < X)
            & (edges[2] > X)
            & (edges[1] < Y)
            & (edges[3] - 0.1 > Y)
        )
        picture = mix(picture, flat(rgb(240, 240, 238) * light), slats.astype(np.float32) * 0.8)
    wood = mix(rgb(140, 96, 60), rgb(224, 204, 176), rng.random()) * light
    painter = Painter(picture)
    painter.rectangle(0, desk, 1, 1, wood)
    painter.rectangle(0, desk, 1, desk + 0.02, np.clip(wood * 1.18, 0, 1))
    screen_x = float(rng.choice([rng.uniform(0.12, 0.3), rng.uniform(0.7, 0.88)]))
    painter.rectangle(screen_x - 0.15, desk - 0.24, screen_x + 0.15, desk - 0.05, rgb(28, 30, 34))
    painter.rectangle(
        screen_x - 0.135, desk - 0.225, screen_x + 0.135, desk - 0.065, rgb(90, 140, 190) * rng.uniform(0.5, 1.2)
    )
    painter.rectangle(screen_x - 0.018, desk - 0.05, screen_x + 0.018, desk, rgb(40, 42, 46))
    other_x = 1 - screen_x + rng.uniform(-0.05, 0.05)
    if rng.random() < 0.5:
        painter.polygon(
            [
                (other_x - 0.04, desk - 0.07),
                (other_x + 0.04, desk - 0.07),
                (other_x + 0.03, desk),
                (other_x - 0.03, desk),
            ],
            rgb(206, 196, 182) * light,
        )
        for angle in rng.uniform(-2.8, -0.34, 14):
            reach = rng.uniform(0.08, 0.17)
            painter.line(
                [(other_x, desk - 0.07), (other_x + np.cos(angle) * reach, desk - 0.07 + np.sin(angle) * reach)],
                0.015,
                rgb(50, 118, 62) * light * rng.uniform(0.7, 1.3),
            )
    else:
        painter.line([(other_x, desk), (other_x, desk - 0.17)], 0.01, rgb(40, 40, 44))
        painter.polygon(
            [
                (other_x - 0.06, desk - 0.14),
                (other_x + 0.06, desk - 0.14),
                (other_x + 0.03, desk - 0.22),
                (other_x - 0.03, desk - 0.22),
            ],
            rgb(255, 232, 176),
        )
    return Scene(painter.result(), traits=Traits(kind="office", time=time))


_CABINETS = ("white", "gray", "blue", "green", "brown", "black", "beige", "red")


def kitchen(rng: np.random.Generator) -> Scene:
    """Wall cupboards, a tiled splashback, a worktop and drawers, with a cooker and its hood."""
    name = str(rng.choice(_CABINETS, p=[0.34, 0.1, 0.12, 0.1, 0.12, 0.08, 0.08, 0.06]))
    door = mix(jitter(rng, COLOURS[name], 0.02), rgb(170, 160, 150), 0.12)
    top, worktop = rng.uniform(0.28, 0.36), rng.uniform(0.58, 0.66)
    wall = mix(rgb(240, 238, 232), rgb(206, 214, 214), rng.random())
    painter = Painter(flat(wall))
    tile = rng.uniform(0.05, 0.075)
    for row, y in enumerate(np.arange(top, worktop, tile * 0.6)):
        for x in np.arange(-tile + (row % 2) * tile / 2, 1.0, tile):
            painter.rectangle(
                x, y, x + tile - 0.006, y + tile * 0.6 - 0.006, np.clip(wall * rng.uniform(0.84, 0.96), 0, 1)
            )
    width = rng.uniform(0.17, 0.24)
    start = rng.uniform(-width, 0)
    lefts = np.arange(start, 1.0, width)
    stove = int(rng.integers(1, len(lefts) - 1))
    handle = rgb(60, 60, 64) if float(door.mean()) > 0.45 else rgb(214, 210, 200)
    for i, x in enumerate(lefts):
        if i == stove:
            painter.polygon(
                [
                    (x + 0.02, top),
                    (x + width - 0.02, top),
                    (x + width * 0.68, top - 0.14),
                    (x + width * 0.32, top - 0.14),
                ],
                rgb(170, 174, 178),
            )
            painter.rectangle(x + width * 0.32, 0, x + width * 0.68, top - 0.14, rgb(184, 188, 192))
        else:
            painter.rectangle(x, 0, x + width - 0.005, top, door * 0.72)
            painter.rectangle(x + 0.008, 0, x + width - 0.013, top - 0.014, door)
            painter.rectangle(x + 0.035, 0, x + width - 0.04, top - 0.045, door * 0.92)
            painter.rectangle(x + width * 0.78, top - 0.085, x + width * 0.81, top - 0.03, handle)
        painter.rectangle(x, worktop + 0.04, x + width - 0.005, 0.97, door * 0.68)
        painter.rectangle(
            x + 0.008, worktop + 0.06, x + width - 0.013, 0.96, door * 0.95 if i != stove else rgb(50, 52, 56)
        )
        painter.rectangle(
            x + width * 0.28,
            worktop + 0.085,
            x + width * 0.72,
            worktop + 0.1,
            handle if i != stove else rgb(190, 190, 194),
        )
        if i == stove:
            painter.rectangle(x + 0.03, worktop + 0.13, x + width - 0.035, 0.9, rgb(22, 22, 26))
    stone = (
        mix(rgb(230, 226, 220), rgb(70, 68, 70), float(rng.random() < 0.35))
        if rng.random() < 0.6
        else rgb(176, 128, 84)
    )
    painter.rectangle(0, worktop, 1, worktop + 0.035, stone)
    painter.rectangle(0, worktop + 0.035, 1, worktop + 0.05, stone * 0.5)
    painter.rectangle(0, 0.97, 1, 1, rgb(90, 84, 80))
    for _ in range(int(rng.integers(1, 4))):
        x, h = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.1)
        painter.rectangle(
            x - 0.022, worktop - h, x + 0.022, worktop, jitter(rng, SPINES[int(rng.integers(len(SPINES)))], 0.05)
        )
    light = 1.08 - 0.3 * smoothstep(0.1, 0.9, np.hypot(X - rng.uniform(0.3, 0.7), Y - 0.4))
    picture = painter.result() * light[..., None] * mix(WHITE, rgb(255, 234, 204), rng.random())
    return Scene(picture, traits=Traits(kind="kitchen", colours=(name,)))


_SOFAS = ("gray", "blue", "green", "red", "yellow", "brown", "beige", "white", "pink", "teal")


def living_room(rng: np.random.Generator) -> Scene:
    """A sofa on a wooden floor before a wall with a framed picture, a floor lamp and a plant."""
    name = str(rng.choice(_SOFAS))
    cloth = mix(jitter(rng, COLOURS[name], 0.02), rgb(130, 130, 130), 0.1)
    wall = jitter(rng, mix(rgb(238, 233, 224), rgb(200, 208, 210), rng.random()), 0.02)
    floor = rng.uniform(0.76, 0.82)
    painter = Painter(flat(wall) * (1.03 - 0.12 * Y)[..., None])
    wood = mix(rgb(150, 104, 66), rgb(206, 176, 138), rng.random())
    painter.rectangle(0, floor, 1, 1, wood)
    for y in np.linspace(floor, 1.0, 5)[1:-1]:
        painter.rectangle(0, y, 1, y + 0.004, wood * 0.75)
    painter.rectangle(0, floor - 0.022, 1, floor, rgb(246, 246, 244))
    painter.ellipse(0.5, floor + 0.14, 0.44, 0.06, mix(cloth, rgb(236, 226, 210), 0.75))
    middle, half = rng.uniform(0.4, 0.6), rng.uniform(0.28, 0.36)
    seat, foot = floor - 0.06, floor + 0.07
    frames = int(rng.integers(1, 4))
    for i in range(frames):
        x, w, h = middle + (i - (frames - 1) / 2) * 0.24, 0.09 + 0.04 * (frames == 1), rng.uniform(0.09, 0.13)
        painter.rectangle(x - w, 0.24 - h, x + w, 0.24 + h, rgb(52, 46, 42))
        painter.rectangle(
            x - w + 0.016,
            0.24 - h + 0.016,
            x + w - 0.016,
            0.24 + h - 0.016,
            jitter(rng, SPINES[int(rng.integers(len(SPINES)))], 0.08),
        )
    painter.rectangle(middle - half + 0.02, seat - 0.2, middle + half - 0.02, foot - 0.02, cloth * 0.86)
    painter.rectangle(middle - 0.004, seat - 0.2, middle + 0.004, seat, cloth * 0.6)
    painter.rectangle(middle - half, seat - 0.02, middle + half, foot - 0.02, cloth)
    painter.rectangle(middle - half, seat + 0.045, middle + half, seat + 0.055, cloth * 0.65)
    for side in (-1, 1):
        x = middle + side * half
        painter.rectangle(x - 0.045, seat - 0.09, x + 0.045, foot - 0.01, np.clip(cloth * 1.08, 0, 1))
        painter.rectangle(x - side * 0.02 - 0.012, foot - 0.01, x - side * 0.02 + 0.012, foot + 0.03, rgb(60, 44, 34))
        pillow = jitter(rng, COLOURS[str(rng.choice(_SOFAS))], 0.03)
        px = x - side * 0.12
        painter.polygon(
            [(px - 0.06, seat - 0.12), (px + 0.06, seat - 0.13), (px + 0.065, seat - 0.01), (px - 0.065, seat)], pillow
        )
    lamp_side = int(rng.choice([-1, 1]))
    lx = middle + lamp_side * (half + 0.1)
    painter.line([(lx, floor + 0.04), (lx, 0.36)], 0.01, rgb(50, 48, 46))
    painter.polygon([(lx - 0.075, 0.4), (lx + 0.075, 0.4), (lx + 0.04, 0.27), (lx - 0.04, 0.27)], rgb(255, 236, 196))
    plant_x = middle - lamp_side * (half + 0.1)
    painter.polygon(
        [
            (plant_x - 0.045, floor - 0.04),
            (plant_x + 0.045, floor - 0.04),
            (plant_x + 0.03, floor + 0.06),
            (plant_x - 0.03, floor + 0.06),
        ],
        rgb(190, 120, 84),
    )
    for angle in rng.uniform(-2.7, -0.44, 12):
        reach = rng.uniform(0.12, 0.24)
        painter.line(
            [(plant_x, floor - 0.04), (plant_x + np.cos(angle) * reach * 0.7, floor - 0.04 + np.sin(angle) * reach)],
            0.02,
            rgb(56, 116, 62) * rng.uniform(0.7, 1.3),
        )
    glow = np.exp(-(((X - lx) / 0.3) ** 2 + ((Y - 0.36) / 0.3) ** 2)) * 0.22
    picture = painter.result() * (0.92 + glow)[..., None] * mix(WHITE, rgb(255, 228, 192), rng.random() * 0.8)
    return Scene(picture, traits=Traits(kind="living_room", colours=(name,)))
