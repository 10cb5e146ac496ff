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


def _peak(rng: np.random.Generator, x: float, top: float, foot: float, sun_left: bool) -> tuple[Array, Array]:
    """Masks of a peak, and of its face towards the sun; a crooked spine parts it from the other."""
    tall = foot - top
    left, right = (x - tall * rng.uniform(0.8, 1.25), foot), (x + tall * rng.uniform(0.8, 1.25), foot)
    lean = 0.16 if sun_left else -0.16
    shares = (0.3, 0.55, 0.8, 1.0)
    spine = [(x, top), *((x + tall * (lean * s + rng.uniform(-0.09, 0.09)), top + tall * s) for s in shares)]
    whole, sunny = Painter(), Painter()
    whole.polygon([left, (x, top), right])
    sunny.polygon([*spine, left if sun_left else right])
    mask = whole.result()
    return mask, sunny.result() * mask


def _range(
    rng: np.random.Generator, picture: Array, palette: Palette, horizon: float, rock: Array, sun_left: bool, snowy: bool
) -> Array:
    """A pale chain far away, then two or three great peaks of the same rock, with caps of snow or none."""
    lit, shaded = rock * 1.25 * palette.tint, mix(rock * 0.6 * palette.tint, palette.haze, 0.12)
    for x in np.linspace(-0.1, 1.1, 6) + rng.uniform(-0.06, 0.06, 6):
        mask, _ = _peak(rng, x, horizon - rng.uniform(0.1, 0.18), horizon + 0.04, sun_left)
        picture = paint(picture, mix(lit, palette.haze, 0.6), mask)
    peaks = int(rng.integers(2, 4))
    for x in rng.permutation(np.linspace(0.14, 0.86, peaks) + rng.uniform(-0.12, 0.12, peaks)):
        tall = rng.uniform(0.32, 0.48)
        mask, sunny = _peak(rng, x, horizon - tall, horizon + 0.08, sun_left)
        # A cap ends in teeth, each of them a few pixels wide at its root.
        teeth = np.interp(X[0], np.linspace(0, 1, 24), rng.uniform(-1, 1, 24)).astype(np.float32)
        bare = below(horizon - tall * (0.58 + 0.1 * teeth)) if snowy else np.ones_like(mask)
        picture = paint(picture, mix(rgb(150, 172, 214) * palette.tint, shaded, bare), mask)
        picture = paint(picture, mix(WHITE * palette.tint, lit, bare), sunny)
    return picture


def mountains(rng: np.random.Generator) -> Scene:
    """Peaks of a lit and a shaded face, paler with distance, over a lake, a green valley or firs."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.54, 0.76)
    # White caps stand out from a clear sky, not from white clouds.
    above = sky(rng, time, horizon, cover=float(rng.choice([0.0, 0.0, 0.3])) if time != "overcast" else None)
    snowy = rng.random() < 0.7
    rock = mix(rgb(84, 92, 122), rgb(120, 96, 82), rng.random())
    picture = _range(rng, above.picture, palette, horizon, rock, above.sun[0] < 0.5, snowy)
    hills = swell(rng, horizon + 0.01, 0.025, 5)
    picture = mix(picture, rgb(44, 76, 52) * palette.tint, below(hills))
    variant = str(rng.choice(["lake", "valley", "firs"], p=[0.4, 0.4, 0.2]))
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


def _tree_shadows(rng: np.random.Generator, line: Array, direction: float) -> Array:
    """Mask of long shadows that fall from the line `line` (shape (256,)) towards the viewer."""
    shadows = Painter()
    for x in rng.uniform(-0.2, 1.2, int(rng.integers(3, 7))):
        y = float(line[int(np.clip(x, 0, 0.999) * SIZE)])
        reach = rng.uniform(0.2, 0.5)
        end_x, end_y = x + direction * reach, y + reach * rng.uniform(0.45, 0.6)
        width = rng.uniform(0.012, 0.022)
        shadows.polygon([(x - width * 0.5, y), (x + width * 0.5, y), (end_x + width, end_y), (end_x - width, end_y)])
    return shadows.result()


def snow(rng: np.random.Generator) -> Scene:
    """White slopes under long blue shadows, loaded firs, and often falling flakes."""
    time = choose_time(rng)
    palette = PALETTES[time]
    horizon = rng.uniform(0.38, 0.62)
    above = sky(rng, time, horizon)
    picture = above.picture
    white = rgb(246, 249, 254) * palette.tint
    shadow = mix(white * rgb(150, 178, 226), palette.zenith, 0.1)
    if rng.random() < 0.45:
        hills = mix(white * rgb(150, 170, 205), palette.haze, 0.3)
        picture = mix(picture, hills, below(ridge(rng, horizon - 0.05, 0.1, 3, 2)))
    direction = (0.5 - above.sun[0]) * 1.6
    for i in range(3):
        nearness = i / 2
        line = swell(rng, horizon + 0.3 * nearness**1.2, 0.025 + 0.025 * nearness, 4)
        if i < 2:
            bark = mix(rgb(24, 48, 44) * palette.tint, palette.haze, 0.2 * (1 - nearness))
            count = int(rng.integers(9, 16)) if i == 0 else int(rng.integers(2, 6))
            picture = firs(rng, picture, line + 0.015, 0.16 + 0.26 * nearness, count, bark, snow=white)
        depth = Y - line[None]
        slope = mix(white, shadow, smoothstep(0.02, 0.28, depth) * 0.35)
        slope = mix(slope, np.broadcast_to(shadow, picture.shape), _tree_shadows(rng, line, direction))
        picture = mix(picture, slope, smoothstep(-0.004, 0.004, depth))
    weather = None
    if rng.random() < 0.35:
        flakes = Painter()
        for _ in range(int(rng.integers(80, 160))):
            size = float(rng.choice([0.004, 0.006, 0.009], p=[0.5, 0.35, 0.15]))
            flakes.ellipse(rng.random(), rng.random(), size, size, rng.uniform(0.5, 1.0))
        picture = paint(picture, WHITE * (0.6 + 0.4 * palette.brightness), flakes.result())
        weather = "snowfall"
    return Scene(picture, traits=Traits(kind="snow", time=time, weather=weather))
