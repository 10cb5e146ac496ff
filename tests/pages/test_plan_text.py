"""What stands beside Run, and below a field that was read."""

import pytest

from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.sweep.plan_text import plan_status, read_values


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("steps", "2..6:2", "2, 4, 6"),
        ("steps", "2, 4,6", ""),
        ("steps", "20", ""),
        ("seed", "1-20", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 … 20 (20 values)"),
        ("guidance", "3.0", "3"),
        ("guidance", " 7,5", "7 and 5, two values: a decimal is written 7.5"),
        ("strength", "0,75", "0 and 75, two values: a decimal is written 0.75"),
        ("guidance", "7, 5", ""),
        ("guidance", "3,3", "3"),
        ("guidance", "5,10", ""),
        ("steps", "8,4", ""),
    ],
)
def test_a_field_answers_what_it_reads(name: str, text: str, answer: str):
    assert read_values(text, parse_axis(name, text)) == answer


@pytest.mark.parametrize(("axes", "said"), [("1-3", "3 cells"), ("1", "1 cell"), ("1-3 2,4", "2 × 3 = 6 cells")])
def test_a_plan_answers_its_product(axes: str, said: str):
    named = zip(("seed", "steps"), axes.split(), strict=False)
    parsed = [axis for name, text in named if len((axis := parse_axis(name, text)).values) > 1]
    plan = SweepPlan(subject_id="s", model="demo", base=InpaintParams(prompt="a beach"), axes=tuple(parsed[::-1]))
    assert plan_status(plan, None, in_hand=True) == f"{said} being made"
