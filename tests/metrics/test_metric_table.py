import io
import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.metrics import (
    LIKENESS,
    METRICS,
    Metric,
    MetricInput,
    MetricValue,
    compute_metrics,
    find_metric,
    needed_inputs,
    table,
)
from tests.made_up import made_up_run
from tests.metrics.scenes import disc, noise

SAMPLES = Path(__file__).parents[2] / "bgen_core" / "subject" / "samples"
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def everything() -> MetricInput:
    photo, alpha = noise(60, 80), disc(60, 80, 20, softness=3)
    raw = noise(30, 40, seed=1)
    return MetricInput(
        record=made_up_run(), photo=photo, alpha=alpha, picture=photo, raw_image=raw, seed_mates=[noise(60, 80, seed=2)]
    )


def test_every_row_is_complete() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"[a-z_]+", metric.name)
        assert metric.label[0].isupper()
        assert metric.help.endswith(".")
        assert metric.source
        assert metric.version >= 1


def test_one_call_measures_everything_in_the_tables_order() -> None:
    measured = compute_metrics(everything())
    assert [value.name for value in measured] == [metric.name for metric in METRICS]
    missing = {value.name for value in measured if value.value is None}
    assert missing == {"clip_score", "preference"}
    assert all(value.version == find_metric(value.name).version for value in measured)


def test_the_inputs_are_left_alone() -> None:
    inputs = everything()
    before = [
        array.copy() for array in (inputs.photo, inputs.alpha, inputs.picture, inputs.raw_image) if array is not None
    ]
    compute_metrics(inputs)
    after = [inputs.photo, inputs.alpha, inputs.picture, inputs.raw_image]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True) if other is not None)


def test_without_pictures_the_record_is_still_read() -> None:
    measured = {value.name: value for value in compute_metrics(MetricInput(record=made_up_run()))}
    for metric in METRICS:
        assert (measured[metric.name].value is None) is bool(metric.needs), metric.name
    assert measured["seam"].reason == "Its alpha and its picture cannot be had any more."


def test_names_choose_and_needs_say_what_to_load() -> None:
    names = ["seam", "peak_memory_mb"]
    assert [value.name for value in compute_metrics(everything(), names=names)] == names
    assert needed_inputs(names) == {"alpha", "picture"}
    assert needed_inputs(["images_per_minute"]) == frozenset()
    assert needed_inputs() == {"photo", "alpha", "picture", "raw_image"}
    assert compute_metrics(everything(), names=[]) == []


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UserInputError, match="'beauty' is not known: choose core_changed, edge_change"):
        compute_metrics(everything(), names=["beauty"])


def failing(scene: object) -> float:
    raise ZeroDivisionError("oh")


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (failing, "It failed with ZeroDivisionError; the log has the details."),
        (lambda scene: float("nan"), "Its computation gave nan."),
        (lambda scene: float("inf"), "Its computation gave inf."),
    ],
)
def test_a_metric_that_fails_is_alone_in_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, compute: object, reason: str
) -> None:
    def broken(metric: Metric) -> Metric:
        return replace(metric, compute=compute) if metric.name == "seam" else metric  # pyright: ignore

    monkeypatch.setattr(table, "METRICS", tuple(broken(metric) for metric in METRICS))
    with caplog.at_level(logging.ERROR):
        measured = {value.name: value for value in compute_metrics(everything())}
    assert measured["seam"] == MetricValue(name="seam", value=None, reason=reason, version=1)
    assert "seam" in caplog.text
    assert all(measured[name].value is not None for name in ("core_changed", "detail", "expansion"))


def test_pictures_of_two_sizes_are_a_bug() -> None:
    with pytest.raises(ValueError, match="must have one size"):
        compute_metrics(replace(everything(), photo=noise(61, 80)))


def test_the_page_has_a_row_for_every_metric() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table_rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if line.startswith("| `")]
    rows = {name.strip("`"): cells for name, *cells in table_rows}
    explained = (*METRICS, LIKENESS)
    assert list(rows) == [metric.name for metric in explained]
    for metric in explained:
        label, unit, direction, source, version = (rows[metric.name][place] for place in (0, 1, 3, 4, 5))
        assert label == metric.label
        assert unit == (metric.unit or "none")
        assert direction == metric.direction
        assert source == metric.source
        assert version == str(metric.version)
        noise = f"{metric.noise.amount:g}" if metric.noise.amount else ("none", "seeds")["seeds" in metric.noise.known]
        assert rows[metric.name][6] == ("5 % of subject" if metric.noise.in_units_of else noise)


def test_what_a_fine_jpeg_changes_is_within_the_noise() -> None:
    """The figures in the table: pictures that nobody tells apart shall not be told apart by a metric."""
    photo = np.asarray(Image.open(SAMPLES / "cat.jpg").convert("RGB"))
    height, width = photo.shape[:2]
    alpha = disc(height, width, min(height, width) // 3, softness=3)
    file = io.BytesIO()
    picture = np.where(alpha[..., None] > 0, photo, photo[::-1])
    Image.fromarray(picture).save(file, "JPEG", quality=95, subsampling=0)
    names = ["edge_change", "seam", "detail", "colourfulness"]
    before, after = (
        compute_metrics(
            MetricInput(record=made_up_run(), photo=photo, alpha=alpha, picture=np.asarray(each)), names=names
        )
        for each in (picture, Image.open(file).convert("RGB"))
    )
    for one, other in zip(before, after, strict=True):
        assert one.value is not None and other.value is not None
        assert 0 < abs(one.value - other.value) <= find_metric(one.name).noise.amount, one.name
