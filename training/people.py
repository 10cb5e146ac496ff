"""Foregrounds for inpainting: figures with heads, hair and clothes, all of them made of random numbers.

A mask is 1 where the background is to be painted and 0 where the subject is kept, the convention of
diffusers' ``mask_image`` (white is repainted).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.scenes.backdrops import COLOURS
from training.scenes.canvas import SIZE, Array, Painter, X, Y, flat, mix, paint, rgb, to_bytes
from training.scenes.noise import fractal
from training.textures import leaf_pile

_SKINS = (
    rgb(240, 205, 180),
    rgb(224, 172, 138),
    rgb(190, 132, 96),
    rgb(140, 88, 60),
    rgb(92, 58, 42),
    rgb(250, 222, 204),
)
_HAIRS = (rgb(30, 24, 22), rgb(70, 44, 28), rgb(150, 104, 56), rgb(210, 180, 120), rgb(120, 60, 30), rgb(170, 170, 172))
_CLOTHES = tuple(COLOURS.values())
_LONG_HAIR, _SHORT_HAIR = 0.38, 0.85
"""Styles below these numbers have long hair, or hair at all."""


@dataclass(frozen=True)
class Foreground:
    """A subject and where it is not.

    Parameters
    ----------
    picture : uint8 array, (256, 256, 3)
        Defined where `mask` is 0.
    mask : float32 array, (256, 256)
        1 = background, to be painted.
    """

    picture: NDArray[np.uint8]
    mask: Array


def _choose(rng: np.random.Generator, colours: tuple[Array, ...]) -> Array:
    return colours[int(rng.integers(len(colours)))]


def _cloth(rng: np.random.Generator) -> Array:
    """Plain, striped or printed cloth."""
    folds = fractal(rng, 5, 5, 4)
    cloth = _choose(rng, _CLOTHES) * rng.uniform(0.5, 1.1) * (0.62 + 0.66 * folds)[..., None]
    pattern = rng.random()
    if pattern < 0.2:
        along = X if rng.random() < 0.5 else Y
        cloth = mix(cloth, _choose(rng, _CLOTHES), ((along * rng.uniform(8, 30)) % 1 < 0.5).astype(np.float32))
    elif pattern < 0.5:
        print_ = np.asarray(Image.fromarray(leaf_pile(rng, 128)).resize((SIZE, SIZE)), np.float32) / 255
        cloth = mix(cloth, print_, rng.uniform(0.4, 1.0))
    return cloth


def _crisp(mask: Array, radius: float) -> Array:
    """Round a mask's corners while keeping its edge sharp."""
    image = Image.fromarray(to_bytes(mask)).filter(ImageFilter.GaussianBlur(radius))
    return np.clip((np.asarray(image, np.float32) / 255 - 0.5) * 5 + 0.5, 0, 1)


@dataclass(frozen=True)
class _Build:
    """A figure's proportions, in fractions of the picture's side.

    `x` and `y` are the middle of the face, `head` half its height; `bottom` is where the trunk ends.
    """

    head: float
    x: float
    y: float
    half_face: float
    shoulder: float
    neck: float
    neck_y: float
    lean: float
    bottom: float
    waist: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "_Build":
        """From a close portrait to a figure in full, mostly near the middle."""
        sizes = [rng.uniform(0.15, 0.23), rng.uniform(0.09, 0.15), rng.uniform(0.05, 0.09)]
        head = float(rng.choice(sizes, p=[0.5, 0.33, 0.17]))
        x = rng.uniform(0.25, 0.75) if rng.random() < 0.6 else float(np.clip(rng.normal(0.5, 0.06), 0.2, 0.8))
        y = float(np.clip(rng.uniform(head * 1.2, 0.46), head * 1.1, 0.55))
        half_face = head * rng.uniform(0.68, 0.82)
        shoulder = head * rng.uniform(1.5, 2.3)
        neck = half_face * rng.uniform(0.45, 0.6)
        neck_y = y + head * rng.uniform(1.15, 1.35)
        lean = rng.normal(0, 0.1) * shoulder
        bottom = 1.05 if head > 0.085 else neck_y + head * rng.uniform(4.5, 6.0)
        waist = shoulder * rng.uniform(0.68, 0.92)
        return cls(head, x, y, half_face, shoulder, neck, neck_y, lean, bottom, waist)


def _body(rng: np.random.Generator, build: _Build) -> Array:
    """Mask of neck, trunk, legs where there is room for them, and sometimes arms held out."""
    head, x, neck_y = build.head, build.x, build.neck_y
    body = Painter()
    flank = [(build.neck, -0.12), (build.shoulder * 0.75, 0.12), (build.shoulder, 0.62), (build.shoulder * 1.06, 2.2)]
    right = [(x + dx, neck_y + head * dy) for dx, dy in flank]
    left = [(x - dx, neck_y + head * dy) for dx, dy in reversed(flank)]
    hem = [(x + side * build.waist + build.lean, build.bottom) for side in (1, -1)]
    body.polygon(right + hem + left)
    body.rectangle(x - build.neck, build.y, x + build.neck, neck_y + head * 0.3)
    for side in (-1, 1):
        if build.bottom < 1.0:
            leg, half = x + build.lean + side * build.waist * 0.5, build.waist * 0.38
            foot = min(1.0, build.bottom + head * rng.uniform(3.2, 5))
            body.rectangle(leg - half, build.bottom - 0.01, leg + half, foot)
        if rng.random() < 0.2:
            hand = (x + side * build.shoulder * rng.uniform(1.2, 1.9), neck_y + head * rng.uniform(-0.6, 2.5))
            body.line([(x + side * build.shoulder * 0.9, neck_y + head * 0.8), hand], head * 0.5)
    return body.result()


