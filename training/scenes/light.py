"""Times of day, and the sky that each of them paints."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.scenes.canvas import SIZE, WHITE, Array, Point, X, Y, gradient, jitter, mix, rgb, smoothstep
from training.scenes.noise import fractal

TimeOfDay = Literal["day", "sunset", "dusk", "night", "overcast"]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours that a time of day gives to sky, light and distance.

    One palette drives everything in a picture, so that ground, haze and sky agree.
    """

    zenith: Array
    middle: Array
    horizon: Array
    disc: Array
    """Sun or moon."""
    light: Array
    """Tint of what is lit."""
    haze: Array
    """Colour that distance fades to."""
    brightness: float
    cloud_top: Array
    cloud_base: Array

    @property
    def tint(self) -> Array:
        """Light's colour, half way to white, with its brightness: factor for a surface's own colour."""
        return mix(WHITE, self.light, 0.55) * (0.3 + 0.7 * self.brightness)


PALETTES: dict[TimeOfDay, Palette] = {
    "day": Palette(
        zenith=rgb(40, 104, 192),
        middle=rgb(104, 166, 224),
        horizon=rgb(198, 224, 240),
        disc=rgb(255, 250, 225),
        light=rgb(255, 248, 232),
        haze=rgb(190, 212, 232),
        brightness=1.0,
        cloud_top=rgb(255, 255, 255),
        cloud_base=rgb(160, 176, 200),
    ),
    "sunset": Palette(
        zenith=rgb(60, 62, 122),
        middle=rgb(216, 110, 92),
        horizon=rgb(255, 178, 90),
        disc=rgb(255, 234, 172),
        light=rgb(255, 184, 118),
        haze=rgb(240, 160, 112),
        brightness=0.72,
        cloud_top=rgb(255, 190, 130),
        cloud_base=rgb(140, 74, 100),
    ),
    "dusk": Palette(
        zenith=rgb(34, 30, 86),
        middle=rgb(114, 72, 142),
        horizon=rgb(230, 132, 150),
        disc=rgb(255, 200, 190),
        light=rgb(198, 150, 188),
        haze=rgb(168, 118, 158),
        brightness=0.55,
        cloud_top=rgb(240, 160, 170),
        cloud_base=rgb(84, 60, 112),
    ),
    "night": Palette(
        zenith=rgb(6, 10, 30),
        middle=rgb(13, 23, 58),
        horizon=rgb(34, 50, 96),
        disc=rgb(238, 240, 250),
        light=rgb(92, 112, 168),
        haze=rgb(26, 38, 76),
        brightness=0.28,
        cloud_top=rgb(60, 74, 114),
        cloud_base=rgb(16, 22, 46),
    ),
    "overcast": Palette(
        zenith=rgb(126, 136, 148),
        middle=rgb(160, 168, 178),
        horizon=rgb(206, 209, 213),
        disc=rgb(235, 235, 235),
        light=rgb(214, 219, 226),
        haze=rgb(190, 196, 202),
        brightness=0.8,
        cloud_top=rgb(228, 230, 233),
        cloud_base=rgb(136, 143, 152),
    ),
}

TIMES: tuple[TimeOfDay, ...] = tuple(PALETTES)
TIME_SHARES = (0.38, 0.22, 0.1, 0.18, 0.12)

_SUN_HEIGHT: dict[TimeOfDay, Point] = {
    "day": (0.12, 0.4),
    "sunset": (0.7, 0.97),
    "dusk": (0.95, 1.1),
    "night": (0.15, 0.5),
    "overcast": (0.3, 0.31),
}
_GLOW: dict[TimeOfDay, float] = {"day": 0.32, "sunset": 0.75, "dusk": 0.4, "night": 0.22, "overcast": 0.0}
_DISC_RADIUS: dict[TimeOfDay, Point] = {"day": (0.02, 0.026), "sunset": (0.036, 0.06), "night": (0.024, 0.04)}


@dataclass(frozen=True)
class Sky:
    """A painted sky and where its sun or moon stands."""

    picture: Array
    sun: Point


