"""What the sweep says, as a visitor reads it: one number for one comparison, ties, doubts, and whose times count."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bgen_core.metrics import METRICS, MetricValue
from bgen_core.runs.wide_table import run_table
from bgen_core.store.opinions import Vote
from bgen_core.store.schema import RunRow
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.compare.sweep_findings.sweep_frame import sweep_frame
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id
from tests.pages.compare_pages import images, open_compare, tables, texts, viewed

STEPS, GUIDANCES, SEEDS = (4, 10, 30), (1.0, 4.0), (1, 2, 3, 4)
AXES = (
    Axis(name="steps", values=STEPS),
    Axis(name="guidance", values=GUIDANCES),
    Axis(name="seed", values=SEEDS),
)
UNSURE = "It is not sure that the raw picture shows a person."


def swept(store: Store, value: Callable[[InpaintParams], dict[str, float]], **sweep: Any) -> pd.DataFrame:
    """24 pictures of a sweep; what was measured on them, with steps, guidance, seed and seconds."""
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=AXES)
    random = np.random.default_rng(5)
    rows: list[dict[str, float]] = []
    for cell in plan.cells():
        params = cell.params
        seconds = round(float(0.05 * params.num_inference_steps + random.uniform(0, 0.01)), 3)
        record = made_up_run(cell.index, params=params.to_json(), seconds={"denoise": seconds})
        commit(store, record)
        values = value(params)
        store.metrics.save(
            record.id,
            [
                MetricValue(
                    name=name,
                    value=found,
                    reason=UNSURE if name == "expansion" and params.seed == 2 else "",
                    version=next(metric.version for metric in METRICS if metric.name == name),
                )
                for name, found in values.items()
            ],
        )
        rows.append(
            {
                "steps": params.num_inference_steps,
                "guidance": params.guidance_scale,
                "seed": params.seed,
                "seconds": seconds,
            }
            | values
        )
    cells = [run_id(number) for number in range(len(plan))]
    store.sweeps.add(made_up_sweep("sweep-1", cells=cells, plan=plan.to_json(), **sweep), cells)
    return pd.DataFrame(rows)


def uneven(random: np.random.Generator) -> Callable[[InpaintParams], dict[str, float]]:
    """Expansion that falls at first and no more later, on which a straight line is wrong; its level is the seed's."""
    return lambda params: {
        "expansion": 4
        + params.seed
        + {4: 3.0, 10: 0.5, 30: 0.0}[params.num_inference_steps]
        + float(random.normal(0, 0.05)),
        "seam": 0.627 + 0.0003 * (params.guidance_scale == 4),
    }


def spoken(at: Any) -> str:
    return texts(at).replace("\\", "")


def paired(frame: pd.DataFrame, measure: str, first: int, second: int) -> np.ndarray:
    wide = frame.pivot(index=["guidance", "seed"], columns="steps", values=measure)
    return (wide[second] - wide[first]).to_numpy()


@pytest.mark.slow
def test_one_comparison_has_one_number_on_the_whole_page(page_store: Store) -> None:
    frame = swept(page_store, uneven(np.random.default_rng(0)))
    at = open_compare(sweep="sweep-1", show="says", measure="expansion", axis="steps", against="guidance")
    said = spoken(at)
    change = paired(frame, "expansion", 4, 30)
    told = f"falls by {-change.mean():.3g} % of picture (95 % interval "
    assert f"Expansion {told}" in said
    assert f"expansion {told}" in said
    level = frame.loc[frame["steps"] == 4, "expansion"].mean()
    assert said.count(f"({100 * change.mean() / level:.3g} %)") == 2
    times = frame.groupby("steps")["seconds"].mean()
    assert f"Steps 30 takes {times[30] / times[4]:.3g} times as long as 4 (95 % interval " in said
    assert f"{paired(frame, 'seconds', 4, 30).mean():.3g} s more for each picture" in said
    timed = spoken(open_compare(sweep="sweep-1", show="says", measure="seconds", axis="steps"))
    assert f"Time rises by {paired(frame, 'seconds', 4, 30).mean():.3g} s (95 % interval " in timed
    seam = spoken(open_compare(sweep="sweep-1", show="says", measure="seam", axis="guidance"))
    assert "**Guidance** :gray-badge[within noise] No clear difference in seam" in seam
    assert "from Guidance 1 to 4 it rises by 0.0003 (95 % interval 0.0003 to 0.0003, 12 pairs) (+0.0478 %)" in seam
    assert "no more than its noise of 0.005 (so much changes when a picture is saved as a JPEG of quality 95" in seam


