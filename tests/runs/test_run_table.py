import math

import pytest

from bgen_core.records.run import RunRecord
from bgen_core.runs.table import (
    FIELDS,
    differing_parameters,
    shown,
    shown_apart,
)
from tests.made_up import frame_of, made_up_run, run_id

RUNS = [
    made_up_run(0, params={"prompt": "A beach, palm trees", "guidance_scale": 3}),
    made_up_run(1, params={"prompt": "a snowy forest", "guidance_scale": 5, "negative_prompt": "palm"}, model="other"),
    made_up_run(2, params={"prompt": "100 % [red] (dust)", "guidance_scale": 7.5, "scheduler": "euler"}),
    made_up_run(3, params={"prompt": "an office", "guidance_scale": 1}, subject_name="Grace"),
]


def test_the_table_has_a_typed_column_for_every_field() -> None:
    frame = frame_of(RUNS)
    assert list(frame.columns) == [field.name for field in FIELDS]
    assert len({field.name for field in FIELDS}) == len(FIELDS)
    assert frame["seed"].tolist() == [0, 1, 2, 3]
    assert frame["guidance_scale"].dtype == float
    assert frame["num_inference_steps"].dtype == int
    assert str(frame["created"].dtype).endswith("UTC]")
    assert frame["seconds"].tolist() == [1.938] * 4  # 0.125 + 1.5 + 0.25 + 0.0625, in ms
    assert frame["permalink"][0] == f"run?id={run_id(0)}"
    assert frame["size"][0] == "48 × 32"
    assert all(field.label and field.help.endswith(".") for field in FIELDS)


def test_a_run_that_was_only_pasted_has_neither_time_nor_memory() -> None:
    frame = frame_of([made_up_run(1), made_up_run(2, seconds={"composite": 0.006}, peak_memory_mb=0.0)])
    assert frame["seconds"].tolist() == pytest.approx([1.938, math.nan], nan_ok=True)
    assert frame["peak_memory_mb"].tolist() == pytest.approx([912.5, math.nan], nan_ok=True)
    assert shown(math.nan) == "none"


def test_an_empty_table_has_its_columns() -> None:
    assert list(frame_of([]).columns) == [field.name for field in FIELDS]


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ([made_up_run(1)], []),
        ([made_up_run(1), made_up_run(1)], []),
        ([made_up_run(1), made_up_run(2)], ["seed"]),
        ([made_up_run(1), made_up_run(1), made_up_run(1, params={"strength": 0.5, "seed": 1})], ["strength"]),
        ([made_up_run(1), made_up_run(1, seconds={"denoise": 9.0}, owner="x", peak_memory_mb=1.0)], []),
        ([made_up_run(1), made_up_run(1, subject_id="b" * 64)], ["subject"]),
        ([made_up_run(1), made_up_run(1, versions={"torch": "2.14"}, device="cuda")], ["device", "versions"]),
        (
            [made_up_run(1), made_up_run(2, model="b", model_revision="x")],
            ["model", "seed", "model_revision"],
        ),
    ],
)
def test_what_differs_is_told_from_what_is_the_same(runs: list[RunRecord], names: list[str]) -> None:
    compared = differing_parameters(runs)
    assert [field.name for field in compared.differing] == names
    both = {field.name for field in (*compared.differing, *compared.same)}
    assert both == {field.name for field in FIELDS if field.makes_the_picture}
    assert len(compared.differing) + len(compared.same) == len(both)


def test_values_that_read_the_same_are_told_apart() -> None:
    subject = next(field for field in FIELDS if field.name == "subject")
    runs = [
        made_up_run(0, subject_name="Ada", subject_id="a" * 64),
        made_up_run(1, subject_name="Ada", subject_id="b" * 64),
        made_up_run(2, subject_name="Grace", subject_id="c" * 64),
    ]
    assert shown_apart(subject, runs) == ["Ada (aaaaaaaa)", "Ada (bbbbbbbb)", "Grace"]
    assert shown_apart(subject, [runs[0], runs[0], runs[2]]) == ["Ada", "Ada", "Grace"]


@pytest.mark.parametrize(
    ("value", "text"), [(7.0, "7"), (7.5, "7.5"), (1 / 3, "0.3333333333"), (20, "20"), ("", "none"), ("a", "a")]
)
def test_values_read_well(value: object, text: str) -> None:
    assert shown(value) == text
