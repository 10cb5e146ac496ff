import pytest

from bgen_core.runs.analysis.columns import number


@pytest.mark.parametrize(("value", "digits", "read"), [(123.4, 2, "123"), (-456.0, 2, "-456"), (1234.5, 6, "1,234")])
def test_no_exponent_below_a_million(value: float, digits: int, read: str) -> None:
    assert number(value, digits) == read
