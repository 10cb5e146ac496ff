import math

import pytest

from bgen_core.errors import UserInputError
from bgen_core.sweep.params import InpaintParams


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_inference_steps": 0}, ["steps 0", "1 to 1000"]),
        ({"num_inference_steps": 1001}, ["steps", "1001", "1 to 1000"]),
        ({"num_inference_steps": 2.5}, ["2.5", "whole number"]),
        ({"num_inference_steps": True}, ["true"]),
        ({"guidance_scale": -0.1}, ["guidance", "-0.1", "0 to 100"]),
        ({"guidance_scale": math.nan}, ["guidance", "nan"]),
        ({"guidance_scale": math.inf}, ["guidance", "inf"]),
        ({"guidance_scale": "7"}, ["guidance", "'7'"]),
        ({"strength": 0.0}, ["strength", "0", "above 0"]),
        ({"strength": 1.01}, ["strength", "1.01"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"seed": 2**63}, ["seed"]),
        ({"seed": math.inf}, ["seed"]),
        ({"num_inference_steps": 3, "strength": 0.2}, ["3 steps", "0.2", "at least 5 steps"]),
        ({"mask_grow": 26}, ["mask grow", "26", "25"]),
        ({"guidance_scale": 10**400}, ["guidance 1000000000", "…", "finite"]),
        ({"seed": 10**400}, ["seed 1000000000", "…"]),
        ({"guidance_scale": 10**5000}, ["guidance of thousands of digits", "finite"]),
    ],
)
def test_refuses_what_is_out_of_range(changes: dict[str, object], words: list[str]):
    with pytest.raises(UserInputError) as refusal:
        InpaintParams(prompt="a beach", **changes)  # pyright: ignore[reportArgumentType]
    for word in words:
        assert word in str(refusal.value)


def test_seven_and_seven_point_zero_are_the_same():
    assert InpaintParams(prompt="a", guidance_scale=7) == InpaintParams(prompt="a", guidance_scale=7.0)
    assert (
        InpaintParams(prompt="a", guidance_scale=7).to_json() == InpaintParams(prompt="a", guidance_scale=7.0).to_json()
    )


@pytest.mark.parametrize(("steps", "strength", "effective"), [(20, 1.0, 20), (20, 0.5, 10), (7, 0.99, 6), (3, 0.34, 1)])
def test_effective_steps_as_diffusers_counts_them(steps: int, strength: float, effective: int):
    assert InpaintParams(prompt="a", num_inference_steps=steps, strength=strength).effective_steps == effective