def test_maps_show_where_in_the_picture_each_axis_acts(page_store: Store) -> None:
    """Pictures of noise that is another in each cell, and whose subject is not in the library."""
    swept(page_store, uneven(np.random.default_rng(0)))
    at = open_compare(sweep="sweep-1", show="says")
    assert not [each for each in images(at) if "data:" in str(each["src"])]
    at.toggle(key="compare_maps").set_value(True).run()
    alts = [str(each["alt"]).rpartition(": ")[2] for each in images(at) if "data:image/jpeg" in str(each["src"])]
    assert alts == ["Steps", "Guidance", "Axes together", "Seed", "Differs from seed to seed"]
    said = spoken(at)
    assert "The whole background follows the seed" in said
    assert "No part of the picture follows steps or guidance beyond chance." in said
    assert "The subject's mask is not in the library any more: the maps show the subject too." in said


def test_of_a_single_value_no_map_is_promised(page_store: Store) -> None:
    axis = Axis(name="guidance", values=(1.0, 4.0))
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=(axis,))
    for cell in plan.cells():
        commit(page_store, made_up_run(cell.index, params=cell.params.to_json()))
    cells = [run_id(number) for number in range(len(plan))]
    page_store.sweeps.add(made_up_sweep("sweep-1", cells=cells, plan=plan.to_json()), cells)
    said = spoken(open_compare(sweep="sweep-1", show="says", maps="1"))
    assert "Only guidance was varied, with one seed: what it does cannot be told from chance." in said


def test_all_axes_and_measures_come_first_and_lead_to_the_details(page_store: Store) -> None:
    swept(page_store, uneven(np.random.default_rng(0)))
    at = open_compare(sweep="sweep-1", show="says", measure="seam", axis="guidance")
    table = at.dataframe[-1].value
    assert table.index.tolist() == ["Steps", "Guidance", "Seed"]
    assert table.columns.tolist()[:2] == ["Expansion (% of picture)", "Seam"]
    assert table["Seam"].tolist() == ["no change", "within noise", "no change"]
    assert table.loc["Steps", "Expansion (% of picture)"].startswith("−3.0")
    assert table.loc["Guidance", "Expansion (% of picture)"] == "within noise"
    assert f"Holm's correction over these {table.size} comparisons" in spoken(at)


def test_the_best_and_the_distance_from_a_baseline_are_told_beyond_noise_alone(page_store: Store) -> None:
    for number, seam in enumerate((0.6, 0.603, 0.7)):
        commit(page_store, made_up_run(number, params={"guidance_scale": 2.0 + number, "seed": 1}))
        page_store.metrics.save(run_id(number), [MetricValue(name="seam", value=seam, reason="", version=1)])
    ids = ",".join(run_id(number) for number in range(3))
    at = open_compare(ids=ids, measure="seam", base=run_id(0)[:12])
    assert [run["best"] for run in viewed(at)["runs"]] == ["Best seam: 0.600", "Best seam: 0.603", ""]
    (seam,) = [table["Seam"] for table in tables(at) if "Seam" in table]
    assert [text.replace("\\", "") for text in seam][1:] == [":green-badge[0.603 (+0.003, noise)]", "0.700 (+0.100)"]
    assert sorted(at.dataframe[0].value["seam apart"]) == pytest.approx([0, 0, 0.1])
    two = open_compare(ids=ids[: 2 * 64 + 1], measure="seam")
    assert [run["best"] for run in viewed(two)["runs"]] == ["", ""]
    assert "Within their noise, so none is best: seam (0.005: so much changes" in spoken(two)


