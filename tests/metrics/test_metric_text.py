"""Measures read by people: with the digits that mean something."""

import pytest

from bgen_core.metrics import METRICS, find_metric


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("seam", 0.0015264, "0.002"),
        ("core_changed", 1234567.0, "1,234,567"),
        ("expansion", -0.0004, "0.00"),
        ("expansion", -0.4, "-0.40"),
        ("peak_memory_mb", 972.4, "972"),
        ("seconds_denoise", 1.26049, "1.26"),
    ],
)
def test_a_value_has_the_digits_that_mean_something(name: str, value: float, text: str) -> None:
    assert find_metric(name).text(value) == text


def test_a_difference_that_is_noise_by_eye_is_below_the_last_two_digits() -> None:
    for metric in METRICS:
        if metric.noise.amount and not metric.noise.in_units_of:
            assert 10**-metric.decimals <= metric.noise.amount, metric.name
