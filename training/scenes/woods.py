"""Forest, autumn park and meadow."""

import numpy as np

from training.scenes.canvas import Array, Painter, X, Y, below, flat, jitter, mix, paint, rgb, smoothstep
from training.scenes.light import PALETTES, TimeOfDay, choose_time, sky
from training.scenes.noise import fractal, in_perspective, stripes, swell
from training.scenes.plants import crown, foliage
from training.scenes.scene import Scene, Traits

_FOREST: dict[str, tuple[Array, Array, Array, Array]] = {
    # variant: light between the trees, bright leaves, dark leaves, ground
    "green": (rgb(196, 220, 150), rgb(110, 156, 48), rgb(36, 80, 34), rgb(84, 110, 44)),
    "autumn": (rgb(248, 212, 140), rgb(232, 150, 44), rgb(164, 66, 28), rgb(190, 112, 44)),
    "misty": (rgb(212, 220, 220), rgb(120, 138, 124), rgb(70, 92, 82), rgb(110, 120, 96)),
    "pine": (rgb(160, 188, 170), rgb(44, 88, 58), rgb(20, 52, 40), rgb(78, 80, 48)),
    "night": (rgb(40, 58, 88), rgb(18, 34, 42), rgb(7, 16, 24), rgb(16, 26, 30)),
}


def _trunks(rng: np.random.Generator, count: int, width: float, foot: float, branches: bool) -> Array:
    mask = Painter()
    for _ in range(count):
        x, w, lean = rng.uniform(-0.03, 1.03), width * rng.uniform(0.7, 1.3), rng.normal(0, 0.02)
        outline = [(x - w / 2 + lean, -0.02), (x + w / 2 + lean, -0.02), (x + w * 0.6, foot - 0.04)]
        outline += [(x + w, foot + 0.008), (x - w, foot + 0.008), (x - w * 0.6, foot - 0.04)]
        mask.polygon(outline)
        for _ in range(3 if branches else 0):
            y, side = rng.uniform(0.0, 0.4), rng.choice([-1, 1])
            mask.line([(x + lean / 2, y + 0.08), (x + side * rng.uniform(0.08, 0.2), y - 0.06)], w * 0.22)
    return mask.result()


def forest(rng: np.random.Generator) -> Scene:
    """Rows of trunks from edge to edge, pale and thin far away, dark and broad near by."""
    variant = str(rng.choice(list(_FOREST), p=[0.36, 0.2, 0.18, 0.14, 0.12]))
    light, bright, dark, soil = _FOREST[variant]
    glow = np.exp(-(((X - rng.uniform(0.3, 0.7)) / 0.42) ** 2 + ((Y - 0.42) / 0.38) ** 2))
    picture = mix(mix(flat(dark), bright, smoothstep(0.35, 0.7, fractal(rng, 7, 7))), light, glow * 0.92)
    horizon = rng.uniform(0.56, 0.76)
    grain = in_perspective(rng, horizon - 0.15, 1.5, 2.0)
    layers = 4
    bark = mix(rgb(70, 52, 38), rgb(50, 44, 38), rng.random()) if variant != "night" else rgb(9, 13, 19)
    for i in range(layers):
        nearness = i / (layers - 1)
        if i == 1:
            floor = mix(
                soil * (0.6 + 0.8 * grain[..., None]),
                light,
                np.exp(-(((X - 0.5) / 0.4) ** 2)) * smoothstep(horizon + 0.22, horizon, Y) * 0.5,
            )
            picture = mix(picture, floor, below(swell(rng, horizon + 0.015, 0.012, 6), 0.02))
        foot = horizon + 0.28 * nearness**1.4
        mask = _trunks(
            rng,
            int(rng.integers(9, 13) * (1 - 0.7 * nearness)) + 1,
            0.014 + 0.065 * nearness**1.5,
            foot,
            nearness > 0.3 and variant != "pine",
        )
        side_light = np.clip(0.8 + (mask - np.roll(mask, 4, 1)) * 0.6 + (fractal(rng, 36, 5, 2) - 0.5) * 0.5, 0.4, 1.5)
        picture = mix(picture, mix(bark * side_light[..., None], light, 0.72 * (1 - nearness) ** 1.2), mask)
        if i:
            leaves = fractal(rng, 6 + 4 * nearness, 6 + 4 * nearness, 5, 0.6)
            cover = smoothstep(0.52, 0.62, leaves + 0.34 * smoothstep(0.46, 0.0, Y) - 0.26 * smoothstep(0.12, 0.5, Y))
            lit = np.clip((leaves - np.roll(leaves, -4, 0)) * 7 + 0.5, 0, 1)
            canopy = mix(mix(flat(dark), bright, lit), light, 0.5 * (1 - nearness) + glow * 0.22)
            picture = mix(picture, canopy, cover * 0.9)
    extras: tuple[str, ...] = ()
    if variant in ("green", "autumn", "misty") and rng.random() < 0.5:
        beams = smoothstep(0.5, 0.9, stripes(rng, (X + rng.uniform(-0.7, 0.7) * Y + 0.8) / 2.6, 14))
        picture = picture + (beams * smoothstep(0.85, 0.1, Y) * 0.34)[..., None] * (light * 0.6 + 0.3)
        extras = ("rays",)
    time: TimeOfDay | None = "night" if variant == "night" else None
    return Scene(picture, traits=Traits(kind="forest", variant=variant, time=time, extras=extras))


