"""Below the table: chosen runs beside each other, what the sweep says, blind votes. Zoom and keys need a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from bgen_core.ids import SweepId
from bgen_core.metrics import METRICS, MetricValue
from bgen_core.runs.links import picture_url, thumbnail_url
from bgen_core.runs.wide_table import run_table
from bgen_core.store.opinions import Vote
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.compare.sweep_findings.sweep_frame import sweep_frame
from tests.made_up import commit, made_up_run, made_up_sweep, run_id
from tests.pages.compare_pages import (
    address,
    as_read,
    button,
    images,
    open_compare,
    open_link,
    seeds,
    tables,
    texts,
    viewed,
)


def measure(store: Store, number: int, **values: float) -> None:
    versions = {metric.name: metric.version for metric in METRICS}
    measured = [
        MetricValue(name=name, value=value, reason="", version=versions.get(name, 1)) for name, value in values.items()
    ]
    store.metrics.save(run_id(number), measured)


def test_chosen_runs_stand_side_by_side_with_what_differs(page_store: Store) -> None:
    prompt = "a [link](x) *b* $c$ :red[d] <b>|\n# e"
    for number in range(3):
        commit(page_store, made_up_run(number, params={"prompt": prompt, "guidance_scale": 3 + number / 2}))
    measure(page_store, 0, seam=0.25, detail=4.0)
    measure(page_store, 2, seam=0.5, detail=4.0)
    at = open_compare(ids=f"{run_id(2)},{run_id(0)[:12]}")
    assert "Guidance 4 | 3 · Seed 2 | 0 · Seam 0.500 | 0.250" in texts(at)
    assert address(at) == {"ids": f"{run_id(2)[:12]},{run_id(0)[:12]}"}
    shown = viewed(at)["runs"]
    blobs = [page_store.runs.get(run_id(number)).image for number in (2, 0)]
    assert [run["small"] for run in shown] == [thumbnail_url(blob, 1024) for blob in blobs]
    assert [run["full"] for run in shown] == [picture_url(blob) for blob in blobs]
    assert shown[0]["alt"] == f"Ada before “{prompt}”: 20 steps, guidance 4, seed 2, ddim, demo"
    badges = [[badge["text"] for badge in run["badges"]] for run in shown]
    assert badges == [["Guidance 4", "Seed 2"], ["Guidance 3", "Seed 0"]]
    assert [run["best"] for run in shown] == ["", "Best seam: 0.250"]
    differing, measured, same = tables(at)
    assert differing == {"Guidance": ["4", "3"], "Seed": ["2", "0"]}
    assert measured == {"Seam": [r"0\.500", r":green-badge[0\.250]"]}
    assert same["Prompt"] == [r"a \[link\]\(x\) \*b\* \$c\$ \:red\[d\] \<b\>\| \# e"]
    assert same[r"Background detail \(levels\/px\)"] == [r"4\.00"]


@pytest.mark.slow
@pytest.mark.parametrize("panel", ["slider", "flicker", "difference"])
def test_a_link_opens_the_way_of_comparing_and_its_pair(page_store: Store, panel: str) -> None:
    for number in range(3):
        commit(page_store, made_up_run(number))
    ids = ",".join(run_id(number) for number in range(3))
    at = open_compare(ids=ids, show=panel, pair="CA")
    assert (viewed(at)["mode"], viewed(at)["pair"]) == (panel, [2, 0])
    assert open_compare(ids=ids, show=panel, pair="LA").query_params["pair"] == "LA"  # of another choice: not shown
    assert viewed(open_compare(ids=ids, show=panel, pair="LA"))["pair"] == [0, 1]
    at.get_by_key("compare_panel").set_value("side").run()
    assert viewed(at)["mode"] == "side"
    assert "show" not in at.query_params


def test_a_link_opens_where_the_pictures_are_looked_at_until_others_are_chosen(page_store: Store) -> None:
    for number in range(3):
        commit(page_store, made_up_run(number))
    at = open_compare(ids=f"{run_id(0)},{run_id(1)}", at="0.25,0.75,3.05")
    assert viewed(at)["at"] == "0.25,0.75,3.05"
    at.get_by_key("compare_panel").set_value("slider").run()
    assert (at.query_params["at"], viewed(at)["at"]) == ("0.25,0.75,3.05",) * 2
    at.query_params["at"] = "0.5,0.5,2"  # the browser has moved meanwhile
    at.get_by_key("compare_panel").set_value("side").run()
    assert viewed(at)["at"] == "0.5,0.5,2"
    button(at, "Clear choice").click().run()
    assert "at" not in at.query_params


def test_who_votes_sees_no_parameters(swept: Store) -> None:
    at = open_compare(sweep="sweep-1", show="vote", axis="steps", ids=run_id(1))
    assert len(at.dataframe) == 0
    assert "the runs with their parameters are hidden while you vote" in texts(at)
    at.get_by_key("compare_panel").set_value("side").run()
    assert len(seeds(at)) == 23


@pytest.mark.parametrize(
    ("ids", "pictures", "sentence"),
    [
        (run_id(0), 1, "Tick another run to compare"),
        (f"{run_id(0)},{run_id(0)}", 1, "Tick another run to compare"),
        (f"{run_id(0)},{'f' * 64}", 1, "1 of 2 chosen runs is not there any more"),
        (f"{run_id(0)},zzz,{run_id(1)}", 2, "'zzz' is not a run's id"),
        (",".join(run_id(number) for number in range(14)), 12, "14 are chosen: the first 12 are shown"),
    ],
)
def test_a_link_with_other_than_two_runs_still_opens(page_store: Store, ids: str, pictures: int, sentence: str) -> None:
    for number in range(14):
        commit(page_store, made_up_run(number))
    at = open_link(ids=ids, show="difference")
    assert len(viewed(at)["runs"]) == pictures
    assert sentence in texts(at)


AXES = (
    Axis(name="steps", values=(10, 20, 30)),
    Axis(name="replace", values=("beach", "beach", "forest")[1:]),
    Axis(name="seed", values=(1, 2, 3, 4)),
)


@pytest.fixture
def swept(page_store: Store) -> Store:
    """24 cells, the last not made. Expansion falls with the steps; steps cost time; seed 3 has the best seam."""
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=AXES)
    for cell in list(plan.cells())[:-1]:
        record = made_up_run(
            cell.index, params=cell.params.to_json(), seconds={"denoise": cell.params.num_inference_steps / 10}
        )
        commit(page_store, record)
        seed, steps = cell.params.seed, cell.params.num_inference_steps
        measure(
            page_store, cell.index, expansion=40 / steps + seed / 100, seam=abs(seed - 3), seconds_denoise=steps / 10
        )
    ids = [run_id(number) for number in range(24)]
    page_store.sweeps.add(made_up_sweep("sweep-1", cells=ids, plan=plan.to_json(), state="done"), ids)
    return page_store


def test_the_cells_of_a_sweep_have_a_place_on_each_axis(swept: Store) -> None:
    frame = sweep_frame(run_table(swept), swept, swept.sweeps.get("sweep-1"))
    assert [axis.name for axis in frame.axes] == ["steps", "replace", "seed"]
    assert len(frame.cells) == 23
    assert frame.cells["replace"].tolist()[:8] == ["beach"] * 4 + ["forest"] * 4
    assert frame.cells["steps"].tolist()[::8] == [10, 20, 30]
    assert frame.cells["seconds"].tolist()[::8] == [1, 2, 3]
    assert {"expansion", "seam", "seconds"} <= set(frame.cells.columns)


@pytest.mark.slow
def test_what_the_sweep_says_is_a_sentence_for_each_axis_charts_and_the_best(swept: Store) -> None:
    at = open_compare(sweep="sweep-1", show="says", measure="expansion", axis="steps", against="seed")
    said = texts(at)
    assert "**Steps** :primary-badge[clear] Expansion falls by 2.67 % of picture" in said
    assert "No difference in expansion between the values of Replace: it is the same at each of them" in said
    assert "Steps 30 takes 3 times as long as 10" in said
    assert "expansion falls by 2.67 % of picture" in said
    assert len(at.get("vega_lite_chart")) == 2
    best = tables(at)[-1]
    assert [row[0] for row in best.values()] == ["1", "2", "3", "4"]
    assert {row[1] for row in best.values()} == {"**30**"}
    at.selectbox(key="compare_second").set_value(1).run()
    assert at.query_params["ends"] == "0-1"
    assert "Steps 20 takes 2 times as long as 10" in texts(at)
    at.selectbox(key="compare_measure_Measure").set_value("seam").run()
    at.selectbox(key="compare_axis").set_value("seed").run()
    assert "5 pairs are too few" in texts(at)  # it claims no more than the runs show, although seed 3 is always best
    assert at.query_params["axis"] == "seed"
    assert "ends" not in at.query_params  # they were steps


def left_out(at: AppTest) -> list[str]:
    return [as_read(str(toast.value)).removeprefix("A part of this link was left out: ") for toast in at.toast]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ({"page": "9", "show": "slider"}, ["page “9” is not there: the last one is 1."]),
        ({"pair": "AC", "ids": f"{run_id(0)},{run_id(1)}"}, ["pair “AC” names more than the 2 chosen pictures."]),
        (
            {"show": "says", "axis": "strength", "against": "shadow", "measure": "clip_score"},
            [
                "measure “clip_score” is on none of these runs.",
                "axis “strength” is not varied in this sweep.",
                "against “shadow” is not varied in this sweep.",
            ],
        ),
        (
            {"show": "says", "axis": "steps", "against": "steps", "measure": "expansion", "ends": "0-7"},
            ["against “steps” is the axis itself.", "ends “0-7” is beyond the 3 values of steps."],
        ),
        ({"show": "vote", "axis": "model", "sweep": "gone"}, ["sweep “gone” is not known.", "axis “model” is"]),
    ],
)
def test_what_a_link_asks_for_and_the_runs_do_not_have_is_said_once(
    swept: Store, query: dict[str, str], sentences: list[str]
) -> None:
    at = open_link(**{"sweep": "sweep-1"} | query)
    said = left_out(at)
    assert [text[: len(sentence)] for text, sentence in zip(said, sentences, strict=True)] == sentences
    at.run()
    assert left_out(at) == []


@pytest.mark.slow
def test_without_a_sweep_in_view_the_one_of_the_chosen_runs_is_asked(swept: Store) -> None:
    swept.sweeps.add(made_up_sweep("newer", cells=[run_id(0)], plan=swept.sweeps.get("sweep-1").plan), [run_id(0)])
    at = open_compare(show="says", ids=run_id(5))
    assert at.selectbox(key="compare_asked_sweep").value == "sweep-1"
    assert "sweep" not in at.query_params
    assert open_compare(show="says").selectbox(key="compare_asked_sweep").value == "newer"
    at.selectbox(key="compare_asked_sweep").set_value("newer").run()
    assert at.query_params["sweep"] == "newer"
    assert seeds(at) == [1]


@pytest.mark.parametrize(
    ("axes", "metrics", "sentence"),
    [
        ((), {"seam": 1.0}, "This sweep varies nothing"),
        ((Axis(name="seed", values=(0, 1)),), {}, "it is 912 MB in both runs."),
    ],
)
def test_a_sweep_that_says_nothing_is_explained(
    page_store: Store, axes: tuple[Axis, ...], metrics: dict[str, float], sentence: str
) -> None:
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    for cell in plan.cells():
        commit(page_store, made_up_run(cell.index, seconds={}))
        measure(page_store, cell.index, **metrics)
    ids = [run_id(number) for number in range(len(plan))]
    page_store.sweeps.add(made_up_sweep("sweep-1", cells=ids, plan=plan.to_json()), ids)
    at = open_compare(sweep="sweep-1", show="says")
    assert sentence in texts(at)


def test_runs_without_a_sweep_are_led_to_one(page_store: Store) -> None:
    commit(page_store, made_up_run(0))
    for panel in ("says", "vote"):
        assert "These runs belong to no sweep" in texts(open_compare(show=panel))


@pytest.mark.slow
def test_votes_are_blind_kept_per_voter_and_turned_into_scores(swept: Store) -> None:
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    seen: set[frozenset[str]] = set()
    for turn in range(6):
        pictures = images(at)
        assert [picture["alt"] for picture in pictures] == ["Picture 1 (left)", "Picture 2 (right)"]
        blobs = [str(picture["src"]).split("/")[-1].split(".")[0] for picture in pictures]
        runs = [next(run for run in swept.runs.select() if run.image == blob) for blob in blobs]
        assert runs[0].params.seed == runs[1].params.seed
        assert runs[0].params.num_inference_steps != runs[1].params.num_inference_steps
        seen.add(frozenset(blobs))
        more_steps_left = runs[0].params.num_inference_steps > runs[1].params.num_inference_steps
        at.button(key="vote_a" if more_steps_left else "vote_b").click().run()
        votes = swept.opinions.votes_of("sweep-1")
        assert len(votes) == turn + 1
        assert {votes[-1].run_a, votes[-1].run_b} == {run.id for run in runs}
    assert len(seen) == 6
    assert len({vote.voter for vote in votes}) == 1
    assert "6 votes by 1 voter on this sweep; 6 by you" in texts(at)
    assert "wins" not in texts(at)
    at.toggle(key="vote_scores").set_value(True).run()
    assert "Steps" in texts(at)
    assert "wins" in texts(at)
    assert len(at.get("vega_lite_chart")) == 1
    assert [each.label for each in at.button if each.key and each.key.startswith("vote_")] == [
        "Left is better", "No difference", "Right is better"
    ]  # fmt: skip
    assert button(at, "No difference").proto.shortcut == "0"


def prefer(store: Store, better: str, worse: str, seeds: tuple[int, ...], count: int) -> None:
    """Votes of so many people, each of whom prefers one number of steps on one seed."""
    runs = {(str(run.params.num_inference_steps), run.params.seed): run for run in store.runs.select()}
    for number in range(count):
        seed = seeds[number % len(seeds)]
        pair = [runs[better, seed].id, runs[worse, seed].id]
        if number % 2:
            pair.reverse()
        store.opinions.add_vote(
            Vote(sweep_id="sweep-1", voter=f"v{number}", run_a=pair[0], run_b=pair[1], winner="ab"[number % 2])  # pyright: ignore
        )


def scores(at: AppTest) -> str:
    return texts(at.toggle(key="vote_scores").set_value(True).run()).replace("\\", "")


@pytest.mark.slow
def test_votes_end_in_a_sentence_that_says_one_may_stop(swept: Store) -> None:
    prefer(swept, "30", "10", (1, 2, 4), 14)
    prefer(swept, "30", "20", (1, 2), 14)
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    assert "by 14 voters on this sweep; 0 by you. You may stop: each other value loses to another one." in texts(at)
    assert "preferred" not in texts(at), "blind"
    said = scores(at)
    assert "Steps 30 is preferred: it wins " in said
    assert "28 wins, 0 losses, 0 ties, on pictures of 3 seeds." in said


@pytest.mark.slow
def test_on_one_seed_the_votes_are_about_these_pictures(swept: Store) -> None:
    prefer(swept, "30", "10", (1,), 14)
    prefer(swept, "30", "20", (1,), 14)
    said = scores(open_compare(sweep="sweep-1", show="vote", axis="steps"))
    assert "No clear preference between the values of Steps, for all pictures have one seed: of these" in said
    assert "since another seed may turn it round. Paint more seeds." in said


def test_a_picture_that_is_deleted_while_somebody_votes_is_a_sentence(swept: Store) -> None:
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    shown = {str(picture["src"]).split("/")[-1].split(".")[0] for picture in images(at)}
    gone = next(run for run in swept.runs.select() if run.image in shown)
    swept.deletion.delete([gone.id])
    at.button(key="vote_a").click().run()
    assert "One of the two pictures was deleted meanwhile: this vote does not count." in texts(at)
    assert swept.opinions.votes_of("sweep-1") == []
    assert gone.image not in {str(picture["src"]).split("/")[-1].split(".")[0] for picture in images(at)}
    at.button(key="vote_a").click().run()
    assert len(swept.opinions.votes_of("sweep-1")) == 1


def test_a_question_is_decided_with_what_the_votes_said_then(swept: Store) -> None:
    prefer(swept, "30", "10", (1, 2, 4), 14)
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    assert not [each for each in at.text_area if each.label == "Decision"], "blind: not before the scores are shown"
    at.toggle(key="vote_scores").set_value(True).run()
    at.text_input(key="sweep_question_sweep-1").set_value("which *steps*?")
    at.text_area(key="sweep_decision_sweep-1").set_value("30 steps")
    button(at, "Keep").click().run()
    found = swept.decisions.of("sweep-1")
    assert (found.question, found.decision) == ("which *steps*?", "30 steps")
    assert found.evidence.startswith("No clear preference between the values of Steps: 30 wins ")
    said = texts(at)
    assert "**which *steps*?**" in said, "as it was typed: no Markdown"
    assert "**30 steps**" in said
    prefer(swept, "30", "20", (1, 2, 4), 14)
    assert swept.decisions.of("sweep-1") == found, "what was said then stays"


def test_another_sweeps_question_and_decision_are_not_written_over(swept: Store) -> None:
    sweep = swept.sweeps.get(SweepId("sweep-1"))
    cells = [cell.run_id for cell in swept.sweeps.cells(sweep.id)]
    swept.sweeps.add(made_up_sweep("sweep-2", cells=cells, plan=sweep.plan, title="another"), cells)
    for number in (1, 2):
        swept.decisions.ask(SweepId(f"sweep-{number}"), f"question {number}?")
        swept.decisions.decide(SweepId(f"sweep-{number}"), f"decision {number}", evidence="votes")
    before = [swept.decisions.of(SweepId(f"sweep-{number}")) for number in (1, 2)]
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    at.toggle(key="vote_scores").set_value(True).run()
    at.selectbox(key="compare_asked_sweep").set_value("sweep-2").run()
    assert next(each.value for each in at.text_input if each.label == "Question") == "question 2?"
    assert next(each.value for each in at.text_area if each.label == "Decision") == "decision 2"
    button(at, "Keep").click().run()
    assert [swept.decisions.of(SweepId(f"sweep-{number}")) for number in (1, 2)] == before


def test_a_question_that_is_changed_leaves_what_another_tab_has_decided_meanwhile(swept: Store) -> None:
    swept.decisions.ask(SweepId("sweep-1"), "which steps?")
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    at.toggle(key="vote_scores").set_value(True).run()
    swept.decisions.decide(SweepId("sweep-1"), "30 steps", evidence="votes")
    at.run()
    at.text_input(key="sweep_question_sweep-1").set_value("which number of steps?")
    button(at, "Keep").click().run()
    kept = swept.decisions.of(SweepId("sweep-1"))
    assert (kept.question, kept.decision, kept.evidence) == ("which number of steps?", "30 steps", "votes")
    assert at.text_area(key="sweep_decision_sweep-1").value == "30 steps"
    swept.decisions.ask(SweepId("sweep-1"), "which is sharp?")
    at.text_area(key="sweep_decision_sweep-1").set_value("")
    button(at, "Keep").click().run()
    kept = swept.decisions.of(SweepId("sweep-1"))
    assert (kept.question, kept.decision) == ("which is sharp?", "")


def test_where_nothing_differs_in_one_axis_alone_there_is_nothing_to_vote_about(swept: Store) -> None:
    """Each number of steps is left with a seed of its own."""
    kept = {(10, 1), (20, 2), (30, 3)}
    gone = [run.id for run in swept.runs.select() if (run.params.num_inference_steps, run.params.seed) not in kept]
    swept.deletion.delete(gone)
    at = open_compare(sweep="sweep-1", show="vote", axis="steps")
    assert "No two pictures here differ in steps alone: there is nothing to vote about." in texts(at)


def test_a_link_with_chosen_runs_opens_on_the_pictures_and_the_list_is_a_click_away(page_store: Store) -> None:
    for number in range(3):
        commit(page_store, made_up_run(number))
    at = open_link(ids=f"{run_id(0)},{run_id(1)}")
    assert (len(viewed(at)["runs"]), len(at.dataframe)) == (2, 0)
    button(at, "Show the list").click().run()
    assert (len(viewed(at)["runs"]), len(seeds(at))) == (2, 3)
    button(at, "Fold").click().run()
    assert len(at.dataframe) == 0


def test_the_others_are_measured_against_the_baseline(page_store: Store) -> None:
    for number, seam in enumerate((0.5, 0.25, 0.75)):
        commit(page_store, made_up_run(number))
        measure(page_store, number, seam=seam)
    ids = [run_id(number) for number in range(3)]
    at = open_compare(ids=",".join(ids), base=ids[1][:12])
    assert [run["baseline"] for run in viewed(at)["runs"]] == [False, True, False]
    (seam,) = [table["Seam"] for table in tables(at) if "Seam" in table]
    assert [as_read(text) for text in seam] == ["0.500 (+0.250)", ":green-badge[0.250]", "0.750 (+0.500)"]
    assert at.dataframe[0].value["seam apart"].tolist() == [0.5, 0.0, 0.25]  # the newest first
    at.selectbox(key="compare_baseline").set_value(ids[0]).run()
    assert at.query_params["base"] == ids[0][:12]
    at.selectbox(key="compare_baseline").set_value("").run()
    assert "base" not in at.query_params
