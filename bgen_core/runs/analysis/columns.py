"""Which columns of a frame of runs are looked at, and how they are called in a sentence or on a chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bgen_core.metrics import Direction, Metric
from bgen_core.metrics.metric import to_decimals
from bgen_core.wording import listed

if TYPE_CHECKING:
    import pandas as pd  # where a table is at hand it is loaded; who only words a value need not wait for it

SEED = "seed"
_SAME = 1e-12  # relative: rounding


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A column of numbers: a metric, the rating, the time.

    Attributes
    ----------
    name
        The column.
    label, unit
        As people read them; the unit may be empty.
    direction
        Which values are better.
    noise
        Differences up to this say nothing; 0 where every difference does.
    noise_known
        How that is known.
    noise_in_units_of
        Another measure in whose unit the noise is; see `noise.in_own_units`.
    decimals
        Digits after the point that mean something; None where three digits in all are told.
    """

    name: str
    label: str
    unit: str = ""
    direction: Direction = "none"
    noise: float = 0.0
    noise_known: str = ""
    noise_in_units_of: str = ""
    decimals: int | None = None

    @classmethod
    def of(cls, metric: Metric) -> "Measure":
        return cls(
            name=metric.name,
            label=metric.label,
            unit=metric.unit,
            direction=metric.direction,
            noise=metric.noise.amount,
            noise_known=metric.noise.known,
            noise_in_units_of=metric.noise.in_units_of,
            decimals=metric.decimals,
        )

    @property
    def heading(self) -> str:
        """The label with its unit, for an axis or a column."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def spoken(self) -> str:
        """The label inside a sentence: "seam", but "CLIP score"."""
        return in_sentence(self.label)

    def text(self, value: float, digits: int = 3) -> str:
        """A value to the digits that mean something, or to more digits in all where they are asked for."""
        if self.decimals is None or digits > 3 or value == 0:
            return number(value, digits)
        is_too_small = abs(value) < 0.5 * 10**-self.decimals
        return number(value, 1) if is_too_small else to_decimals(value, self.decimals)

    def amount(self, value: float, digits: int = 3) -> str:
        """The same with its unit."""
        return f"{self.text(value, digits)} {self.unit}".strip()


@dataclass(frozen=True, kw_only=True)
class AxisColumn:
    """A column of a swept parameter.

    Attributes
    ----------
    name
        The column.
    label
        As people read it.
    """

    name: str
    label: str

    @property
    def spoken(self) -> str:
        """The label inside a sentence."""
        return in_sentence(self.label)

    def values(self, frame: "pd.DataFrame") -> list[object]:
        """Its values: numbers by size, anything else in the order in which it comes."""
        found = frame[self.name].dropna().unique().tolist()
        return sorted(found) if _is_numeric(frame[self.name]) else found

    def is_scale(self, frame: "pd.DataFrame") -> bool:
        """Whether more and less mean something: seeds are numbers, but mere names."""
        return self.name != SEED and _is_numeric(frame[self.name])


def _is_numeric(column: "pd.Series") -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column)


RATING = Measure(name="rating", label="Rating", unit="stars", direction="higher")
SECONDS = Measure(name="seconds", label="Time", unit="s", direction="lower")
# What depends on the load of the machine at that moment
TIMES = ("seconds", "seconds_denoise", "seconds_decode", "seconds_composite", "images_per_minute")


def numbers(frame: "pd.DataFrame", column: str) -> np.ndarray:
    """A column as float64, one per row: NaN where it holds no finite number."""
    import pandas as pd

    values = np.asarray(pd.to_numeric(frame[column], errors="coerce"), float)
    return np.where(np.isfinite(values), values, np.nan)


def measured_rows(frame: "pd.DataFrame", measure: Measure, *axes: AxisColumn) -> "pd.DataFrame":
    """The rows that have a number in the measure and a value in each axis; the measure as float64."""
    known = frame.assign(**{measure.name: numbers(frame, measure.name)})
    return known.dropna(subset=[measure.name, *(axis.name for axis in axes)])


def samples(frame: "pd.DataFrame", axis: AxisColumn, measure: Measure) -> dict[object, np.ndarray]:
    """Value of the axis, in its order -> the measure of all measured runs at that value, float64."""
    known = measured_rows(frame, measure, axis)
    grouped: dict[object, list[float]] = {value: [] for value in axis.values(known)}
    for value, found in zip(known[axis.name].tolist(), known[measure.name].tolist(), strict=True):
        grouped[value].append(found)
    return {value: np.asarray(each) for value, each in grouped.items()}


def in_sentence(label: str) -> str:
    """A label inside a sentence: "seam", but "CLIP score"."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def number(value: float, digits: int = 3) -> str:
    """To three digits, without an exponent from a thousandth to a million: -0.0123, 12.3, 12,346."""
    if value == 0:
        return "0"
    if min(1000, 10**digits) <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def digits_apart(values: Sequence[float]) -> int:
    """How many digits values need beside each other: ten steps from the smallest to the largest, 3 to 6 digits."""
    largest = max((abs(value) for value in values), default=0.0)
    span = max(values, default=0.0) - min(values, default=0.0)
    if largest == 0 or span <= largest * _SAME:
        return 3
    return min(6, max(3, math.ceil(math.floor(math.log10(largest)) + 2 - math.log10(span))))


def percent(share: float) -> str:
    """A relative change with its sign: +0.048 %, -66.7 %."""
    return f"{'-' if share < 0 else '+'}{number(abs(100 * share))} %" if share else "0 %"


def listed_values(values: Sequence[object]) -> str:
    """Values of an axis in a sentence: 10, 20 and 30."""
    return listed([shown(value) for value in values])


def shown(value: object) -> str:
    """One value of an axis as text: 7 rather than 7.0, long prompts cut."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value) or "(none)"
    return text if len(text) <= 60 else f"{text[:59]}…"
