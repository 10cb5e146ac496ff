"""A part of a page that refreshes itself, beside what a person does."""

from collections.abc import Iterator

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from pages._ui.app.sessions.timed_runs import timed_runs_choose_nothing

TIMER = RerunData(
    fragment_id="status", is_auto_rerun=True, widget_states=WidgetStates(widgets=[WidgetState(id="q", string_value="")])
)
PERSON = RerunData(
    widget_states=WidgetStates(
        widgets=[WidgetState(id="q", string_value="beach"), WidgetState(id="open", trigger_value=True)]
    )
)


@pytest.fixture(autouse=True)
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    as_it_was = ScriptRequests._request_rerun_locked  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(ScriptRequests, "_request_rerun_locked", as_it_was)
    timed_runs_choose_nothing()
    yield


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ([TIMER], []),
        ([PERSON], ["q", "open"]),
        ([PERSON, TIMER], ["q", "open"]),
        ([TIMER, PERSON], ["q", "open"]),
        ([TIMER, TIMER], []),
    ],
)
def test_a_timer_brings_no_values_and_takes_away_none(asked: list[RerunData], taken: list[str]) -> None:
    requests = ScriptRequests()
    for each in asked:
        assert requests.request_rerun(each)
    states = requests.on_scriptrunner_ready().rerun_data.widget_states
    assert states is not None
    assert [state.id for state in states.widgets] == taken
    assert all(state.string_value == "beach" for state in states.widgets if state.id == "q")
