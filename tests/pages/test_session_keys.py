"""Two runs of one page at a session's state."""

import pytest
from streamlit.runtime.state.session_state import SessionState

from pages._ui.app.sessions.session_keys import read_keys_at_once


@pytest.mark.parametrize("part", ["_old_state", "_new_session_state"])
def test_a_name_that_another_run_adds_meanwhile_ends_no_page(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionState, "_keys", SessionState._keys)  # as it was, afterwards
    state = SessionState()
    for name in ("one", "two"):
        getattr(state, part)[name] = name
    known = SessionState._get_widget_id

    def meanwhile(state: SessionState, name: str) -> str:
        getattr(state, part)[f"added beside {name}"] = 1
        return known(state, name)

    monkeypatch.setattr(SessionState, "_get_widget_id", meanwhile)
    read_keys_at_once()
    assert {"one", "two"} <= set(state.filtered_state)


def test_it_names_what_streamlit_names(monkeypatch: pytest.MonkeyPatch) -> None:
    state = SessionState()
    state["own"] = 1
    state._old_state["kept"] = 2
    before = state._keys()
    monkeypatch.setattr(SessionState, "_keys", SessionState._keys)
    read_keys_at_once()
    assert state._keys() == before == {"own", "kept"}
