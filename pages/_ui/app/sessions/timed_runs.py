"""Parts of a page that refresh themselves: what the browser sends along with that is nobody's choice."""

from dataclasses import replace

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType


def timed_runs_choose_nothing() -> None:
    """Have Streamlit take no values of controls from what a timer of the browser asks for.

    In Streamlit 1.67 a fragment with `run_every` sends the values of all controls along, as the browser has them. Where
    the server is just setting others (a saved view is opened, filters are cleared), these are older ones, which count
    as changes by the person: they call `on_change`, and what was set is undone. Who changes a control sends its value
    at once, without waiting for a timer.
    """
    ask = ScriptRequests._request_rerun_locked  # pyright: ignore[reportPrivateUsage]

    def asked(self: ScriptRequests, new_data: RerunData) -> bool:
        if new_data.is_auto_rerun:
            # Beside a run that waits: what that one brings. Else none, which still lets go of buttons.
            is_beside = self._state == ScriptRequestType.RERUN  # pyright: ignore[reportPrivateUsage]
            new_data = replace(new_data, widget_states=None if is_beside else WidgetStates())
        return ask(self, new_data)

    ScriptRequests._request_rerun_locked = asked  # pyright: ignore[reportPrivateUsage]