_FALL = (rgb(226, 110, 30), rgb(240, 170, 48), rgb(190, 58, 34), rgb(214, 140, 40))


def autumn_park(rng: np.random.Generator) -> Scene:
    """A pale path that runs to a vanishing point under two rows of trees in autumn leaf."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon, middle = rng.uniform(0.5, 0.58), rng.uniform(0.42, 0.58)
    picture = sky(rng, time, horizon).picture
    tint = mix(palette.tint, np.ones(3, np.float32), 0.1)
    lawn = mix(rgb(196, 124, 44), rgb(150, 140, 60), rng.random()) * tint
    litter = in_perspective(rng, horizon - 0.06, 2.0, 2.0)
    picture = mix(picture, lawn * (0.65 + 0.6 * litter)[..., None], below(np.full(len(X), horizon, np.float32)))
    run = np.clip((Y - horizon) / (1 - horizon), 0, 1)
    spread = rng.uniform(0.26, 0.4)
    path = smoothstep(spread * run + 0.012, spread * run, np.abs(X - middle - (0.5 - middle) * run * 0.4)) * (
        horizon < Y
    )
    stone = mix(rgb(206, 196, 180), rgb(168, 160, 152), rng.random()) * tint
    picture = mix(picture, stone * (0.85 + 0.25 * litter)[..., None], path)
    leaf_colours = [_FALL[int(i)] for i in rng.permutation(len(_FALL))]
    rows = 4
    for i in range(rows):
        nearness = (i / (rows - 1)) ** 1.5
        for side in (-1, 1):
            x = middle + side * (0.1 + 0.44 * nearness) + rng.normal(0, 0.015)
            foot, top = horizon + 0.015 + 0.3 * nearness, horizon - 0.16 - 0.3 * nearness
            wide = 0.012 + 0.05 * nearness
            trunk = Painter()
            trunk.polygon([(x - wide / 2, top), (x + wide / 2, top), (x + wide * 0.8, foot), (x - wide * 0.8, foot)])
            picture = paint(picture, mix(rgb(56, 40, 32) * tint, palette.haze, 0.3 * (1 - nearness)), trunk.result())
            leaves = crown(rng, x + side * 0.05 * nearness, top, 0.1 + 0.2 * nearness, 30)
            colour = leaf_colours[int(rng.integers(3))] * tint * rng.uniform(0.85, 1.1)
            picture = mix(picture, mix(foliage(rng, colour), palette.haze, 0.2 * (1 - nearness)), leaves)
    scattered = Painter(picture)
    for _ in range(160):
        depth = rng.random() ** 0.7
        size = 0.002 + 0.009 * depth
        leaf = jitter(rng, leaf_colours[int(rng.integers(4))] * tint, 0.03)
        scattered.ellipse(rng.random(), horizon + 0.03 + depth * (1 - horizon), size, size * 0.5, leaf)
    extras: tuple[str, ...] = ()
    if rng.random() < 0.4:
        side = rng.choice([-1, 1])
        x, y = 0.5 + side * rng.uniform(0.24, 0.32), horizon + rng.uniform(0.16, 0.22)
        wood = rgb(74, 44, 28) * tint
        for k in range(3):
            scattered.rectangle(x - 0.11, y - 0.03 * k, x + 0.11, y - 0.03 * k + 0.018, wood * (1 + 0.15 * k))
        for leg in (-0.09, 0.08):
            scattered.rectangle(x + leg, y, x + leg + 0.014, y + 0.06, wood * 0.6)
        extras = ("bench",)
    return Scene(scattered.result(), traits=Traits(kind="autumn_park", time=time, extras=extras))


FLOWERS = {
    "yellow": rgb(250, 214, 50),
    "red": rgb(220, 44, 40),
    "pink": rgb(240, 120, 170),
    "purple": rgb(146, 90, 200),
    "white": rgb(250, 250, 244),
    "blue": rgb(86, 110, 220),
}


def meadow(rng: np.random.Generator) -> Scene:
    """Open grass up to soft hills, with blades near by and often flowers that grow towards the viewer."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.28, 0.58)
    picture = sky(rng, time, horizon).picture
    for i in range(int(rng.integers(1, 3))):
        hill = mix(mix(rgb(86, 128, 70), rgb(60, 100, 60), rng.random()) * palette.tint, palette.haze, 0.5 - 0.2 * i)
        picture = mix(picture, hill, below(swell(rng, horizon - 0.03 + 0.02 * i, 0.035, 5)))
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 5))):
            mask = crown(rng, rng.random(), horizon - 0.03, rng.uniform(0.03, 0.07), 20)
            picture = mix(picture, foliage(rng, rgb(44, 82, 36) * palette.tint), mask)
    grass = jitter(rng, mix(rgb(78, 138, 40), rgb(138, 164, 60), rng.random())) * palette.tint
    broad, fine = in_perspective(rng, horizon - 0.04, 1.2, 1.0), in_perspective(rng, horizon - 0.03, 5.0, 0.8, 20)
    depth = smoothstep(horizon, 1, Y)
    tone = (0.66 + 0.45 * broad + 0.5 * (fine - 0.5) * (0.4 + 0.6 * depth)) * (1 - 0.22 * depth)
    picture = mix(picture, grass * tone[..., None], below(swell(rng, horizon + 0.012, 0.012, 5)))
    painter = Painter(picture)
    for share in np.sort(rng.random(420)):
        x, y, tall = rng.random(), horizon + 0.05 + (1 - horizon) * share, 0.012 + 0.09 * share**1.3
        painter.line(
            [(x, y), (x + rng.normal(0, tall * 0.3), y - tall)],
            0.002 if share < 0.5 else 0.004,
            grass * rng.uniform(0.6, 1.45),
        )
    names: tuple[str, ...] = ()
    if rng.random() < 0.72:
        chosen = rng.permutation(len(FLOWERS))[: int(rng.choice([1, 1, 2]))]
        names = tuple(list(FLOWERS)[int(i)] for i in chosen)
        for share in np.sort(rng.random(int(rng.integers(160, 320))) ** 0.75):
            x, y, size = rng.random(), horizon + 0.03 + (1 - horizon) * share, 0.003 + 0.024 * share**1.5
            petal = FLOWERS[names[int(rng.integers(len(names)))]] * palette.tint * rng.uniform(0.9, 1.05)
            if size > 0.007:
                painter.line([(x, y), (x + rng.normal(0, 0.006), y + size * 3)], 0.004, grass * 0.7)
                for angle in np.arange(5) * 1.2566 + rng.random() * 6:
                    painter.ellipse(
                        x + np.cos(angle) * size * 0.6, y + np.sin(angle) * size * 0.46, size * 0.52, size * 0.42, petal
                    )
                painter.ellipse(x, y, size * 0.28, size * 0.25, rgb(250, 200, 60) * palette.tint)
            else:
                painter.ellipse(x, y, size, size * 0.7, petal)
    return Scene(
        painter.result(), traits=Traits(kind="meadow", time=time, colours=names, extras=("flowers",) if names else ())
    )
