"""Object expansion: how far a model went on painting the subject beyond its own outline.

An inpainting model that sees half a person likes to complete it: it paints a wider coat, a second arm, a larger head
behind the one that is kept. The raw picture, before the subject is put back, shows how much.

Source: Eshratifar et al., "Salient object-aware background generation using text-guided diffusion models",
arXiv:2404.10157 (2024). Their evaluation code takes the signed difference area(out) − area(in), in which growth on one
side and loss on the other cancel; here it is the union, as in the paper's text.
"""

from dataclasses import dataclass

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.segmentation import Segmenter, reduced

# The soft edge belongs to the subject: where exactly an unsure edge is cut is no growth. With one half instead, an
# unchanged picture has 0.2 % on average and up to 0.8 % (58 photos at 256 and 512 px), with this below 0.1 %.
_KEPT_FROM = 0.1


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """How much of a raw picture is the subject although the alpha does not keep it. Lower is better.

    Attributes
    ----------
    image_share
        (area(out ∪ in) − area(in)) / area of the picture, in [0, 1].
    subject_share
        (area(out ∪ in) − area(in)) / area(in), from 0 on: 0.1 = the subject grew by a tenth of itself.
        Segmentation alone differs by up to 0.05 from one background to the next; above 0.1 it is seen in the picture.
    person_found
        Whether segmentation is sure that the raw picture shows a person. Where it is not, it may have measured
        something else that stands out.
    """

    image_share: float
    subject_share: float
    person_found: bool


def measure_expansion(raw_image: np.ndarray, alpha: np.ndarray, *, segmenter: Segmenter | None = None) -> Expansion:
    """Measure object expansion on a model's raw picture.

    Parameters
    ----------
    raw_image
        uint8, HWC, RGB: what the model painted, before the subject is put back.
    alpha
        float32, HW, in [0, 1], any size: the subject's alpha, stretched over the picture as it was for the model.
    segmenter
        Finds the subject in the raw picture; it should be the one that found it in the photo. The process's own if
        none is given.

    Raises
    ------
    UserInputError
        The alpha keeps nothing, so that nothing can have grown.
    """
    extent = Extent.of(raw_image)
    kept = reduced(alpha, extent) > _KEPT_FROM
    area = int(np.count_nonzero(kept))
    if not area:
        raise UserInputError(
            f"The alpha keeps nothing at {extent} pixels: expansion is only measured for a subject that is there."
        )
    painted, found = cut_out(raw_image, segmenter=segmenter)
    grown = int(np.count_nonzero((painted > 0.5) & ~kept))
    return Expansion(image_share=grown / extent.area, subject_share=grown / area, person_found=found.person_found)
