import math
from typing import Any

import pytest
from matplotlib import colormaps

from bgen_core.runs.analysis.charts import ACCENT, INK, MOST_LINES, SCHEME, axis_chart, axis_chart_note, heat_map
from bgen_core.runs.analysis.columns import AxisColumn, digits_apart
from bgen_core.runs.analysis.effects import value_means
from tests.runs.analysis.made_up_sweeps import CLIP, GUIDANCE, SCHEDULER, SEAM, SEED, STEPS, sweep

AXES = {STEPS: [10, 20, 30], GUIDANCE: [2.0, 4.0], SEED: [1, 2, 3]}
FRAME = sweep(AXES, SEAM, lambda s, g, z: 0.5 - s / 100 + z / 50 + g / 1000)


def luminance(red: float, green: float, blue: float) -> float:
    """Relative luminance (WCAG 2.2) of a colour in [0, 1]."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: float, other: float) -> float:
    high, low = max(one, other), min(one, other)
    return (high + 0.05) / (low + 0.05)


def of_hex(colour: str) -> float:
    return luminance(*(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)))


def rows_of(chart: dict[str, Any], layer: int) -> list[dict[str, Any]]:
    return chart["layer"][layer].get("data", chart.get("data"))["values"]  # Altair writes shared data once


@pytest.mark.parametrize("colour", [INK, ACCENT])
@pytest.mark.parametrize("page", ["#ffffff", "#0e1117"])
def test_lines_and_letters_can_be_seen_on_light_and_dark_pages(colour: str, page: str) -> None:
    assert contrast(of_hex(colour), of_hex(page)) >= 4


def test_each_seed_is_a_line_and_the_mean_has_its_interval() -> None:
    chart = axis_chart(FRAME, STEPS, SEAM, axes=list(AXES)).to_dict()  # to_dict checks Vega-Lite's schema
    lines = rows_of(chart, 0)
    assert len(lines) == 18
    assert {row["pair"] for row in lines} == set(range(6))
    assert chart["layer"][0]["encoding"]["detail"]["field"] == "pair"
    assert chart["layer"][0]["mark"]["strokeWidth"] < chart["layer"][3]["mark"]["strokeWidth"]
    for row, (value, mean) in zip(rows_of(chart, 3), value_means(FRAME, STEPS, SEAM).items(), strict=True):
        assert (row["value"], row["measured"], row["low"], row["high"]) == (value, mean.mean, mean.low, mean.high)
        assert row["runs"] == 6
    assert chart["config"]["background"] == "transparent"


def test_numbers_are_a_scale_and_names_are_not() -> None:
    steps = axis_chart(FRAME, STEPS, SEAM, axes=list(AXES)).to_dict()["layer"][0]["encoding"]["x"]
    seeds = axis_chart(FRAME, SEED, SEAM, axes=list(AXES)).to_dict()["layer"][0]["encoding"]["x"]
    assert (steps["type"], steps["axis"]["values"]) == ("quantitative", [10, 20, 30])
    assert "format" not in steps["axis"]  # Vega would write 1e+1
    assert steps["axis"]["labelExpr"] == "format(datum.value, '.6~r')"
    assert (seeds["type"], seeds["sort"]) == ("nominal", ["1", "2", "3"])


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_pairs_than_a_sentence_needs_have_no_interval(seeds: int) -> None:
    some = FRAME[FRAME["seed"] <= seeds]
    chart = axis_chart(some, STEPS, SEAM, axes=list(AXES))
    for row, steps in zip(rows_of(chart.to_dict(), 3), (10, 20, 30), strict=True):
        assert (row["low"], row["high"], row["interval"]) == (None, None, "too few runs for one")
        assert row["measured"] == pytest.approx(some.loc[some["num_inference_steps"] == steps, "seam"].mean())
    note = axis_chart_note(some, STEPS, SEAM, axes=list(AXES))
    assert note.endswith(f"without an interval, since {2 * seeds} pairs are too few, 6 are needed.")
    assert axis_chart_note(FRAME, STEPS, SEAM, axes=list(AXES)).endswith("the mean of all runs with its 95 % interval.")


def test_it_is_said_where_lines_lack_values() -> None:
    note = axis_chart_note(FRAME.iloc[:-2], STEPS, SEAM, axes=list(AXES))
    assert "2 of 6 lines lack a value" in note


def test_a_constant_has_one_label_and_no_legend() -> None:
    for level, label in ((0.0, "'0'"), (0.5, "'0.5'")):
        frame = sweep(AXES, SEAM, lambda *_, level=level: level)
        y = axis_chart(frame, STEPS, SEAM, axes=list(AXES)).to_dict()["layer"][0]["encoding"]["y"]
        assert (y["axis"]["values"], y["axis"]["labelExpr"]) == ([level], label)
        assert y["scale"]["domain"][0] < level < y["scale"]["domain"][1]
        assert heat_map(frame, STEPS, GUIDANCE, SEAM).to_dict()["layer"][0]["encoding"]["color"]["legend"] is None
    varied = heat_map(FRAME, STEPS, GUIDANCE, SEAM).to_dict()["layer"][0]["encoding"]["color"]
    assert "legend" not in varied


def test_a_large_sweep_is_thinned_and_its_mean_is_not() -> None:
    axes = {STEPS: [10, 20], SEED: range(MOST_LINES + 100)}
    chart = axis_chart(sweep(axes, SEAM, lambda s, z: float(s)), STEPS, SEAM, axes=list(axes)).to_dict()
    assert len(rows_of(chart, 0)) == 2 * MOST_LINES
    assert [row["runs"] for row in rows_of(chart, 3)] == [MOST_LINES + 100] * 2


def test_prompts_that_read_the_same_once_cut_stay_apart() -> None:
    prompt = AxisColumn(name="prompt", label="Prompt")
    axes = {prompt: ["a beach " * 20 + end for end in ("x", "y")], SEED: [1, 2]}
    chart = axis_chart(sweep(axes, SEAM, lambda p, z: float(z)), prompt, SEAM, axes=list(axes)).to_dict()
    assert len({row["value"] for row in rows_of(chart, 0)}) == 2


def test_values_from_people_are_data_not_code() -> None:
    axes = {SCHEDULER: ["a.b[0]", "datum.x == 'y'", "</script>"], SEED: [1, 2]}
    chart = axis_chart(sweep(axes, SEAM, lambda p, z: float(z)), SCHEDULER, SEAM, axes=list(axes)).to_dict()
    assert {row["value"] for row in rows_of(chart, 0)} == set(axes[SCHEDULER])


def heat_cells(chart: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["across"], row["down"]): row for row in rows_of(chart, 0)}


def test_the_heat_map_writes_the_mean_of_every_two_values() -> None:
    chart = heat_map(FRAME, STEPS, GUIDANCE, SEAM).to_dict()
    cells = heat_cells(chart)
    assert len(cells) == 6
    cell = cells["20", "4"]
    assert cell["measured"] == pytest.approx(0.5 - 0.2 + 0.04 + 0.004)
    assert (cell["label"], cell["runs"]) == ("0.344", 3)
    assert chart["layer"][0]["encoding"]["x"]["sort"] == ["10", "20", "30"]


def test_cells_that_are_close_have_digits_enough_to_be_told_apart() -> None:
    axes = {STEPS: [10, 20], GUIDANCE: [2.0]}
    frame = sweep(axes, SEAM, lambda s, g: 0.62701 if s == 10 else 0.62730)
    labels = [cell["label"] for cell in heat_cells(heat_map(frame, STEPS, GUIDANCE, SEAM).to_dict()).values()]
    assert labels == ["0.62701", "0.6273"]


@pytest.mark.parametrize(
    ("values", "digits"),
    [([], 3), ([0, 0], 3), ([5, 5], 3), ([0.57, 0.6], 3), ([0.627, 0.6273], 5), ([100, 101], 4), ([1, 1 + 1e-9], 6)],
)
def test_digits_tell_the_largest_from_the_smallest_by_ten_steps(values: list[float], digits: int) -> None:
    assert digits_apart(values) == digits


@pytest.mark.parametrize(("measure", "reverse"), [(SEAM, True), (CLIP, False)])
def test_brighter_is_better_and_every_label_can_be_read(measure, reverse: bool) -> None:
    """Against matplotlib's table of the same colours."""
    axes = {STEPS: list(range(41)), GUIDANCE: [2.0]}
    chart = heat_map(sweep(axes, measure, lambda s, g: float(s)), STEPS, GUIDANCE, measure).to_dict()
    scale = chart["layer"][0]["encoding"]["color"]["scale"]
    assert (scale["scheme"], scale["domain"], scale["reverse"]) == (SCHEME, [0, 40], reverse)
    for cell in heat_cells(chart).values():
        share = cell["measured"] / 40
        below = luminance(*colormaps[SCHEME](1 - share if reverse else share)[:3])
        assert contrast(below, {"black": 0.0, "white": 1.0}[cell["ink"]]) > 4.5


def test_equal_and_missing_values_have_a_heat_map_too() -> None:
    axes = {STEPS: [10, 20], GUIDANCE: [2.0, 4.0]}
    equal = heat_map(sweep(axes, SEAM, lambda s, g: 0.5), STEPS, GUIDANCE, SEAM).to_dict()
    low, high = equal["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert low < 0.5 < high
    some = heat_map(sweep(axes, SEAM, lambda s, g: 0.5 if s == 10 else math.nan), STEPS, GUIDANCE, SEAM).to_dict()
    assert set(heat_cells(some)) == {("10", "2"), ("10", "4")}
    assert rows_of(heat_map(sweep(axes, SEAM, lambda s, g: None), STEPS, GUIDANCE, SEAM).to_dict(), 0) == []


def test_an_axis_is_not_set_against_itself() -> None:
    with pytest.raises(ValueError, match="Steps cannot be both across and down"):
        heat_map(FRAME, STEPS, STEPS, SEAM)
