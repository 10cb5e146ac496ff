"""What a sweep says, as Altair charts that read well on a light and on a dark page."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bgen_core.runs.analysis.best import all_equal
from bgen_core.runs.analysis.change_words import too_few
from bgen_core.runs.analysis.columns import AxisColumn, Measure, digits_apart, measured_rows, number, shown
from bgen_core.runs.analysis.effects import value_means
from bgen_core.runs.analysis.noise import shade
from bgen_core.runs.analysis.paired import CONFIDENCE, PairedTable, fewest_pairs, paired_table

if TYPE_CHECKING:
    import altair as alt

# Contrast (WCAG) of at least 4 with white and with Streamlit's dark page (#0e1117): one colour serves both.
INK, ACCENT = "#7a7a7a", "#c8601a"
SCHEME = "viridis"
_BLACK_FROM = 0.44  # of the scheme: black reads better than white on what is brighter
MOST_LINES = 200
# Vega places an axis's title at most 200 px from it, over labels that are longer
LABEL_LIMIT = 170
_HEIGHT = 280
_PLAIN = "format(datum.value, '.6~r')"  # Vega gives an axis's own format too few digits: 1e+1 for 10


def axis_chart(
    frame: pd.DataFrame, axis: AxisColumn, measure: Measure, *, axes: Sequence[AxisColumn]
) -> "alt.LayerChart":
    """A measure against the values of an axis.

    Each seed (with the values of the other axes) is a thin line, at most `MOST_LINES` of them; on top is the mean over
    all runs with its bootstrap interval, which is left out where a sentence would say that the pairs are too few.

    Parameters
    ----------
    frame
        The cells of one sweep: one row per run.
    axes
        Everything that was swept, the seed included.
    """
    import altair as alt

    table = paired_table(frame, axis, measure, axes)
    names = names_apart(table.values)
    is_scale = axis.is_scale(frame)
    if is_scale:
        ticks = alt.Axis(values=[float(str(value)) for value in table.values], labelExpr=_PLAIN)
        x = alt.X("value:Q", title=axis.label, scale=alt.Scale(zero=False, nice=False, padding=12), axis=ticks)
    else:
        x = alt.X("value:N", title=axis.label, sort=list(names.values()), axis=alt.Axis(labelAngle=0))
    y = _height(table, measure)
    places: dict[object, Any] = {value: value if is_scale else names[value] for value in table.values}
    runs = alt.Chart(alt.Data(values=_lines(table, places))).encode(x=x, y=y, detail="pair:N")
    means = alt.Chart(alt.Data(values=_means(frame, axis, measure, places, table))).encode(x=x)
    interval = f"{100 * CONFIDENCE:.0f} % interval"
    told = [
        alt.Tooltip("shown:N", title=axis.label),
        alt.Tooltip("told:N", title=f"Mean {measure.spoken}"),
        alt.Tooltip("interval:N", title=interval),
        alt.Tooltip("runs:Q", title="Runs"),
    ]
    layers = [
        runs.mark_line(strokeWidth=1, opacity=0.6, color=INK),
        runs.mark_circle(size=14, opacity=0.8, color=INK),
        means.mark_rule(strokeWidth=2.5, color=ACCENT, aria=False).encode(y=alt.Y("low:Q"), y2="high:Q"),
        means.mark_line(strokeWidth=2.5, color=ACCENT).encode(y=y),
        means.mark_circle(size=80, opacity=1, color=ACCENT).encode(y=y, tooltip=told),
    ]
    return alt.LayerChart(layer=layers, height=_HEIGHT, width="container", config=_style())


def axis_chart_note(frame: pd.DataFrame, axis: AxisColumn, measure: Measure, *, axes: Sequence[AxisColumn]) -> str:
    """What is drawn in an `axis_chart`, what is not, and why."""
    table = paired_table(frame, axis, measure, axes)
    pairs = len(table.complete.cells)
    missing = len(table.cells) - pairs
    few = too_few(pairs, CONFIDENCE)
    mean = (
        f"the mean of all runs; without an interval, since {few}"
        if few
        else "the mean of all runs with its 95 % interval"
    )
    cut = f" The first {MOST_LINES} of {len(table.cells)} are drawn." if len(table.cells) > MOST_LINES else ""
    lacking = (
        f" {missing} of {len(table.cells)} lines lack a value, so that means can differ by more or less than pairs do."
        if missing
        else ""
    )
    return f"Grey: each seed with each value of the other axes.{cut} Orange: {mean}.{lacking}"


def heat_map(frame: pd.DataFrame, across: AxisColumn, down: AxisColumn, measure: Measure) -> "alt.LayerChart":
    """Mean of a measure for each two values of two axes, written into its cell; brighter is better, or else higher.

    Cells without a measured run are left out. Colours
    are in steps no finer than the measure's noise. Where all are equal but for it they have one colour, and there is no
    legend.

    Raises
    ------
    ValueError
        Both axes are the same.
    """
    if across.name == down.name:
        raise ValueError(f"{across.label} cannot be both across and down")
    import altair as alt

    known = measured_rows(frame, measure, across, down)
    columns, rows = names_apart(across.values(known)), names_apart(down.values(known))
    cells = _cells(known, across, down, measure, columns, rows)
    found = [cell["measured"] for cell in cells]
    equal = all_equal(found, measure.noise)
    domain = [min(found), max(found)] if not equal else [found[0] - 1, found[0] + 1] if found else [0, 1]
    darkest_is_high = measure.direction == "lower"
    base = alt.Chart(alt.Data(values=cells)).encode(
        x=alt.X("across:N", title=across.label, sort=list(columns.values()), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("down:N", title=down.label, sort=list(rows.values())),
        tooltip=[
            alt.Tooltip("across:N", title=across.label),
            alt.Tooltip("down:N", title=down.label),
            alt.Tooltip("told:N", title=f"Mean {measure.spoken}"),
            alt.Tooltip("runs:Q", title="Runs"),
        ],
    )
    scale = alt.Scale(scheme=SCHEME, domain=domain, reverse=darkest_is_high)
    for cell in cells:
        share = 0.5 if equal else shade(cell["measured"], domain[0], domain[1], measure.noise)
        cell["shade"] = domain[0] + share * (domain[1] - domain[0])
        cell["ink"] = "black" if (1 - share if darkest_is_high else share) > _BLACK_FROM else "white"
    legend: dict[str, Any] = {"legend": None} if equal else {}
    layers = [
        base.mark_rect().encode(color=alt.Color("shade:Q", title=measure.heading, scale=scale, **legend)),
        base.mark_text(fontSize=13).encode(text="label:N", color=alt.Color("ink:N", scale=None)),
    ]
    independent = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    return alt.LayerChart(layer=layers, height=alt.Step(44), width="container", resolve=independent, config=_style())


def _height(table: PairedTable, measure: Measure) -> "alt.Y":
    """The measure's axis; a constant has one label and lies in the middle."""
    import altair as alt

    found = table.cells[np.isfinite(table.cells)].tolist()
    if not found or not all_equal(found):
        return alt.Y("measured:Q", title=measure.heading, scale=alt.Scale(zero=False))
    value = found[0]
    half = abs(value) / 10 or 1.0
    only = alt.Axis(values=[value], labelExpr=f"'{number(value)}'")
    scale = alt.Scale(domain=[value - half, value + half], nice=False)
    return alt.Y("measured:Q", title=measure.heading, scale=scale, axis=only)


