"""How much of what changes at a pixel belongs to each axis, to the seed, and to their interplay.

A complete grid with one picture per cell is a factorial design without repetition. The values of the axes are the ones
that were asked for (fixed), seeds stand for all other seeds (random). At each pixel the sum of squares is split as in
any analysis of variance, over the three coordinates of CIE L*a*b* together, whose distances are colour differences
(CIE 1976 ΔE*ab). From the mean squares come estimates without bias:

    an axis, or several together, U        df(U) · (MS(U) − MS(U × seed)) / N
    the seed, or the seed with axes        the components of the random model, by inclusion and exclusion

So an axis that does nothing has a share of 0 on average, and not of 1 / (its number of values), as η² would say.
Without seeds the highest interaction stands in for chance, as in any design without repetition.

Sources
-------
Expected mean squares of the mixed model: Searle, Casella, McCulloch, "Variance Components" (1992), chapter 4. Shares
without bias: Hays's ω², as in Olejnik and Algina, "Generalized eta and omega squared statistics", Psychological Methods
8 (2003).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bgen_core.runs.analysis.columns import SEED
from bgen_core.subject.native import cv2

TOGETHER = "axes together"
WITH_SEED = "axes with the seed"
_BAND_BYTES = 64_000_000

Factors = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Design:
    """What was varied: the factors of a complete grid, the last one changing fastest.

    Attributes
    ----------
    names
        Of the axes; the seed is called "seed".
    levels
        How many values each has, at least 2.
    """

    names: tuple[str, ...]
    levels: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.levels) or not self.names:
            raise ValueError(f"{len(self.names)} factors with {len(self.levels)} counts")
        if min(self.levels) < 2 or len(set(self.names)) < len(self.names):
            raise ValueError(f"factors need names of their own and 2 values each: {self.names}, {self.levels}")

    @property
    def cells(self) -> int:
        return int(np.prod(self.levels, dtype=np.int64))

    @property
    def has_seed(self) -> bool:
        return SEED in self.names

    @property
    def axes(self) -> tuple[str, ...]:
        """The factors but the seed."""
        return tuple(name for name in self.names if name != SEED)

    @property
    def parts(self) -> tuple[str, ...]:
        """Whose shares are told apart: each axis, the axes together, the seed, and the seed with axes."""
        together = (TOGETHER,) if len(self.axes) > 1 else ()
        return (*self.axes, *together, *((SEED, WITH_SEED) if self.has_seed else ()))

    @property
    def can_be_split(self) -> bool:
        """Whether anything is left that tells chance: one axis alone owns all that changes."""
        return len(self.names) > 1

    def subsets(self) -> Iterator[Factors]:
        """All sets of factors, the empty one first, smaller ones before larger ones."""
        for size in range(len(self.names) + 1):
            yield from map(frozenset, combinations(self.names, size))

    def freedom(self, of: Factors) -> int:
        """Degrees of freedom of an effect."""
        return int(np.prod([count - 1 for name, count in zip(self.names, self.levels, strict=True) if name in of]))

    def repeats(self, of: Factors) -> int:
        """How many pictures each mean of an effect is over."""
        return int(np.prod([count for name, count in zip(self.names, self.levels, strict=True) if name not in of]))

    def chance_of(self, effect: Factors) -> Factors:
        """The effect whose mean square is what this one would have by chance."""
        return effect | {SEED} if self.has_seed else frozenset(self.names)


@dataclass(frozen=True, kw_only=True, eq=False)
class VarianceMap:
    """Variance at each pixel by what it belongs to.

    Attributes
    ----------
    parts
        Part of the design -> float32, HW: its variance in ΔE², without bias, so that it can lie below 0 by chance.
    """

    design: Design
    parts: dict[str, np.ndarray]

    @property
    def total(self) -> np.ndarray:
        """float32, HW: variance of a picture of this grid, in ΔE²."""
        return np.sum(list(self.parts.values()), axis=0)

    def within(self, weights: np.ndarray) -> dict[str, float]:
        """Part -> its mean variance over a region; weights are HW, 0 outside, with a sum above 0."""
        known = weights / weights.sum()
        return {part: float((each * known).sum(dtype=np.float64)) for part, each in self.parts.items()}

    def smoothed(self, weights: np.ndarray, radius: float) -> "VarianceMap":
        """Each pixel with its neighbours, those of weight 0 left out: a single pixel's variance is mostly chance.

        Parameters
        ----------
        radius
            Standard deviation of the Gaussian window in pixels.
        """
        known = weights.astype(np.float32)
        around = np.maximum(cv2.GaussianBlur(known, (0, 0), radius), 1e-6)
        parts = {part: cv2.GaussianBlur(each * known, (0, 0), radius) / around for part, each in self.parts.items()}
        return VarianceMap(design=self.design, parts=parts)


def shares(parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Part -> its share from 0 to 1 of all that changes; 0 where nothing does, and for what lies below 0."""
    clipped = {part: np.maximum(each, 0) for part, each in parts.items()}
    total = np.sum(list(clipped.values()), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {part: np.where(total > 0, each / total, 0) for part, each in clipped.items()}


def variance_map(pictures: np.ndarray, design: Design) -> VarianceMap:
    """Split the variance of each pixel over a complete grid.

    Parameters
    ----------
    pictures
        uint8, N × H × W × 3, sRGB: one for each cell, in the design's order.

    Raises
    ------
    ValueError
        The pictures are not as many as the design's cells, or one factor alone leaves nothing to split.
    """
    if len(pictures) != design.cells or pictures.ndim != 4:
        raise ValueError(f"{design.cells} pictures are needed, not an array of {pictures.shape}")
    if not design.can_be_split:
        raise ValueError("one factor alone owns all that changes")
    height, width = pictures.shape[1:3]
    parts = {part: np.empty((height, width), np.float32) for part in design.parts}
    rows = max(1, _BAND_BYTES // (len(pictures) * width * 3 * 4))
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        squares = sums_of_squares(lab(pictures[:, band]), design)
        for part, found in components(squares, design).items():
            parts[part][band] = found
    return VarianceMap(design=design, parts=parts)


def lab(pictures: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of uint8 sRGB, N × H × W × 3, as float32."""
    count, height, width, _ = pictures.shape
    flat = np.ascontiguousarray(pictures).reshape(count * height, width, 3)
    return cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(pictures.shape)


def sums_of_squares(values: np.ndarray, design: Design) -> dict[Factors, np.ndarray]:
    """Each effect's sum of squares over the last dimension: set of factors -> float64, the shape between.

    Parameters
    ----------
    values
        N × … × C, in the design's order.
    """
    centred = values - values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    squared: dict[Factors, np.ndarray] = {}

    def look(means: np.ndarray, factor: int, kept: Factors) -> None:
        if factor < 0:
            flat = means.reshape(-1, *values.shape[1:])
            squared[kept] = np.einsum("n...c,n...c->...", flat, flat, dtype=np.float64) * design.repeats(kept)
            return
        look(means, factor - 1, kept | {design.names[factor]})
        look(means.mean(axis=factor), factor - 1, kept)

    look(centred.reshape(*design.levels, *values.shape[1:]), len(design.levels) - 1, frozenset())
    return {effect: _alternating(squared, effect) for effect in design.subsets() if effect}


def _alternating(squared: dict[Factors, np.ndarray], effect: Factors) -> np.ndarray:
    """What an effect has beyond the effects in it, by inclusion and exclusion."""
    signed = [(-1) ** (len(effect) - len(inner)) * each for inner, each in squared.items() if inner <= effect]
    return np.sum(signed, axis=0)


def components(squares: dict[Factors, np.ndarray], design: Design) -> dict[str, np.ndarray]:
    """Each part's variance without bias, from the sums of squares of all effects."""
    mean_squares = {effect: each / design.freedom(effect) for effect, each in squares.items()}

    def fixed(effect: Factors) -> np.ndarray:
        chance = design.chance_of(effect)
        if chance == effect:
            return mean_squares[effect]
        return design.freedom(effect) * (mean_squares[effect] - mean_squares[chance]) / design.cells

    def random(effect: Factors) -> np.ndarray:
        above = {each: found for each, found in mean_squares.items() if effect <= each}
        signed = [(-1) ** (len(each) - len(effect)) * found for each, found in above.items()]
        return np.sum(signed, axis=0) / design.repeats(effect)

    def added(of: Callable[[Factors], np.ndarray], belongs: Callable[[Factors], bool]) -> np.ndarray:
        return np.sum([of(effect) for effect in squares if belongs(effect)], axis=0)

    parts = {name: fixed(frozenset({name})) for name in design.axes}
    if len(design.axes) > 1:
        parts[TOGETHER] = added(fixed, lambda effect: len(effect) > 1 and SEED not in effect)
    if design.has_seed:
        parts[SEED] = random(frozenset({SEED}))
        parts[WITH_SEED] = added(random, lambda effect: len(effect) > 1 and SEED in effect)
    return parts


def marginal_effect(values: np.ndarray, design: Design, effect: Sequence[str]) -> np.ndarray:
    """An effect itself, what means over all else have beyond its parts: float, product of its levels × the rest."""
    order = [design.names.index(name) for name in design.names if name in effect]
    shaped = values.reshape(*design.levels, -1)
    found = shaped.mean(axis=tuple(each for each in range(len(design.levels)) if each not in order))
    for axis in range(len(order)):
        found = found - found.mean(axis=axis, keepdims=True)
    return found.reshape(-1, found.shape[-1])
