"""A page whose earlier run has not quite ended: Streamlit lets both at the session's state."""

from typing import Any

from streamlit.runtime.state.session_state import SessionState


def read_keys_at_once() -> None:
    """Have Streamlit take the names in a session's state at one moment, before it looks each up.

    In Streamlit 1.67 a run that is ending and the next one hold locks of their own over the same state. Where one adds
    a name while the other goes through them, the page ends with "dictionary changed size during iteration".
    """
    SessionState._keys = _keys  # pyright: ignore[reportPrivateUsage]


def _keys(self: Any) -> set[str]:
    named = [*list(self._old_state), *list(self._new_session_state)]
    return {self._get_widget_id(name) for name in named} | set(self._new_widget_state.keys())
