"""What several metrics share: a run's pictures, and what is derived from them once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from bgen_core.extent import Extent
from bgen_core.metrics.expansion import Expansion, measure_expansion
from bgen_core.records.run import RunRecord
from bgen_core.subject.native import cv2
from bgen_core.subject.segmentation import Segmenter, reduced

InputName = Literal["photo", "alpha", "picture", "raw_image"]

WORKING_SIDE = 1024  # longest side at which structure is measured, in pixels
_HALF_STEP = 0.5 / 255  # an alpha of 8 bits is 0 or at least twice this


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """Pictures alone, of a run that may not be finished. One that is None costs only the metrics that need it.

    Attributes
    ----------
    photo
        uint8, HWC, RGB: the subject's photo.
    alpha
        float32, HW, in [0, 1], at the photo's size: what the subject was pasted with; 1 = the photo's own pixel.
    picture
        uint8, HWC, RGB, at the photo's size: the finished picture.
    raw_image
        uint8, HWC, RGB, at the model's size: what the model made, before the subject was put back.
    """

    photo: np.ndarray | None = None
    alpha: np.ndarray | None = None
    picture: np.ndarray | None = None
    raw_image: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricInput(Shown):
    """One run with the pictures that belong to it.

    Attributes
    ----------
    record
        The run; times, memory and prompt come from it.
    seed_mates
        uint8, HWC, RGB: finished pictures of the runs that are equal in everything but the seed (see `seed_key`), each
        from `reduced_for_seed_mates`.
    segmenter
        Finds the person in the raw picture; None for the process's own.
    """

    record: RunRecord
    seed_mates: Sequence[np.ndarray] = ()
    segmenter: Segmenter | None = None

    @property
    def prompt(self) -> str:
        return self.record.params.prompt


class Scene:
    """One run while it is measured.

    Parameters
    ----------
    shown
        Its pictures; with its run, all metrics have what they ask for.
    clip_model, preference_model
        Folder or Hub id; empty for none.
    """

    def __init__(self, shown: Shown, clip_model: str = "", preference_model: str = "") -> None:
        self._shown = shown
        self.clip_model = clip_model
        self.preference_model = preference_model

    @property
    def inputs(self) -> MetricInput:
        """The run and its pictures, for metrics that ask for more than these."""
        if not isinstance(self._shown, MetricInput):
            raise ValueError("the metric needs a finished run")
        return self._shown

    def array(self, name: InputName) -> np.ndarray:
        """One of the inputs that the metric's `needs` names; full size."""
        array = getattr(self._shown, name)
        if array is None:
            raise ValueError(f"the metric does not say that it needs {name}")
        return array

    @cached_property
    def small_picture(self) -> np.ndarray:
        """uint8, HWC, RGB: the finished picture with a longest side of at most `WORKING_SIDE`; never enlarged."""
        picture = self.array("picture")
        return reduced(picture, Extent.of(picture).scaled_to_longest_side(WORKING_SIDE))

    @cached_property
    def small_alpha(self) -> np.ndarray:
        """float32, HW, in [0, 1]: area averages at the size of `small_picture`."""
        return reduced(self.array("alpha"), Extent.of(self.small_picture))

    @cached_property
    def background(self) -> np.ndarray:
        """bool, HW, at the size of `small_picture`: pixels that hold nothing of the subject."""
        return self.small_alpha < _HALF_STEP

    @cached_property
    def expansion(self) -> Expansion:
        """How far the person grew in the raw picture."""
        return measure_expansion(self.array("raw_image"), self.array("alpha"), segmenter=self.inputs.segmenter)


def gradients(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences, smoothed across their direction (Sobel / 8): horizontal and vertical.

    Parameters
    ----------
    picture
        uint8 or float32, HW or HWC, in [0, 255].

    Returns
    -------
    tuple of numpy.ndarray
        float32, in levels per pixel: a ramp of 1 level per pixel has 1. The picture is continued at its frame.
    """
    return tuple(
        cv2.Sobel(picture, cv2.CV_32F, across, 1 - across, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
        for across in (1, 0)
    )  # pyright: ignore[reportReturnType]
