"""The table of parameters and what is written by hand beside it: the dataclass and the database's columns."""

import dataclasses
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgen_core.errors import UserInputError
from bgen_core.parameters import PARAMETERS, Parameter, Range
from bgen_core.store.schema import RunRow
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams

NUMERIC = [parameter for parameter in PARAMETERS if parameter.is_numeric]


def test_every_field_of_the_dataclass_has_a_row_and_every_row_a_field() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(InpaintParams)}
    assert fields.pop("prompt") is dataclasses.MISSING
    assert fields == {row.field: row.default for row in PARAMETERS if row.field != "prompt"}


def test_every_row_has_a_column_in_the_database() -> None:
    # What a run has beside its parameters.
    others = {
        "id", "created", "owner", "subject_id", "subject_name", "model", "model_revision", "width", "height",
        "model_width", "model_height", "device", "dtype", "versions", "made_on", "seconds", "peak_memory_mb", "image",
        "raw", "raw_id", "rating", "notes",
    }  # fmt: skip
    assert {column.name for column in RunRow.__table__.columns} - others == {row.field for row in PARAMETERS}


@pytest.mark.parametrize("attribute", ["field", "name", "label", "key", "in_png"])
def test_no_two_rows_share_a_name(attribute: str) -> None:
    counted = Counter(getattr(parameter, attribute) for parameter in PARAMETERS)
    assert set(counted.values()) == {1}


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda each: each.name)
def test_a_row_says_what_a_person_needs(parameter: Parameter) -> None:
    assert parameter.help.endswith(".")
    assert parameter.checked(parameter.default) == parameter.default
    assert (parameter.range is not None) == parameter.is_numeric
    assert bool(parameter.names()) == (parameter.kind == "name")


@pytest.mark.parametrize("parameter", NUMERIC, ids=lambda each: each.name)
def test_values_beyond_the_range_are_refused_with_the_value_and_what_is_allowed(parameter: Parameter) -> None:
    assert parameter.range is not None
    with pytest.raises(UserInputError, match=str(parameter.range)):
        parameter.checked(parameter.range.high + 1)
    with pytest.raises(UserInputError, match=parameter.name.replace("-", " ")):
        parameter.checked(parameter.range.low - 1)


@pytest.mark.parametrize("parameter", NUMERIC, ids=lambda each: each.name)
@given(data=st.data())
def test_a_written_number_is_read_as_the_same_number(parameter: Parameter, data: Any) -> None:
    assert parameter.range is not None
    low, high = parameter.range.low, parameter.range.high
    whole = parameter.kind == "whole number"
    value = data.draw(st.integers(int(low), int(high)) if whole else st.floats(low, high, allow_subnormal=False))
    text = parameter.write(value)
    assert Decimal(text) == Decimal(repr(value))
    if len(text) <= 80:  # beyond it is no number that a person types
        assert parse_axis(parameter.name, text).values == (value,)


@pytest.mark.parametrize(("value", "holds"), [(0, False), (1e-9, True), (1, True), (1.01, False)])
def test_a_range_may_leave_its_lower_end_out(value: float, holds: bool) -> None:
    assert Range(low=0, high=1, above_low=True).holds(value) is holds


def test_a_parameter_that_came_later_is_left_out_of_an_address_at_its_default() -> None:
    for parameter in PARAMETERS:
        assert parameter.is_in_address(parameter.default) is (parameter.since == 1)
        if parameter.range is not None:
            ends = {parameter.range.low, parameter.range.high} - {parameter.default}
            assert all(parameter.is_in_address(end) for end in ends)
