import pytest

from bgen_core.metrics import METRICS, find_metric
from bgen_core.runs.analysis.columns import SECONDS, Measure, number


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("core_changed", 0.0, "0 px"),
        ("core_changed", 12_345.0, "12,345 px"),
        ("expansion", 0.001526, "0 % of picture"),
        ("expansion", 12.3456, "12.3 % of picture"),
        ("seam", 0.62749, "0.627"),
        ("detail", 3.14159, "3.14 levels/px"),
        ("seconds_decode", 0.001526, "0.002 s"),
        ("peak_memory_mb", 812.34, "812 MB"),
    ],
)
def test_a_value_has_the_digits_that_mean_something(name: str, value: float, read: str) -> None:
    assert Measure.of(find_metric(name)).reading(value) == read


def test_a_runs_time_is_as_fine_as_its_stages() -> None:
    assert SECONDS.reading(0.001526) == "0.002 s"


def test_what_is_more_than_noise_is_seen_in_the_digits() -> None:
    for metric in METRICS:
        assert metric.noise.amount == 0 or metric.noise.in_units_of or metric.noise.amount >= 10**-metric.decimals


@pytest.mark.parametrize(("value", "digits", "read"), [(123.4, 2, "123"), (-456.0, 2, "-456"), (1234.5, 6, "1,234")])
def test_no_exponent_below_a_million(value: float, digits: int, read: str) -> None:
    assert number(value, digits) == read
