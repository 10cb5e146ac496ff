"""Compare and the permalink page through AppTest. Clicks on rows need a browser: tests/browser has them."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from bgen_core.runs.links import thumbnail_url
from bgen_core.runs.png_metadata import parameters_text
from bgen_core.runs.store import Store, open_store
from bgen_core.settings import load_settings
from pages._ui import page_files, resources, run_table
from tests.runs.made_up import commit, made_up_run, made_up_sweep, run_id

SHELL = str(Path(page_files.COMPARE).parent / "_ui" / "shell.py")
SERIALIZABLE = "runner.enforceSerializableSessionState"


@pytest.fixture
def store() -> Iterator[Store]:
    # AppTest of Streamlit 1.67 keeps every `format_func` in the session state, where no lambda can be pickled.
    enforced = config.get_option(SERIALIZABLE)
    config.set_option(SERIALIZABLE, False)
    st.cache_resource.clear()
    with open_store(load_settings()) as store:
        yield store
    resources.store().close()
    st.cache_resource.clear()
    config.set_option(SERIALIZABLE, enforced)


def open_page(path: str, **query: str | list[str]) -> AppTest:
    at = AppTest.from_file(SHELL, default_timeout=30).run()
    at.switch_page(path)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def texts(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.subheader, at.code)
    return " ".join(str(element.value) for kind in kinds for element in kind)


def images(at: AppTest) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = []

    class Images(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "img":
                found.append(dict(attrs))

    for element in at.get("html"):
        Images().feed(element.proto.body)
    return found


def seeds(at: AppTest) -> list[int]:
    return at.dataframe[0].value["seed"].tolist()


def tables(at: AppTest) -> list[dict[str, list[str]]]:
    return [
        {str(name): [str(value) for value in row] for name, row in table.value.T.to_dict("list").items()}
        for table in at.table
    ]


def test_the_first_visit_says_what_goes_here(store: Store) -> None:
    at = open_page(page_files.COMPARE)
    assert "appears here" in texts(at)
    assert [link.proto.label for link in at.get("page_link")] == ["Make the first pictures"]
    assert len(at.dataframe) == 0


def test_every_run_is_in_the_table_newest_first(store: Store) -> None:
    for number in range(3):
        commit(store, made_up_run(number))
    at = open_page(page_files.COMPARE)
    assert seeds(at) == [2, 1, 0]
    assert "**3** runs" in texts(at)
    assert at.dataframe[0].value["thumbnail"][0] == thumbnail_url(store.get_run(run_id(2)).image, 96)
    assert images(at) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "forest"}, [2, 1]),
        ({"models": "other"}, [3]),
        ({"models": ["other", "demo"], "q": "beach"}, [3, 0]),
        ({"subjects": "Grace"}, [2]),
        ({"schedulers": "euler"}, [1]),
        ({"sweep": "sweep-1"}, [3, 0]),
        ({"sweep": "sweep-1", "q": "forest"}, None),
        ({"sweep": "gone"}, [3, 2, 1, 0]),
        ({"page": "7"}, [3, 2, 1, 0]),
        ({"page": "x"}, [3, 2, 1, 0]),
    ],
)
def test_a_link_opens_the_filter_that_it_holds(
    store: Store, query: dict[str, str | list[str]], expected: list[int] | None
) -> None:
    for number, (prompt, changes) in enumerate(
        [
            ("a beach", {}),
            ("a forest", {}),
            ("a forest", {"subject_name": "Grace"}),
            ("a beach", {"model": "other"}),
        ]
    ):
        params = {"prompt": prompt, "scheduler": "euler" if number == 1 else "ddim"}
        commit(store, made_up_run(number, params=params, **changes))
    store.add_sweep(made_up_sweep(total=2), [run_id(0), run_id(3)])
    at = open_page(page_files.COMPARE, **query)
    if expected is None:
        assert "No run passes this filter" in texts(at)
    else:
        assert seeds(at) == expected
    assert ("No sweep is called 'gone'" in texts(at)) is (query.get("sweep") == "gone")


def test_what_is_typed_filters_the_table_and_stands_in_the_url(store: Store) -> None:
    for number in range(3):
        commit(store, made_up_run(number, params={"prompt": f"prompt {number}"}))
    store.add_sweep(made_up_sweep(total=1), [run_id(2)])
    at = open_page(page_files.COMPARE)
    at.text_input(key="compare_text").set_value(" prompt 2 ").run()
    assert seeds(at) == [2]
    at.multiselect(key="compare_models").set_value(["demo"]).run()
    at.selectbox(key="compare_sweep").set_value("sweep-1").run()
    assert seeds(at) == [2]
    assert at.query_params == {"q": "prompt 2", "models": "demo", "sweep": "sweep-1"}
    at.text_input(key="compare_text").set_value("").run()
    at.multiselect(key="compare_models").set_value([]).run()
    at.selectbox(key="compare_sweep").set_value("").run()
    assert seeds(at) == [2, 1, 0]
    assert at.query_params == {}


def test_a_long_table_comes_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_table, "ROWS_PER_PAGE", 4)
    for number in range(10):
        commit(store, made_up_run(number))
    assert seeds(open_page(page_files.COMPARE)) == [9, 8, 7, 6]
    at = open_page(page_files.COMPARE, page="3", ids=f"{run_id(0)},{run_id(9)}")
    assert seeds(at) == [1, 0]
    assert len(images(at)) == 2


def test_chosen_runs_stand_side_by_side_with_what_differs(store: Store) -> None:
    prompt = "a [link](x) *b* $c$ :red[d] <b>|\n# e"
    for number in range(3):
        commit(store, made_up_run(number, params={"prompt": prompt, "guidance_scale": 3 + number / 2}))
    at = open_page(page_files.COMPARE, ids=f"{run_id(2)},{run_id(0)[:12]}")
    assert at.query_params == {"ids": f"{run_id(2)[:12]},{run_id(0)[:12]}"}
    shown = images(at)
    assert [image["src"] for image in shown] == [
        thumbnail_url(store.get_run(run_id(number)).image, 1024) for number in (2, 0)
    ]
    assert shown[0]["alt"] == f"Ada before “{prompt}”: 20 steps, guidance 4, seed 2, ddim, demo"
    differing, same = tables(at)
    assert differing == {"Guidance": ["4", "3"], "Seed": ["2", "0"]}
    assert same["Prompt"] == [r"a \[link\]\(x\) \*b\* \$c\$ \:red\[d\] \<b\>\| \# e"]
    assert ":primary-badge[Guidance 4]" in texts(at)
    downloads = [link.proto.url for link in at.get("link_button")]
    assert downloads[0].startswith(f"/i/{store.get_run(run_id(2)).image}.png?download=Ada_20-steps_guidance-4_seed-2_")


def test_the_choice_can_be_cleared(store: Store) -> None:
    for number in range(2):
        commit(store, made_up_run(number))
    at = open_page(page_files.COMPARE, ids=f"{run_id(0)},{run_id(1)}")
    next(button for button in at.button if button.label == "Clear").click().run()
    assert images(at) == []
    assert at.query_params == {}


@pytest.mark.parametrize(
    ("ids", "pictures", "sentence"),
    [
        (run_id(0), 1, "Choose another row to compare"),
        (f"{run_id(0)},{run_id(0)}", 1, "Choose another row to compare"),
        (f"{run_id(0)},{'f' * 64}", 1, "No run has the id ffff"),
        (f"{run_id(0)},zzz,{run_id(1)}", 2, "'zzz' is not a run's id"),
        (",".join(run_id(number) for number in range(14)), 12, "14 are chosen: the first 12 are shown"),
    ],
)
def test_a_link_with_other_than_two_runs_still_opens(store: Store, ids: str, pictures: int, sentence: str) -> None:
    for number in range(14):
        commit(store, made_up_run(number))
    at = open_page(page_files.COMPARE, ids=ids)
    assert len(images(at)) == pictures
    assert sentence in texts(at)


def test_new_runs_appear_without_a_restart(store: Store) -> None:
    commit(store, made_up_run(0))
    at = open_page(page_files.COMPARE)
    commit(store, made_up_run(1))
    assert seeds(at.run()) == [1, 0]


def test_one_run_on_its_own_page(store: Store) -> None:
    run = commit(store, made_up_run(7, subject_name="Ada *at* sea"))
    store.add_sweep(made_up_sweep(total=1), [run.id])
    at = open_page(page_files.RUN, id=run.id[:12])
    (image,) = images(at)
    assert image["src"] == thumbnail_url(run.image, 1024)
    parameters, provenance = tables(at)
    assert parameters["Subject"] == [r"Ada \*at\* sea"]
    assert parameters["Guidance"] == ["3"]
    assert provenance["Denoise \\(s\\)"] == ["1\\.5"]
    assert provenance["Library versions"] == [r"diffusers 0\.42\.1\, torch 2\.13\.0"]
    assert at.code[0].value == parameters_text(run)
    made = re.compile(r"Sweep of \d\d \w+, \d\d:\d\d: ")  # when: sweeps of one prompt are told apart by it
    links = {made.sub("Sweep: ", link.proto.label): link.proto.query_string for link in at.get("page_link")}
    assert links == {
        "Compare": f"ids={run.id}",
        "Sweep: steps × guidance": "id=sweep-1",
    }
    assert [button.label for button in at.button] == ["Use as base"]
    at.segmented_control[0].set_value("Model's own output").run()
    assert [image["src"] for image in images(at)] == [thumbnail_url(run.raw, 1024)]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "No run is named in this link"),
        ({"id": "nonsense"}, "'nonsense' is not a run's id"),
        ({"id": "f" * 64}, "No run has the id"),
    ],
)
def test_a_link_to_no_run_leads_to_all_runs(store: Store, query: dict[str, str], sentence: str) -> None:
    at = open_page(page_files.RUN, **query)
    assert sentence in texts(at)
    assert [link.proto.label for link in at.get("page_link")] == ["All runs"]


def test_a_store_that_cannot_be_opened_is_a_sentence(store: Store) -> None:
    file = load_settings().home / "bgen.sqlite3"
    store.close()
    st.cache_resource.clear()
    kept = file.read_bytes()
    file.write_bytes(b"holiday photos " * 1000)
    for path, query in ((page_files.COMPARE, {}), (page_files.RUN, {"id": run_id(0)})):
        assert "it is not a database of this program" in texts(open_page(path, **query))
    file.write_bytes(kept)
