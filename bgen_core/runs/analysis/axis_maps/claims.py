"""In which part of the picture an axis acts beyond chance, and what it has of all that changes there.

A share is a number; whether it is more than the chance of a few seeds is asked by the F test of distances (pseudo-F)
on small pictures. A picture's pixels hang together, so they count as fewer independent ones: their number is estimated
from the chance term's own pictures (Box), never as more than its degrees of freedom, which errs to the cautious side.
All axes in all places are one family of comparisons (Holm).

Sources
-------
Pseudo-F: McArdle and Anderson, "Fitting multivariate models to community data", Ecology 82 (2001). Degrees of freedom:
Box, "Some theorems on quadratic forms", Annals of Mathematical Statistics 25 (1954).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bgen_core.runs.analysis.axis_maps.variance import Design, VarianceMap, lab, marginal_effect, shares
from bgen_core.runs.analysis.chance import holm
from bgen_core.runs.analysis.columns import SEED
from bgen_core.subject.native import cv2

# A difference of two pictures that is just noticed is ΔE 2.3 (Mahy, Van Eycken, Oosterlinck 1994); two pictures differ
# by √2 times the standard deviation.
VISIBLE = 2.3 / math.sqrt(2)
_SMALL_SIDE = 32
_ROUNDING = 1e-6  # of all squares: pictures that are the same differ by so much in float32


@dataclass(frozen=True, kw_only=True)
class PlaceShare:
    """What changes in one part of the picture, and what it belongs to.

    Attributes
    ----------
    place
        Its name.
    spread
        Standard deviation of a picture there, in ΔE.
    shares
        Part of the design -> share from 0 to 1 of the variance there.
    clear
        The axes, and the seed, that are at work there beyond chance.
    """

    place: str
    spread: float
    shares: dict[str, float]
    clear: frozenset[str]

    @property
    def is_visible(self) -> bool:
        """Whether what changes there can be seen at all."""
        return self.spread >= VISIBLE

    @property
    def leader(self) -> str:
        """The part with the largest share."""
        return max(self.shares, key=lambda part: self.shares[part])


def place_shares(
    found: VarianceMap, pictures: np.ndarray, places: Mapping[str, np.ndarray]
) -> dict[str, PlaceShare]:  # fmt: skip
    """What changes in each place.

    Parameters
    ----------
    found
        Variance of these pictures, not smoothed.
    pictures
        uint8, N × H × W × 3, in the design's order.
    places
        Name -> float32, HW: weights.
    """
    clear = _clear(pictures, found.design, places)
    result: dict[str, PlaceShare] = {}
    for name, weights in places.items():
        parts = {part: np.asarray(each) for part, each in found.within(weights).items()}
        total = float(sum(each for each in parts.values()))
        result[name] = PlaceShare(
            place=name,
            spread=math.sqrt(max(0.0, total)),
            shares={part: float(each) for part, each in shares(parts).items()},
            clear=frozenset(factor for factor, place in clear if place == name),
        )
    return result


def _clear(pictures: np.ndarray, design: Design, places: Mapping[str, np.ndarray]) -> frozenset[tuple[str, str]]:
    """The factors and places in which they act beyond chance."""
    height, width = pictures.shape[1:3]
    scale = min(1.0, _SMALL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))  # width, height: as OpenCV has it
    reduced: list[np.ndarray] = [cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in pictures]
    small = lab(np.stack(reduced))
    asked = [(factor, place) for place in places for factor in design.names]
    chances: list[float] = []
    for factor, place in asked:
        weights = cv2.resize(places[place], size, interpolation=cv2.INTER_AREA)
        rows = (small * np.sqrt(weights)[..., None]).reshape(len(small), -1)
        chances.append(_chance(rows, design, factor))
    return frozenset(pair for pair, passed in zip(asked, holm(chances), strict=True) if passed)


def _chance(rows: np.ndarray, design: Design, factor: str) -> float:
    """How often chance alone gives an effect so large; NaN where that cannot be asked.

    Parameters
    ----------
    rows
        float32, N × values: each picture's pixels in this place.
    """
    from scipy import stats  # a second to import: not for those who only look at the table

    effect = frozenset({factor})
    terms = [frozenset({factor, axis}) for axis in design.axes] if factor == SEED else [design.chance_of(effect)]
    tested = [_chance_term(rows, design, each) for each in terms if each != effect]
    if not tested:
        return math.nan
    mean_square, freedom, independent = max(tested)  # of several the largest: the cautious one
    squares = float(np.square(marginal_effect(rows, design, (factor,)), dtype=np.float64).sum()) * design.repeats(
        effect
    )
    rounding = _ROUNDING * float(np.square(rows - rows.mean(axis=0), dtype=np.float64).sum())
    if squares <= rounding:
        return math.nan
    if mean_square * freedom <= rounding:
        return 0.0
    own = squares / design.freedom(effect)
    return float(stats.f.sf(own / mean_square, independent * design.freedom(effect), independent * freedom))


def _chance_term(rows: np.ndarray, design: Design, effect: frozenset[str]) -> tuple[float, int, float]:
    """Mean square of a chance term, its degrees of freedom, and how many independent pixels it is worth."""
    found = marginal_effect(rows, design, tuple(effect)).astype(np.float64)
    products = found @ found.T
    trace, square = float(np.trace(products)), float(np.square(products).sum())
    independent = max(1.0, trace**2 / square) if square > 0 else 1.0
    freedom = design.freedom(effect)
    return trace * design.repeats(effect) / freedom, freedom, independent
