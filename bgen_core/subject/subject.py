"""The subject: a photo with its alpha, the one value that crosses from the mask page to the sweep."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bgen_core.content_address import hash_array, hash_content
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SubjectId


def quantise_alpha(alpha: np.ndarray) -> np.ndarray:
    """Round an alpha to whole 1/255 steps, so that a saved subject equals the one in memory.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    """
    return (np.rint(alpha * 255) / np.float32(255)).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A photo and which of its pixels to keep.

    Attributes
    ----------
    name
        What the person calls it.
    image
        uint8, HWC, RGB, at the photo's own size.
    alpha
        float32, HW, in [0, 1] in steps of 1/255; 1 = keep.
    """

    name: str
    image: np.ndarray
    alpha: np.ndarray

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"image must be uint8 HWC RGB, not {self.image.dtype} {self.image.shape}")
        if self.alpha.dtype != np.float32 or self.alpha.ndim != 2:
            raise ValueError(f"alpha must be float32 HW, not {self.alpha.dtype} {self.alpha.shape}")
        if self.alpha.shape != self.image.shape[:2]:
            raise UserInputError(
                f"The alpha is {Extent.of(self.alpha)} pixels, but the photo is {Extent.of(self.image)}: "
                "both must have the same size."
            )
        object.__setattr__(self, "alpha", quantise_alpha(np.clip(self.alpha, 0, 1)))

    @property
    def extent(self) -> Extent:
        return Extent.of(self.image)

    @cached_property
    def id(self) -> SubjectId:
        """Content address: the same photo with the same alpha is the same subject, whatever its name."""
        return SubjectId(hash_content({"image": hash_array(self.image), "alpha": hash_array(self.alpha)}))
