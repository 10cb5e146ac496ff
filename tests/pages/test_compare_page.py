"""The table of the compare page: filter, order, groups, columns, opinions. Clicks on rows need a browser."""

import json
from datetime import timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bgen_core.metrics import MetricValue
from bgen_core.runs.links import thumbnail_url
from bgen_core.runs.run_columns import RUN_COLUMNS, run_column
from bgen_core.settings import load_settings
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import Store
from bgen_core.store.views import SavedView
from pages._ui.compare import run_table
from pages._ui.compare.table_headings import next_sort
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id
from tests.pages.compare_pages import address, as_read, button, open_compare, open_run, seeds, texts, viewed


def edit(at: AppTest, row: int, **changes: object) -> AppTest:
    """Change cells of the table as a browser does; AppTest of Streamlit 1.67 cannot by itself."""
    states = at._tree.get_widget_states()
    edits = {"edited_rows": {row: changes}, "added_rows": [], "deleted_rows": []}
    states.widgets.add(id=at.data_editor[0].proto.id, string_value=json.dumps(edits))
    at._run(states)
    assert not at.exception
    return at


def test_the_first_visit_says_what_goes_here(page_store: Store) -> None:
    at = open_compare()
    assert "appears here" in texts(at)
    assert [link.proto.label for link in at.get("page_link")] == ["Make the first pictures"]
    assert len(at.dataframe) == 0


def test_every_run_is_in_the_table_newest_first(page_store: Store) -> None:
    for number in range(3):
        commit(page_store, made_up_run(number))
    at = open_compare()
    assert seeds(at) == [2, 1, 0]
    assert "**3** runs" in texts(at)
    assert at.dataframe[0].value["thumbnail"].iloc[0] == thumbnail_url(page_store.runs.get(run_id(2)).image, 96)
    assert viewed(at) == {}


@pytest.fixture
def four_runs(page_store: Store) -> Store:
    """Seeds 0 to 3; 0 and 3 are a sweep."""
    for number, (prompt, changes) in enumerate(
        [
            ("a beach", {}),
            ("a forest", {}),
            ("a forest", {"subject_name": "Grace", "created": LONG_AGO + timedelta(days=2)}),
            ("a beach", {"model": "other", "created": LONG_AGO + timedelta(days=3)}),
        ]
    ):
        scheduler = "euler" if number == 1 else "ddim"
        params = {"prompt": prompt, "scheduler": scheduler, "guidance_scale": number}
        commit(page_store, made_up_run(number, params=params, **changes))
    page_store.sweeps.add(made_up_sweep(total=2), [run_id(0), run_id(3)])
    page_store.opinions.rate(run_id(1), 4)
    page_store.opinions.tag(run_id(2), ["print"])
    page_store.metrics.save(run_id(2), [MetricValue(name="seam", value=0.5, reason="", version=1)])
    page_store.metrics.save(run_id(0), [MetricValue(name="seam", value=0.25, reason="", version=1)])
    return page_store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "forest"}, [2, 1]),
        ({"q": "print"}, [2]),
        ({"f": "model:other"}, [3]),
        ({"f": ["model:other", "model:demo"], "q": "beach"}, [3, 0]),
        ({"f": ["guidance_scale:1..2", "rating:"]}, [2]),
        ({"f": "rating:4.."}, [1]),
        ({"f": "tags:print"}, [2]),
        ({"f": "created:2026-01-04T00:00+00:00..2026-01-05T00:00+00:00"}, [2]),
        ({"models": "other"}, [3]),
        ({"subjects": "Grace"}, [2]),
        ({"schedulers": "euler"}, [1]),
        ({"sweep": "sweep-1"}, [3, 0]),
        ({"sweep": "sweep-1", "q": "forest"}, None),
        ({"sweep": "gone"}, [3, 2, 1, 0]),
        ({"sort": "guidance_scale"}, [0, 1, 2, 3]),
        ({"sort": "-seam"}, [2, 0, 3, 1]),
        ({"sort": "thumbnails"}, [3, 2, 1, 0]),
        ({"f": "nonsense:1"}, [3, 2, 1, 0]),
        ({"page": "7"}, [3, 2, 1, 0]),
        ({"page": "x"}, [3, 2, 1, 0]),
    ],
)
def test_a_link_opens_the_view_that_it_holds(
    four_runs: Store, query: dict[str, str | list[str]], expected: list[int] | None
) -> None:
    at = open_compare(**query)
    if expected is None:
        assert "No run passes this filter" in texts(at)
    else:
        assert seeds(at) == expected
    assert ("No sweep is called 'gone'" in texts(at)) is (query.get("sweep") == "gone")
    assert [toast.value.partition(":")[0] for toast in at.toast] == (
        ["A part of this link was left out"]
        if query in ({"f": "nonsense:1"}, {"sort": "thumbnails"}, {"page": "7"}, {"page": "x"})
        else []
    )


