"""Scores of blind votes as a chart."""

from typing import TYPE_CHECKING

from bgen_core.runs.analysis.charts import ACCENT, INK
from bgen_core.runs.analysis.columns import AxisColumn, shown
from bgen_core.runs.analysis.votes import AxisVotes, win_chance

if TYPE_CHECKING:
    import altair as alt


def score_chart(votes: AxisVotes, axis: AxisColumn) -> "alt.LayerChart":
    """One line for each value of the axis, the best first: its wins against an average one, with the interval."""
    import altair as alt

    rows = [
        {
            "value": shown(score.value),
            "chance": 100 * score.chance,
            "low": 100 * win_chance(score.low),
            "high": 100 * win_chance(score.high),
            "votes": score.votes,
        }
        for score in votes.scores
    ]
    data = alt.Chart(alt.Data(values=rows))
    y = alt.Y("value:N", title=axis.label, sort=[row["value"] for row in rows])
    scale = alt.Scale(domain=[0, 100])
    told = [
        alt.Tooltip("value:N", title=axis.label),
        alt.Tooltip("chance:Q", title="Wins (%)", format=".0f"),
        alt.Tooltip("votes:Q", title="Votes"),
    ]
    layered = alt.layer(
        data.mark_rule(strokeWidth=2.5, color=ACCENT).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y),
        data.mark_circle(size=90, opacity=1, color=ACCENT).encode(
            x=alt.X("chance:Q", title="Wins against an average value (%)", scale=scale), y=y, tooltip=told
        ),
    )
    return (
        layered.properties(height=alt.Step(32), width="container")
        .configure(background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK, titleColor=INK, gridColor=INK, gridOpacity=0.25, domainColor=INK, labelLimit=220
        )
    )
