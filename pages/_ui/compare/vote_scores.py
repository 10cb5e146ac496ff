"""Scores of blind votes as a chart."""

from typing import TYPE_CHECKING

from bgen_core.runs.analysis.charts import ACCENT, INK, LABEL_LIMIT, names_apart
from bgen_core.runs.analysis.columns import AxisColumn
from bgen_core.runs.analysis.votes import AxisVotes

if TYPE_CHECKING:
    import altair as alt


def score_chart(votes: AxisVotes, axis: AxisColumn) -> "alt.LayerChart":
    """One line for each value of the axis, the best first: the share of its pairs that it wins, with the interval."""
    import altair as alt

    names = names_apart(score.value for score in votes.scores)
    rows = [
        {
            "value": names[score.value],
            "share": 100 * score.share,
            "low": 100 * score.share_low,
            "high": 100 * score.share_high,
            "interval": f"{100 * score.share_low:.0f} to {100 * score.share_high:.0f} %",
            "counts": score.counts,
        }
        for score in votes.scores
    ]
    data = alt.Chart(alt.Data(values=rows))
    y = alt.Y("value:N", title=axis.label, sort=list(names.values()))
    scale = alt.Scale(domain=[0, 100])
    told = [
        alt.Tooltip("value:N", title=axis.label),
        alt.Tooltip("share:Q", title="Wins (%)", format=".0f"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("counts:N", title="Votes"),
    ]
    layers = [
        data.mark_rule(strokeWidth=2.5, color=ACCENT, aria=False).encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q", y=y
        ),
        data.mark_circle(size=90, opacity=1, color=ACCENT).encode(
            x=alt.X("share:Q", title="Wins of the pairs with another value (%)", scale=scale), y=y, tooltip=told
        ),
    ]
    style = alt.Config(
        background="transparent",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=INK, titleColor=INK, gridColor=INK, gridOpacity=0.25, domainColor=INK, labelLimit=LABEL_LIMIT
        ),
    )
    return alt.LayerChart(layer=layers, height=alt.Step(32), width="container", config=style)