def test_what_is_chosen_filters_the_table_and_stands_in_the_url(four_runs: Store) -> None:
    at = open_compare()
    at.text_input(key="compare_text").set_value(" beach ").run()
    assert seeds(at) == [3, 0]
    at.multiselect(key="compare_model").set_value(["demo"]).run()
    at.selectbox(key="compare_sweep").set_value("sweep-1").run()
    assert seeds(at) == [0]
    assert address(at) == {"q": "beach", "f": "model:demo", "sweep": "sweep-1"}
    button(at, "Clear filters").click().run()
    assert seeds(at) == [3, 2, 1, 0]
    assert address(at) == {}
    at.selectbox(key="compare_rating").set_value("none").run()
    assert address(at) == {"f": "rating:"}
    assert seeds(at) == [3, 2, 0]
    assert at.selectbox(key="compare_rating").value == "none"


def test_the_days_with_runs_are_offered_in_the_visitors_zone(four_runs: Store) -> None:
    at = open_compare()
    at.context = {"timezone": "Pacific/Auckland"}  # 13 hours ahead: the runs of 3 o'clock UTC are of the same day
    at.run()
    box = at.selectbox(key="compare_day")
    assert box.options[:3] == ["any day", "Mon 5 Jan 2026 · 1 run", "Sun 4 Jan 2026 · 1 run"]
    assert box.options[3] == "Fri 2 Jan 2026 · 2 runs"
    box.select_index(3).run()
    assert seeds(at) == [1, 0]
    assert address(at) == {"f": "created:2026-01-02T00:00+13:00..2026-01-03T00:00+13:00"}


def test_any_other_column_filters_too_and_each_filter_is_taken_away_with_a_click(four_runs: Store) -> None:
    at = open_compare(f="seed:0..2")
    at.selectbox(key="compare_other").set_value("guidance_scale").run()
    at.get_by_key("compare_few_guidance_scale").set_value(["1", "2"]).run()
    assert seeds(at) == [2, 1]
    active = at.get_by_key("compare_active")
    assert active.options == ["Seed 0 to 2 ×", "Guidance 1 or 2 ×"]
    active.set_value(["guidance_scale"]).run()
    assert address(at) == {"f": ["guidance_scale:1", "guidance_scale:2"]}


def test_what_is_measured_is_filtered_by_a_range_however_few_values_there_are(page_store: Store) -> None:
    third = 1 / 3  # of more digits than a short text has
    for number, value in enumerate((third, 0.5)):
        commit(page_store, made_up_run(number))
        page_store.metrics.save(run_id(number), [MetricValue(name="seam", value=value, reason="", version=1)])
    at = open_compare()
    at.selectbox(key="compare_other").set_value("seam").run()
    for end in ("low", "high"):
        at.number_input(key=f"compare_{end}_seam").set_value(third).run()
    assert seeds(at) == [0]


def test_a_long_number_is_filtered_by_as_it_is(page_store: Store) -> None:
    for number, seed in enumerate((12_345_678_901, 12_345_678_902)):
        commit(page_store, made_up_run(number, params={"seed": seed}))
    at = open_compare()
    at.selectbox(key="compare_other").set_value("seed").run()
    at.get_by_key("compare_few_seed").set_value(["12345678902"]).run()
    assert seeds(at) == [12_345_678_902]


