"""What is said of values that lack cells, and what is claimed no longer."""

from typing import Any

import numpy as np
import pandas as pd

from bgen_core.ids import SweepId
from bgen_core.metrics import find_metric
from bgen_core.records.race import Race, RaceStep
from bgen_core.runs.analysis.columns import SECONDS, AxisColumn, Measure
from bgen_core.runs.analysis.lost_cells import race_text, stopped_text
from bgen_core.runs.analysis.overview import overview
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import next_round, raced_plan
from tests.made_up import LONG_AGO


def plan(**changes: Any) -> SweepPlan:
    return SweepPlan(
        subject_id="s" * 64,
        model="demo",
        base=InpaintParams(prompt="a beach"),
        axes=(Axis(name="guidance", values=(1.0, 4.0, 9.0)), Axis(name="seed", values=(1, 2, 3, 4))),
        **changes,
    )


def test_values_that_lack_cells_are_named_with_how_many() -> None:
    assert stopped_text(plan(), []) == ""
    said = stopped_text(plan(), [0, 4, 5])
    assert said.startswith(
        "3 cells of 12 were stopped early, because they looked like losers: "
        "of guidance, 4 lacks 2 of 4 and 1 lacks 1 of 4."
    )
    assert stopped_text(plan(), [11]).startswith("1 cell of 12 was stopped early")


def test_a_race_says_who_dropped_out_with_how_many_seeds() -> None:
    raced = raced_plan(plan(), "guidance", made=(), seeds=4)
    further = next_round(raced, "guidance", [0, 2], seeds=2, most_cells=100)
    assert further is not None
    lost = RaceStep(kind="lost", value=1, text="Out.", created=LONG_AGO)
    about: dict[str, Any] = {"started_from": None, "axis": "guidance", "by": "seam", "budget": 60, "begun_with": 0}
    race = Race(sweep_id=SweepId("sweep-1"), state="open", steps=(lost,), **about)
    said = race_text(race, further, set(further.only or ()))
    assert said.startswith("Dropped out of the race on guidance: 4 with 4 seeds; the others have up to 6.")
    assert race_text(Race(sweep_id=SweepId("sweep-1"), state="open", **about), further, ()) == ""
    assert race_text(None, further, ()) == ""


def test_where_losers_are_missing_only_times_are_said_to_move() -> None:
    random = np.random.default_rng(1)
    rows = [
        {
            "guidance": guidance,
            "seed": seed,
            "seam": guidance / 10 + random.normal(0, 0.01),
            "seconds": guidance + random.normal(0, 0.01),
        }
        for guidance in (1.0, 9.0)
        for seed in range(8)
    ]
    axes = [AxisColumn(name="guidance", label="Guidance"), AxisColumn(name="seed", label="Seed")]
    measures = [Measure.of(find_metric("seam")), SECONDS]
    whole = [move.verdict for move in overview(pd.DataFrame(rows), axes, measures)]
    lacking = [move.verdict for move in overview(pd.DataFrame(rows), axes, measures, lacks_losers=True)]
    assert whole[:2] == ["moves", "moves"]
    assert lacking == ["missing", "moves", *whole[2:]]
