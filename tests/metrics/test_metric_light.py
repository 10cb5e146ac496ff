"""Light agreement: of known light, of a subject that was given it, and of one with nothing around."""

import numpy as np
import pytest

from bgen_core.subject.pasting.compositing import CompositeOptions, composite
from tests.metrics.scenes import measure
from tests.subject.test_lighting import ball, lamp, rendered


def agreement(strength: float, **known: float) -> float | str:
    photo, behind = rendered(lamp(), 1), rendered(lamp(**known), 2)
    picture = composite(photo, ball(), behind, options=CompositeOptions(light=strength))
    return measure("light_agreement", photo=photo, alpha=ball(), picture=picture)


def test_a_stop_of_light_is_a_half_and_its_own_background_is_all() -> None:
    # The wall has 0.02 of light at least, and a level of sRGB is 3 % of it there.
    assert agreement(0, mean=-np.log(2)) == pytest.approx(0.5, rel=0.03)
    assert agreement(0) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("known", [{"mean": -0.4}, {"across": -0.25, "mean": -0.3}])
def test_the_more_light_a_subject_takes_the_better_it_agrees(known: dict[str, float]) -> None:
    without, half, full = (agreement(strength, **known) for strength in (0, 0.5, 1))
    assert without < half - 0.05 < full - 0.1
    assert full > 0.95


def test_where_nothing_is_around_nothing_is_said() -> None:
    photo = rendered(lamp(), 1)
    words = measure("light_agreement", photo=photo, alpha=np.ones(photo.shape[:2], np.float32), picture=photo)
    assert words == "Too little is around the subject to tell its light."