@pytest.mark.slow
def test_a_range_that_holds_nothing_is_explained_and_what_was_typed_stays(page_store: Store) -> None:
    for number in range(16):
        commit(page_store, made_up_run(number))
    at = open_compare()
    at.selectbox(key="compare_other").set_value("seed").run()
    at.number_input(key="compare_low_seed").set_value(12.0).run()
    assert seeds(at) == [15, 14, 13, 12]
    at.number_input(key="compare_high_seed").set_value(3.0).run()
    assert "write the smaller one first" in texts(at)
    assert (at.number_input(key="compare_low_seed").value, at.number_input(key="compare_high_seed").value) == (12, 3)
    assert address(at) == {"f": "seed:12.."}
    at.number_input(key="compare_high_seed").set_value(13.0).run()
    assert seeds(at) == [13, 12]
    assert "smaller one" not in texts(at)


def test_a_sort_begins_with_the_best_and_covers_all_rows(four_runs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_table, "ROWS_PER_PAGE", 2)
    at = open_compare(page="2")
    at.selectbox(key="compare_sort").set_value("rating").run()
    assert address(at) == {"sort": "-rating"}
    assert seeds(at) == [1, 3]
    at.toggle(key="compare_falling").set_value(False).run()
    assert address(at) == {"sort": "rating"}


@pytest.mark.parametrize(
    ("name", "orders"),
    [
        ("seed", ["", "seed", "-seed", "", "seed"]),
        ("rating", ["", "-rating", "rating", ""]),  # first what is best
        ("seam", ["-rating", "seam", "-seam", ""]),
        ("permalink", ["-rating", "-rating"]),
    ],
)
def test_clicks_on_a_heading_go_through_the_orders(name: str, orders: list[str]) -> None:
    assert [next_sort(run_column(name), each) for each in orders[:-1]] == orders[1:]


@pytest.mark.parametrize("before", ["", "rating", "-rating", "seed"])
def test_a_headings_menu_gives_the_direction_that_it_says(before: str) -> None:
    asked = [next_sort(run_column("rating"), before, descending=descending) for descending in (False, True)]
    assert asked == ["rating", "-rating"]


def test_no_two_headings_read_the_same() -> None:
    labels = [column.label for column in RUN_COLUMNS]
    assert len(labels) == len(set(labels))


def test_the_sorted_column_is_marked_and_equal_runs_keep_their_order_over_all_pages(
    page_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_table, "ROWS_PER_PAGE", 3)
    for number in range(8):
        commit(page_store, made_up_run(number, params={"guidance_scale": float(number % 2)}))
    pages = [open_compare(sort="guidance_scale", cols="seed,guidance_scale", page=page) for page in ("1", "2")]
    assert [seeds(at) for at in pages] == [[6, 4, 2], [0, 7, 5]]
    shown = json.loads(pages[1].dataframe[0].proto.columns)
    assert [shown[name]["label"] for name in ("seed", "guidance_scale")] == ["Seed", "↑ Guidance"]


def test_a_long_table_comes_in_pages(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_table, "ROWS_PER_PAGE", 4)
    for number in range(10):
        commit(page_store, made_up_run(number))
    assert seeds(open_compare()) == [9, 8, 7, 6]
    at = open_compare(page="3", ids=f"{run_id(0)},{run_id(9)}")
    assert seeds(at) == [1, 0]
    assert at.dataframe[0].value["chosen"].tolist() == [False, True]
    assert [run["id"] for run in viewed(at)["runs"]] == [run_id(0), run_id(9)]


def test_columns_are_chosen_and_kept_in_the_link(four_runs: Store) -> None:
    at = open_compare(cols="seed,model,nonsense")
    assert list(at.dataframe[0].value.columns) == ["chosen", "seed", "model"]
    at.multiselect(key="compare_columns").set_value(["seed", "shadow"]).run()
    assert address(at) == {"cols": "seed,shadow"}
    button(at, "Usual columns").click().run()
    assert address(at) == {}
    assert [name for name in at.dataframe[0].value if name in run_table.USUAL_COLUMNS] == [*run_table.USUAL_COLUMNS]