def _hair(rng: np.random.Generator, build: _Build, style: float) -> Array:
    """Mask of hair behind the face: long, short or none as `style` (0 to 1) rises."""
    head, x, y = build.head, build.x, build.y
    hair = Painter()
    if style < _SHORT_HAIR:
        size = rng.uniform(1.06, 1.2)
        hair.ellipse(x, y - head * 0.12, build.half_face * size, head * size)
    if style < _LONG_HAIR:
        half = build.half_face * 1.2
        hair.rectangle(x - half, y - head * 0.2, x + half, y + head * rng.uniform(0.9, 1.9))
    return hair.result()


def _paint_head(
    rng: np.random.Generator, picture: Array, build: _Build, face: Array, style: float, tone: Array
) -> Array:
    """Skin lit from one side, a fringe, eyes and a mouth."""
    head, x, y, half_face = build.head, build.x, build.y, build.half_face
    light = np.clip(1.05 - 0.35 * (X - x) / half_face * rng.uniform(-0.6, 0.6), 0.6, 1.2)
    skin = tone * (light * (0.95 + 0.1 * fractal(rng, 6, 6, 3)))[..., None]
    throat = ((np.abs(X - x) < build.neck) & (y < Y) & (build.neck_y > Y)).astype(np.float32)
    picture = mix(mix(picture, skin * 0.9, throat), skin, face)
    fringe = face * (y - head * rng.uniform(0.35, 0.6) > Y) * (style < _SHORT_HAIR)
    dyed = rng.random() < 0.05
    picture = mix(picture, _strands(rng) if dyed else picture * 0.35, fringe)
    for side in (-1, 1):
        eye = np.exp(-(((X - x - side * half_face * 0.4) / (half_face * 0.14)) ** 2 + ((Y - y) / (head * 0.06)) ** 2))
        picture = paint(picture, rgb(40, 28, 26), np.clip(eye * 1.2, 0, 1) * face)
    mouth = np.exp(-(((X - x) / (half_face * 0.3)) ** 2 + ((Y - y - head * 0.5) / (head * 0.06)) ** 2))
    return paint(picture, rgb(150, 60, 60), np.clip(mouth * 1.1, 0, 1) * face)


def figure(rng: np.random.Generator) -> tuple[Array, Array]:
    """A person from the waist up, the knees up or in full; picture and coverage (1 = person)."""
    build = _Build.draw(rng)
    body = _crisp(_body(rng, build), build.head * 14)
    outline = Painter()
    outline.ellipse(build.x, build.y, build.half_face, build.head)
    face = outline.result()
    style = rng.random()
    hair = _crisp(_hair(rng, build, style), build.head * 10)
    tone = _choose(rng, _SKINS)
    picture = mix(_strands(rng), _cloth(rng), body)
    picture = _paint_head(rng, picture, build, face, style, tone)
    return np.clip(picture, 0, 1), np.maximum(np.maximum(body, hair), face)


def _strands(rng: np.random.Generator) -> Array:
    """Picture of hair in one colour."""
    return _choose(rng, _HAIRS) * (0.7 + 0.6 * fractal(rng, 20, 6, 3))[..., None]


def _thing(rng: np.random.Generator) -> tuple[Array, Array]:
    """Blobs and boxes of any texture: pets, bags, furniture, badly made masks."""
    shape = Painter()
    for _ in range(int(rng.integers(1, 4))):
        x, y, a, b = rng.random(), rng.random(), rng.uniform(0.06, 0.3), rng.uniform(0.06, 0.3)
        if rng.random() < 0.6:
            shape.ellipse(x, y, a, b)
        else:
            shape.rectangle(max(0.0, x - a), max(0.0, y - b), min(1.0, x + a), min(1.0, y + b))
    texture = np.asarray(Image.fromarray(leaf_pile(rng, SIZE)), np.float32) / 255
    return texture, shape.result()


def draw_foreground(rng: np.random.Generator) -> Foreground:
    """Draw one subject with its mask, sometimes with the rim of old background that real masks leave."""
    picture, coverage = figure(rng) if rng.random() < 0.78 else _thing(rng)
    if rng.random() < 0.5:
        picture, coverage = picture[:, ::-1], coverage[:, ::-1]
    if rng.random() < 0.25:
        old = rng.random(3) * (0.6 + 0.8 * fractal(rng, 4, 4, 3))[..., None]
        picture = mix(old, picture, coverage)
        wider = Image.fromarray(to_bytes(coverage)).filter(ImageFilter.MaxFilter(int(rng.choice([3, 5, 9]))))
        coverage = np.asarray(wider, np.float32) / 255
    if rng.random() < 0.1:
        # Someone standing before nothing but light: a plain subject keeps its colour too.
        picture = mix(picture, flat(_choose(rng, _CLOTHES)), 0.7)
    return Foreground(to_bytes(picture), (coverage < 0.5).astype(np.float32))
