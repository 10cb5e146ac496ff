import pytest

from bgen_core.runs.run_filter import Condition
from pages._ui.compare.compare_view import CompareView, unread_conditions, unread_values
from tests.made_up import run_id

EVERYTHING = CompareView(
    text="a beach",
    conditions=(
        Condition(column="prompt", piece="a: b & c=d | e"),
        Condition(column="created", piece="2026-01-02T00:00+13:00..2026-01-03T00:00+13:00"),
        Condition(column="rating", piece=""),
    ),
    sweep="abc_-",
    sort="-expansion",
    columns=("seed", "shadow"),
    group="model",
    measure="seam",
    page=3,
    ids=(run_id(1)[:12], run_id(2)[:12]),
    panel="flicker",
    pair=(2, 0),
    axis="mask-grow",
    against="seed",
    ends=(1, 0),
    at="0.25,0.7512,3.05",
)


def asked(view: CompareView) -> CompareView:
    """The view as it comes back from its address."""
    query = view.to_query()
    return CompareView.from_query({name: [text] if isinstance(text, str) else text for name, text in query.items()})


def test_the_whole_view_stands_in_the_address() -> None:
    assert asked(EVERYTHING) == EVERYTHING
    assert set(EVERYTHING.to_query()) == {
        *(
            "q",
            "f",
            "sweep",
            "sort",
            "cols",
            "group",
            "measure",
            "page",
            "ids",
            "show",
            "pair",
            "axis",
            "against",
            "ends",
            "at",
        )
    }


def test_the_usual_view_has_a_bare_address() -> None:
    assert CompareView().to_query() == {}
    assert asked(CompareView()) == CompareView()


@pytest.mark.parametrize(
    "query",
    [
        {"page": ["0"]},
        {"page": ["-1"]},
        {"page": ["9" * 5000]},
        {"sort": ["--seed"]},
        {"sort": ["steps"]},
        {"cols": ["a,b"]},
        {"group": ["nothing"]},
        {"measure": ["beauty"]},
        {"show": ["all"]},
        {"pair": ["A"]},
        {"pair": ["AA"]},
        {"pair": ["AZ"]},
        {"pair": ["ABC"]},
        {"pair": ["AAB"]},
        {"ends": ["1"]},
        {"ends": ["1-1"]},
        {"ends": ["1-" + "9" * 5000]},
        {"ends": ["x-2"]},
        {"f": ["seed:abc", "nothing:1", "thumbnail:x", "created:today", "seed"]},
        {"somebody": ["else's"]},
    ],
)
def test_what_cannot_be_read_is_left_out(query: dict[str, list[str]]) -> None:
    view = CompareView.from_query(query)
    assert view == (CompareView(conditions=(Condition(column="seed", piece=""),)) if "f" in query else CompareView())


def test_what_was_left_out_of_a_filter_is_said() -> None:
    said = unread_conditions({"f": ["seed:abc", "model:demo", "nothing:1"]})
    assert [sentence[:24] for sentence in said] == ["'abc' is not a range of ", "column 'nothing' is not "]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sort", "-colour", "sort “-colour” is not known."),
        ("sort", "thumbnail", "sort “thumbnail” is not known."),
        ("group", "created", "group “created” is not known."),
        ("measure", "prompt", "measure “prompt” is not known."),
        ("group", "x", "group “x” is not known."),
        ("measure", "x" * 99, f"measure “{'x' * 40}…” is not known."),
        ("page", "0", "page “0” is not known."),
        ("show", "film", "show “film” is not known."),
        ("pair", "AA", "pair “AA” is not known."),
        ("ends", "1", "ends “1” is not known."),
        ("at", "2,2,2", "at “2,2,2” is not known."),
        ("ids", ",", "ids “,” names no run."),
        ("cols", "seed,colour", "The column “colour” is not known."),
        ("axis", "colour", "axis 'colour' is not known: choose model, subject,"),
    ],
)
def test_a_value_that_means_nothing_is_said(name: str, value: str, said: str) -> None:
    (sentence,) = unread_values({name: [value]})
    assert sentence.startswith(said)


@pytest.mark.parametrize(
    "query", [EVERYTHING.to_query(), {"page": "1", "show": "side", "pair": "AB"}, {}, {"sort": ""}]
)
def test_of_what_means_something_nothing_is_said(query: dict[str, str | list[str]]) -> None:
    assert unread_values({name: [text] if isinstance(text, str) else text for name, text in query.items()}) == []


def test_other_conditions_for_a_column_begin_on_the_first_page() -> None:
    view = EVERYTHING.with_pieces("prompt", ["x", "y"])
    assert view.pieces("prompt") == ("x", "y")
    assert view.pieces("rating") == ("",)
    assert view.page == 1
    assert EVERYTHING.with_pieces("rating", []).pieces("rating") == ()


@pytest.mark.parametrize("at", ["0.5,0.5", "2,0.5,3", "0.5,0.5,NaN", "0.5,0.5,1e9", "x", "0.5,0.5,3;", "-0.5,0,2"])
def test_a_place_that_no_viewer_wrote_is_left_out(at: str) -> None:
    assert CompareView.from_query({"at": [at]}).at == ""
