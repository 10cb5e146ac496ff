import csv
import io

import pandas as pd
import pytest

from bgen_core.runs.export import CSV_COLUMNS, run_values, runs_csv
from tests.runs.made_up import made_up_run, run_id


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
    head = runs_csv([made_up_run(1, seconds={"b": 1.0, "a": 2.0})]).splitlines()[0].split(",")
    versions = ["version_diffusers", "version_torch"]
    at = CSV_COLUMNS.index("seconds")
    expected = [*CSV_COLUMNS[: at + 1], "seconds_a", "seconds_b", *CSV_COLUMNS[at + 1 :]]
    at = expected.index("versions")
    assert head == [*expected[:at], *versions, *expected[at + 1 :]]


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
