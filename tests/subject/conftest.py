import numpy as np
import pytest

from bgen_core.subject.decoding.image_io import DecodeLimits, decode_photo
from bgen_core.subject.samples.samples import SAMPLES

LIMITS = DecodeLimits(max_bytes=25_000_000, max_pixels=40_000_000, min_side=64)


@pytest.fixture(scope="session")
def sample_photos() -> dict[str, np.ndarray]:
    """The sample photos by name: uint8, HWC, RGB."""
    return {sample.name: decode_photo(sample.read(), name=sample.file_name, limits=LIMITS).image for sample in SAMPLES}


@pytest.fixture(scope="session")
def astronaut(sample_photos: dict[str, np.ndarray]) -> np.ndarray:
    return sample_photos["Astronaut"]
