"""How much of a photo a mask keeps, and whether that can be meant: rounded corners and specks are no masks."""

import numpy as np

# Of the photo. Rounded corners leave more, a few opaque specks less; hardly a person fills or leaves so much.
_NEARLY_ALL, _NEARLY_NOTHING = 0.95, 0.01


def kept_share(alpha: np.ndarray) -> float:
    """Share of the pixels, in [0, 1], that an alpha (float32, HW, in [0, 1]) keeps more than it gives away."""
    return float(np.count_nonzero(alpha > 0.5) / alpha.size)


def can_be_mask(alpha: np.ndarray) -> bool:
    """Whether an alpha keeps neither nearly everything nor nearly nothing."""
    return _NEARLY_NOTHING <= kept_share(alpha) <= _NEARLY_ALL