def choose_time(rng: np.random.Generator) -> TimeOfDay:
    """Draw a time of day."""
    return TIMES[int(rng.choice(len(TIMES), p=TIME_SHARES))]


def star_field(rng: np.random.Generator, count: int) -> Array:
    """Stars of many magnitudes to add to a dark picture; the brightest are two pixels wide."""
    field = np.zeros((SIZE, SIZE, 3), np.float32)
    y, x = rng.integers(0, SIZE - 1, count), rng.integers(0, SIZE - 1, count)
    magnitude = (rng.power(0.55, count) * 0.9 + 0.08).astype(np.float32)
    warm, cold = 1 - 0.25 * rng.random(count), 1 - 0.25 * rng.random(count)
    colour = np.stack([warm, np.full(count, 0.92), cold], -1).astype(np.float32) * magnitude[:, None]
    field[y, x] = colour
    big = magnitude > 0.75
    for dy, dx, share in ((1, 0, 0.7), (0, 1, 0.7), (1, 1, 0.45)):
        field[y[big] + dy, x[big] + dx] = np.maximum(field[y[big] + dy, x[big] + dx], colour[big] * share)
    return field


def _clouds(rng: np.random.Generator, picture: Array, palette: Palette, horizon: float, cover: float) -> Array:
    far = fractal(rng, 2.2, rng.uniform(5, 8), 6, 0.55)
    near = fractal(rng, 2.5, 3.5, 6, 0.55)
    closeness = 0.25 + 0.75 * np.clip(1 - Y / max(horizon, 0.05), 0, 1)
    field = mix(far[..., None], near[..., None], closeness)[..., 0]
    opacity = smoothstep(0.72 - 0.42 * cover, 0.96 - 0.32 * cover, field)
    opacity = opacity * smoothstep(horizon * 1.02, horizon * 0.86, Y)
    lit = np.clip((field - np.roll(field, -5, 0)) * 5 + 0.62, 0, 1)
    body = mix(np.broadcast_to(palette.cloud_base, picture.shape), palette.cloud_top, lit)
    return mix(picture, body, opacity * 0.9)


def sky(
    rng: np.random.Generator, time: TimeOfDay, horizon: float, *, cover: float | None = None, stars: bool = True
) -> Sky:
    """Paint a sky down to `horizon`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    time : TimeOfDay
        Row of `PALETTES`.
    horizon : float
        y where the sky ends.
    cover : float, optional
        Share of clouds, 0 to 1; drawn at random when not given, 1 when overcast.
    stars : bool
        Whether a night sky has stars.
    """
    palette = PALETTES[time]
    run = np.clip(Y[:, 0] / max(horizon, 0.05), 0, 1)
    stops = [
        (0.0, jitter(rng, palette.zenith, 0.02)),
        (0.55, jitter(rng, palette.middle, 0.02)),
        (1.0, jitter(rng, palette.horizon, 0.02)),
    ]
    picture = np.repeat(gradient(stops, run)[:, None], SIZE, 1)
    sun = (rng.uniform(0.1, 0.9), horizon * rng.uniform(*_SUN_HEIGHT[time]))
    distance = np.hypot(X - sun[0], Y - sun[1])
    if time == "night" and stars:
        picture = picture + star_field(rng, 140) * smoothstep(horizon, horizon * 0.5, Y)[..., None]
    glow = _GLOW[time] * (np.exp(-distance / 0.16) + 0.5 * np.exp(-distance / 0.5))
    picture = picture + (palette.disc - picture * 0.6) * glow[..., None]
    if time in _DISC_RADIUS:
        radius = rng.uniform(*_DISC_RADIUS[time])
        picture = mix(picture, palette.disc, smoothstep(radius * 1.12, radius * 0.9, distance))
    if cover is None:
        cover = 1.0 if time == "overcast" else float(rng.choice([0.0, 0.35, 0.6, 0.85]))
    if cover > 0:
        picture = _clouds(rng, picture, palette, horizon, cover)
    return Sky(picture.astype(np.float32), sun)