def _lines(table: PairedTable, places: dict[object, Any]) -> list[dict[str, Any]]:
    return [
        {"pair": pair, "value": places[value], "measured": float(measured)}
        for pair, row in enumerate(table.cells[:MOST_LINES])
        for value, measured in zip(table.values, row, strict=True)
        if math.isfinite(measured)
    ]


def _means(
    frame: pd.DataFrame, axis: AxisColumn, measure: Measure, places: dict[object, Any], table: PairedTable
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    needed = fewest_pairs(CONFIDENCE)
    enough = len(table.complete.cells) >= needed
    for value, mean in value_means(frame, axis, measure).items():
        bounded = enough and mean.count >= needed
        found.append(
            {
                "value": places[value],
                "shown": shown(value),
                "measured": mean.mean,
                "told": measure.amount(mean.mean),
                "low": mean.low if bounded else None,
                "high": mean.high if bounded else None,
                "interval": f"{number(mean.low)} to {number(mean.high)}" if bounded else "too few runs for one",
                "runs": mean.count,
            }
        )
    return found


def _cells(
    known: pd.DataFrame,
    across: AxisColumn,
    down: AxisColumn,
    measure: Measure,
    columns: dict[object, str],
    rows: dict[object, str],
) -> list[dict[str, Any]]:
    grouped: dict[tuple[object, object], list[float]] = {}
    for x, y, measured in zip(
        known[across.name].tolist(), known[down.name].tolist(), known[measure.name].tolist(), strict=True
    ):
        grouped.setdefault((x, y), []).append(measured)
    means = {place: math.fsum(found) / len(found) for place, found in grouped.items()}
    digits = digits_apart(list(means.values()))
    return [
        {
            "across": columns[x],
            "down": rows[y],
            "measured": mean,
            "label": number(mean, digits),
            "told": measure.amount(mean, digits),
            "runs": len(grouped[x, y]),
        }
        for (x, y), mean in means.items()
    ]


def names_apart(values: Iterable[object]) -> dict[object, str]:
    """Value -> text, another for each: long prompts may read the same once they are cut."""
    names: dict[object, str] = {}
    for value in values:
        text, again = shown(value), 1
        while text in names.values():
            again += 1
            text = f"{shown(value)} ({again})"
        names[value] = text
    return names


def _style() -> "alt.Config":
    import altair as alt

    return alt.Config(
        background="transparent",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=INK,
            titleColor=INK,
            gridColor=INK,
            gridOpacity=0.25,
            domainColor=INK,
            tickColor=INK,
            labelLimit=LABEL_LIMIT,
        ),
        legend=alt.LegendConfig(labelColor=INK, titleColor=INK),
    )