def test_what_tells_the_rows_apart_is_a_column(four_runs: Store) -> None:
    others = set(open_compare().dataframe[0].value) - {"chosen", *run_table.USUAL_COLUMNS}
    assert others == {"scheduler", "subject", "model"}
    at = open_compare(q="beach")  # one scheduler, one subject, two models
    assert set(at.dataframe[0].value) - {"chosen", *run_table.USUAL_COLUMNS} == {"model"}
    at.multiselect(key="compare_columns").set_value([*at.multiselect(key="compare_columns").value, "shadow"]).run()
    assert {"model", "shadow"} < set(at.dataframe[0].value)


def test_several_runs_are_rated_and_tagged_at_once(four_runs: Store) -> None:
    four_runs.opinions.tag(run_id(1), ["old"])
    at = open_compare(ids=f"{run_id(1)},{run_id(2)}")
    at.button_group(key="give_rating").set_value(4)
    at.multiselect(key="give_tags").set_value(["print"])
    button(at, "Give to 2 chosen").click().run()
    assert not at.exception
    found = four_runs.opinions.of([run_id(1), run_id(2)])
    assert found == {
        run_id(1): Opinion(rating=4, tags=("old", "print"), mean_rating=4.0, raters=1),
        run_id(2): Opinion(rating=4, tags=("print",), mean_rating=4.0, raters=1),
    }
    assert four_runs.opinions.of([run_id(3)]) == {}


def test_a_run_that_was_deleted_meanwhile_takes_nothing_from_the_others(four_runs: Store) -> None:
    at = open_compare(ids=f"{run_id(1)},{run_id(2)}")
    at.button_group(key="give_rating").set_value(4)
    four_runs.deletion.delete([run_id(1)])
    button(at, "Give to 2 chosen").click().run()
    said = f"No run has the id {run_id(1)[:12]}: it was deleted meanwhile."
    assert [as_read(toast.value) for toast in at.toast] == [said]
    assert four_runs.opinions.of([run_id(2)])[run_id(2)].rating == 4


def test_a_sweep_whose_runs_are_deleted_is_not_offered(four_runs: Store) -> None:
    assert len(open_compare().selectbox(key="compare_sweep").options) == 2
    four_runs.deletion.delete([run_id(0), run_id(3)])
    assert open_compare().selectbox(key="compare_sweep").options == ["All sweeps"]


def test_a_group_shows_mean_and_spread(four_runs: Store) -> None:
    at = open_compare(group="prompt", measure="seam")
    groups = at.dataframe[0].value
    assert groups["prompt"].tolist() == ["a beach", "a forest"]
    assert groups["runs"].tolist() == [2, 2]
    assert groups["seam_mean"].tolist() == [0.25, 0.5]


def test_opinions_written_into_the_table_are_kept(four_runs: Store) -> None:
    at = open_compare()
    edit(at, 0, rating=5, tags=["web", "print"], notes=" good light ")
    assert four_runs.opinions.of([run_id(3)])[run_id(3)] == Opinion(
        rating=5, tags=("print", "web"), notes="good light", mean_rating=5.0, raters=1
    )
    assert at.dataframe[0].value[["rating", "notes"]].iloc[0].tolist() == [5, "good light"]
    edit(at, 0, rating=None)
    assert four_runs.opinions.of([run_id(3)])[run_id(3)].rating is None


def test_an_opinion_that_cannot_be_kept_is_explained(four_runs: Store) -> None:
    at = open_compare()
    edit(at, 1, tags=["a, b"])
    assert "The tag 'a, b' is not allowed" in texts(at)
    assert at.dataframe[0].value["tags"].tolist()[1] == ["print"]
    assert "The tag" not in texts(at.run())


def test_ticked_rows_are_chosen_in_their_order(four_runs: Store) -> None:
    at = open_compare(ids=run_id(2)[:12])
    edit(at, 3, chosen=True)
    assert at.query_params["ids"] == f"{run_id(2)[:12]},{run_id(0)[:12]}"
    edit(at, 1, chosen=False)
    assert at.query_params["ids"] == run_id(0)[:12]
    button(at, "Choose these 4").click().run()
    assert [run["id"] for run in viewed(at)["runs"]] == [run_id(number) for number in (0, 3, 2, 1)]
    button(at, "Clear choice").click().run()
    assert viewed(at) == {}
    assert address(at) == {}


