"""What a metric is, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bgen_core.errors import BgenError
from bgen_core.metrics.scene import InputName, Scene

Direction = Literal["lower", "higher", "none"]


class NotMeasuredError(BgenError):
    """A run cannot be measured in this respect; its text is the reason that people read."""


@dataclass(frozen=True, kw_only=True)
class MetricValue:
    """One measured property of one run.

    Attributes
    ----------
    name
        Of its row in `METRICS`.
    value
        None where it cannot be measured.
    reason
        One sentence that says why there is no value. Beside a value: what it depends on beyond the version, such as the
        CLIP model; mostly empty.
    version
        Of the metric's definition. Values of different versions are not comparable.
    """

    name: str
    value: float | None
    reason: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Below which difference two values of a metric say nothing about the pictures.

    Attributes
    ----------
    amount
        The difference, 0 for what is exact and for what only seed-mates tell.
    known
        How that is known, as people read it.
    in_units_of
        Another metric in whose unit the amount is; empty for its own.
    """

    amount: float
    known: str
    in_units_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One row of the table.

    Attributes
    ----------
    name
        As it is stored; a column of the table of runs.
    label
        What a person reads, without the unit.
    unit
        Empty for a number without one.
    direction
        Which values are better; "none" where neither is.
    help
        One sentence that explains it.
    source
        Paper, library or place where it comes from.
    version
        Raise it with every change that gives other values for the same run.
    noise
        Which differences say nothing.
    decimals
        Digits after the point that mean something.
    needs
        Inputs without which it cannot be computed.
    compute
        The value; raises NotMeasuredError with the reason where there is none.
    note
        What a value depends on beyond the version; see `MetricValue.reason`.
    of_previews
        Whether it can be taken from a small preview too: it asks for nothing but the pasted picture.
    """

    name: str
    label: str
    unit: str
    direction: Direction
    help: str
    source: str
    version: int
    noise: Noise
    decimals: int
    needs: tuple[InputName, ...]
    compute: Callable[[Scene], float]
    note: Callable[[Scene], str] | None = None
    of_previews: bool = False

    @property
    def heading(self) -> str:
        """The label with its unit, for a column or an axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def text(self, value: float) -> str:
        """A value to the digits that mean something, without its unit."""
        return to_decimals(value, self.decimals)


def to_decimals(value: float, decimals: int) -> str:
    """With so many digits after the point: 0.60, 1,234; never -0."""
    shown = f"{value:,.{decimals}f}"
    return shown.removeprefix("-") if float(shown.replace(",", "")) == 0 else shown
