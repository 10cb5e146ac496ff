"""What a metric is, what it is computed from, and what comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bgen_core.errors import BgenError
from bgen_core.runs.record import RunRecord

if TYPE_CHECKING:
    from bgen_core.runs.metrics.scene import Scene
    from bgen_core.subject.segmentation import Segmenter

Direction = Literal["lower", "higher", "none"]
InputName = Literal["photo", "alpha", "picture", "raw"]


class NotMeasuredError(BgenError):
    """A run cannot be measured in this respect; its text is the reason that people read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricInput:
    """One run with the pictures that belong to it. A picture that is None costs only the metrics that need it.

    Attributes
    ----------
    record
        The run; times, memory and prompt come from it.
    photo
        uint8, HWC, RGB: the subject's photo.
    alpha
        float32, HW, in [0, 1], at the photo's size: what the subject was pasted with; 1 = the photo's own pixel.
    picture
        uint8, HWC, RGB, at the photo's size: the finished picture.
    raw
        uint8, HWC, RGB, at the model's size: what the model made, before the subject was put back.
    seed_mates
        uint8, HWC, RGB: finished pictures of the runs that are equal in everything but the seed (see `seed_key`), each
        from `reduced_for_seed_mates`.
    segmenter
        Finds the person in the raw picture; None for the process's own.
    """

    record: RunRecord
    photo: np.ndarray | None = None
    alpha: np.ndarray | None = None
    picture: np.ndarray | None = None
    raw: np.ndarray | None = None
    seed_mates: Sequence[np.ndarray] = ()
    segmenter: "Segmenter | None" = None

    @property
    def prompt(self) -> str:
        return self.record.params.prompt


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
    needs
        Inputs without which it cannot be computed.
    compute
        The value; raises NotMeasuredError with the reason where there is none.
    note
        What a value depends on beyond the version; see `MetricValue.reason`.
    """

    name: str
    label: str
    unit: str
    direction: Direction
    help: str
    source: str
    version: int
    needs: tuple[InputName, ...]
    compute: Callable[["Scene"], float]
    note: Callable[["Scene"], str] | None = None

    @property
    def heading(self) -> str:
        """The label with its unit, for a column or an axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label
