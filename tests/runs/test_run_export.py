import csv
import io
import json
from datetime import UTC

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bgen_core.metrics import MetricValue
from bgen_core.runs.export import CSV_COLUMNS, run_values, runs_csv, runs_json, runs_parquet
from bgen_core.store.opinions import Opinion
from tests.made_up import LONG_AGO, made_up_run, run_id


def measured(**values: float | None) -> dict[str, MetricValue]:
    return {
        name: MetricValue(name=name, value=value, reason="" if value is not None else "It has a reason.", version=3)
        for name, value in values.items()
    }


# The second run was never measured, the third has no opinion.
RUNS = [made_up_run(number, params={"prompt": "=a naïve prompt"}) for number in (1, 2, 3)]
METRICS = {
    run_id(1): measured(seam=0.25, detail=None, peak_memory_mb=912.5, seconds_denoise=1.5),
    run_id(3): measured(detail=2.0, core_changed=0.0, long_gone=7.0),
}
OPINIONS = {
    run_id(1): Opinion(rating=4, notes="+good", tags=("beach", "for Ada"), mean_rating=4.0, raters=1),
    run_id(2): Opinion(tags=("beach",)),
}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_run_is_a_row_with_its_parameters() -> None:
    runs = [made_up_run(1), made_up_run(2, params={"guidance_scale": 7.5}, seconds={"denoise": 2.0, "upscale": 1.0})]
    first, second = rows_of(runs_csv(runs))
    assert first["id"] == run_id(1)
    assert first["prompt"] == "a beach at sunset"
    assert (first["guidance_scale"], second["guidance_scale"]) == ("3.0", "7.5")
    assert (first["seconds"], second["seconds"]) == ("1.9375", "3.0")
    assert (first["seconds_upscale"], second["seconds_upscale"]) == ("", "1.0")
    assert (first["width"], first["model_height"]) == ("48", "16")
    assert first["version_torch"] == "2.13.0"
    assert first["created"] == "2026-01-02T03:05:05.678901+00:00"


def test_the_columns_come_in_one_order() -> None:
    made_on = {"gpu": "NVIDIA H200", "driver": "570", "host": "gpu-7"}
    head = runs_csv([made_up_run(1, seconds={"b": 1.0, "a": 2.0}, made_on=made_on)]).splitlines()[0].split(",")
    versions = ["version_diffusers", "version_torch"]
    at = CSV_COLUMNS.index("seconds")
    expected = [*CSV_COLUMNS[: at + 1], "seconds_a", "seconds_b", *CSV_COLUMNS[at + 1 :]]
    at = expected.index("versions")
    expected[at : at + 2] = [*versions, "made_on_driver", "made_on_gpu"]  # no host: it stays in the store
    assert head == expected


def test_no_runs_are_a_head_alone() -> None:
    assert len(runs_csv([]).splitlines()) == 1


@pytest.mark.parametrize(
    ("prompt", "cell"),
    [
        ("a beach", "a beach"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ('say "hi", twice\nnew line', 'say "hi", twice\nnew line'),
        ("naïve 日本 🌅", "naïve 日本 🌅"),
    ],
)
def test_texts_come_through_and_formulas_do_not(prompt: str, cell: str) -> None:
    text = runs_csv([made_up_run(1, params={"prompt": prompt})])
    assert rows_of(text)[0]["prompt"] == cell
    assert pd.read_csv(io.BytesIO(text.encode()))["prompt"][0] == cell


def test_plain_values_have_the_names_of_the_columns() -> None:
    values = run_values(made_up_run(1))
    assert tuple(values) == CSV_COLUMNS
    assert values["seconds"] == {"prepare": 0.125, "denoise": 1.5, "decode": 0.25, "composite": 0.0625}


def test_what_was_measured_and_thought_has_columns_of_its_own() -> None:
    text = runs_csv(RUNS, metrics=METRICS, opinions=OPINIONS)
    head = text.splitlines()[0].split(",")
    assert head[-9:-5] == ["core_changed", "seam", "detail", "long_gone"]
    assert head[-5:] == ["rating", "notes", "tags", "mean_rating", "raters"]
    assert len(set(head)) == len(head)
    first, second, third = rows_of(text)
    assert (first["seam"], first["detail"], second["seam"], third["detail"]) == ("0.25", "", "", "2.0")
    assert first["peak_memory_mb"] == "912.5"
    assert first["seconds_denoise"] == "1.5"
    assert (first["rating"], first["notes"], first["tags"]) == ("4", "'+good", "beach, for Ada")
    assert (first["mean_rating"], first["raters"], third["mean_rating"], third["raters"]) == ("4.0", "1", "", "0")
    assert (second["rating"], second["tags"], third["tags"]) == ("", "beach", "")


def test_parquet_has_the_columns_of_the_csv_with_their_types() -> None:
    data = runs_parquet(RUNS, metrics=METRICS, opinions=OPINIONS)
    table = pq.read_table(io.BytesIO(data))
    assert table.column_names == runs_csv(RUNS, metrics=METRICS, opinions=OPINIONS).splitlines()[0].split(",")
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["seed"] == types["num_inference_steps"] == types["rating"] == "int64"
    assert types["guidance_scale"] == types["seam"] == types["detail"] == "double"
    assert types["created"].startswith("timestamp[") and types["created"].endswith("tz=UTC]")
    rows = table.to_pylist()
    assert rows[0]["prompt"] == "=a naïve prompt"  # nothing here runs a formula
    assert [row["seam"] for row in rows] == [0.25, None, None]
    assert [row["rating"] for row in rows] == [4, None, None]
    assert rows[0]["created"].astimezone(UTC) == made_up_run(1).created > LONG_AGO


def test_parquet_keeps_the_largest_seed() -> None:
    largest = made_up_run(1, params={"seed": 2**63 - 1})
    assert pq.read_table(io.BytesIO(runs_parquet([largest])))["seed"].to_pylist() == [2**63 - 1]


@pytest.mark.parametrize("runs", [[], RUNS[:1]])
def test_parquet_of_few_or_no_runs_can_be_read(runs: list) -> None:
    table = pq.read_table(io.BytesIO(runs_parquet(runs, metrics={}, opinions={})))
    assert table.num_rows == len(runs)
    assert {"id", "created", "prompt", "seed", "rating", "notes", "tags"} <= set(table.column_names)


def test_json_says_why_there_is_no_value() -> None:
    listed = json.loads(runs_json(RUNS, metrics=METRICS, opinions=OPINIONS))
    assert [each["id"] for each in listed] == [run.id for run in RUNS]
    assert {name: value for name, value in listed[0].items() if name in CSV_COLUMNS} == run_values(RUNS[0])
    assert list(listed[0]["metrics"]) == ["seam", "detail", "seconds_denoise", "peak_memory_mb"]
    assert listed[0]["metrics"]["detail"] == {"value": None, "version": 3, "reason": "It has a reason."}
    assert listed[1]["metrics"] == {}
    assert (listed[0]["rating"], listed[0]["tags"]) == (4, ["beach", "for Ada"])
    assert (listed[2]["rating"], listed[2]["notes"], listed[2]["tags"]) == (None, "", [])


def test_json_without_measures_is_the_runs_alone() -> None:
    assert json.loads(runs_json(RUNS[:1])) == [run_values(RUNS[0])]
    assert json.loads(runs_json([])) == []
