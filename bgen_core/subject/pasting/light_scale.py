"""Between levels of sRGB and the light that they stand for (IEC 61966-2-1)."""

from functools import lru_cache

import numpy as np

_STEPS = 65535  # of light: half a step is a tenth of a level in the dark, and less elsewhere


def light_of(levels: np.ndarray) -> np.ndarray:
    """Light in [0, 1], float32, of levels of sRGB: uint8, or float32 in [0, 255]."""
    if levels.dtype == np.uint8:
        return _light_of_bytes()[levels]
    return _light(np.clip(levels, 0, 255) / np.float32(255)).astype(np.float32)


def levels_of(light: np.ndarray) -> np.ndarray:
    """Levels of sRGB, float32 in [0, 255], of light; what is beyond [0, 1] is cut off."""
    steps = np.clip(light, 0, 1) * np.float32(_STEPS) + np.float32(0.5)
    return _levels_of_steps()[steps.astype(np.uint16)]


def _light(level: np.ndarray) -> np.ndarray:
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


@lru_cache(maxsize=1)
def _light_of_bytes() -> np.ndarray:
    return _light(np.arange(256) / 255).astype(np.float32)


@lru_cache(maxsize=1)
def _levels_of_steps() -> np.ndarray:
    light = np.arange(_STEPS + 1) / _STEPS
    level = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (level * 255).astype(np.float32)