def test_all_equal_has_no_winner(page_store: Store) -> None:
    swept(page_store, lambda params: {"expansion": 0.0})
    at = open_compare(sweep="sweep-1", show="says", measure="expansion", axis="guidance", against="seed")
    said = spoken(at)
    assert "No difference in expansion between the values of Guidance: it is 0 % of picture in all 24 runs." in said
    assert said.count(":gray-badge[equal]") == 3
    best = tables(at)[-1].values()
    assert [row[:2] for row in best] == [[str(seed), "all equal"] for seed in SEEDS]
    grouped = open_compare(group="guidance_scale", measure="expansion")
    assert "best_group" not in grouped.dataframe[0].value
    assert "Expansion: lower is better. All groups have the same mean." in spoken(grouped)


@pytest.mark.slow
def test_the_waiting_is_asked_about_only_where_time_differs(page_store: Store) -> None:
    swept(page_store, uneven(np.random.default_rng(0)))
    for axis, asked in (("steps", True), ("guidance", False), ("seed", False)):
        said = spoken(open_compare(sweep="sweep-1", show="says", measure="expansion", axis=axis))
        assert ("Is it worth the wait?" in said) is asked
        assert ("times as long" in said) is asked


@pytest.mark.slow
def test_only_times_of_what_the_sweep_itself_painted_are_compared(page_store: Store) -> None:
    """The first eight, of 4 steps, are older than the sweep; the next one was only pasted again."""
    commit(page_store, made_up_run(100))
    frame = swept(page_store, lambda params: {"seam": 0.5}, created=LONG_AGO + timedelta(minutes=8))
    with page_store.database.writing() as session:
        session.get_one(RunRow, run_id(8)).seconds = {"composite": 0.006}
    found = sweep_frame(run_table(page_store), page_store, page_store.sweeps.get("sweep-1"))
    assert (found.reused, found.pasted) == (8, 1)
    assert found.cells["seconds"].isna().tolist() == [True] * 9 + [False] * 15
    said = spoken(open_compare(sweep="sweep-1", show="says", measure="seconds", axis="steps"))
    own = frame.iloc[9:]
    change = paired(own, "seconds", 10, 30)
    assert f"Time rises by {np.nanmean(change):.3g} s (95 % interval " in said
    assert "from Steps 10 to 30" in said
    assert f"{np.isfinite(change).sum()} pairs" in said
    assert "8 of 24 were not made by this sweep, 1 of 24 were only pasted again, and left out." in said
    assert "Is it worth the wait?" not in said
    weighed = spoken(open_compare(sweep="sweep-1", show="says", measure="seam", axis="steps", ends="1-2"))
    assert "8 of 24 were not made by this sweep" in weighed


def test_a_run_that_was_only_pasted_again_has_no_time_and_no_memory_to_win_by(page_store: Store) -> None:
    for number in range(2):
        commit(page_store, made_up_run(number, seconds={"denoise": 2.0 - number / 2}))
    commit(page_store, made_up_run(2, seconds={"composite": 0.006}, peak_memory_mb=0.0))
    table = run_table(page_store).set_index("id")
    assert np.isnan(table.loc[run_id(2), "seconds"])
    assert np.isnan(table.loc[run_id(2), "peak_memory_mb"])
    side = viewed(open_compare(ids=",".join(run_id(number) for number in range(3)), measure="seconds"))["runs"]
    assert [run["best"] for run in side] == ["", "Best time: 1.5 s", ""]
    grouped = open_compare(group="seed", measure="seconds").dataframe[0].value
    assert np.isnan(grouped.set_index("seed").loc[2, "seconds_mean"])


@pytest.mark.slow
def test_doubts_stand_below_the_sentences(page_store: Store) -> None:
    swept(page_store, uneven(np.random.default_rng(0)))
    ids = [run_id(number) for number in range(24)]
    doubtful = sum(bool(each["expansion"].reason) for each in page_store.metrics.of(ids).values())
    line = f"{doubtful} of 24 values carry a note: {UNSURE}"
    assert line in spoken(open_compare(sweep="sweep-1", show="says", measure="expansion"))
    assert line in spoken(open_compare(group="num_inference_steps", measure="expansion"))
    assert "carry a note" not in spoken(open_compare(sweep="sweep-1", show="says", measure="seam"))


