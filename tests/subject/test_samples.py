import numpy as np
import pytest
from skimage import data

from bgen_core.subject.samples.samples import SAMPLES, Sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_sample_is_small_and_has_a_source(sample: Sample, sample_photos: dict[str, np.ndarray]) -> None:
    assert len(sample.read()) < 200_000
    assert min(sample_photos[sample.name].shape[:2]) >= 256
    sources = (sample.path.parent / "SOURCES.md").read_text(encoding="utf-8")
    assert f"`{sample.file_name}`" in sources


def test_the_astronaut_is_scikit_images(astronaut: np.ndarray) -> None:
    assert np.abs(astronaut.astype(int) - data.astronaut()).mean() < 2