@pytest.mark.slow
def test_a_view_is_saved_opened_and_forgotten(four_runs: Store) -> None:
    at = open_compare(q="beach", sort="-seam", ids=run_id(0))
    at.text_input(key="view_name").set_value("beaches")
    button(at, "Save this view").click().run()
    (saved,) = four_runs.views.all()
    assert (saved.name, saved.query) == ("beaches", {"q": "beach", "list": "table", "sort": "-seam"})
    at = open_compare()
    button(at, "beaches").click().run()
    assert address(at) == {"q": "beach", "sort": "-seam"}
    assert seeds(at) == [0, 3]
    at.button(key="think__beaches").click().run()
    assert len(four_runs.views.all()) == 1, "it asks first: views are everybody's"
    at.button(key="keep__beaches").click().run()
    at.button(key="think__beaches").click().run()
    at.button(key="forget__beaches").click().run()
    assert four_runs.views.all() == []


def test_a_views_column_that_is_not_known_any_more_is_said(four_runs: Store) -> None:
    """More runs than the view had would look like the view."""
    query = {"f": ["sharpness:0.5..", "model:other"], "sort": "-sharpness", "cols": "sharpness,seed"}
    four_runs.views.save(SavedView(name="sharp ones", query=query))
    at = open_compare()
    button(at, "sharp ones").click().run()
    assert address(at) == {"f": "model:other", "cols": "seed"}
    left_out = [as_read(toast.value) for toast in at.toast]
    assert len(left_out) == 3
    assert all(said.startswith("A part of this view was left out: ") and "sharpness" in said for said in left_out)
    at.run()
    assert not at.toast, "said once"


def test_a_view_without_a_name_is_not_saved(four_runs: Store) -> None:
    at = open_compare()
    button(at, "Save this view").click().run()
    assert "A view's name has 1 to 80 letters" in texts(at)
    assert four_runs.views.all() == []


def test_the_chosen_runs_are_deleted_after_a_question(four_runs: Store) -> None:
    at = open_compare(ids=f"{run_id(1)},{run_id(2)}")
    button(at, "Delete …").click().run()
    assert "2 runs, 4 pictures" in texts(at)
    assert "1 rating" in texts(at)
    assert len(four_runs.runs.select()) == 4
    at.button(key="delete_chosen").click().run()
    assert [run.id for run in four_runs.runs.select()] == [run_id(3), run_id(0)]
    assert seeds(at) == [3, 0]
    assert address(at) == {}


def test_chosen_runs_that_the_filter_hides_are_neither_deleted_nor_rated(four_runs: Store) -> None:
    at = open_compare(ids=",".join(run_id(number) for number in range(3)), q="forest")
    assert seeds(at) == [2, 1]
    at.get_by_key("give_rating").set_value(4)
    button(at, "Give to 2 chosen").click().run()
    assert {number: four_runs.opinions.of([run_id(number)])[run_id(number)].rating for number in (1, 2)} == {1: 4, 2: 4}
    button(at, "Delete …").click().run()
    assert "1 chosen run that the filter hides stays." in texts(at)
    at.button(key="delete_chosen").click().run()
    assert {run.id for run in four_runs.runs.select()} == {run_id(0), run_id(3)}
    assert at.query_params["ids"] in (run_id(0)[:12], [run_id(0)[:12]])  # still chosen


def test_new_runs_appear_without_a_restart(page_store: Store) -> None:
    commit(page_store, made_up_run(0))
    at = open_compare()
    commit(page_store, made_up_run(1))
    assert seeds(at.run()) == [1, 0]


def test_a_store_that_cannot_be_opened_is_a_sentence(page_store: Store) -> None:
    file = load_settings().home / "bgen.sqlite3"
    page_store.close()
    st.cache_resource.clear()
    kept = file.read_bytes()
    file.write_bytes(b"holiday photos " * 1000)
    for at in (open_compare(), open_run(id=run_id(0))):
        assert "it is not a database of this program" in texts(at)
    file.write_bytes(kept)