@pytest.mark.slow
def test_groups_and_the_sweeps_sentences_stand_on_one_page(page_store: Store) -> None:
    """Both let the measure be chosen: two controls with one key were an error."""
    frame = swept(page_store, uneven(np.random.default_rng(0)))
    at = open_compare(sweep="sweep-1", show="says", group="num_inference_steps", measure="expansion")
    assert at.selectbox(key="compare_measure_Measure").value == "expansion"
    grouped = at.dataframe[0].value
    means = frame.groupby("steps")["expansion"].mean()
    assert grouped["expansion_mean"].tolist() == pytest.approx(means.tolist())
    # Between 10 and 30 steps lie 0.5, and runs of one group differ by more than twice as much
    assert grouped["best_group"].tolist() == ["", "best", "best"]
    assert "Expansion: lower is better." in spoken(at)
    at.selectbox(key="compare_measure_groups").set_value("seam").run()
    assert not at.exception
    assert at.query_params["measure"] == "seam"
    assert at.selectbox(key="compare_measure_Measure").value == "seam"


def test_few_pairs_have_no_band_and_the_caption_says_why(page_store: Store) -> None:
    swept(page_store, uneven(np.random.default_rng(0)))
    page_store.metrics.forget([run_id(number) for number in range(8, 24)])
    few = open_compare(sweep="sweep-1", show="says", measure="expansion", axis="seed")
    assert "the mean of all runs; without an interval, since 2 pairs are too few, 6 are needed." in spoken(few)


def test_the_votes_sentence_and_chart_show_one_number_and_the_counts(page_store: Store) -> None:
    swept(page_store, lambda params: {"seam": 0.5})
    # Cells 0 to 3 have guidance 1, cells 4 to 7 guidance 4: seven wins, two losses, five ties
    winners = ["b"] * 7 + ["a"] * 2 + ["tie"] * 5
    for number, winner in enumerate(winners):
        page_store.opinions.add_vote(
            Vote(
                sweep_id="sweep-1",
                voter=f"voter {number}",
                run_a=run_id(number % 4),
                run_b=run_id(4 + number % 4),
                winner=winner,  # pyright: ignore[reportArgumentType]
            )
        )
    at = open_compare(sweep="sweep-1", show="vote", axis="guidance")
    at.toggle(key="vote_scores").set_value(True).run()
    share = (7 + 5 / 2 + 0.5) / (14 + 1)  # half a win and half a loss beside the votes
    said = spoken(at)
    assert f"4 wins {100 * share:.0f} % of the pairs with 1 (95 % interval " in said
    assert said.count("7 wins, 2 losses, 5 ties") == 1
    rows = pa.ipc.open_stream(at.get("vega_lite_chart")[0].proto.data.data).read_pandas()
    assert rows["value"].tolist() == ["4", "1"]
    assert rows["share"].tolist() == pytest.approx([100 * share, 100 - 100 * share])
    assert rows["counts"].tolist() == ["7 wins, 2 losses, 5 ties", "2 wins, 7 losses, 5 ties"]


def test_a_sweep_that_lacks_losers_calls_nothing_clear_or_best(page_store: Store) -> None:
    swept(page_store, uneven(np.random.default_rng(0)))
    at = open_compare(sweep="sweep-1", show="says", measure="expansion", axis="steps", against="guidance")
    assert "**Steps** :primary-badge[clear]" in spoken(at)
    page_store.deletion.delete([run_id(0), run_id(5)])
    for index in (0, 5):
        page_store.sweeps.stop_cell("sweep-1", index, "Its preview lags.")
    at = open_compare(sweep="sweep-1", show="says", measure="expansion", axis="steps", against="guidance")
    said = spoken(at)
    assert "2 cells of 24 were stopped early, because they looked like losers: of steps, 4 lacks 2 of 8" in said
    assert "**Steps** :gray-badge[cells missing]" in said
    assert "primary-badge[clear]" not in said
    assert "Nothing is called best" in said
    assert at.dataframe[-1].value.loc["Steps", "Expansion (% of picture)"] == "cells missing"
